//! A second application: a help desk. Its noise is of the same kinds as the shop's, at other places, and some that the shop
//! has not: experiments that stick to a user, caches with a minute's life, tokens in addresses, texts with times.

use std::collections::HashMap;

use serde_json::{Value, json};

use crate::{
    app::{Body, Instance, Reply, Request, data, pick, when},
    faults::{Fault, Rate, at, between, edit, edit_header, members, noisy, replace},
};

/// What one instance of the desk holds beyond the shop's counters.
#[derive(Clone, Debug, Default)]
pub(crate) struct Memory {
    /// Which half of an experiment each user was put into, at random.
    halves: HashMap<u64, u64>,
    /// What was drawn in the current minute.
    minute: (i64, u64),
}

const STATES: [&str; 4] = ["new", "open", "waiting", "solved"];
const TIPS: [&str; 5] = [
    "Use tags",
    "Be kind",
    "Try filters",
    "Answer soon",
    "Close duplicates",
];
const PEOPLE: [&str; 6] = ["Mia", "Noah", "Zoë", "Émile", "Li", "Omar"];

impl Instance {
    pub(crate) fn cached(&mut self, now: i64) -> u64 {
        if self.memory.minute.0 != now / 60_000 {
            self.memory.minute = (now / 60_000, self.random.below(1_000_000));
        }
        self.memory.minute.1
    }

    pub(crate) fn half(&mut self, user: Option<u64>) -> &'static str {
        let Some(user) = user else { return "one" };
        let random = &mut self.random;
        let half = self
            .memory
            .halves
            .entry(user)
            .or_insert_with(|| random.below(2));
        ["one", "two"][*half as usize]
    }

    pub(crate) fn desk(&mut self, request: &Request, now: i64) -> Reply {
        self.served += 1;
        // Many areas with the same pages, for many routes with little traffic.
        let path = request
            .path
            .split_once("/desk")
            .map_or("", |(_, rest)| rest);
        let mut reply = match path {
            path if path.starts_with("/tickets/") => self.ticket(request, now),
            path if path.starts_with("/go/") => self.go(request),
            "/session" => self.session(request, now),
            "/list" => self.list(request),
            _ => self.board(request, now),
        };
        let random = &mut self.random;
        reply.set("X-Request-Id", &random.uuid());
        reply.set("X-Served-By", ["a", "b", "c"][random.below(3) as usize]);
        reply.set(
            "X-Ratelimit-Remaining",
            &(600 - self.served % 600).to_string(),
        );
        reply.set("Server-Timing", &format!("app;dur={}", random.below(80)));
        reply.set("X-Cache", if random.chance(4.0) { "MISS" } else { "HIT" });
        reply.set("Age", &random.below(60).to_string());
        reply.set("Cache-Control", "private, no-store");
        if request.user.is_some() {
            let token = random.hex(64);
            let text = format!("desk={token}; Path=/; HttpOnly; SameSite=Strict; Max-Age=3600");
            reply.headers.push(("Set-Cookie".to_owned(), text));
        }
        reply
    }

    fn ticket(&mut self, request: &Request, now: i64) -> Reply {
        let id = request.entity();
        let mut data = data(21, id);
        self.views += 1;
        let opened = 1_700_000_000_000 + data.below(30_000_000_000) as i64;
        let mut watchers: Vec<Value> = (0..3)
            .map(|at| json!({"name": PEOPLE[(data.below(2) + at * 2) as usize], "muted": data.below(2) == 0}))
            .collect();
        self.random.shuffle(&mut watchers);
        let body = json!({
            "id": id,
            "subject": format!("Ticket about {}", data.below(9_000)),
            "state": STATES[data.below(4) as usize],
            "priority": data.below(3),
            "opened_at": when(opened, false),
            "assignee": {"id": data.below(90), "name": PEOPLE[data.below(6) as usize]},
            "request_token": self.random.hex(32),
            "nonce": self.random.token(22),
            "position": self.views,
            "watchers": watchers,
            "layout": self.half(request.user),
            "sampled_at": when(now, true),
            "ping": self.random.below(400),
            "ratio": format!("{:.3}", self.random.below(1000) as f64 / 1000.0),
            "cache_key": self.cached(now),
            "hint": TIPS[self.random.below(4) as usize],
            "online": 20 + self.random.below(9),
            "flags": {"beta": request.user.is_some_and(|user| user % 3 == 0), "dice": self.random.below(2) == 0},
        });
        Reply::new(200, "application/json", Body::Json(body))
    }

    fn list(&mut self, request: &Request) -> Reply {
        let mut data = data(22, request.entity());
        let items: Vec<Value> = (0..6)
            .map(|_| json!({"id": data.below(9000), "state": STATES[data.below(4) as usize]}))
            .collect();
        let cursor = self.random.token(32);
        let body = json!({"items": items, "next": format!("https://desk.example/list?cursor={cursor}"), "took": self.random.below(50), "shard": self.random.below(4)});
        Reply::new(200, "application/json", Body::Json(body))
    }

    fn session(&mut self, request: &Request, now: i64) -> Reply {
        let body = json!({
            "user": request.user, "csrf": self.random.token(40), "expires_at": when(now + 3_600_000, false),
            "server": pick(&["eu-1", "eu-2", "us-1"], self.random.below(3)), "load": self.random.below(100), "queue": self.random.below(3),
        });
        Reply::new(200, "application/json", Body::Json(body))
    }

    fn go(&mut self, request: &Request) -> Reply {
        let mut reply = Reply::new(302, "text/html", Body::Text(String::new()));
        let state = self.random.token(32);
        reply.set(
            "Location",
            &format!(
                "https://login.example/authorize?client=desk&state={state}&ticket={}",
                request.entity()
            ),
        );
        reply
    }

    fn board(&mut self, request: &Request, now: i64) -> Reply {
        let (nonce, csrf) = (self.random.token(24), self.random.token(64));
        let rows: String = (0..5)
            .map(|at| {
                format!(
                    "<li><a href=\"/desk/tickets/{at}\">Ticket {at}</a> {} minutes ago</li>",
                    3 + at + self.random.below(2)
                )
            })
            .collect();
        let half = self.half(request.user);
        let welcome = if half == "one" {
            "<p class=\"w\">Welcome back</p>"
        } else {
            "<p class=\"w\">Good to see you</p>"
        };
        let page = format!(
            "<!DOCTYPE html><html><head><title>Desk</title><meta name=\"csrf-token\" content=\"{csrf}\"></head><body>\
             <h1>Board</h1>{welcome}<p class=\"tip\">{}</p><p class=\"wait\">Waiting time: {} min</p><p class=\"time\">Updated {}</p>\
             <p class=\"ref\">Reference {}</p><ul>{rows}</ul>\
             <form action=\"/desk/new\" method=\"post\"><input type=\"hidden\" name=\"form_token\" value=\"{}\"><input name=\"subject\"><button>Open</button></form>\
             <script nonce=\"{nonce}\">start()</script></body></html>",
            TIPS[self.random.below(5) as usize],
            5 + self.random.below(6),
            when(now, false),
            self.random.hex(16),
            self.random.token(48),
        );
        let mut reply = Reply::new(200, "text/html; charset=utf-8", Body::Text(page));
        reply.set(
            "Content-Security-Policy",
            &format!("script-src 'nonce-{nonce}'"),
        );
        reply
    }
}

const TICKET: &str = "/desk/tickets/{n}";
const BOARD: &str = "/desk/board";
use Rate::{Always, Fifth, Once, OneEntity, Rare};

/// Sets a member of JSON.
fn put(reply: &mut Reply, pointer: &str, value: Value) {
    if let Some(old) = at(reply, pointer) {
        *old = value;
    }
}

pub(crate) fn faults() -> Vec<Fault> {
    vec![
        noisy("hint is a new one", TICKET, Rare, |_, r, _| {
            put(r, "/hint", json!("Buy more"))
        }),
        noisy("hint is a new one, a fifth", TICKET, Fifth, |_, r, _| {
            put(r, "/hint", json!("Buy more"))
        }),
        noisy("hint empty", TICKET, Rare, |_, r, _| {
            put(r, "/hint", json!(""))
        }),
        noisy("hint in capitals", TICKET, Fifth, |_, r, _| {
            edit(r, "/hint", |t| json!(t.to_uppercase()))
        }),
        noisy("hint null for one", TICKET, OneEntity, |_, r, _| {
            put(r, "/hint", Value::Null)
        }),
        noisy("request token empty", TICKET, Rare, |_, r, _| {
            put(r, "/request_token", json!(""))
        }),
        noisy("request token the same, rare", TICKET, Rare, |_, r, _| {
            put(
                r,
                "/request_token",
                json!("0123456789abcdef0123456789abcdef"),
            )
        }),
        noisy(
            "request token the same, a fifth",
            TICKET,
            Fifth,
            |_, r, _| {
                put(
                    r,
                    "/request_token",
                    json!("0123456789abcdef0123456789abcdef"),
                )
            },
        ),
        noisy("nonce short", TICKET, Fifth, |_, r, _| {
            edit(r, "/nonce", |t| json!(&t[..8]))
        }),
        noisy("nonce in capitals", TICKET, Rare, |_, r, _| {
            edit(r, "/nonce", |t| json!(t.to_uppercase()))
        }),
        noisy("nonce gone for one", TICKET, OneEntity, |_, r, _| {
            members(r).map(|m| m.remove("nonce"));
        }),
        noisy("position negative", TICKET, Rare, |_, r, _| {
            put(r, "/position", json!(-1))
        }),
        noisy("position null", TICKET, Rare, |_, r, _| {
            put(r, "/position", Value::Null)
        }),
        noisy("watchers empty", TICKET, Rare, |_, r, _| {
            put(r, "/watchers", json!([]))
        }),
        noisy("watchers without muted", TICKET, Fifth, |_, r, _| {
            if let Some(Value::Array(all)) = at(r, "/watchers") {
                for one in all {
                    one.as_object_mut().map(|one| one.remove("muted"));
                }
            }
        }),
        noisy("a watcher renamed", TICKET, Fifth, |_, r, _| {
            put(r, "/watchers/0/name", json!("Unknown"))
        }),
        noisy("ping in microseconds", TICKET, Always, |_, r, _| {
            if let Some(ping) = at(r, "/ping") {
                *ping = json!(ping.as_u64().unwrap_or(0) * 1000 + 7);
            }
        }),
        noisy("ping in microseconds, rare", TICKET, Rare, |_, r, _| {
            if let Some(ping) = at(r, "/ping") {
                *ping = json!(ping.as_u64().unwrap_or(0) * 1000 + 1007);
            }
        }),
        noisy("ratio a percentage", TICKET, Fifth, |_, r, _| {
            edit(r, "/ratio", |t| {
                json!(format!("{} %", t.trim_start_matches("0.")))
            })
        }),
        noisy("sampled a day late", TICKET, Rare, |_, r, _| {
            edit(r, "/sampled_at", |t| shifted(t, 86_400))
        }),
        noisy("sampled half a minute early", TICKET, Always, |_, r, _| {
            edit(r, "/sampled_at", |t| shifted(t, -30))
        }),
        noisy("sampled by the minute", TICKET, Always, |_, r, _| {
            edit(r, "/sampled_at", |t| json!(format!("{}:00.000Z", &t[..16])))
        }),
        noisy("online zero", TICKET, Rare, |_, r, _| {
            put(r, "/online", json!(0))
        }),
        noisy("online far off", TICKET, Fifth, |_, r, _| {
            put(r, "/online", json!(9000))
        }),
        noisy("dice always true", TICKET, Always, |_, r, _| {
            put(r, "/flags/dice", json!(true))
        }),
        noisy("dice a number", TICKET, Rare, |_, r, _| {
            put(r, "/flags/dice", json!(1))
        }),
        noisy("layout gone once", TICKET, Once, |_, r, _| {
            members(r).map(|m| m.remove("layout"));
        }),
        noisy("layout is a third", TICKET, Fifth, |_, r, _| {
            put(r, "/layout", json!("three"))
        }),
        noisy("cache key negative", TICKET, Rare, |_, r, _| {
            put(r, "/cache_key", json!(-5))
        }),
        noisy("next without a cursor", "/desk/list", Fifth, |_, r, _| {
            put(r, "/next", json!("https://desk.example/list"))
        }),
        noisy("next on another host", "/desk/list", Fifth, |_, r, _| {
            edit(r, "/next", |t| {
                json!(t.replace("desk.example", "localhost"))
            })
        }),
        noisy("shard unknown", "/desk/list", Fifth, |_, r, _| {
            put(r, "/shard", json!(9))
        }),
        noisy(
            "session ends a minute early",
            "/desk/session",
            Always,
            |_, r, _| edit(r, "/expires_at", |t| json!(shifted(t, -60))),
        ),
        noisy("server unknown", "/desk/session", Fifth, |_, r, _| {
            put(r, "/server", json!("??"))
        }),
        noisy("load above all", "/desk/session", Fifth, |_, r, _| {
            put(r, "/load", json!(5000))
        }),
        noisy("csrf the same", "/desk/session", Fifth, |_, r, _| {
            put(
                r,
                "/csrf",
                json!("QWERTYqwerty0123456789ABCDEFabcdef012345"),
            )
        }),
        noisy(
            "state gone from the redirect",
            "/desk/go/{n}",
            Fifth,
            |_, r, _| {
                edit_header(r, "Location", |t| {
                    let (a, b) = t.split_once("&state=").unwrap_or((t, ""));
                    format!("{a}{}", b.find('&').map_or("", |at| &b[at..]))
                })
            },
        ),
        noisy(
            "state empty in the redirect",
            "/desk/go/{n}",
            Always,
            |_, r, _| {
                edit_header(r, "Location", |t| {
                    let (a, b) = t.split_once("&state=").unwrap_or((t, ""));
                    format!("{a}&state={}", b.find('&').map_or("", |at| &b[at..]))
                })
            },
        ),
        noisy(
            "client is another in the redirect",
            "/desk/go/{n}",
            Fifth,
            |_, r, _| edit_header(r, "Location", |t| t.replace("client=desk", "client=shop")),
        ),
        noisy("tip is a new one", BOARD, Fifth, |_, r, _| {
            between(r, "<p class=\"tip\">", "</p>", |_| "Lorem ipsum".into())
        }),
        noisy("tip gone", BOARD, Rare, |_, r, _| {
            between(r, "</p><p class=\"tip\">", "<p class=\"wait\">", |_| {
                String::new()
            })
        }),
        noisy("waiting time unknown", BOARD, Fifth, |_, r, _| {
            between(r, "Waiting time: ", " min", |_| "NaN".into())
        }),
        noisy("waiting time zero", BOARD, Fifth, |_, r, _| {
            between(r, "Waiting time: ", " min", |_| "0".into())
        }),
        noisy("ages in hours", BOARD, Always, |_, r, _| {
            replace(r, " minutes ago", " hours ago")
        }),
        noisy("form token the same, a fifth", BOARD, Fifth, |_, r, _| {
            between(r, "name=\"form_token\" value=\"", "\"", |_| {
                "Zm9vYmFyYmF6cXV4Zm9vYmFyYmF6cXV4MTIzNDU2Nzg5MDEy".into()
            })
        }),
        noisy("reference empty", BOARD, Fifth, |_, r, _| {
            between(r, "Reference ", "</p>", |_| String::new())
        }),
        noisy("served by nobody", BOARD, Fifth, |_, r, _| {
            edit_header(r, "X-Served-By", |_| "z".into())
        }),
        noisy("cookie with a short token", TICKET, Fifth, |_, r, _| {
            edit_header(r, "Set-Cookie", |t| {
                format!("desk=0{}", t.find(';').map_or("", |at| &t[at..]))
            })
        }),
        noisy("cookie lives a minute", TICKET, Always, |_, r, _| {
            edit_header(r, "Set-Cookie", |t| t.replace("3600", "60"))
        }),
        noisy("csp without its nonce", BOARD, Fifth, |_, r, _| {
            r.set("Content-Security-Policy", "script-src 'self'")
        }),
    ]
}

fn shifted(text: &str, seconds: i64) -> Value {
    let has_fraction = text.contains('.');
    humantime::parse_rfc3339(text).map_or(json!(text), |at| {
        let at = at
            .duration_since(std::time::UNIX_EPOCH)
            .unwrap_or_default()
            .as_millis() as i64;
        json!(when(at + seconds * 1000, has_fraction))
    })
}
