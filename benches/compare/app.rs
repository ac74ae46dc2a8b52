//! The toy application: a shop with pages, an API, exports, sessions, and all the noise that real ones have.

use serde_json::{Value, json};

use crate::{desk::Memory, random::Random};

/// A request of the scripted traffic.
#[derive(Clone, Debug)]
pub(crate) struct Request {
    pub number: usize,
    pub method: &'static str,
    pub target: String,
    pub path: String,
    pub user: Option<u64>,
    /// What the client sends, which production issued.
    pub cookie: Option<String>,
    pub body: Option<String>,
    pub encoding: &'static str,
}

impl Request {
    /// The number that a path ends with: the thing it is about.
    pub(crate) fn entity(&self) -> u64 {
        let last = self.path.rsplit('/').next().unwrap_or_default();
        last.parse().unwrap_or_else(|_| {
            self.target
                .bytes()
                .fold(7 + self.user.unwrap_or(0) * 977, |sum: u64, byte| {
                    sum.wrapping_mul(31).wrapping_add(u64::from(byte))
                })
                % 100_000
        })
    }

    pub(crate) fn is(&self, route: &str) -> bool {
        match route.strip_suffix("/{n}") {
            Some(begin) => self
                .path
                .strip_prefix(begin)
                .is_some_and(|rest| rest.starts_with('/') && rest.len() > 1),
            None => self.path == route,
        }
    }
}

#[derive(Clone, Debug)]
pub(crate) enum Body {
    Json(Value),
    Text(String),
    Bytes(Vec<u8>),
}

/// An answer before it is written.
#[derive(Clone, Debug)]
pub(crate) struct Reply {
    pub status: u16,
    pub headers: Vec<(String, String)>,
    pub body: Body,
}

impl Reply {
    pub(crate) fn new(status: u16, content_type: &str, body: Body) -> Self {
        Self {
            status,
            headers: vec![("Content-Type".to_owned(), content_type.to_owned())],
            body,
        }
    }

    pub(crate) fn set(&mut self, name: &str, value: &str) {
        self.remove(name);
        self.headers.push((name.to_owned(), value.to_owned()));
    }

    pub(crate) fn remove(&mut self, name: &str) {
        self.headers.retain(|(known, _)| known != name);
    }
}

/// One running instance: its own counters and its own chance; its data may lag behind production's.
#[derive(Clone, Debug)]
pub(crate) struct Instance {
    pub(crate) random: Random,
    pub(crate) memory: Memory,
    pub(crate) views: u64,
    pub(crate) served: u64,
    created: u64,
    /// The percentage of things that changed in production since the copy was made.
    drift: u64,
}

const NAMES: [&str; 12] = [
    "Ada Lovelace",
    "Grace Hopper",
    "Jürgen Müller",
    "Zoë Ångström",
    "Ken Thompson",
    "Barbara Liskov",
    "José Álvarez",
    "Donald Knuth",
    "Anita Borg",
    "Tom & Jerry Ltd",
    "Niklaus Wirth",
    "Radia Perlman",
];
const STATUSES: [&str; 4] = ["open", "paid", "shipped", "returned"];
const WORDS: [&str; 16] = [
    "amber", "birch", "cedar", "delta", "ember", "flint", "grove", "hazel", "iris", "jade",
    "karst", "lotus", "maple", "north", "onyx", "pearl",
];

/// Data of a thing, the same on each side but for drift.
pub(crate) fn data(kind: u64, id: u64) -> Random {
    Random::new(kind.wrapping_mul(1_000_003).wrapping_add(id))
}

pub(crate) fn pick<'a>(words: &[&'a str], at: u64) -> &'a str {
    words[at as usize % words.len()]
}

pub(crate) fn when(at: i64, millis: bool) -> String {
    let moment = std::time::UNIX_EPOCH + std::time::Duration::from_millis(at.max(0) as u64);
    if millis {
        humantime::format_rfc3339_millis(moment).to_string()
    } else {
        humantime::format_rfc3339_seconds(moment).to_string()
    }
}

impl Instance {
    pub(crate) fn new(seed: u64, drift: u64) -> Self {
        Self {
            random: Random::new(seed),
            memory: Memory::default(),
            views: 1000 + seed % 500,
            served: 0,
            created: 0,
            drift,
        }
    }

    fn has_drifted(&self, id: u64) -> bool {
        data(99, id).below(100) < self.drift
    }

    pub(crate) fn answer(&mut self, request: &Request, now: i64) -> Reply {
        if request.path.contains("/desk/") {
            return self.desk(request, now);
        }
        if request.path.contains("/fleet/") {
            return self.fleet(request, now);
        }
        self.served += 1;
        let mut reply = match &*request.path {
            "/" => self.home(request, now),
            "/orders" if request.method == "POST" => self.create(request),
            "/orders" => self.orders(request),
            "/login" => self.login(),
            "/account" => self.account(request, now),
            "/api/me" => self.me(request, now),
            "/search" => self.search(request),
            "/export.csv" => self.export(),
            "/feed.xml" => self.feed(now),
            "/stats" => self.stats(now),
            "/logo.png" => Reply::new(
                200,
                "image/png",
                Body::Bytes((0..400_u32).map(|at| (at * 7 % 251) as u8).collect()),
            ),
            path if path.starts_with("/orders/") => self.order(request, now),
            path if path.starts_with("/products/") => self.product(request),
            path if path.starts_with("/old/") => self.moved(request),
            _ => Reply::new(
                404,
                "text/html",
                Body::Text("<html><title>Not found</title><h1>Not found</h1></html>".into()),
            ),
        };
        let random = &mut self.random;
        reply.set("X-Request-Id", &random.uuid());
        reply.set("X-Runtime", &format!("0.{:06}", random.below(90_000)));
        reply.set("X-Frame-Options", "SAMEORIGIN");
        reply.set("Cache-Control", "max-age=0, private, must-revalidate");
        reply.set("Vary", "Accept, Cookie");
        reply.set(
            "Content-Security-Policy",
            "default-src 'self'; img-src 'self' data:",
        );
        reply.set("ETag", &format!("W/\"{}\"", random.hex(32)));
        reply.set(
            "X-Ratelimit-Remaining",
            &(5_000_000 - self.served).to_string(),
        );
        reply.set("X-Cache", if random.chance(3.0) { "MISS" } else { "HIT" });
        if request.user.is_some() && request.path != "/login" {
            // Encrypted anew in each answer, as Rails does.
            let session = random.token(120);
            let expires = when(now + 14 * 24 * 3_600_000, false);
            let expires = httpdate(&expires);
            reply.headers.push((
                "Set-Cookie".to_owned(),
                format!("_shop_session={session}; path=/; expires={expires}; Secure; HttpOnly; SameSite=Lax"),
            ));
        }
        reply
    }

    fn order(&mut self, request: &Request, now: i64) -> Reply {
        let id = request.entity();
        let drifted = self.has_drifted(id);
        let mut data = data(1, id);
        if drifted && id.is_multiple_of(10) {
            return Reply::new(
                404,
                "application/json",
                Body::Json(json!({"error": "not found"})),
            );
        }
        self.views += 1 + self.random.below(3);
        let count = 1 + data.below(6);
        let lines: Vec<Value> = (0..count)
            .map(|at| {
                json!({
                    "sku": format!("SKU-{}", data.below(100_000)),
                    "title": format!("{} {}", WORDS[data.below(16) as usize], WORDS[data.below(16) as usize]),
                    "quantity": 1 + data.below(9),
                    "price": format!("{}.{:02}", 1 + data.below(400), data.below(100)),
                    "position": at + 1,
                })
            })
            .collect();
        let created = 1_700_000_000_000 + (data.below(30_000_000_000)) as i64;
        let total = format!("{}.{:02}", 20 + data.below(2000), data.below(100));
        let mut status = STATUSES[data.below(4) as usize];
        let mut updated = created + data.below(900_000_000) as i64;
        if drifted {
            status = if status == "open" { "paid" } else { "open" };
            updated -= 86_461_000;
        }
        let mut tags: Vec<&str> = (0..4)
            .map(|at| WORDS[(data.below(4) + at * 4) as usize])
            .collect();
        self.random.shuffle(&mut tags);
        let name = NAMES[data.below(12) as usize];
        let note = if data.below(3) == 0 {
            Value::Null
        } else {
            json!(format!(
                " Please deliver to {} & ring",
                WORDS[data.below(16) as usize]
            ))
        };
        let body = json!({
            "id": id,
            "number": format!("A-{id:06}"),
            "total": total,
            "tax_cents": data.below(90_000),
            "currency": pick(&["EUR", "USD", "CHF"], data.below(3)),
            "status": status,
            "paid": data.below(2) == 0,
            "note": note,
            "customer": {
                "name": name,
                "email": format!("{}@example.org", WORDS[data.below(16) as usize]),
                "address": {"city": WORDS[data.below(16) as usize], "zip": format!("{:05}", data.below(99_999))},
            },
            "lines": lines,
            "link": format!("https://shop.example/orders/{id}"),
            "uuid": data.uuid(),
            "created_at": when(created, true),
            "updated_at": when(updated, true),
            // Noise from here on.
            "token": self.random.uuid(),
            "views": self.views,
            "server_time": when(now, true),
            "tags": tags,
            "variant": pick(&["control", "red", "blue"], self.random.below(3)),
            "load": format!("{}.{:02}", self.random.below(4), self.random.below(100)),
            "padding": "x".repeat(200),
        });
        Reply::new(200, "application/json; charset=utf-8", Body::Json(body))
    }

    fn orders(&mut self, request: &Request) -> Reply {
        let page = request
            .target
            .split("page=")
            .nth(1)
            .and_then(|page| page.split('&').next()?.parse().ok())
            .unwrap_or(1_u64);
        let items: Vec<Value> = (0..10)
            .map(|at| {
                let id = 1000 + page * 10 + at;
                let mut data = data(1, id);
                json!({"id": id, "total": format!("{}.{:02}", 20 + data.below(2000), data.below(100)), "status": STATUSES[data.below(4) as usize]})
            })
            .collect();
        let body =
            json!({"page": page, "items": items, "count": 10, "cursor": self.random.token(24)});
        Reply::new(200, "application/json; charset=utf-8", Body::Json(body))
    }

    fn search(&mut self, request: &Request) -> Reply {
        let mut data = data(3, request.entity());
        let count = data.below(8);
        let results: Vec<Value> = (0..count)
            .map(|at| json!({"id": data.below(100_000), "title": format!("{} {}", WORDS[data.below(16) as usize], WORDS[data.below(16) as usize]), "score": 100 - at * 7}))
            .collect();
        let body = json!({"results": results, "took_ms": self.random.below(90), "total": count});
        Reply::new(200, "application/json; charset=utf-8", Body::Json(body))
    }

    fn stats(&mut self, now: i64) -> Reply {
        let body = json!({
            "now": when(now, true), "started": "2026-01-01T00:00:00Z", "served": self.served, "sample": self.random.below(1_000_000),
            "nodes": (0..3).map(|at| json!({"name": WORDS[at], "load": self.random.below(100), "healthy": true})).collect::<Vec<_>>(),
        });
        Reply::new(200, "application/json", Body::Json(body))
    }

    fn me(&mut self, request: &Request, now: i64) -> Reply {
        let Some(user) = request.user else {
            return Reply::new(
                401,
                "application/json",
                Body::Json(json!({"error": "who are you?"})),
            );
        };
        let body = json!({"id": user, "name": NAMES[(user % 12) as usize], "seen_at": when(now - 40, true), "csrf": self.random.token(43), "unread": self.random.below(3)});
        Reply::new(200, "application/json; charset=utf-8", Body::Json(body))
    }

    fn create(&mut self, request: &Request) -> Reply {
        self.created += 1;
        let id = 500_000 + self.created;
        let mut reply = Reply::new(
            201,
            "application/json",
            Body::Json(
                json!({"id": id, "ok": true, "echo": request.body.clone().unwrap_or_default().len()}),
            ),
        );
        reply.set("Location", &format!("/orders/{id}"));
        reply
    }

    fn login(&mut self) -> Reply {
        let mut reply = Reply::new(
            302,
            "text/html",
            Body::Text(
                "<html><body>You are being <a href=\"/\">redirected</a>.</body></html>".into(),
            ),
        );
        reply.set("Location", "https://shop.example/");
        reply.set(
            "Set-Cookie",
            &format!(
                "_shop_session={}; path=/; Secure; HttpOnly; SameSite=Lax",
                self.random.token(120)
            ),
        );
        reply
    }

    fn moved(&mut self, request: &Request) -> Reply {
        let mut reply = Reply::new(
            301,
            "text/html",
            Body::Text("<html><body>Moved</body></html>".into()),
        );
        reply.set(
            "Location",
            &format!("https://shop.example/orders/{}", request.entity()),
        );
        reply
    }

    fn layout(&mut self, title: &str, user: Option<u64>, main: &str) -> Reply {
        let csrf = self.random.token(86);
        let greeting = user.map_or("<a href=\"/login\">Sign in</a>".to_owned(), |user| {
            format!(
                "<span class=\"user\">Signed in as {}</span> <a href=\"/logout\">Sign out</a>",
                NAMES[(user % 12) as usize].replace('&', "&amp;")
            )
        });
        let page = format!(
            "<!DOCTYPE html><html lang=\"en\"><head><meta charset=\"utf-8\"><title>{title}</title>\
             <meta name=\"csrf-token\" content=\"{csrf}\"><link rel=\"stylesheet\" href=\"/assets/app-9e107d9d372bb682.css\">\
             <script src=\"/assets/app-4a5b6c7d8e9f0011.js\"></script></head><body><header class=\"top wide\"><nav id=\"nav\">\
             <a href=\"/\">Home</a> <a href=\"/orders\">Orders</a> <a href=\"/search\">Search</a></nav>{greeting}</header>\
             <main id=\"main\">{main}</main><footer><p>Imprint</p><p>Served by web-{}</p></footer></body></html>",
            self.random.below(4)
        );
        Reply::new(200, "text/html; charset=utf-8", Body::Text(page))
    }

    fn home(&mut self, request: &Request, now: i64) -> Reply {
        let banner =
            ["Free shipping", "Ten percent off", "New arrivals"][self.random.below(3) as usize];
        let online = 40 + self.random.below(20);
        let main = format!(
            "<h1>Welcome</h1><div class=\"banner\">{banner}</div><p>{online} people are online</p><p>It is {}</p>\
             <ul class=\"news\"><li><a href=\"/products/11\">Amber lamp</a></li><li><a href=\"/products/12\">Birch table</a></li></ul>",
            when(now, false)
        );
        self.layout("Shop", request.user, &main)
    }

    fn account(&mut self, request: &Request, now: i64) -> Reply {
        let Some(user) = request.user else {
            let mut reply = Reply::new(302, "text/html", Body::Text(String::new()));
            reply.set("Location", "https://shop.example/login");
            return reply;
        };
        let token = self.random.token(86);
        let main = format!(
            "<h1>Your account</h1><p>Customer since 2019</p><form action=\"/account\" method=\"post\">\
             <input type=\"hidden\" name=\"authenticity_token\" value=\"{token}\"><input name=\"email\" value=\"user{user}@example.org\">\
             <button type=\"submit\">Save</button></form><p>Last seen {}</p>",
            when(now - 40, false)
        );
        self.layout("Your account", request.user, &main)
    }

    fn product(&mut self, request: &Request) -> Reply {
        let id = request.entity();
        let mut data = data(2, id);
        let name = format!(
            "{} {}",
            WORDS[data.below(16) as usize],
            WORDS[data.below(16) as usize]
        );
        let mut price = format!("€ {}.{:02}", 5 + data.below(300), data.below(100));
        if self.has_drifted(id) {
            price = format!("€ {}.{:02}", 5 + data.below(300), data.below(100));
        }
        let rows: String = (0..5)
            .map(|at| {
                format!(
                    "<tr><td>{}</td><td>{} mm</td></tr>",
                    ["Height", "Width", "Depth", "Weight", "Length"][at],
                    10 + data.below(900)
                )
            })
            .collect();
        let mut related: Vec<u64> = (0..4).map(|at| id * 4 + at).collect();
        self.random.shuffle(&mut related);
        let related: String = related
            .iter()
            .map(|other| format!("<li><a href=\"/products/{other}\">Item no. {other}</a></li>"))
            .collect();
        let token = self.random.token(86);
        let main = format!(
            "<h1>{name}</h1><p class=\"price\">{price}</p><p>In stock</p><p>Salt &amp; pepper &lt;set&gt; by {}</p><table class=\"specs\">{rows}</table>\
             <form action=\"/cart\" method=\"post\" id=\"cart\"><input type=\"hidden\" name=\"authenticity_token\" value=\"{token}\">\
             <input type=\"hidden\" name=\"product\" value=\"{id}\"><input name=\"qty\" value=\"1\"><button>Add to cart</button></form>\
             <h2>Related</h2><ul class=\"related\">{related}</ul><a href=\"/products/{id}/reviews\">Read reviews</a>",
            NAMES[data.below(12) as usize].replace('&', "&amp;")
        );
        self.layout(&name, request.user, &main)
    }

    fn export(&mut self) -> Reply {
        let mut text = "id,customer,total,paid\n".to_owned();
        for id in 0..20 {
            let mut data = data(1, id);
            text.push_str(&format!(
                "{id},{},{}.{:02},{}\n",
                NAMES[data.below(12) as usize],
                data.below(2000),
                data.below(100),
                data.below(2) == 0
            ));
        }
        Reply::new(200, "text/csv; charset=utf-8", Body::Text(text))
    }

    fn feed(&mut self, now: i64) -> Reply {
        let entries: String = (0..6)
            .map(|id| {
                let mut data = data(4, id);
                format!("<entry><id>tag:shop,{id}</id><title>News {}</title><updated>{}</updated><summary>About {}</summary></entry>", WORDS[data.below(16) as usize], when(1_700_000_000_000 + data.below(9_000_000_000) as i64, false), WORDS[data.below(16) as usize])
            })
            .collect();
        let text = format!(
            "<?xml version=\"1.0\"?><feed xmlns=\"http://www.w3.org/2005/Atom\"><title>Shop</title><updated>{}</updated>{entries}</feed>",
            when(now, false)
        );
        Reply::new(200, "application/atom+xml; charset=utf-8", Body::Text(text))
    }
}

/// A time as cookies have it.
fn httpdate(rfc3339: &str) -> String {
    let day = &rfc3339[..10];
    let mut parts = day.split('-').filter_map(|part| part.parse::<i64>().ok());
    let (year, month, date) = (
        parts.next().unwrap_or(1970),
        parts.next().unwrap_or(1),
        parts.next().unwrap_or(1),
    );
    let months = [
        "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
    ];
    let days = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"];
    let shift = [0, 3, 2, 5, 0, 3, 5, 1, 4, 6, 2, 4];
    let of = if month < 3 { year - 1 } else { year };
    let weekday = (of + of / 4 - of / 100 + of / 400 + shift[month as usize - 1] + date) % 7;
    format!(
        "{}, {date:02} {} {year} {} GMT",
        days[weekday as usize],
        months[month as usize - 1],
        &rfc3339[11..19]
    )
}
