//! A small shop: people log in, make orders with lines, change and delete them, over pages and over JSON. Ids are small and
//! collide on purpose; tokens are random.

use std::collections::BTreeMap;

use fastrand::Rng;

/// What the shop is asked.
#[derive(Clone, Debug, Default)]
pub(super) struct Asked {
    pub(super) method: &'static str,
    pub(super) target: String,
    pub(super) headers: Vec<(&'static str, String)>,
    pub(super) body: String,
}

/// What it answers, and which rows it touched, by names that are the same on both sides.
#[derive(Clone, Debug, Default)]
pub(super) struct Answered {
    pub(super) status: u16,
    pub(super) headers: Vec<(&'static str, String)>,
    pub(super) body: String,
    pub(super) touched: Vec<String>,
    /// What it was about, be it there or not.
    pub(super) meant: Vec<String>,
}

impl Answered {
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        let mut named = self.headers.iter().filter(|(known, _)| *known == name);
        named.next().map(|(_, value)| value.as_str())
    }
}

#[derive(Clone, Debug)]
struct Row {
    /// The same on both sides.
    name: String,
    title: String,
    owner: u64,
}

#[derive(Clone, Debug, Default)]
struct Session {
    user: Option<u64>,
    csrf: Vec<String>,
}

/// One instance of it.
#[derive(Clone, Debug)]
pub(super) struct Shop {
    rng: Rng,
    next_order: u64,
    next_line: u64,
    orders: BTreeMap<u64, Row>,
    lines: BTreeMap<u64, (u64, Row)>,
    sessions: BTreeMap<String, Session>,
    bearers: BTreeMap<String, u64>,
    /// What each row is called, also when it is gone.
    names: BTreeMap<(&'static str, u64), String>,
    /// Cookies are given anew in every answer.
    pub(super) rotates: bool,
}

pub(super) fn token(rng: &mut Rng) -> String {
    const ALPHABET: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
    (0..24)
        .map(|_| char::from(ALPHABET[rng.usize(..ALPHABET.len())]))
        .collect()
}

fn field(body: &str, name: &str) -> Option<String> {
    body.split('&').find_map(|pair| {
        let (known, value) = pair.split_once('=')?;
        (known == name).then(|| value.to_owned())
    })
}

fn answer(status: u16, body: String) -> Answered {
    Answered {
        status,
        headers: vec![("Content-Type", "text/html".to_owned())],
        body,
        touched: Vec::new(),
        meant: Vec::new(),
    }
}

fn redirect(to: &str) -> Answered {
    let mut answered = answer(302, String::new());
    answered.headers.push(("Location", to.to_owned()));
    answered
}

fn json(status: u16, body: String) -> Answered {
    Answered {
        status,
        headers: vec![("Content-Type", "application/json".to_owned())],
        body,
        touched: Vec::new(),
        meant: Vec::new(),
    }
}

impl Shop {
    pub(super) fn new(seed: u64, rotates: bool) -> Self {
        let row = |kind: &str, number: u64| Row {
            name: format!("{kind}{number}"),
            title: format!("{kind} of old {}", number % 3),
            owner: number % 4,
        };
        Self {
            rng: Rng::with_seed(seed),
            next_order: 6,
            next_line: 6,
            orders: (1..6).map(|n| (n, row("order", n))).collect(),
            lines: (1..6).map(|n| (n, (n, row("line", n)))).collect(),
            sessions: BTreeMap::new(),
            bearers: BTreeMap::new(),
            names: BTreeMap::new(),
            rotates,
        }
    }

    /// Somebody else makes rows that the other side doesn't have.
    pub(super) fn drift(&mut self, rows: u64) {
        for _ in 0..rows {
            let id = self.next_order;
            self.next_order += 1;
            let row = Row {
                name: format!("drift{}", self.rng.u64(..)),
                title: "somebody's".to_owned(),
                owner: 99,
            };
            self.orders.insert(id, row);
            self.next_line += 1;
        }
    }

    /// `name`: what rows that are made are called.
    pub(super) fn handle(&mut self, asked: &Asked, name: &str) -> Answered {
        let mut answered = self.answer(asked, name);
        for (id, row) in &self.orders {
            self.names.insert(("orders", *id), row.name.clone());
        }
        for (id, (_, row)) in &self.lines {
            self.names.insert(("lines", *id), row.name.clone());
        }
        answered.meant.clone_from(&answered.touched);
        if answered.meant.is_empty() {
            let sent = format!(
                "{}&{}",
                asked.target,
                asked
                    .body
                    .replace(['"', '{', '}', ' '], "")
                    .replace([':', ','], "&")
            );
            let number = |begin: &str| {
                let rest = sent.split(begin).nth(1)?;
                rest.trim_start_matches(['=', '&'])
                    .split(['/', '&'])
                    .next()?
                    .parse()
                    .ok()
            };
            let meant = [
                ("orders", "/orders/"),
                ("lines", "/lines/"),
                ("orders", "order_id"),
            ];
            let found = meant
                .iter()
                .find_map(|(kind, begin)| self.names.get(&(*kind, number(begin)?)));
            answered.meant.extend(found.cloned());
        }
        answered
    }

    fn answer(&mut self, asked: &Asked, name: &str) -> Answered {
        if let Some(path) = asked.target.strip_prefix("/api") {
            return self.api(asked, path, name);
        }
        let cookie = asked.headers.iter().find(|(known, _)| *known == "Cookie");
        let cookie = cookie.and_then(|(_, line)| field(&line.replace("; ", "&"), "sid"));
        let mut session = cookie
            .as_ref()
            .and_then(|sid| self.sessions.get(sid).cloned())
            .unwrap_or_default();
        let was = session.user;
        let mut answered = self.page(asked, &mut session, name);
        let is_new = cookie.is_none() || was != session.user;
        let sid = if is_new || self.rotates {
            let sid = token(&mut self.rng);
            let line = format!("sid={sid}; Path=/; HttpOnly");
            answered.headers.push(("Set-Cookie", line));
            sid
        } else {
            cookie.unwrap_or_default()
        };
        self.sessions.insert(sid, session);
        answered
    }

    #[expect(clippy::too_many_lines, reason = "one page after the other")]
    fn page(&mut self, asked: &Asked, session: &mut Session, name: &str) -> Answered {
        let is_post = asked.method == "POST";
        if is_post {
            let sent = field(&asked.body, "csrf_token");
            if !sent.is_some_and(|sent| session.csrf.contains(&sent)) {
                return answer(403, "forbidden".to_owned());
            }
        }
        let parts: Vec<&str> = asked.target.split('/').skip(1).collect();
        let token = token(&mut self.rng);
        session.csrf.push(token.clone());
        if session.csrf.len() > 50 {
            session.csrf.remove(0);
        }
        let hidden = format!("<input type=hidden name=csrf_token value={token}>");
        if asked.target == "/login" {
            if is_post {
                session.user = field(&asked.body, "user").and_then(|user| user.parse().ok());
                return redirect("/orders");
            }
            return answer(
                200,
                format!("<form action=/login>{hidden}<input name=user></form>"),
            );
        }
        let Some(user) = session.user else {
            return redirect("/login");
        };
        match (is_post, &parts[..]) {
            (false, ["orders"]) => {
                let rows = self.orders.iter().filter(|(_, row)| row.owner == user);
                let rows = rows.map(|(id, row)| {
                    format!(
                        "<tr><td>{id}<td>{}<td><a href=/orders/{id}>show</a> <form action=/orders/{id}/delete>{hidden}</form></tr>",
                        row.title
                    )
                });
                let rows: String = rows.collect();
                let form = format!("<form action=/orders>{hidden}<input name=title></form>");
                answer(200, format!("<table>{rows}</table>{form}"))
            }
            (true, ["orders"]) => {
                let id = self.next_order;
                self.next_order += 1;
                let title = field(&asked.body, "title").unwrap_or_default();
                let row = Row {
                    name: name.to_owned(),
                    title,
                    owner: user,
                };
                self.orders.insert(id, row);
                let mut answered = redirect(&format!("/orders/{id}"));
                answered.touched.push(name.to_owned());
                answered
            }
            (false, ["orders", id]) => {
                let Some((id, row)) = self.order(id, user) else {
                    return answer(404, "no".to_owned());
                };
                let lines = self.lines.iter().filter(|(_, (order, _))| *order == id);
                let lines = lines.map(|(line, (_, row))| {
                    format!(
                        "<li>{}<form action=/lines/{line}>{hidden}<input type=hidden name=line_id value={line}></form></li>",
                        row.title
                    )
                });
                let lines: String = lines.collect();
                let body = format!(
                    "<h1>{}</h1><form action=/orders/{id}>{hidden}<input name=title></form><ul>{lines}</ul><form action=/lines>{hidden}<input type=hidden name=order_id value={id}><input name=title></form>",
                    row.title
                );
                let mut answered = answer(200, body);
                answered.touched.push(row.name);
                answered
            }
            (true, ["orders", id]) => {
                let Some((id, mut row)) = self.order(id, user) else {
                    return answer(404, "no".to_owned());
                };
                row.title = field(&asked.body, "title").unwrap_or_default();
                let mut answered = redirect(&format!("/orders/{id}"));
                answered.touched.push(row.name.clone());
                self.orders.insert(id, row);
                answered
            }
            (true, ["orders", id, "delete"]) => {
                let Some((id, row)) = self.order(id, user) else {
                    return answer(404, "no".to_owned());
                };
                self.orders.remove(&id);
                self.lines.retain(|_, (order, _)| *order != id);
                let mut answered = redirect("/orders");
                answered.touched.push(row.name);
                answered
            }
            (true, ["lines"]) => {
                let order = field(&asked.body, "order_id").unwrap_or_default();
                let Some((order, row)) = self.order(&order, user) else {
                    return answer(404, "no".to_owned());
                };
                let id = self.next_line;
                self.next_line += 1;
                let title = field(&asked.body, "title").unwrap_or_default();
                let line = Row {
                    name: name.to_owned(),
                    title,
                    owner: user,
                };
                self.lines.insert(id, (order, line));
                let mut answered = redirect(&format!("/orders/{order}"));
                answered.touched.push(row.name);
                answered
            }
            (true, ["lines", id]) => {
                let line = id.parse().ok().and_then(|id: u64| self.lines.get_mut(&id));
                let Some((order, row)) = line else {
                    return answer(404, "no".to_owned());
                };
                row.title = field(&asked.body, "title").unwrap_or_default();
                let mut answered = redirect(&format!("/orders/{order}"));
                answered.touched.push(row.name.clone());
                answered
            }
            _ => answer(404, "no".to_owned()),
        }
    }

    fn order(&self, id: &str, user: u64) -> Option<(u64, Row)> {
        let id: u64 = id.parse().ok()?;
        let row = self.orders.get(&id)?;
        // Anybody may look at anybody's, so that a wrong id is no 404.
        let _ = user;
        Some((id, row.clone()))
    }

    fn api(&mut self, asked: &Asked, path: &str, name: &str) -> Answered {
        let value: serde_json::Value = serde_json::from_str(&asked.body).unwrap_or_default();
        if path == "/login" {
            let token = token(&mut self.rng);
            let user = value["user"].as_u64().unwrap_or(0);
            self.bearers.insert(token.clone(), user);
            return json(
                200,
                format!(r#"{{"access_token":"{token}","user":{{"id":{user}}}}}"#),
            );
        }
        let bearer = asked
            .headers
            .iter()
            .find(|(known, _)| *known == "Authorization");
        let bearer = bearer.and_then(|(_, value)| value.strip_prefix("Bearer "));
        let Some(user) = bearer.and_then(|token| self.bearers.get(token).copied()) else {
            return json(401, r#"{"error":"who are you"}"#.to_owned());
        };
        let title = value["title"].as_str().unwrap_or_default().to_owned();
        let parts: Vec<&str> = path.split('/').skip(1).collect();
        match (asked.method, &parts[..]) {
            ("POST", ["orders"]) => {
                let id = self.next_order;
                self.next_order += 1;
                let row = Row {
                    name: name.to_owned(),
                    title: title.clone(),
                    owner: user,
                };
                self.orders.insert(id, row);
                let mut answered = json(201, format!(r#"{{"id":{id},"title":"{title}"}}"#));
                answered.touched.push(name.to_owned());
                answered
            }
            (method, ["orders", id]) => {
                let Some((id, mut row)) = self.order(id, user) else {
                    return json(404, "{}".to_owned());
                };
                if method == "PUT" {
                    row.title = title;
                    self.orders.insert(id, row.clone());
                } else if method == "DELETE" {
                    self.orders.remove(&id);
                }
                let mut answered = json(200, format!(r#"{{"id":{id},"title":"{}"}}"#, row.title));
                answered.touched.push(row.name);
                answered
            }
            ("POST", ["lines"]) => {
                let order = value["order_id"].to_string();
                let Some((_, row)) = self.order(&order, user) else {
                    return json(404, "{}".to_owned());
                };
                let id = self.next_line;
                self.next_line += 1;
                let line = Row {
                    name: name.to_owned(),
                    title: title.clone(),
                    owner: user,
                };
                let order = order.parse().unwrap_or(0);
                self.lines.insert(id, (order, line));
                let mut answered = json(
                    201,
                    format!(r#"{{"line":{{"id":{id},"order_id":{order}}}}}"#),
                );
                answered.touched.push(row.name);
                answered
            }
            ("PUT", ["lines", id]) => {
                let line = id.parse().ok().and_then(|id: u64| self.lines.get_mut(&id));
                let Some((_, row)) = line else {
                    return json(404, "{}".to_owned());
                };
                row.title = title;
                let mut answered = json(200, format!(r#"{{"id":{id}}}"#));
                answered.touched.push(row.name.clone());
                answered
            }
            _ => json(404, "{}".to_owned()),
        }
    }
}
