//! Sessions of production live on a shadow: a shop with a login, whose instances give out cookies, tokens and ids of their own.

use std::collections::BTreeMap;
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use rustix::process::Signal;
use serde_json::{Value, json};

use crate::kit::{Client, Conn, Message, Server, Tee, eventually, get};

/// One instance: sessions in memory, orders with small ids.
struct Shop {
    random: fastrand::Rng,
    next_id: u64,
    /// The user and the form's token of each session.
    sessions: BTreeMap<String, (Option<String>, String)>,
    /// The titles of orders.
    orders: BTreeMap<u64, String>,
    /// What each request with a name of its own ended with.
    ended: BTreeMap<String, u16>,
    /// The session's cookie is another one in each response.
    rotates: bool,
}

impl Shop {
    fn new(next_id: u64, rotates: bool) -> Arc<Mutex<Self>> {
        Arc::new(Mutex::new(Self {
            random: fastrand::Rng::with_seed(next_id),
            next_id,
            sessions: BTreeMap::new(),
            orders: BTreeMap::new(),
            ended: BTreeMap::new(),
            rotates,
        }))
    }

    fn token(&mut self) -> String {
        (0..24).map(|_| self.random.alphanumeric()).collect()
    }

    fn respond(&mut self, request: &Message) -> String {
        let cookie = request.header("Cookie").and_then(|line| {
            let pair = line.split("; ").find(|pair| pair.starts_with("sid="))?;
            Some(pair[4..].to_owned())
        });
        let known = cookie
            .as_ref()
            .and_then(|sid| self.sessions.get(sid).cloned());
        let is_new = known.is_none();
        let mut session = known.unwrap_or_else(|| (None, self.token()));
        let (status, head, body) = self.page(request, &mut session);
        if let Some(name) = request.header("X-Name") {
            self.ended.insert(name.to_owned(), status);
        }
        let sid = match cookie {
            Some(sid) if !is_new && !self.rotates => sid,
            before => {
                if let Some(before) = before {
                    self.sessions.remove(&before);
                }
                self.token()
            }
        };
        self.sessions.insert(sid.clone(), session);
        format!(
            "HTTP/1.1 {status} Some\r\n{head}Set-Cookie: sid={sid}; Path=/\r\nContent-Type: text/html\r\n\
             Content-Length: {}\r\n\r\n{body}",
            body.len()
        )
    }

    fn page(
        &mut self,
        request: &Message,
        session: &mut (Option<String>, String),
    ) -> (u16, String, String) {
        let text = request.text();
        let field = |name: &str| {
            let mut pairs = text.split('&').filter_map(|pair| pair.split_once('='));
            pairs
                .find(|(known, _)| *known == name)
                .map(|(_, value)| value.to_owned())
        };
        let page = |status: u16, body: String| (status, String::new(), body);
        let form = |token: &str| {
            format!("<form method=post><input type=hidden name=csrf_token value={token}></form>")
        };
        let is_post = request.method() == "POST";
        if is_post && field("csrf_token").as_deref() != Some(&session.1) {
            return page(422, "no".to_owned());
        }
        let to = |place: String| (303, format!("Location: {place}\r\n"), String::new());
        match (request.method(), request.target()) {
            ("GET", "/login") => page(200, form(&session.1)),
            ("POST", "/login") => {
                *session = (field("user"), self.token());
                to("/orders".to_owned())
            }
            (_, _) if session.0.is_none() => to("/login".to_owned()),
            ("GET", "/orders") => page(200, form(&session.1)),
            ("POST", "/orders") => {
                let id = self.next_id;
                self.next_id += 1;
                self.orders.insert(id, field("title").unwrap_or_default());
                to(format!("/orders/{id}"))
            }
            (method, target) => {
                let id = target.trim_start_matches("/orders/").parse().unwrap_or(0);
                match (method, self.orders.get_mut(&id)) {
                    (_, None) => page(404, "none".to_owned()),
                    ("GET", Some(title)) => {
                        page(200, format!("<h1>{title}</h1>{}", form(&session.1)))
                    }
                    (_, Some(title)) => {
                        if field("cancel").is_some() {
                            self.orders.remove(&id);
                            return to("/orders".to_owned());
                        }
                        *title = field("title").unwrap_or_default();
                        to(format!("/orders/{id}"))
                    }
                }
            }
        }
    }

    fn titles(&self) -> Vec<String> {
        let mut titles: Vec<_> = self.orders.values().cloned().collect();
        titles.sort();
        titles
    }
}

fn serves(shop: &Arc<Mutex<Shop>>) -> impl Fn(&mut Conn) -> io::Result<()> + use<> {
    let shop = Arc::clone(shop);
    move |conn| {
        loop {
            let request = conn.request()?;
            let pause = shop.lock().unwrap().random.u64(..3);
            thread::sleep(Duration::from_millis(pause));
            let response = shop.lock().unwrap().respond(&request);
            conn.send(response)?;
        }
    }
}

/// Somebody with a cookie jar, who uses several connections.
struct Person {
    clients: [Client; 2],
    name: String,
    sid: String,
    page: Message,
    asked: usize,
}

impl Person {
    fn new(tee: &Tee, name: &str) -> Self {
        let mut clients = [tee.client(), tee.client()];
        let page = clients[0].get("/login");
        let mut person = Self {
            clients,
            name: name.to_owned(),
            sid: String::new(),
            page: page.clone(),
            asked: 0,
        };
        person.see(page);
        person
    }

    fn see(&mut self, page: Message) {
        if let Some(line) = page.header("Set-Cookie") {
            let value = line.strip_prefix("sid=").unwrap().split(';').next();
            value.unwrap().clone_into(&mut self.sid);
        }
        self.page = page;
    }

    fn ask(&mut self, method: &str, target: &str, body: &str) -> u16 {
        self.asked += 1;
        let request = format!(
            "{method} {target} HTTP/1.1\r\nHost: a\r\nX-Name: {}-{}\r\nCookie: sid={}\r\n{}\r\n{body}",
            self.name,
            self.asked,
            self.sid,
            if body.is_empty() {
                String::new()
            } else {
                format!(
                    "Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {}\r\n",
                    body.len()
                )
            }
        );
        let client = &mut self.clients[self.asked % 2];
        let page = client.send(request).answer();
        self.see(page);
        self.page.status()
    }

    fn get(&mut self, target: &str) -> u16 {
        self.ask("GET", target, "")
    }

    fn post(&mut self, target: &str, fields: &str) -> u16 {
        let page = self.page.text();
        let token = page.split("value=").nth(1).unwrap_or_default();
        let token = token.split('>').next().unwrap_or_default().to_owned();
        self.ask("POST", target, &format!("csrf_token={token}&{fields}"))
    }

    fn log_in(&mut self) {
        assert_eq!(self.get("/login"), 200);
        let user = format!("user={}", self.name);
        assert_eq!(self.post("/login", &user), 303);
    }

    /// Makes an order, and returns where it is.
    fn order(&mut self, title: &str) -> String {
        assert_eq!(self.get("/orders"), 200);
        assert_eq!(self.post("/orders", &format!("title={title}")), 303);
        self.page.header("Location").unwrap().to_owned()
    }
}

fn both(rotates: bool) -> [Arc<Mutex<Shop>>; 2] {
    // The shadow's ids are those of other orders in production.
    [Shop::new(1_400, rotates), Shop::new(1_397, rotates)]
}

fn live_in_shops_that_rotate(rotates: bool) {
    let [production, next] = both(rotates);
    let (primary, shadow) = (
        Server::unix(serves(&production)),
        Server::unix(serves(&next)),
    );
    let tee = Tee::with_primary(&primary)
        .top("workers = 2")
        .shadow_with("next", &shadow, "identity = true\ncompare = true")
        .start();
    thread::scope(|scope| {
        for number in 0..6 {
            let tee = &tee;
            scope.spawn(move || {
                let mut person = Person::new(tee, &format!("p{number}"));
                person.log_in();
                for turn in 0..5 {
                    let order = person.order(&format!("tea-{number}-{turn}"));
                    assert_eq!(person.get(&order), 200);
                    assert_eq!(
                        person.post(&order, &format!("title=milk-{number}-{turn}")),
                        303
                    );
                    assert_eq!(person.get(&order), 200);
                    if turn % 2 == 1 {
                        assert_eq!(person.post(&order, "cancel=1"), 303);
                        assert_eq!(person.get(&order), 404);
                    }
                }
            });
        }
    });
    let all = 6 * (1 + 2 + 5 * 5 + 2 * 2);
    let ledger = tee.settled(all);
    assert_eq!(ledger.of("next"), [("answered", all)], "{}", tee.log());
    let (ours, theirs) = (production.lock().unwrap(), next.lock().unwrap());
    assert_eq!(ours.ended, theirs.ended);
    assert_eq!(ours.titles(), theirs.titles());
    assert_eq!(ours.orders.len(), 6 * 3);
    let metrics = tee.ask_admin("/metrics").text();
    for line in [
        "shadowtee_sessions_by_end{shadow=\"next\",end=\"alike\"} 6",
        "shadowtee_sessions_by_end{shadow=\"next\",end=\"otherwise\"} 0",
        "shadowtee_session_waits_given_up_total{shadow=\"next\"} 0",
    ] {
        assert!(metrics.contains(line), "{line}\n{metrics}");
    }
    let report = report_of(&tee, all);
    let sessions = &report["sessions"];
    assert_eq!(
        (&sessions["alive"], &sessions["lost"]),
        (&json!(6), &json!(0))
    );
    assert_eq!(sessions["held_back"], 0);
    assert!(
        sessions["put_in"]["cookies"].as_u64() > Some(100),
        "{report}"
    );
    assert!(sessions["put_in"]["ids"].as_u64() > Some(50), "{report}");
    // Each side has its own numbers for the same orders: that is no difference.
    let causes = report["causes"].as_array().unwrap();
    let confirmed: Vec<_> = causes
        .iter()
        .filter(|cause| cause["status"] == "confirmed")
        .collect();
    assert!(confirmed.is_empty(), "{confirmed:?}");
}

/// The report once so many answers are counted in it.
fn report_of(tee: &Tee, answered: u64) -> Value {
    eventually("what was compared", || {
        let report = tee.ask_admin("/api/report").text();
        let report: Value = serde_json::from_str(&report).unwrap();
        (report["requests"]["answered"] == answered).then_some(report)
    })
}

#[test]
fn a_report_tells_where_sessions_break_as_long_as_they_are_kept_alive() {
    let [production, next] = both(false);
    let primary = Server::unix(serves(&production));
    // The next version refuses every order.
    let shadow = Server::unix(move |conn: &mut Conn| {
        loop {
            let request = conn.request()?;
            let is_refused = request.start().starts_with("POST /orders");
            let response = if is_refused {
                "HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n".to_owned()
            } else {
                next.lock().unwrap().respond(&request)
            };
            conn.send(response)?;
        }
    });
    let tee = Tee::with_primary(&primary)
        .shadow_with("next", &shadow, "identity = true\ncompare = true")
        .start();
    for name in ["ann", "bob"] {
        let mut person = Person::new(&tee, name);
        person.log_in();
        person.order("tea");
    }
    let sessions = report_of(&tee, 10)["sessions"].clone();
    assert_eq!(
        (&sessions["lost"], &sessions["breaks"]),
        (
            &json!(2),
            &json!([{"route": "POST /orders", "sessions": 2}])
        )
    );
    tee.configure(|text| text.replace("identity = true", "identity = false"));
    tee.reload();
    assert_eq!(report_of(&tee, 10).get("sessions"), None);
}

#[test]
fn sessions_live_on_a_shadow_that_gives_out_other_cookies_tokens_and_ids() {
    live_in_shops_that_rotate(false);
}

#[test]
fn sessions_live_where_each_response_has_another_cookie() {
    live_in_shops_that_rotate(true);
}

#[test]
fn without_it_they_are_lost() {
    let [production, next] = both(false);
    let (primary, shadow) = (
        Server::unix(serves(&production)),
        Server::unix(serves(&next)),
    );
    let tee = Tee::with_primary(&primary).shadow("next", &shadow).start();
    let mut person = Person::new(&tee, "ann");
    person.log_in();
    person.order("tea");
    tee.settled(5);
    assert!(next.lock().unwrap().orders.is_empty());
    assert_eq!(production.lock().unwrap().titles(), ["tea"]);
}

/// Whatever the shadow failed to make is asked for on nobody's behalf.
#[test]
fn what_the_shadow_did_not_make_is_withheld() {
    let [production, next] = both(false);
    let primary = Server::unix(serves(&production));
    let shop = Arc::clone(&next);
    let shadow = Server::unix(move |conn: &mut Conn| {
        loop {
            let request = conn.request()?;
            if request.text().contains("title=lost") {
                conn.send("HTTP/1.1 500 No\r\nContent-Length: 0\r\n\r\n")?;
                continue;
            }
            let response = shop.lock().unwrap().respond(&request);
            conn.send(response)?;
        }
    });
    let tee = Tee::with_primary(&primary)
        .shadow_with("next", &shadow, "identity = true")
        .start();
    let mut person = Person::new(&tee, "ann");
    person.log_in();
    // On the shadow these are 1397, 1398 and 1399; in production 1400 and from there on.
    for title in ["one", "two", "three"] {
        person.order(title);
    }
    let lost = person.order("lost");
    assert_eq!(person.get(&lost), 200);
    assert_eq!(person.post(&lost, "cancel=1"), 303);
    let kept = person.order("four");
    assert_eq!(person.get(&kept), 200);
    assert_eq!(person.post(&kept, "title=five"), 303);
    let ledger = tee.settled(17);
    assert_eq!(ledger.of("next"), [("answered", 15), ("unpaired", 2)]);
    assert_eq!(
        next.lock().unwrap().titles(),
        ["five", "one", "three", "two"]
    );
    assert_eq!(
        production.lock().unwrap().titles(),
        ["five", "one", "three", "two"]
    );
}

#[test]
fn a_reload_keeps_them_and_a_restart_where_that_is_set() {
    let [production, next] = both(true);
    let (primary, shadow) = (
        Server::unix(serves(&production)),
        Server::unix(serves(&next)),
    );
    let folder = tempfile::tempdir().unwrap();
    let settings = format!("identity = {{ state = {:?} }}\nqueue = 1000", folder.path());
    let mut tee = Tee::with_primary(&primary)
        .shadow_with("next", &shadow, &settings)
        .start();
    let mut person = Person::new(&tee, "ann");
    person.log_in();
    let order = person.order("tea");
    tee.settled(5);
    tee.configure(|text| text.replace("queue = 1000", "queue = 2000"));
    tee.reload();
    assert_eq!(person.get(&order), 200);
    assert_eq!(person.post(&order, "title=milk"), 303);
    tee.settled(7);
    tee.signal(Signal::TERM);
    tee.wait_for_exit();
    let file = folder.path().join("next.sessions");
    let mode = std::fs::metadata(&file).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    tee.start_again();
    tee.wait_until_ready();
    person.clients = [tee.client(), tee.client()];
    assert_eq!(person.get(&order), 200);
    assert_eq!(person.post(&order, "title=coffee"), 303);
    tee.settled(2);
    assert_eq!(next.lock().unwrap().titles(), ["coffee"]);
}

#[test]
fn an_order_by_session_follows_a_cookie_that_is_another_in_each_response() {
    let production = Shop::new(1, true);
    let primary = Server::unix(serves(&production));
    let seen: Arc<Mutex<Vec<String>>> = Arc::default();
    let order = Arc::clone(&seen);
    let shadow = Server::unix(move |conn: &mut Conn| {
        loop {
            let request = conn.request()?;
            let name = request.header("X-Name").unwrap_or("first").to_owned();
            thread::sleep(Duration::from_millis(name.len() as u64 * 7 % 20));
            order.lock().unwrap().push(name);
            conn.send("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")?;
        }
    });
    let tee = Tee::with_primary(&primary)
        .top("workers = 2")
        .shadow_with("next", &shadow, "order_by = \"session\"")
        .start();
    thread::scope(|scope| {
        for number in 0..5 {
            let tee = &tee;
            scope.spawn(move || {
                let mut person = Person::new(tee, &format!("p{number}"));
                for _ in 0..20 {
                    person.get("/login");
                }
            });
        }
    });
    tee.settled(5 * 21);
    let seen = seen.lock().unwrap();
    for number in 0..5 {
        let begin = format!("p{number}-");
        let steps = seen.iter().filter_map(|name| name.strip_prefix(&begin));
        let steps: Vec<usize> = steps.map(|step| step.parse().unwrap()).collect();
        assert_eq!(steps, (1..=20).collect::<Vec<_>>());
    }
}

#[test]
fn an_order_of_all_is_that_of_production() {
    let primary = Server::unix(crate::kit::answers(crate::kit::OK));
    let shadow = Server::unix(crate::kit::answers(crate::kit::OK));
    let tee = Tee::with_primary(&primary)
        .top("workers = 2")
        .shadow_with("next", &shadow, "order_by = \"all\"\nqueue = 300")
        .start();
    let mut clients = [tee.client(), tee.client(), tee.client()];
    for step in 0..200 {
        clients[step % 3].send(get(&format!("/{step}"))).answer();
    }
    tee.settled(200);
    let steps: Vec<_> = shadow
        .requests()
        .iter()
        .map(|request| request.target()[1..].parse::<usize>().unwrap())
        .collect();
    assert_eq!(steps, (0..200).collect::<Vec<_>>());
}

#[test]
fn an_order_by_a_cookie_that_is_always_another_is_told() {
    let primary = Server::unix(crate::kit::answers(crate::kit::OK));
    let shadow = Server::unix(crate::kit::answers(crate::kit::OK));
    let tee = Tee::with_primary(&primary)
        .shadow_with("next", &shadow, "order_by = \"cookie:sid\"")
        .start();
    let mut client = tee.client();
    for step in 0..600 {
        client
            .send(format!(
                "GET / HTTP/1.1\r\nHost: a\r\nCookie: sid=s{step}\r\n\r\n"
            ))
            .answer();
    }
    tee.settled(600);
    let told = tee.wait_for_log("a warning", |log| log.contains("it orders nothing"));
    assert_eq!(told.matches("it orders nothing").count(), 1);
}
