//! A small application with a login, whose cookies and tokens are random in each instance and whose ids collide; and people who
//! use it.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
};

use super::{Client, Conn, Message, Server, Tee};

/// Small notes of people who log in. What is random is so in each instance.
#[derive(Default)]
pub(crate) struct Notes {
    /// Who is logged in with a cookie, if anybody, and the tokens of the pages that were shown.
    sessions: BTreeMap<String, (Option<String>, Vec<String>)>,
    /// Owner and title.
    rows: BTreeMap<u64, (String, String)>,
    next: u64,
    /// Notes of this title can't be made.
    fails: Option<&'static str>,
}

/// All of one shape, so that a token without digits is no difference.
fn token() -> String {
    let random = std::iter::repeat_with(fastrand::alphanumeric).take(21);
    "xY7".chars().chain(random).collect()
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
    pub(crate) fn new(old: u64) -> Self {
        let rows = (1..=old).map(|id| (id, ("old".to_owned(), format!("old{id}"))));
        Self {
            rows: rows.collect(),
            next: old + 1,
            ..Self::default()
        }
    }

    /// Where notes of this title can't be made.
    pub(crate) fn failing(self, title: &'static str) -> Self {
        Self {
            fails: Some(title),
            ..self
        }
    }

    /// An instance, and what it knows.
    pub(crate) fn serve(self) -> (Server, Arc<Mutex<Self>>) {
        let notes = Arc::new(Mutex::new(self));
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
    pub(crate) fn owned(&self) -> Vec<(String, String)> {
        let rows = self.rows.values().filter(|(owner, _)| owner != "old");
        let mut rows: Vec<_> = rows.cloned().collect();
        rows.sort();
        rows
    }

    pub(crate) fn has_all_old(&self, old: u64) -> bool {
        (1..=old).all(|id| self.rows[&id] == ("old".to_owned(), format!("old{id}")))
    }
}

/// Somebody with a browser.
pub(crate) struct Person<'a> {
    client: Client,
    name: &'a str,
    pub(crate) sid: String,
    token: String,
    pub(crate) statuses: Vec<u16>,
}

impl<'a> Person<'a> {
    pub(crate) fn new(tee: &Tee, name: &'a str) -> Self {
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

    pub(crate) fn get(&mut self, target: &str) {
        self.ask(&format!("GET {target}"), "");
    }

    pub(crate) fn post(&mut self, target: &str, fields: &str) -> Message {
        let body = format!("csrf_token={}&{fields}", self.token);
        self.ask(&format!("POST {target}"), &body)
    }

    pub(crate) fn log_in(&mut self) {
        self.get("/login");
        self.post("/login", &format!("user={}&password=hunter2", self.name));
        self.get("/notes");
    }

    /// Makes a note, and looks at it.
    pub(crate) fn make(&mut self, title: &str) -> String {
        let made = self.post("/notes", &format!("title={title}"));
        let location = made.header("location").unwrap().to_owned();
        self.get(&location);
        location
    }
}
