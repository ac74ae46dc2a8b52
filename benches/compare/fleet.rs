//! A third application, only ever counted: vehicles on a map. Nothing was tuned on it.

use serde_json::{Value, json};

use crate::{
    app::{Body, Instance, Reply, Request, data, pick, when},
    faults::{Fault, Rate, at, between, edit, edit_header, fault, members, noisy, replace},
};

const MODES: [&str; 3] = ["idle", "driving", "charging"];
const CITIES: [&str; 8] = [
    "Bern", "Zürich", "Basel", "Genève", "Lugano", "Chur", "Sion", "Aarau",
];

impl Instance {
    pub(crate) fn fleet(&mut self, request: &Request, now: i64) -> Reply {
        self.served += 1;
        let path = request
            .path
            .split_once("/fleet")
            .map_or("", |(_, rest)| rest);
        let mut reply = match path {
            path if path.starts_with("/vehicles/") => self.vehicle(request, now),
            path if path.starts_with("/share/") => self.share(request, now),
            "/trips" => self.trips(request),
            "/token" => self.token(now),
            _ => self.map(request, now),
        };
        let random = &mut self.random;
        reply.set("X-Trace-Id", &random.hex(32));
        reply.set("X-Node", &format!("node-{}", random.below(5)));
        reply.set(
            "X-Ratelimit-Remaining",
            &(1000 - self.served % 1000).to_string(),
        );
        reply.set("Retry-After", &(1 + random.below(5)).to_string());
        reply.set(
            "CF-Cache-Status",
            ["HIT", "MISS", "DYNAMIC"][(random.below(10) / 4) as usize],
        );
        reply.set("ETag", &format!("\"{}\"", random.hex(16)));
        reply.set("Strict-Transport-Security", "max-age=31536000");
        if request.user.is_some() {
            let token = random.token(86);
            let text =
                format!("sid={token}; Path=/fleet; Secure; HttpOnly; SameSite=Lax; Max-Age=1800");
            reply.headers.push(("Set-Cookie".to_owned(), text));
        }
        reply
    }

    fn vehicle(&mut self, request: &Request, now: i64) -> Reply {
        let id = request.entity();
        let mut data = data(31, id);
        let mut seats = vec!["front left", "front right", "rear"];
        self.random.shuffle(&mut seats);
        let tick = self.cached(now);
        let body = json!({
            "id": id,
            "plate": format!("BE {}", data.below(999_999)),
            "mode": MODES[data.below(3) as usize],
            "mileage": data.below(200_000),
            "owner": {"name": CITIES[data.below(8) as usize], "since": when(1_600_000_000_000 + data.below(90_000_000_000) as i64, true)},
            "position": {"lat": format!("46.{:05}", self.random.below(100_000)), "speed": self.random.below(130)},
            "signature": self.random.token(64),
            "lease": self.random.uuid(),
            "messages": self.views + self.served,
            "seats": seats,
            "arm": self.half(request.user),
            "weather": pick(&["sun", "rain", "snow", "fog"], tick),
            "advert": CITIES[self.random.below(5) as usize],
            "charge": 40 + self.random.below(20),
            "measured_at": when(now - 120, true),
            "valid_until": when(now + 600_000, false),
            "locked": self.random.below(2) == 0,
        });
        Reply::new(200, "application/json; charset=utf-8", Body::Json(body))
    }

    fn trips(&mut self, request: &Request) -> Reply {
        let mut data = data(32, request.entity());
        let trips: Vec<Value> = (0..5)
            .map(|_| json!({"from": CITIES[data.below(8) as usize], "to": CITIES[data.below(8) as usize], "km": data.below(300)}))
            .collect();
        let body = json!({"trips": trips, "cursor": self.random.token(20), "replica": self.random.below(3), "elapsed": self.random.below(70), "estimate": 100 + self.random.below(50)});
        Reply::new(200, "application/json", Body::Json(body))
    }

    fn token(&mut self, now: i64) -> Reply {
        let body = json!({"access_token": self.random.token(43), "issued": now / 1000, "region": pick(&["west", "east"], self.random.below(2)), "jitter": self.random.below(10)});
        Reply::new(200, "application/json", Body::Json(body))
    }

    fn share(&mut self, request: &Request, now: i64) -> Reply {
        let mut reply = Reply::new(303, "text/html", Body::Text(String::new()));
        let (key, nonce) = (self.random.hex(32), self.random.token(16));
        reply.set(
            "Location",
            &format!(
                "/fleet/map?vehicle={}&key={key}&nonce={nonce}&until={}",
                request.entity(),
                now / 1000 + 60
            ),
        );
        reply
    }

    fn map(&mut self, request: &Request, now: i64) -> Reply {
        let rows: String = (0..4)
            .map(|at| {
                format!(
                    "<tr><td>Car {at}</td><td>{} km/h</td></tr>",
                    10 + self.random.below(90)
                )
            })
            .collect();
        let signed = request
            .user
            .map_or("Guest".to_owned(), |user| format!("Driver {user}"));
        let page = format!(
            "<!DOCTYPE html><html><head><title>Fleet</title></head><body><h1>Map</h1><p id=\"who\">{signed}</p><p id=\"news\">{}</p>\
             <p id=\"near\">{} cars nearby</p><p id=\"seen\">Seen {}</p><p id=\"code\">Code {}</p><table id=\"cars\">{rows}</table>\
             <form action=\"/fleet/book\" method=\"post\" id=\"book\"><input type=\"hidden\" name=\"csrf\" value=\"{}\"><input name=\"when\"><button>Book</button></form>\
             </body></html>",
            ["Road works", "All clear", "Ice"][self.random.below(3) as usize],
            3 + self.random.below(7),
            when(now, false),
            self.random.hex(12),
            self.random.token(44),
        );
        Reply::new(200, "text/html; charset=utf-8", Body::Text(page))
    }
}

const VEHICLE: &str = "/fleet/vehicles/{n}";
const MAP: &str = "/fleet/map";
use Rate::{Always, Fifth, Once, OneEntity, Rare};

fn put(reply: &mut Reply, pointer: &str, value: Value) {
    if let Some(old) = at(reply, pointer) {
        *old = value;
    }
}

fn remove(reply: &mut Reply, name: &str) {
    if let Some(all) = members(reply) {
        all.remove(name);
    }
}

pub(crate) fn faults() -> Vec<Fault> {
    let mut all = of_json();
    all.extend(of_the_rest());
    all
}

fn of_json() -> Vec<Fault> {
    vec![
        noisy("signature empty", VEHICLE, Fifth, |_, r, _| {
            put(r, "/signature", json!(""))
        }),
        noisy("signature empty, rare", VEHICLE, Rare, |_, r, _| {
            put(r, "/signature", json!(""))
        }),
        noisy("signature a constant", VEHICLE, Fifth, |_, r, _| {
            put(
                r,
                "/signature",
                json!("A1b2C3d4E5f6G7h8A1b2C3d4E5f6G7h8A1b2C3d4E5f6G7h8A1b2C3d4E5f6G7h8"),
            )
        }),
        noisy("signature cut to half", VEHICLE, Always, |_, r, _| {
            edit(r, "/signature", |t| json!(&t[..32]))
        }),
        noisy("lease gone once", VEHICLE, Once, |_, r, _| {
            remove(r, "lease")
        }),
        noisy("lease null", VEHICLE, Rare, |_, r, _| {
            put(r, "/lease", Value::Null)
        }),
        noisy("lease in capitals", VEHICLE, Always, |_, r, _| {
            edit(r, "/lease", |t| json!(t.to_uppercase()))
        }),
        noisy("messages a text", VEHICLE, Fifth, |_, r, _| {
            if let Some(value) = at(r, "/messages") {
                *value = json!(value.to_string());
            }
        }),
        noisy("speed negative", VEHICLE, Fifth, |_, r, _| {
            if let Some(value) = at(r, "/position/speed") {
                *value = json!(-1 - value.as_i64().unwrap_or(0));
            }
        }),
        noisy("speed in metres", VEHICLE, Always, |_, r, _| {
            if let Some(value) = at(r, "/position/speed") {
                *value = json!(value.as_i64().unwrap_or(0) * 1000);
            }
        }),
        noisy("latitude with a comma", VEHICLE, Fifth, |_, r, _| {
            edit(r, "/position/lat", |t| json!(t.replace('.', ",")))
        }),
        noisy("latitude gone for one", VEHICLE, OneEntity, |_, r, _| {
            if let Some(Value::Object(all)) = at(r, "/position") {
                all.remove("lat");
            }
        }),
        noisy("seats: one less", VEHICLE, Rare, |_, r, _| {
            if let Some(Value::Array(all)) = at(r, "/seats") {
                all.pop();
            }
        }),
        noisy("arm unknown", VEHICLE, Fifth, |_, r, _| {
            put(r, "/arm", json!("none"))
        }),
        noisy("weather unknown", VEHICLE, Fifth, |_, r, _| {
            put(r, "/weather", json!("hail"))
        }),
        noisy("advert always the same", VEHICLE, Always, |_, r, _| {
            put(r, "/advert", json!("Bern"))
        }),
        noisy("advert a new one, rare", VEHICLE, Rare, |_, r, _| {
            put(r, "/advert", json!("Paris"))
        }),
        noisy("advert garbled", VEHICLE, Always, |_, r, _| {
            edit(r, "/advert", |t| {
                json!(t.bytes().map(char::from).collect::<String>())
            })
        }),
        noisy("charge always full", VEHICLE, Fifth, |_, r, _| {
            put(r, "/charge", json!(100))
        }),
        noisy("charge a float", VEHICLE, Always, |_, r, _| {
            if let Some(value) = at(r, "/charge") {
                *value = json!(value.as_f64().unwrap_or(0.0));
            }
        }),
        noisy("measured an hour early", VEHICLE, Fifth, |_, r, _| {
            edit(r, "/measured_at", |t| shifted(t, -3600))
        }),
        noisy("measured without fraction", VEHICLE, Always, |_, r, _| {
            edit(r, "/measured_at", |t| json!(format!("{}Z", &t[..19])))
        }),
        noisy("valid for a day", VEHICLE, Always, |_, r, _| {
            edit(r, "/valid_until", |t| shifted(t, 86_400 - 600))
        }),
        noisy("locked always", VEHICLE, Always, |_, r, _| {
            put(r, "/locked", json!(true))
        }),
        noisy("locked null, rare", VEHICLE, Rare, |_, r, _| {
            put(r, "/locked", Value::Null)
        }),
        noisy("cursor gone", "/fleet/trips", Fifth, |_, r, _| {
            remove(r, "cursor")
        }),
        noisy("replica a text", "/fleet/trips", Always, |_, r, _| {
            if let Some(value) = at(r, "/replica") {
                *value = json!(value.to_string());
            }
        }),
        noisy("estimate zero", "/fleet/trips", Fifth, |_, r, _| {
            put(r, "/estimate", json!(0))
        }),
        noisy("access token reused", "/fleet/token", Always, |_, r, _| {
            put(
                r,
                "/access_token",
                json!("abcdefghijABCDEFGHIJ0123456789abcdefghijABC"),
            )
        }),
        noisy(
            "issued in milliseconds",
            "/fleet/token",
            Fifth,
            |_, r, _| {
                if let Some(value) = at(r, "/issued") {
                    *value = json!(value.as_i64().unwrap_or(0) * 1000);
                }
            },
        ),
        noisy("region empty", "/fleet/token", Fifth, |_, r, _| {
            put(r, "/region", json!(""))
        }),
        fault("mode in capitals", VEHICLE, Fifth, |_, r, _| {
            edit(r, "/mode", |t| json!(t.to_uppercase()))
        }),
        fault("mileage in metres", VEHICLE, Rare, |_, r, _| {
            if let Some(value) = at(r, "/mileage") {
                *value = json!(value.as_i64().unwrap_or(0) * 1000);
            }
        }),
        fault("plate gone once", VEHICLE, Once, |_, r, _| {
            remove(r, "plate")
        }),
        fault("a trip more", "/fleet/trips", Fifth, |_, r, _| {
            if let Some(Value::Array(all)) = at(r, "/trips") {
                let first = all[0].clone();
                all.push(first);
            }
        }),
    ]
}

fn of_the_rest() -> Vec<Fault> {
    vec![
        noisy(
            "key gone from the address",
            "/fleet/share/{n}",
            Fifth,
            |_, r, _| {
                edit_header(r, "Location", |t| {
                    let (begin, rest) = t.split_once("&key=").unwrap_or((t, ""));
                    format!("{begin}{}", rest.find('&').map_or("", |at| &rest[at..]))
                })
            },
        ),
        noisy(
            "nonce empty in the address",
            "/fleet/share/{n}",
            Always,
            |_, r, _| {
                edit_header(r, "Location", |t| {
                    let (begin, rest) = t.split_once("&nonce=").unwrap_or((t, ""));
                    format!(
                        "{begin}&nonce={}",
                        rest.find('&').map_or("", |at| &rest[at..])
                    )
                })
            },
        ),
        noisy(
            "vehicle is another in the address",
            "/fleet/share/{n}",
            Fifth,
            |_, r, _| edit_header(r, "Location", |t| t.replace("vehicle=", "vehicle=9")),
        ),
        noisy("news is a new one", MAP, Fifth, |_, r, _| {
            between(r, "id=\"news\">", "</p>", |_| "Closed".into())
        }),
        noisy("news gone", MAP, Rare, |_, r, _| {
            between(r, "</p>", "<p id=\"near\">", |_| String::new())
        }),
        noisy("nobody near", MAP, Fifth, |_, r, _| {
            between(r, "id=\"near\">", " cars", |_| "0".into())
        }),
        noisy("seen two hours early", MAP, Fifth, |_, r, _| {
            between(r, "Seen ", "</p>", |t| {
                shifted(t, -7200).as_str().unwrap_or_default().to_owned()
            })
        }),
        noisy("code empty", MAP, Fifth, |_, r, _| {
            between(r, "Code ", "</p>", |_| String::new())
        }),
        noisy("a car less", MAP, Fifth, |_, r, _| {
            between(r, "<table id=\"cars\">", "</tr>", |_| "<tr>".into())
        }),
        noisy("speeds in miles", MAP, Always, |_, r, _| {
            replace(r, " km/h", " mph")
        }),
        noisy("csrf field empty", MAP, Rare, |_, r, _| {
            between(r, "name=\"csrf\" value=\"", "\"", |_| String::new())
        }),
        noisy("csrf field a constant", MAP, Fifth, |_, r, _| {
            between(r, "name=\"csrf\" value=\"", "\"", |_| {
                "AbCdEfGh0123456789AbCdEfGh0123456789AbCdEfGh".into()
            })
        }),
        noisy("node unknown", MAP, Fifth, |_, r, _| {
            edit_header(r, "X-Node", |_| "localhost".into())
        }),
        noisy("cache never hits", VEHICLE, Always, |_, r, _| {
            edit_header(r, "CF-Cache-Status", |_| "MISS".into())
        }),
        noisy("trace id gone", VEHICLE, Fifth, |_, r, _| {
            r.remove("X-Trace-Id")
        }),
        noisy("cookie for all paths", VEHICLE, Fifth, |_, r, _| {
            edit_header(r, "Set-Cookie", |t| t.replace("Path=/fleet", "Path=/"))
        }),
        noisy("cookie without a life", VEHICLE, Always, |_, r, _| {
            edit_header(r, "Set-Cookie", |t| t.replace("; Max-Age=1800", ""))
        }),
        noisy("cookie the same for all", VEHICLE, Fifth, |_, r, _| {
            edit_header(r, "Set-Cookie", |t| {
                format!(
                    "sid=AAAABBBBCCCCDDDDEEEEFFFF0000111122223333444455556666777788889999{}",
                    t.find(';').map_or("", |at| &t[at..])
                )
            })
        }),
        fault("transport security gone", MAP, Rare, |_, r, _| {
            r.remove("Strict-Transport-Security")
        }),
        fault("book button gone", MAP, Fifth, |_, r, _| {
            replace(r, "<button>Book</button>", "")
        }),
        fault("shared for good", "/fleet/share/{n}", Fifth, |_, r, _| {
            r.status = 301
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
