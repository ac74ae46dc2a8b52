//! From pairs to reports, through all of the comparer.

mod examples;
mod reports;
mod rules;
mod times;
mod varying;

use std::time::Duration;

use super::{Comparer, Outcome, PairIn, Settings, Taken};
use crate::compare::{
    answer::{Answer, Asked, Counterpart},
    report::{Report, Status, Style, html, junit, markdown, text},
    rules::Rules,
};

fn page(report: &Report) -> String {
    text(report, Style::default())
}

const NOW: i64 = 1_790_000_000_000;

/// A request and what each side answers.
struct Exchange {
    method: &'static str,
    target: String,
    cookie: Option<String>,
    primary: Side,
    shadow: Side,
    at: i64,
    counterparts: Vec<Counterpart>,
}

#[derive(Clone)]
struct Side {
    status: u16,
    headers: Vec<(String, String)>,
    body: String,
    took: Duration,
}

fn json(body: &str) -> Side {
    Side {
        status: 200,
        headers: vec![("Content-Type".to_owned(), "application/json".to_owned())],
        body: body.to_owned(),
        took: Duration::from_millis(5),
    }
}

fn status(status: u16, header: Option<(&str, &str)>) -> Side {
    Side {
        status,
        headers: header
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .into_iter()
            .collect(),
        ..json("")
    }
}

fn website(body: &str) -> Side {
    Side {
        headers: vec![("Content-Type".to_owned(), "text/html".to_owned())],
        ..json(body)
    }
}

fn get(target: &str, primary: Side, shadow: Side) -> Exchange {
    Exchange {
        method: "GET",
        target: target.to_owned(),
        cookie: None,
        primary,
        shadow,
        at: NOW,
        counterparts: Vec::new(),
    }
}

impl Side {
    fn answer(&self, at: i64) -> Answer<'_> {
        Answer {
            status: self.status,
            headers: self
                .headers
                .iter()
                .map(|(name, value)| (name.as_bytes(), value.as_bytes()))
                .collect(),
            body: self.body.as_bytes(),
            length: self.body.len() as u64,
            is_whole: true,
            at,
            took: self.took,
        }
    }
}

impl Exchange {
    fn by(mut self, cookie: &str) -> Self {
        self.cookie = Some(cookie.to_owned());
        self
    }

    fn at(mut self, seconds: i64) -> Self {
        self.at = NOW + seconds * 1000;
        self
    }

    fn pair(&self) -> PairIn<'_> {
        let mut headers: Vec<(&[u8], &[u8])> = vec![(b"Host", b"shop.example")];
        if let Some(cookie) = &self.cookie {
            headers.push((b"Cookie", cookie.as_bytes()));
        }
        PairIn {
            request_id: &self.target,
            asked: Asked {
                method: self.method.as_bytes(),
                target: self.target.as_bytes(),
                headers,
                body: None,
            },
            primary: self.primary.answer(self.at),
            shadow: self.shadow.answer(self.at + 30),
            counterparts: &self.counterparts,
        }
    }
}

fn take(comparer: &mut Comparer, exchange: &Exchange) -> Taken {
    comparer.take(&exchange.pair())
}

/// An order, with a token that is random on each side.
fn order(id: u32, total: &str, token: u32) -> Side {
    json(&format!(
        r#"{{"id":{id},"total":"{total}","token":"{:032x}"}}"#,
        u128::from(token).wrapping_mul(0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835)
    ))
}

/// A comparer that has seen orders whose totals are a hundredth on the shadow from ten lines on.
fn with_orders() -> Comparer {
    let mut comparer = Comparer::new(Settings::default());
    for id in 0..200 {
        let total = format!("{}.25", 100 + id);
        let wrong = format!("{}.{:02}25", (100 + id) / 100, (100 + id) % 100);
        let is_wrong = id % 10 == 0;
        let target = format!("/orders/{id}{}", if is_wrong { "?full=1" } else { "" });
        let shadow = order(id, if is_wrong { &wrong } else { &total }, id + 7_000);
        take(
            &mut comparer,
            &get(&target, order(id, &total, id), shadow).at(i64::from(id)),
        );
    }
    comparer
}

fn sums_are_right(report: &Report) {
    let requests = report.requests;
    let not_compared: u64 = report.not_compared.values().sum();
    assert_eq!(requests.compared + not_compared, requests.answered);
    assert_eq!(
        requests.identical + requests.explained + requests.different + requests.unconfirmed,
        requests.compared
    );
}

#[test]
fn a_fault_is_one_cause_with_its_condition_and_noise_is_none() {
    let report = with_orders().report(NOW);
    sums_are_right(&report);
    let causes: Vec<_> = report.confirmed().collect();
    assert_eq!(causes.len(), 1, "{}", page(&report));
    let cause = causes[0];
    assert_eq!(cause.title, "total is 100 times smaller");
    assert_eq!(cause.routes[0].route, "GET /orders/{n}");
    assert_eq!((cause.routes[0].different, cause.routes[0].of), (20, 200));
    assert_eq!(cause.when[0].feature, "?full");
    assert_eq!(
        (cause.when[0].hit, cause.when[0].miss),
        ([20, 20], [0, 180])
    );
    assert_eq!(report.requests.different, 20);
    assert_eq!(report.requests.explained, 180);
}

#[test]
fn an_id_of_a_cause_is_the_same_in_another_run() {
    let id = |report: &Report| report.confirmed().next().unwrap().id.clone();
    assert_eq!(
        id(&with_orders().report(NOW)),
        id(&with_orders().report(NOW + 5))
    );
}

#[test]
fn what_was_learned_survives_a_restart() {
    let mut comparer = with_orders();
    let before = comparer.report(NOW);
    let saved = comparer.save();
    let mut other = Comparer::new(Settings::default());
    other.restore(&saved).unwrap();
    let mut after = other.report(NOW);
    after.learned = before.learned;
    assert_eq!(after, before);
    assert!(other.restore(b"TEELRN00").is_err());
    assert!(other.restore(&saved[..saved.len() / 2]).is_err());
    assert_eq!(other.report(NOW).causes, before.causes);
    other.reset();
    assert_eq!(other.report(NOW).requests.answered, 0);
}

#[test]
fn a_rule_hides_what_it_is_for_and_tells_how_much() {
    let mut comparer = with_orders();
    let rules = "[[rule]]\nplace = \"$.total\"\naction = \"expected\"\n[[rule]]\nplace = \"$.gone\"\naction = \"ignore\"\n";
    comparer.set(Settings {
        rules: Rules::parse(rules).unwrap(),
        ..Settings::default()
    });
    let report = comparer.report(NOW);
    sums_are_right(&report);
    assert_eq!(report.causes, []);
    assert_eq!(report.rules[0].hides, 20);
    assert_eq!(report.rules[1].note, "hides nothing any more");
}

#[test]
fn a_missing_field_is_certain_at_its_first_pair() {
    let mut comparer = Comparer::new(Settings::default());
    let whole = json(r#"{"a":1,"b":2}"#);
    for _ in 0..9 {
        let taken = take(&mut comparer, &get("/x", whole.clone(), whole.clone()));
        assert_eq!(taken.outcome, Outcome::Identical);
    }
    let taken = take(&mut comparer, &get("/x", whole, json(r#"{"a":1}"#)));
    assert_eq!(taken.news.as_deref(), Some("GET /x: b is gone"));
}

#[test]
fn lost_sessions_stand_above_all_and_nothing_is_learned_from_them() {
    let mut comparer = Comparer::new(Settings::default());
    let login = ("Set-Cookie", "sid=0123456789abcdef; path=/");
    let mut post = get("/login", status(303, Some(login)), status(303, None));
    post.method = "POST";
    take(&mut comparer, &post);
    for target in ["/account", "/orders", "/account", "/public"] {
        let refused = status(302, Some(("Location", "/login")));
        let shadow = if target == "/public" {
            json(r#"{"user":null}"#)
        } else {
            refused
        };
        let exchange = get(target, json(r#"{"user":"ada"}"#), shadow);
        take(&mut comparer, &exchange.by("sid=0123456789abcdef"));
    }
    let report = comparer.report(NOW);
    sums_are_right(&report);
    let first = &report.causes[0];
    assert_eq!(
        first.title,
        "the shadow has lost 1 of 1 sessions, from `POST /login` on"
    );
    let others: Vec<_> = report
        .confirmed()
        .skip(1)
        .filter(|cause| cause.kind == "status")
        .collect();
    assert_eq!(others, Vec::<&crate::compare::report::Cause>::new());
}

#[test]
fn what_the_baseline_does_as_well_is_no_difference_of_the_upgrade() {
    let settings = Settings {
        has_baseline: true,
        ..Settings::default()
    };
    let mut comparer = Comparer::new(settings);
    for id in 0..60_u32 {
        // Each third order has changed in production since the copies were made; the note is the upgrade's fault.
        let side =
            |total: u32, note: &str| json(&format!(r#"{{"total":{total},"note":"{note}"}}"#));
        let drifted = if id % 3 == 0 { 77_777 } else { id };
        let exchange =
            get(&format!("/orders/{id}"), side(id, "x"), side(drifted, "")).at(i64::from(id));
        assert_eq!(take(&mut comparer, &exchange).outcome, Outcome::Waiting);
        let baseline = side(drifted, "x");
        let taken = comparer.take_baseline(&exchange.target, &baseline.answer(exchange.at + 20));
        assert_eq!(taken.unwrap().outcome, Outcome::Recorded);
    }
    let lost = get("/account", json("{}"), json("{}")).at(61);
    take(&mut comparer, &lost);
    let login = status(302, Some(("Location", "/login")));
    comparer.take_baseline("/account", &login.answer(lost.at));
    comparer.finish();
    let report = comparer.report(NOW);
    sums_are_right(&report);
    let titles: Vec<&str> = report.confirmed().map(|cause| &*cause.title).collect();
    assert_eq!(titles, ["note is empty"]);
    assert!(report.unconfirmed().next().is_none());
    assert_eq!(report.not_compared["baseline_lost_session"], 1);
}

#[test]
fn memory_is_bounded_whatever_comes() {
    const BYTES: usize = 4 << 20;
    let mut comparer = Comparer::new(Settings {
        bytes: BYTES,
        ..Settings::default()
    });
    for id in 0..4_000_u32 {
        let word: String = id
            .to_string()
            .bytes()
            .map(|digit| char::from(digit + 49))
            .collect();
        let body = |value: u32| {
            json(&format!(
                r#"{{"a{word}":{value},"b":"{}"}}"#,
                "x".repeat(300)
            ))
        };
        let exchange = get(&format!("/{word}/x?{word}={word}"), body(1), body(2)).at(i64::from(id));
        take(&mut comparer, &exchange);
    }
    assert!(comparer.bytes() < BYTES * 2, "{} bytes", comparer.bytes());
    let report = comparer.report(NOW);
    assert!(report.learned.evicted > 0);
    sums_are_right(&report);
}

#[test]
fn probes_are_few_and_only_for_what_is_not_certain() {
    // Numbers without any order.
    let mixed = |seed: u32| {
        let mixed = (seed ^ (seed >> 16)).wrapping_mul(0x7feb_352d);
        let mixed = (mixed ^ (mixed >> 15)).wrapping_mul(0x846c_a68b);
        (mixed ^ (mixed >> 16)) % 1_000
    };
    let side = |seed: u32| json(&format!(r#"{{"value":{}}}"#, mixed(seed)));
    let mut comparer = Comparer::new(Settings::default());
    let mut probes = 0;
    for id in 0..1_000_u32 {
        let exchange = get(&format!("/x/{id}"), side(id), side(id + 5_000)).at(i64::from(id));
        let Some(probe) = take(&mut comparer, &exchange).probe else {
            continue;
        };
        probes += 1;
        assert_eq!(probe.request_id, exchange.target);
        comparer.probed(probe.number, &side(id + 9_000).answer(exchange.at + 100));
    }
    assert!((3..=10).contains(&probes), "{probes} probes");
}

#[test]
fn a_slower_route_is_told() {
    let mut comparer = Comparer::new(Settings::default());
    for id in 0..50_u32 {
        let fast = json("{}");
        let slow = Side {
            took: Duration::from_millis(40 + u64::from(id % 7)),
            ..fast.clone()
        };
        take(
            &mut comparer,
            &get("/reports", fast, slow).at(i64::from(id)),
        );
    }
    let report = comparer.report(NOW);
    assert_eq!(report.slower[0].route, "GET /reports");
    assert!(report.slower[0].low > 7.0);
}

#[test]
fn a_shadow_that_is_slower_on_all_routes_is_one_line_in_each_form() {
    let mut comparer = Comparer::new(Settings::default());
    for id in 0..300_u32 {
        let fast = json("{}");
        let slow = Side {
            took: Duration::from_millis(10 + u64::from(id % 3)),
            ..fast.clone()
        };
        let target = format!(
            "/{}",
            ["red", "green", "blue", "white", "black"][id as usize % 5]
        );
        take(&mut comparer, &get(&target, fast, slow).at(i64::from(id)));
    }
    let report = comparer.report(NOW);
    assert_eq!(report.slower, []);
    let sentence = "times as long as production (";
    for text in [
        page(&report),
        html(&report),
        markdown(&report),
        junit(&report),
    ] {
        assert_eq!(text.matches(sentence).count(), 1, "{text}");
        assert!(text.contains("most routes (5 of 5)"), "{text}");
    }
}

#[test]
fn each_form_of_a_report_bears_hostile_values() {
    let mut comparer = Comparer::new(Settings::default());
    let evil = "</pre><script>alert(1)</script>```\\u001b[31m|*_";
    for id in 0..30_u32 {
        let primary = json(r#"{"x":"fine"}"#);
        let shadow = json(&format!(r#"{{"x":"{evil}"}}"#));
        let target = format!("/a/{id}?q=<b>'\"$(x)");
        take(
            &mut comparer,
            &get(&target, primary, shadow).at(i64::from(id)),
        );
    }
    let report = comparer.report(NOW);
    assert_eq!(report.confirmed().count(), 1);
    let file = html(&report);
    assert!(!file.contains("<script") && !file.contains("<b>"));
    assert!(!page(&report).contains('\u{1b}'));
    assert_eq!(markdown(&report).matches("```").count(), 2);
    assert!(junit(&report).contains("&lt;/pre>") || junit(&report).contains("&lt;/pre&gt;"));
    let read: Report = serde_json::from_str(&serde_json::to_string(&report).unwrap()).unwrap();
    assert_eq!(read, report);
    assert!(
        report
            .causes
            .iter()
            .all(|cause| cause.status == Status::Confirmed)
    );
}

#[test]
fn an_error_that_comes_again_says_nothing_of_other_answers() {
    let mut comparer = Comparer::new(Settings::default());
    let took = |seed: u32| {
        let hundredths = seed.wrapping_mul(2_654_435_761) % 97;
        json(&format!(
            r#"{{"id":1,"footer":"Queries took {hundredths} hundredths"}}"#
        ))
    };
    let missing = status(404, None);
    for turn in 0..32 {
        let seconds = i64::from(turn);
        let target = format!("/products/{}", 100 + turn);
        let found = get(&target, took(turn), took(turn + 500)).at(seconds);
        take(&mut comparer, &found);
        let again = get("/products/99999", missing.clone(), missing.clone()).at(seconds);
        take(&mut comparer, &again);
    }
    let report = comparer.report(NOW + 60_000);
    let confirmed = report
        .causes
        .iter()
        .filter(|cause| cause.status == Status::Confirmed);
    assert_eq!(confirmed.count(), 0, "{}", page(&report));
}

#[test]
fn an_answer_without_a_place_says_nothing_of_the_place_when_it_comes_again() {
    let mut comparer = Comparer::new(Settings::default());
    for turn in 0..32_u32 {
        let noise = |seed: u32| {
            let value = seed.wrapping_mul(2_654_435_761) % 9_973;
            json(&format!(r#"{{"rows":[1,2],"load":{value}}}"#))
        };
        let plain = json(r#"{"rows":[1,2]}"#);
        let seconds = i64::from(turn);
        let target = format!("/products.json?next={turn}");
        take(
            &mut comparer,
            &get(&target, noise(turn), noise(turn + 700)).at(seconds),
        );
        let again = get("/products.json?short=1", plain.clone(), plain);
        take(&mut comparer, &again.at(seconds));
    }
    let report = comparer.report(NOW + 60_000);
    let confirmed = report
        .causes
        .iter()
        .filter(|cause| cause.status == Status::Confirmed);
    assert_eq!(confirmed.count(), 0, "{}", page(&report));
}

#[test]
fn how_long_a_query_took_is_not_held_against_the_busier_side() {
    let mut comparer = Comparer::new(Settings::default());
    for turn in 0..60_u32 {
        let noise = f64::from(turn.wrapping_mul(2_654_435_761) % 89) / 97.0;
        let body = |took: f64| json(&format!(r#"{{"id":1,"query_ms":{took}}}"#));
        let exchange = get("/products.json", body(3.1 + noise), body(4.7 + noise / 3.0));
        take(&mut comparer, &exchange.at(i64::from(turn)));
    }
    let report = comparer.report(NOW + 60_000);
    let confirmed = report
        .causes
        .iter()
        .filter(|cause| cause.status == Status::Confirmed);
    assert_eq!(confirmed.count(), 0, "{}", page(&report));
}

#[test]
fn a_method_that_is_refused_twice_is_certain() {
    let mut comparer = Comparer::new(Settings::default());
    for turn in 0..2 {
        let exchange = get(
            "/logout",
            json(r#"{"bye":true}"#),
            status(405, Some(("Allow", "POST"))),
        );
        take(&mut comparer, &exchange.at(turn));
    }
    let report = comparer.report(NOW + 60_000);
    assert_eq!(report.causes.len(), 1, "{}", page(&report));
    assert_eq!(report.causes[0].status, Status::Confirmed);
}

#[test]
fn a_new_form_is_told_without_its_token() {
    let mut comparer = Comparer::new(Settings::default());
    let mut tokens = Vec::new();
    for turn in 0..8_u32 {
        let html = |form: &str| Side {
            headers: vec![("Content-Type".to_owned(), "text/html".to_owned())],
            ..json(&format!("<html><body><h1>Books</h1>{form}</body></html>"))
        };
        let seed = u128::from(turn + 3);
        let token = format!(
            "{:032X}",
            seed.wrapping_mul(0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835)
        );
        let form = format!(
            r#"<form method="post" action="/logout"><input type="hidden" name="csrfmiddlewaretoken" value="{token}"><button>Log out</button></form>"#
        );
        tokens.push(token);
        let exchange = get(&format!("/books/{turn}"), html(""), html(&form));
        take(&mut comparer, &exchange.at(i64::from(turn)));
    }
    let report = comparer.report(NOW + 60_000);
    let page = page(&report);
    assert!(
        page.contains("/logout") && page.contains("is new"),
        "{page}"
    );
    for token in tokens {
        assert!(!page.contains(&token[..8]), "{token}: {page}");
    }
}

fn confirmed_of(report: &Report) -> Vec<&str> {
    let confirmed = |cause: &&crate::compare::report::Cause| cause.status == Status::Confirmed;
    let causes = report.causes.iter().filter(confirmed);
    causes.map(|cause| cause.title.as_str()).collect()
}

#[track_caller]
fn finds_nothing(report: &Report) {
    let confirmed = confirmed_of(report);
    assert_eq!(confirmed, <[&str; 0]>::default(), "{}", page(report));
}

#[test]
fn what_comes_a_few_times_on_each_of_several_routes_is_certain() {
    let mut comparer = Comparer::new(Settings::default());
    for (turn, route) in ["/red", "/green", "/blue"].into_iter().enumerate() {
        for again in 0..2 {
            let exchange = get(
                &format!("{route}/export?page={again}"),
                status(404, None),
                status(301, Some(("Location", "/exports"))),
            );
            let at = i64::try_from(turn).expect("few") * 10 + again;
            take(&mut comparer, &exchange.at(at));
        }
    }
    let report = comparer.report(NOW + 60_000);
    assert_eq!(confirmed_of(&report).len(), 1, "{}", page(&report));
}

#[test]
fn a_token_in_an_address_that_each_side_makes_for_itself_is_noise() {
    let mut comparer = Comparer::new(Settings::default());
    let body = |seed: u128| {
        let token = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835);
        json(&format!(
            r#"{{"sync":"http://calendar.example/ns/sync/{token:032x}"}}"#
        ))
    };
    for turn in 0..20 {
        // Each side gives its own token again when it is asked again.
        let mut exchange = get("/work", body(7), body(1_000_003));
        exchange.cookie = Some("session=0123456789abcdef0123".to_owned());
        take(&mut comparer, &exchange.at(turn));
    }
    let report = comparer.report(NOW + 60_000);
    finds_nothing(&report);
}

#[test]
fn an_entry_of_a_table_that_comes_a_moment_earlier_is_not_certain() {
    let mut comparer = Comparer::new(Settings::default());
    for turn in 0..32 {
        let shadow = if turn == 9 {
            r#"{"lamp":{"n":1},"made-3-by-2":{"n":1}}"#
        } else {
            r#"{"lamp":{"n":1}}"#
        };
        let exchange = get("/all", json(r#"{"lamp":{"n":1}}"#), json(shadow));
        take(&mut comparer, &exchange.at(turn));
    }
    let report = comparer.report(NOW + 60_000);
    finds_nothing(&report);
}

#[test]
fn a_condition_that_nearly_all_meet_is_not_made_by_counting_some_of_them() {
    let mut comparer = Comparer::new(Settings::default());
    let mixed = |seed: u32| (seed.wrapping_mul(0x7feb_352d) >> 12) % 900 + 50;
    for id in 0..700_u32 {
        let value = mixed(id);
        // One of eight agrees by chance; one of 33 has not the parameter.
        let other = if id % 8 == 0 {
            value
        } else {
            mixed(id + 9_000)
        };
        let target = format!("/x/{id}{}", if id % 33 == 0 { "" } else { "?deep=1" });
        let side = |value| json(&format!(r#"{{"online":{value}}}"#));
        take(
            &mut comparer,
            &get(&target, side(value), side(other)).at(i64::from(id)),
        );
    }
    let report = comparer.report(NOW);
    assert_eq!(report.confirmed().count(), 0, "{}", page(&report));
}

#[test]
fn a_token_that_each_side_made_once_and_keeps_is_not_held_against_the_shadow() {
    let mut comparer = Comparer::new(Settings::default());
    let package = |revision: u32| order(1, "2.00", revision);
    for turn in 0..200_u32 {
        // What was there before has one revision on both sides, what was made since has two.
        let made = 1_000 + turn % 100;
        let there = if turn % 5 == 0 { made + 500 } else { made };
        let target = format!("/packages/{turn}");
        let exchange = get(&target, package(made), package(there)).at(i64::from(turn) * 10);
        if let Some(probe) = take(&mut comparer, &exchange).probe {
            comparer.probed(probe.number, &package(there).answer(exchange.at + 100));
        }
    }
    let report = comparer.report(NOW + 60_000_000);
    finds_nothing(&report);
}

#[test]
fn why_a_cause_counts_is_said_of_what_it_is_called_by() {
    let mut comparer = Comparer::new(Settings::default());
    for turn in 0..40 {
        let one = website("<p id=a>Terms of use</p>");
        let other = website("<p id=b>Imprint</p><p id=c>Contact</p>");
        take(&mut comparer, &get("/page", one, other).at(turn));
    }
    let report = comparer.report(NOW + 60_000);
    let cause = &report.causes[0];
    assert!(cause.title.contains("is gone"), "{}", page(&report));
    assert!(
        cause.evidence.contains("always had it"),
        "{}",
        page(&report)
    );
}

#[test]
fn a_number_that_became_a_text_is_shown_in_quotes() {
    let mut comparer = Comparer::new(Settings::default());
    for id in 0..10 {
        let (one, other) = (
            json(&format!(r#"{{"id":{id}}}"#)),
            json(&format!(r#"{{"id":"{id}"}}"#)),
        );
        take(
            &mut comparer,
            &get(&format!("/things/{id}"), one, other).at(id),
        );
    }
    let report = comparer.report(NOW + 60_000);
    let example = &report.causes[0].example;
    assert_eq!(example.primary.as_deref(), Some("0"), "{}", page(&report));
    assert_eq!(example.shadow.as_deref(), Some("\"0\""));
}

#[test]
fn the_address_of_what_was_made_is_no_redirect() {
    let mut comparer = Comparer::new(Settings::default());
    for turn in 0..10 {
        let made = status(201, Some(("Location", "/comments/7")));
        let mut exchange = get("/comments", made, status(201, None));
        exchange.method = "POST";
        take(&mut comparer, &exchange.at(turn));
    }
    let report = comparer.report(NOW + 60_000);
    assert_eq!(confirmed_of(&report), ["header location is gone"]);
}

#[test]
fn a_thing_that_was_changed_some_minutes_later_is_no_shift_of_all_times() {
    let mut comparer = Comparer::new(Settings::default());
    for page in 0..9 {
        let things = |changed: &str| {
            let others = format!("2026-0{}-02T10:00:00Z", 1 + page % 5);
            json(&format!(
                r#"[{{"id":1,"at":"{changed}"}},{{"id":2,"at":"{others}"}}]"#
            ))
        };
        let (one, other) = (
            things("2026-08-27T03:54:00Z"),
            things("2026-08-27T03:45:00Z"),
        );
        take(
            &mut comparer,
            &get(&format!("/things?page={page}"), one, other).at(page),
        );
    }
    let report = comparer.report(NOW + 60_000);
    finds_nothing(&report);
}
