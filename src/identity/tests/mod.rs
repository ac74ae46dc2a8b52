//! People use a shop, and its copy, whose ids and tokens are others, gets their requests as they are substituted: no copy
//! may touch another row than its request did.

mod bounds;
mod model;
mod rules;

use std::fmt::Write;
use std::{collections::VecDeque, time::Duration};

use fastrand::Rng;
use model::{Answered, Asked, Shop};

use super::{Identity, Learning, SessionId};
use crate::{compare::Answer, http::RequestHead};

fn head(asked: &Asked) -> RequestHead {
    let mut text = format!(
        "{} {} HTTP/1.1\r\nHost: app.example\r\n",
        asked.method, asked.target
    );
    for (name, value) in &asked.headers {
        write!(text, "{name}: {value}\r\n").unwrap();
    }
    write!(text, "Content-Length: {}\r\n\r\n", asked.body.len()).unwrap();
    let mut head = RequestHead::default();
    head.parse(text.as_bytes(), 100).unwrap().unwrap();
    head
}

fn asked(method: &'static str, head: &RequestHead, body: String) -> Asked {
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    let mut headers = Vec::new();
    for name in ["Cookie", "Authorization"] {
        if let Some(value) = head.headers.named(name.as_bytes()).next() {
            headers.push((name, text(value)));
        }
    }
    Asked {
        method,
        target: text(head.target()),
        headers,
        body,
    }
}

fn answer(answered: &Answered) -> Answer<'_> {
    Answer {
        status: answered.status,
        headers: answered
            .headers
            .iter()
            .map(|(name, value)| (name.as_bytes(), value.as_bytes()))
            .collect(),
        body: answered.body.as_bytes(),
        length: answered.body.len() as u64,
        is_whole: true,
        at: 0,
        took: Duration::ZERO,
    }
}

/// One person, who knows what production answered.
#[derive(Default)]
struct Person {
    number: u64,
    cookie: Option<String>,
    bearer: Option<String>,
    /// The page that was seen last.
    page: String,
    /// Ids that the API gave out.
    orders: Vec<u64>,
    lines: Vec<u64>,
    waiting: VecDeque<Copy>,
}

struct Copy {
    number: usize,
    asked: Asked,
    session: SessionId,
    primary: Answered,
}

fn between<'a>(text: &'a str, begin: &str, end: char) -> Vec<&'a str> {
    let parts = text.split(begin).skip(1);
    parts.filter_map(|part| part.split(end).next()).collect()
}

impl Person {
    fn ask(&self, rng: &mut Rng, number: usize) -> Asked {
        let title = format!("title{}", number % 7);
        if self.bearer.is_some() || rng.u8(..10) == 0 {
            return self.ask_api(rng, &title);
        }
        let mut headers = Vec::new();
        if let Some(cookie) = &self.cookie {
            headers.push(("Cookie", format!("sid={cookie}")));
        }
        let get = |target: &str| Asked {
            method: "GET",
            target: target.to_owned(),
            headers: headers.clone(),
            body: String::new(),
        };
        let forms = between(&self.page, "<form action=", '>');
        let links = between(&self.page, "href=", '>');
        let csrf = between(&self.page, "name=csrf_token value=", '>');
        match rng.u8(..10) {
            0..3 if !links.is_empty() => get(links[rng.usize(..links.len())]),
            3..9 if !forms.is_empty() => {
                let at = rng.usize(..forms.len());
                let mut body = format!("csrf_token={}&title={title}", csrf[at.min(csrf.len() - 1)]);
                if forms[at] == "/login" {
                    write!(body, "&user={}", self.number).unwrap();
                }
                if forms[at] == "/lines" {
                    let order = between(&self.page, "name=order_id value=", '>');
                    write!(body, "&order_id={}", order[0]).unwrap();
                }
                let mut asked = Asked {
                    method: "POST",
                    body,
                    ..get(forms[at])
                };
                let form = "application/x-www-form-urlencoded".to_owned();
                asked.headers.push(("Content-Type", form));
                asked
            }
            _ => get(if self.page.is_empty() {
                "/login"
            } else {
                "/orders"
            }),
        }
    }

    fn ask_api(&self, rng: &mut Rng, title: &str) -> Asked {
        let Some(bearer) = &self.bearer else {
            return Asked {
                method: "POST",
                target: "/api/login".to_owned(),
                headers: vec![("Content-Type", "application/json".to_owned())],
                body: format!(r#"{{"user":{}}}"#, self.number),
            };
        };
        let headers = vec![
            ("Authorization", format!("Bearer {bearer}")),
            ("Content-Type", "application/json".to_owned()),
        ];
        let with = |method, target: String, body: String| Asked {
            method,
            target,
            headers: headers.clone(),
            body,
        };
        let body = format!(r#"{{"title":"{title}"}}"#);
        let one = |rng: &mut Rng, of: &[u64]| of[rng.usize(..of.len())];
        match rng.u8(..6) {
            1 if !self.orders.is_empty() => {
                let order = one(rng, &self.orders);
                with("GET", format!("/api/orders/{order}"), String::new())
            }
            2 if !self.orders.is_empty() => {
                let order = one(rng, &self.orders);
                with("PUT", format!("/api/orders/{order}"), body)
            }
            3 if !self.orders.is_empty() => {
                let order = one(rng, &self.orders);
                let body = format!(r#"{{"order_id": {order}, "title":"{title}"}}"#);
                with("POST", "/api/lines".to_owned(), body)
            }
            4 if !self.lines.is_empty() => {
                let line = one(rng, &self.lines);
                with("PUT", format!("/api/lines/{line}"), body)
            }
            5 if self.orders.len() > 3 => {
                let order = one(rng, &self.orders);
                with("DELETE", format!("/api/orders/{order}"), String::new())
            }
            _ => with("POST", "/api/orders".to_owned(), body),
        }
    }

    fn see(&mut self, asked: &Asked, answered: &Answered) {
        if let Some(line) = answered.header("Set-Cookie") {
            let value = line.trim_start_matches("sid=").split(';').next();
            self.cookie = value.map(str::to_owned);
        }
        if let Ok(value) = serde_json::from_str::<serde_json::Value>(&answered.body) {
            if let Some(token) = value["access_token"].as_str() {
                self.bearer = Some(token.to_owned());
            }
            if asked.method == "POST" {
                self.orders.extend(value["id"].as_u64());
                self.lines.extend(value["line"]["id"].as_u64());
            }
        } else if answered.status == 200 {
            self.page.clone_from(&answered.body);
        }
    }
}

#[derive(Debug, Default)]
struct Tally {
    copies: u32,
    /// Ended as in production.
    alive: u32,
    wrong: u32,
    withheld: u32,
    lost: u32,
}

struct Run {
    seed: u64,
    requests: usize,
    /// Rows that only the shadow has, and the share of copies that are lost.
    drift: u64,
    loss: f64,
    rotates: bool,
}

fn run(settings: &Run) -> Tally {
    let mut rng = Rng::with_seed(settings.seed);
    let mut primary = Shop::new(rng.u64(..), settings.rotates);
    let mut shadow = Shop::new(rng.u64(..), settings.rotates);
    shadow.drift(settings.drift);
    let mut identity = Identity::new(8 << 20);
    let mut people: Vec<Person> = (0..6)
        .map(|number| Person {
            number,
            ..Person::default()
        })
        .collect();
    let mut tally = Tally::default();
    let mut number = 0;
    while number < settings.requests || people.iter().any(|person| !person.waiting.is_empty()) {
        let at = rng.usize(..people.len());
        let person = &mut people[at];
        if number < settings.requests && (person.waiting.is_empty() || rng.bool()) {
            if rng.u16(..200) == 0 {
                let waiting = std::mem::take(&mut person.waiting);
                let number = person.number;
                *person = Person {
                    number,
                    waiting,
                    ..Person::default()
                };
            }
            let asked = person.ask(&mut rng, number);
            let head = head(&asked);
            let answered = primary.handle(&asked, &format!("made{number}"));
            let session = identity.session(&head, None);
            identity.issued(session, &head, &answer(&answered));
            person.see(&asked, &answered);
            person.waiting.push_back(Copy {
                number,
                asked,
                session,
                primary: answered,
            });
            number += 1;
            if number == settings.requests / 2 {
                let mut again = Identity::new(8 << 20);
                again.restore(&identity.save()).unwrap();
                identity = again;
            }
        } else if let Some(copy) = person.waiting.pop_front() {
            deliver(
                &mut identity,
                &mut shadow,
                &copy,
                rng.f64() < settings.loss,
                &mut tally,
            );
        }
    }
    tally
}

fn deliver(
    identity: &mut Identity,
    shadow: &mut Shop,
    copy: &Copy,
    is_lost: bool,
    tally: &mut Tally,
) {
    let head = head(&copy.asked);
    let primary = answer(&copy.primary);
    tally.copies += 1;
    let substituted = identity.substitute(copy.session, &head, Some(copy.asked.body.as_bytes()));
    let theirs = match substituted {
        Ok(substituted) if !is_lost => {
            let body = substituted.body.map_or(copy.asked.body.clone(), |body| {
                String::from_utf8(body).unwrap()
            });
            let sent = asked(
                copy.asked.method,
                substituted.head.as_deref().unwrap_or(&head),
                body,
            );
            Some(shadow.handle(&sent, &format!("made{}", copy.number)))
        }
        Ok(_) => {
            tally.lost += 1;
            None
        }
        Err(_) => {
            tally.withheld += 1;
            None
        }
    };
    if let Some(theirs) = &theirs {
        tally.alive += u32::from(theirs.status == copy.primary.status);
        if !theirs.touched.is_empty() && theirs.touched != copy.primary.meant {
            tally.wrong += 1;
        }
    }
    let theirs = theirs.as_ref().map(answer);
    identity.learn(&Learning {
        session: copy.session,
        head: &head,
        primary: &primary,
        shadow: theirs.as_ref(),
    });
}

fn runs(count: u64, drift: u64, loss: f64) -> Tally {
    let mut all = Tally::default();
    for seed in 0..count {
        let tally = run(&Run {
            seed,
            requests: 500,
            drift,
            loss,
            rotates: seed % 2 == 0,
        });
        all.copies += tally.copies;
        all.alive += tally.alive;
        all.wrong += tally.wrong;
        all.withheld += tally.withheld;
        all.lost += tally.lost;
    }
    all
}

#[test]
fn sessions_live_on_a_shadow_that_takes_every_copy() {
    for drift in [0, 3] {
        let tally = runs(20, drift, 0.0);
        assert_eq!(tally.wrong, 0, "{tally:?}");
        assert!(tally.alive * 100 >= tally.copies * 99, "{tally:?}");
    }
}

#[test]
fn no_copy_touches_anothers_row_where_copies_are_lost() {
    let tally = runs(20, 3, 0.02);
    assert_eq!(tally.wrong, 0, "{tally:?}");
    assert!(tally.alive * 100 >= tally.copies * 85, "{tally:?}");
}

#[test]
fn what_is_no_state_changes_nothing() {
    let mut identity = Identity::new(1 << 20);
    let whole = identity.save();
    for bytes in [
        &b""[..],
        b"TEEIDN00",
        &whole[..whole.len() - 1],
        &whole[..9],
    ] {
        assert!(identity.restore(bytes).is_err());
    }
    assert!(identity.restore(&whole).is_ok());
}

/// Takes minutes: `cargo test --lib identity -- --ignored`.
#[test]
#[ignore = "100,000 requests take minutes"]
fn no_copy_of_many_touches_anothers_row() {
    for (drift, loss) in [(0, 0.0), (3, 0.0), (3, 0.02), (40, 0.1)] {
        let tally = runs(50, drift, loss);
        assert_eq!(tally.wrong, 0, "{tally:?}");
    }
}
