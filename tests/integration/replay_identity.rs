//! A day that is replayed logs in, gets the target's own cookies, tokens and ids, and goes on.

use std::{
    collections::BTreeMap,
    path::PathBuf,
    process::Output,
    sync::{Arc, Mutex},
};

use serde_json::Value;

use crate::kit::{
    At as _, Client, Conn, Message, Server, Setup, Tee, eventually, shadowtee, stored,
};

/// Small notes of people who log in. What is random is so in each instance.
#[derive(Default)]
struct Notes {
    /// Who is logged in with a cookie, if anybody, and the tokens of the pages that were shown.
    sessions: BTreeMap<String, (Option<String>, Vec<String>)>,
    /// Owner and title.
    rows: BTreeMap<u64, (String, String)>,
    next: u64,
    /// Notes of this title can't be made.
    fails: Option<&'static str>,
}

fn token() -> String {
    std::iter::repeat_with(fastrand::alphanumeric)
        .take(24)
        .collect()
}

fn field(body: &str, name: &str) -> Option<String> {
    body.split('&')
        .filter_map(|pair| pair.split_once('='))
        .find(|(known, _)| *known == name)
        .map(|(_, value)| value.to_owned())
}

fn response(status: &str, headers: &str, body: &str) -> String {
    format!(
        "HTTP/1.1 {status}\r\nContent-Type: text/html\r\n{headers}Content-Length: {}\r\n\r\n{body}",
        body.len()
    )
}

impl Notes {
    /// With somebody else's notes up to this number.
    fn new(old: u64) -> Self {
        let rows = (1..=old).map(|id| (id, ("old".to_owned(), format!("old{id}"))));
        Self {
            rows: rows.collect(),
            next: old + 1,
            ..Self::default()
        }
    }

    fn page(&mut self, sid: &str, action: &str, text: &str) -> String {
        let token = token();
        let (_, tokens) = self.sessions.get_mut(sid).unwrap();
        tokens.push(token.clone());
        format!(
            "<html><body><h1>Notes</h1>{text}<form method=\"post\" action=\"{action}\">\
             <input type=\"hidden\" name=\"csrf_token\" value=\"{token}\"><input name=\"title\"></form></body></html>"
        )
    }

    fn answer(&mut self, request: &Message) -> String {
        let cookie = request.header("cookie").unwrap_or_default();
        let sid = cookie
            .split("; ")
            .find_map(|pair| pair.strip_prefix("sid="));
        let sid = sid.filter(|sid| self.sessions.contains_key(*sid));
        let body = String::from_utf8(request.body.clone()).unwrap();
        let (method, target) = (request.method(), request.target());
        if (method, target) == ("GET", "/login") {
            let sid = token();
            self.sessions.insert(sid.clone(), (None, Vec::new()));
            let page = self.page(&sid, "/login", "");
            return response(
                "200 OK",
                &format!("Set-Cookie: sid={sid}; Path=/\r\n"),
                &page,
            );
        }
        let forbidden = response("403 Forbidden", "", "no");
        let Some(sid) = sid.map(str::to_owned) else {
            return forbidden;
        };
        let (user, tokens) = self.sessions[&sid].clone();
        let has_token = field(&body, "csrf_token").is_some_and(|token| tokens.contains(&token));
        if method == "POST" && !has_token {
            return forbidden;
        }
        if target == "/login" {
            self.sessions.remove(&sid);
            let sid = token();
            let user = field(&body, "user");
            self.sessions.insert(sid.clone(), (user, Vec::new()));
            let headers = format!("Set-Cookie: sid={sid}; Path=/\r\nLocation: /notes\r\n");
            return response("303 See Other", &headers, "");
        }
        let Some(user) = user else { return forbidden };
        let title = field(&body, "title").unwrap_or_default();
        let Some(id) = target.strip_prefix("/notes/") else {
            return self.all(method, &sid, &user, title);
        };
        let id: u64 = id.parse().unwrap();
        match self.rows.get_mut(&id) {
            None => response("404 Not Found", "", "none"),
            Some((owner, _)) if *owner != user => forbidden,
            Some((_, known)) if method == "POST" => {
                *known = title;
                response("303 See Other", &format!("Location: /notes/{id}\r\n"), "")
            }
            Some((_, known)) => {
                let text = format!("<p>{known}</p>");
                let page = self.page(&sid, &format!("/notes/{id}"), &text);
                response("200 OK", "", &page)
            }
        }
    }

    fn all(&mut self, method: &str, sid: &str, user: &str, title: String) -> String {
        if method == "GET" {
            let own = self.rows.iter().filter(|(_, (owner, _))| owner == user);
            let links = own.map(|(id, (_, title))| format!("<a href=\"/notes/{id}\">{title}</a>"));
            let links: String = links.collect();
            let page = self.page(sid, "/notes", &links);
            return response("200 OK", "", &page);
        }
        if self.fails == Some(&*title) {
            return response("500 Internal Server Error", "", "oops");
        }
        let id = self.next;
        self.next += 1;
        self.rows.insert(id, (user.to_owned(), title));
        response("303 See Other", &format!("Location: /notes/{id}\r\n"), "")
    }

    /// Who has which notes, less those that were there before.
    fn owned(&self) -> Vec<(String, String)> {
        let rows = self.rows.values().filter(|(owner, _)| owner != "old");
        let mut rows: Vec<_> = rows.cloned().collect();
        rows.sort();
        rows
    }

    fn has_all_old(&self, old: u64) -> bool {
        (1..=old).all(|id| self.rows[&id] == ("old".to_owned(), format!("old{id}")))
    }
}

/// An instance, and what it knows.
fn serve(notes: Notes) -> (Server, Arc<Mutex<Notes>>) {
    let notes = Arc::new(Mutex::new(notes));
    let known = Arc::clone(&notes);
    let server = Server::unix(move |conn: &mut Conn| {
        loop {
            let request = conn.request()?;
            let answer = known.lock().unwrap().answer(&request);
            conn.send(answer)?;
        }
    });
    (server, notes)
}

/// Somebody with a browser.
struct Person<'a> {
    client: Client,
    name: &'a str,
    sid: String,
    token: String,
    statuses: Vec<u16>,
}

impl<'a> Person<'a> {
    fn new(tee: &Tee, name: &'a str) -> Self {
        Self {
            client: Client::connect(tee),
            name,
            sid: String::new(),
            token: String::new(),
            statuses: Vec::new(),
        }
    }

    fn ask(&mut self, line: &str, body: &str) -> Message {
        let framed = if body.contains("chunked") {
            format!(
                "Transfer-Encoding: chunked\r\n\r\n{:x}\r\n{body}\r\n0\r\n\r\n",
                body.len()
            )
        } else {
            format!("Content-Length: {}\r\n\r\n{body}", body.len())
        };
        let text = format!(
            "{line} HTTP/1.1\r\nHost: app.example\r\nCookie: lang=en; sid={}\r\n\
             Content-Type: application/x-www-form-urlencoded\r\n{framed}",
            self.sid
        );
        let answer = self.client.send(text).answer();
        let status = answer.start().split(' ').nth(1).unwrap();
        self.statuses.push(status.parse().unwrap());
        if let Some(set) = answer.header("set-cookie") {
            self.sid = set.split(['=', ';']).nth(1).unwrap().into();
        }
        let page = String::from_utf8_lossy(&answer.body).into_owned();
        if let Some((_, rest)) = page.split_once("csrf_token\" value=\"") {
            self.token = rest[..24].into();
        }
        answer
    }

    fn get(&mut self, target: &str) {
        self.ask(&format!("GET {target}"), "");
    }

    fn post(&mut self, target: &str, fields: &str) -> Message {
        let body = format!("csrf_token={}&{fields}", self.token);
        self.ask(&format!("POST {target}"), &body)
    }

    fn log_in(&mut self) {
        self.get("/login");
        self.post("/login", &format!("user={}&password=hunter2", self.name));
        self.get("/notes");
    }

    /// Makes a note, and looks at it.
    fn make(&mut self, title: &str) -> String {
        let made = self.post("/notes", &format!("title={title}"));
        let location = made.header("location").unwrap().to_owned();
        self.get(&location);
        location
    }
}

/// What production captured, and how it is now.
struct Day {
    capture: PathBuf,
    statuses: BTreeMap<u16, u64>,
    requests: u64,
    owned: Vec<(String, String)>,
    _tee: Tee,
}

/// Two people at the same time; `capture` are more lines of `[capture]`.
fn day(capture: &str) -> Day {
    let (primary, notes) = serve(Notes::new(4));
    let setup: Setup = Tee::with_primary(&primary);
    let file = setup.dir().join("day.tee");
    let tee = setup
        .toml(&format!(
            "[capture]\nfile = \"{}\"\nflush = \"1ms\"\n{capture}",
            file.display()
        ))
        .start();
    let (mut ann, mut bob) = (Person::new(&tee, "ann"), Person::new(&tee, "bob"));
    ann.log_in();
    let anns = ann.make("tea");
    bob.log_in();
    let bobs = bob.make("nails");
    ann.post(&anns, "title=teas+chunked");
    bob.post(&bobs, "title=screws");
    ann.get(&anns);
    bob.get(&bobs);
    for n in 0..3 {
        bob.make(&format!("bob{n}"));
        ann.make(&format!("ann{n}"));
    }
    let mut statuses = BTreeMap::new();
    for status in ann.statuses.iter().chain(&bob.statuses) {
        *statuses.entry(*status).or_default() += 1;
    }
    assert_eq!(statuses.len(), 2, "200 and 303: {statuses:?}");
    let requests = (ann.statuses.len() + bob.statuses.len()) as u64;
    eventually("the last record in the file", || {
        let requests_stored = stored(&file)
            .iter()
            .filter(|record| record.kind == 1)
            .count();
        (requests_stored as u64 == requests).then_some(())
    });
    let owned = notes.lock().unwrap().owned();
    Day {
        capture: file,
        statuses,
        requests,
        owned,
        _tee: tee,
    }
}

const BODIES: &str = "answers = \"body\"\n";
/// Notes that stand in the target's way.
const OLD: u64 = 40;

fn replay(day: &Day, target: &Server, more: &[&str]) -> Output {
    let (file, to) = (day.capture.to_str().unwrap(), target.at());
    shadowtee(&[&["replay", file, "--to", &to, "--speed", "max"], more].concat())
}

#[track_caller]
fn report(output: &Output) -> Value {
    assert!(output.status.success(), "{output:?}");
    serde_json::from_slice(&output.stdout).unwrap()
}

fn statuses(report: &Value) -> BTreeMap<u16, u64> {
    serde_json::from_value(report["statuses"].clone()).unwrap()
}

fn told(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[test]
fn sessions_live_on_the_target_and_nothing_of_others_is_touched() {
    let day = day(BODIES);
    let json = ["--report", "json"];
    let (target, notes) = serve(Notes::new(OLD));
    let without = report(&replay(&day, &target, &json));
    assert!(statuses(&without)[&403] > 10, "{without:#}");
    assert_eq!(notes.lock().unwrap().owned(), []);
    assert!(without.get("identity").is_none());

    let (target, notes) = serve(Notes::new(OLD));
    let with = report(&replay(
        &day,
        &target,
        &[&json[..], &["--identity"]].concat(),
    ));
    assert_eq!(statuses(&with), day.statuses, "{with:#}");
    assert_eq!(with["captured"]["differing"], 0);
    assert_eq!(with["left_out"], serde_json::json!({}));
    let sums = &with["identity"];
    assert_eq!(
        (&sums["sessions"], &sums["alike"]),
        (&2.into(), &2.into()),
        "{sums}"
    );
    assert_eq!(sums["notes"], serde_json::json!([]));
    let notes = notes.lock().unwrap();
    assert_eq!(notes.owned(), day.owned);
    assert!(notes.has_all_old(OLD));
    let arrived = target.requests();
    let is_marked = |request: &Message| request.header("x-shadow-request") == Some("replay");
    assert!(arrived.iter().all(is_marked));
    assert!(
        arrived[1]
            .header("cookie")
            .unwrap()
            .starts_with("lang=en; sid=")
    );
}

#[test]
fn each_round_has_sessions_of_its_own_and_only_the_first_is_compared() {
    let day = day(BODIES);
    let (target, notes) = serve(Notes::new(OLD));
    let more = ["--identity", "--loop", "2", "--compare", "--report", "json"];
    let report = report(&replay(&day, &target, &more));
    let twice = day
        .statuses
        .iter()
        .map(|(status, count)| (*status, count * 2));
    assert_eq!(statuses(&report), twice.collect(), "{report:#}");
    assert_eq!(report["comparison"]["requests"]["compared"], day.requests);
    let notes = notes.lock().unwrap();
    assert_eq!(notes.owned().len(), 2 * day.owned.len());
    assert!(notes.has_all_old(OLD));
}

#[test]
fn what_the_target_did_not_make_is_left_out_and_counted() {
    let day = day(BODIES);
    let (target, notes) = serve(Notes {
        fails: Some("ann1"),
        ..Notes::new(OLD)
    });
    let more = ["--identity", "--fail-on", "unpaired>0", "--report", "json"];
    let output = replay(&day, &target, &more);
    assert_eq!(output.status.code(), Some(2), "{output:?}");
    assert!(
        told(&output).contains("failed by unpaired>0: 1 of"),
        "{output:?}"
    );
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(report["left_out"]["unpaired"], 1, "{report:#}");
    assert_eq!(report["sent"], day.requests - 1);
    {
        let notes = notes.lock().unwrap();
        assert_eq!(notes.owned().len(), day.owned.len() - 1);
        assert!(notes.has_all_old(OLD));
    }
    let text = String::from_utf8(replay(&day, &target, &["--identity"]).stdout).unwrap();
    for part in [
        "  unpaired                  1           not sent",
        "\n2 sessions: ",
        "  put in: ",
    ] {
        assert!(text.contains(part), "{part:?} in {text}");
    }
}

#[test]
fn a_capture_that_can_teach_nothing_is_refused_before_anything_is_sent() {
    for (settings, advice) in [
        ("", "capture with answers = \"body\" in [capture]"),
        (
            "answers = \"body\"\nredact.cookies = [\"sid\", \"lang\"]\n",
            "without its credentials (cookie lang, cookie sid)",
        ),
        (
            "answers = \"body\"\nredact.headers = [\"Cookie\", \"Set-Cookie\"]\n",
            "without its credentials (Cookie, Set-Cookie)",
        ),
    ] {
        let day = day(settings);
        let (target, _) = serve(Notes::new(OLD));
        for more in [&["--identity"][..], &["--identity", "--dry-run"]] {
            let output = replay(&day, &target, more);
            assert_eq!(output.status.code(), Some(1), "{output:?}");
            assert!(told(&output).contains(advice), "{output:?}");
        }
        assert_eq!(target.requests().len(), 0);
        assert!(replay(&day, &target, &[]).status.success());
    }
}

#[test]
fn what_a_capture_can_not_teach_is_told() {
    for (settings, note) in [
        ("answers = \"head\"\n", "have a response without its body"),
        (
            "answers = \"body\"\nredact.query = [\"password\"]\n",
            "2 of 26 requests were captured without some of their values, such as a password",
        ),
        (
            "answers = \"body\"\nredact.cookies = [\"lang\"]\n",
            "without some of their credentials (cookie lang)",
        ),
    ] {
        let day = day(settings);
        let (target, notes) = serve(Notes::new(OLD));
        let output = replay(&day, &target, &["--identity"]);
        let text = String::from_utf8(output.stdout).unwrap();
        assert!(text.contains(note), "{text}");
        assert!(notes.lock().unwrap().has_all_old(OLD));
        let dry = replay(&day, &target, &["--identity", "--dry-run"]);
        let text = String::from_utf8(dry.stdout).unwrap();
        assert!(text.contains(note), "{text}");
    }
}

#[test]
fn cookies_that_the_capture_made_hashes_of_are_put_in() {
    let day =
        day("answers = \"body\"\nredact.cookies = [\"sid\"]\nredact.key = \"0123456789abcdef\"\n");
    let (target, notes) = serve(Notes::new(OLD));
    let report = report(&replay(&day, &target, &["--identity", "--report", "json"]));
    assert_eq!(statuses(&report), day.statuses, "{report:#}");
    assert_eq!(notes.lock().unwrap().owned(), day.owned);
}

#[test]
fn all_requests_go_one_after_the_other_where_that_is_asked_for() {
    let day = day(BODIES);
    let (target, notes) = serve(Notes::new(OLD));
    let more = ["--identity", "--ordered-by", "all", "--report", "json"];
    let report = report(&replay(&day, &target, &more));
    assert_eq!(statuses(&report), day.statuses, "{report:#}");
    let order = |records: Vec<String>| -> Vec<String> {
        let path = |line: &str| line.split(' ').take(2).collect::<Vec<_>>().join(" ");
        let plain = |line: String| path(&line).trim_end_matches(char::is_numeric).to_owned();
        records.into_iter().map(plain).collect()
    };
    let captured = stored(&day.capture);
    let captured = captured.iter().filter(|record| record.kind == 1);
    let captured = order(captured.map(crate::kit::Stored::text).collect());
    let arrived = target.requests();
    let arrived = order(
        arrived
            .iter()
            .map(|request| request.start().to_owned())
            .collect(),
    );
    assert_eq!(arrived, captured);
    assert_eq!(notes.lock().unwrap().owned(), day.owned);
}
