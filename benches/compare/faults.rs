//! Faults that the new version may have, one at a time: what it does to an answer, and to which of them.

use serde_json::{Value, json};

use crate::{
    app::{Body, Reply, Request},
    random::Random,
};

/// Which requests of its route a fault touches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Rate {
    Always,
    /// One of five things, or of five requests.
    Fifth,
    /// Two percent.
    Rare,
    /// One thing only, whenever it is asked for.
    OneEntity,
    /// One request of all.
    Once,
}

type Change = fn(&Request, &mut Reply, &mut Random);

#[derive(Clone, Copy)]
pub(crate) struct Fault {
    pub name: &'static str,
    /// None is all of them.
    pub route: Option<&'static str>,
    pub rate: Rate,
    /// At a place where production itself is noisy.
    pub is_noisy: bool,
    pub change: Change,
}

impl Fault {
    /// Whether it touches this request, by what it is about or by chance.
    pub(crate) fn touches(
        &self,
        request: &Request,
        chosen: Option<&Request>,
        random: &mut Random,
    ) -> bool {
        if self.route.is_some_and(|route| !request.is(route))
            || request.method == "POST" && self.route.is_none()
        {
            return false;
        }
        match self.rate {
            Rate::Always => true,
            Rate::Fifth if self.name.len().is_multiple_of(2) => {
                Random::new(request.entity()).below(5) == 0
            }
            Rate::Fifth => random.below(5) == 0,
            Rate::Rare => random.below(50) == 0,
            Rate::OneEntity => chosen.is_some_and(|chosen| chosen.path == request.path),
            Rate::Once => chosen.is_some_and(|chosen| chosen.number == request.number),
        }
    }
}

pub(crate) fn at<'a>(reply: &'a mut Reply, pointer: &str) -> Option<&'a mut Value> {
    match &mut reply.body {
        Body::Json(value) => value.pointer_mut(pointer),
        _ => None,
    }
}

pub(crate) fn members(reply: &mut Reply) -> Option<&mut serde_json::Map<String, Value>> {
    match &mut reply.body {
        Body::Json(Value::Object(members)) => Some(members),
        _ => None,
    }
}

fn text_of(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

/// Changes a text of JSON.
pub(crate) fn edit(reply: &mut Reply, pointer: &str, change: impl Fn(&str) -> Value) {
    if let Some(value) = at(reply, pointer)
        && value.is_string()
    {
        *value = change(&text_of(value));
    }
}

pub(crate) fn replace(reply: &mut Reply, from: &str, to: &str) {
    if let Body::Text(text) = &mut reply.body {
        *text = text.replace(from, to);
    }
}

/// Replaces what stands between two texts, without them.
pub(crate) fn between(reply: &mut Reply, begin: &str, end: &str, change: impl Fn(&str) -> String) {
    if let Body::Text(text) = &mut reply.body
        && let Some(from) = text.find(begin).map(|at| at + begin.len())
        && let Some(length) = text[from..].find(end)
    {
        let new = change(&text[from..from + length]);
        text.replace_range(from..from + length, &new);
    }
}

pub(crate) fn edit_header(reply: &mut Reply, name: &str, change: impl Fn(&str) -> String) {
    for (known, value) in &mut reply.headers {
        if known == name {
            *value = change(value);
        }
    }
}

fn error_page(reply: &mut Reply) {
    reply.status = 500;
    reply.set("Content-Type", "text/html; charset=utf-8");
    reply.body = Body::Text(
        "<!DOCTYPE html><html><head><title>Action Controller: Exception caught</title></head><body><h1>NoMethodError in OrdersController#show</h1>\
         <p>undefined method `total' for nil:NilClass</p></body></html>"
            .into(),
    );
}

pub(crate) const fn fault(
    name: &'static str,
    route: &'static str,
    rate: Rate,
    change: Change,
) -> Fault {
    Fault {
        name,
        route: Some(route),
        rate,
        is_noisy: false,
        change,
    }
}

pub(crate) const fn noisy(
    name: &'static str,
    route: &'static str,
    rate: Rate,
    change: Change,
) -> Fault {
    Fault {
        name,
        route: Some(route),
        rate,
        is_noisy: true,
        change,
    }
}

const fn anywhere(name: &'static str, rate: Rate, is_noisy: bool, change: Change) -> Fault {
    Fault {
        name,
        route: None,
        rate,
        is_noisy,
        change,
    }
}

const ORDER: &str = "/orders/{n}";
const PRODUCT: &str = "/products/{n}";
use Rate::{Always, Fifth, Once, OneEntity, Rare};

pub(crate) fn all() -> Vec<Fault> {
    let mut all = json_faults();
    all.extend(json_noisy());
    all.extend(header_faults());
    all.extend(status_faults());
    all.extend(page_faults());
    all.extend(other_faults());
    all
}

fn json_faults() -> Vec<Fault> {
    vec![
        fault("total a hundredth", ORDER, Always, |_, reply, _| {
            edit(reply, "/total", |text| {
                let cents = text.replace('.', "").parse::<f64>().unwrap_or_default();
                json!(
                    format!("{:.4}", cents / 10_000.0)
                        .trim_end_matches('0')
                        .trim_end_matches('.')
                )
            });
        }),
        fault("total a number", ORDER, Fifth, |_, reply, _| {
            edit(reply, "/total", |text| {
                json!(text.parse::<f64>().unwrap_or_default())
            });
        }),
        fault("note empty for null", ORDER, Always, |_, reply, _| {
            if let Some(note) = at(reply, "/note")
                && note.is_null()
            {
                *note = json!("");
            }
        }),
        fault("email gone", ORDER, Fifth, |_, reply, _| {
            if let Some(Value::Object(customer)) = at(reply, "/customer") {
                customer.remove("email");
            }
        }),
        fault("email gone once", ORDER, Once, |_, reply, _| {
            if let Some(Value::Object(customer)) = at(reply, "/customer") {
                customer.remove("email");
            }
        }),
        fault("phone added", ORDER, Always, |_, reply, _| {
            if let Some(Value::Object(customer)) = at(reply, "/customer") {
                customer.insert("phone".into(), json!("none"));
            }
        }),
        fault(
            "created without milliseconds",
            ORDER,
            Always,
            |_, reply, _| {
                edit(reply, "/created_at", |text| {
                    json!(format!("{}Z", &text[..19]))
                });
            },
        ),
        fault("created two hours later", ORDER, Rare, |_, reply, _| {
            edit(reply, "/created_at", |text| {
                let hour: u32 = text[11..13].parse().unwrap_or(0);
                json!(format!(
                    "{}{:02}{}",
                    &text[..11],
                    (hour + 2).min(23),
                    &text[13..]
                ))
            });
        }),
        fault("currency in lower case", ORDER, Always, |_, reply, _| {
            edit(reply, "/currency", |text| json!(text.to_lowercase()));
        }),
        fault("lines beyond three cut", ORDER, Always, |_, reply, _| {
            if let Some(Value::Array(lines)) = at(reply, "/lines") {
                lines.truncate(3);
            }
        }),
        fault("lines reversed", ORDER, Always, |_, reply, _| {
            if let Some(Value::Array(lines)) = at(reply, "/lines") {
                lines.reverse();
            }
        }),
        fault("name garbled", ORDER, Always, |_, reply, _| {
            edit(reply, "/customer/name", |text| {
                json!(text.bytes().map(char::from).collect::<String>())
            });
        }),
        fault("name escaped", ORDER, Always, |_, reply, _| {
            edit(reply, "/customer/name", |text| {
                json!(text.replace('&', "&amp;"))
            });
        }),
        fault("shipped is sent", ORDER, Always, |_, reply, _| {
            edit(reply, "/status", |text| {
                json!(if text == "shipped" { "sent" } else { text })
            });
        }),
        fault("tax off by one", ORDER, Rare, |_, reply, _| {
            if let Some(tax) = at(reply, "/tax_cents") {
                *tax = json!(tax.as_u64().unwrap_or(0) + 1);
            }
        }),
        fault(
            "tax wrong for one order",
            ORDER,
            OneEntity,
            |_, reply, _| {
                if let Some(tax) = at(reply, "/tax_cents") {
                    *tax = json!(1);
                }
            },
        ),
        fault("id a text", ORDER, Always, |_, reply, _| {
            if let Some(id) = at(reply, "/id") {
                *id = json!(id.to_string());
            }
        }),
        fault("link to another host", ORDER, Always, |_, reply, _| {
            edit(reply, "/link", |text| {
                json!(text.replace("shop.example", "localhost:3000"))
            });
        }),
        fault("address renamed", ORDER, Always, |_, reply, _| {
            if let Some(Value::Object(customer)) = at(reply, "/customer")
                && let Some(address) = customer.remove("address")
            {
                customer.insert("shipping_address".into(), address);
            }
        }),
        fault("note trimmed", ORDER, Fifth, |_, reply, _| {
            edit(reply, "/note", |text| json!(text.trim()));
        }),
        fault("paid always true", ORDER, Always, |_, reply, _| {
            if let Some(paid) = at(reply, "/paid") {
                *paid = json!(true);
            }
        }),
        fault("zip without zeros", ORDER, Always, |_, reply, _| {
            edit(reply, "/customer/address/zip", |text| {
                json!(text.trim_start_matches('0'))
            });
        }),
        fault(
            "second page empty",
            "/orders",
            Always,
            |request, reply, _| {
                if request.target.contains("page=2")
                    && let Some(items) = at(reply, "/items")
                {
                    *items = json!([]);
                }
            },
        ),
        fault("an item more", "/orders", Fifth, |_, reply, _| {
            if let Some(Value::Array(items)) = at(reply, "/items") {
                let mut first = items[0].clone();
                first["id"] = json!(1);
                items.push(first);
            }
        }),
        fault("count a float", "/orders", Always, |_, reply, _| {
            if let Some(count) = at(reply, "/count") {
                *count = json!(10.0);
            }
        }),
        fault(
            "search finds nothing for umlauts",
            "/search",
            Always,
            |request, reply, _| {
                if request.target.contains("%C3")
                    && let Some(results) = at(reply, "/results")
                {
                    *results = json!([]);
                }
            },
        ),
        fault("search unsorted", "/search", Fifth, |_, reply, random| {
            if let Some(Value::Array(results)) = at(reply, "/results") {
                random.shuffle(results);
            }
        }),
    ]
}

fn json_noisy() -> Vec<Fault> {
    vec![
        noisy("token empty", ORDER, Fifth, |_, reply, _| {
            edit(reply, "/token", |_| json!(""));
        }),
        noisy("token gone", ORDER, Rare, |_, reply, _| {
            if let Some(all) = members(reply) {
                all.remove("token");
            }
        }),
        noisy("token gone once", ORDER, Once, |_, reply, _| {
            if let Some(all) = members(reply) {
                all.remove("token");
            }
        }),
        noisy("token the same for all", ORDER, Always, |_, reply, _| {
            edit(reply, "/token", |_| {
                json!("2f1c3a52-9b1e-4c5d-8a77-0c1d2e3f4a5b")
            });
        }),
        noisy("token of another shape", ORDER, Always, |_, reply, _| {
            edit(reply, "/token", |text| json!(text.replace('-', "")));
        }),
        noisy("views a text", ORDER, Always, |_, reply, _| {
            if let Some(views) = at(reply, "/views") {
                *views = json!(views.to_string());
            }
        }),
        noisy("views gone once", ORDER, Once, |_, reply, _| {
            if let Some(all) = members(reply) {
                all.remove("views");
            }
        }),
        noisy("server time an hour late", ORDER, Always, |_, reply, _| {
            edit(reply, "/server_time", |text| {
                let at = humantime::parse_rfc3339(text)
                    .map(|at| at + std::time::Duration::from_secs(3_600));
                at.map_or(json!(text), |at| {
                    json!(humantime::format_rfc3339_millis(at).to_string())
                })
            });
        }),
        noisy(
            "server time in seconds since 1970",
            ORDER,
            Fifth,
            |_, reply, _| {
                edit(reply, "/server_time", |text| {
                    let at = humantime::parse_rfc3339(text)
                        .ok()
                        .and_then(|at| at.duration_since(std::time::UNIX_EPOCH).ok());
                    json!(at.unwrap_or_default().as_secs())
                });
            },
        ),
        noisy("a tag less", ORDER, Always, |_, reply, _| {
            if let Some(Value::Array(tags)) = at(reply, "/tags") {
                tags.sort_by_key(text_of);
                tags.pop();
            }
        }),
        noisy(
            "tags gone for one order",
            ORDER,
            OneEntity,
            |_, reply, _| {
                if let Some(all) = members(reply) {
                    all.remove("tags");
                }
            },
        ),
        noisy("variant always control", ORDER, Always, |_, reply, _| {
            edit(reply, "/variant", |_| json!("control"));
        }),
        noisy("variant unknown", ORDER, Fifth, |_, reply, _| {
            edit(reply, "/variant", |_| json!("green"));
        }),
        noisy("variant null", ORDER, Rare, |_, reply, _| {
            if let Some(variant) = at(reply, "/variant") {
                *variant = Value::Null;
            }
        }),
        noisy("load with a comma", ORDER, Always, |_, reply, _| {
            edit(reply, "/load", |text| json!(text.replace('.', ",")));
        }),
        noisy("sample doubled", "/stats", Always, |_, reply, _| {
            if let Some(sample) = at(reply, "/sample") {
                *sample = json!(sample.as_u64().unwrap_or(0) + 1_000_000);
            }
        }),
        noisy("loads gone", "/stats", Always, |_, reply, _| {
            if let Some(Value::Array(nodes)) = at(reply, "/nodes") {
                for node in nodes {
                    if let Some(node) = node.as_object_mut() {
                        node.remove("load");
                    }
                }
            }
        }),
        noisy("unread negative", "/api/me", Always, |_, reply, _| {
            if let Some(unread) = at(reply, "/unread") {
                *unread = json!(-1 - unread.as_i64().unwrap_or(0));
            }
        }),
        noisy("cursor null", "/orders", Fifth, |_, reply, _| {
            if let Some(cursor) = at(reply, "/cursor") {
                *cursor = Value::Null;
            }
        }),
        noisy("csrf of a user empty", "/api/me", Fifth, |_, reply, _| {
            edit(reply, "/csrf", |_| json!(""));
        }),
        noisy("seen without zone", "/api/me", Always, |_, reply, _| {
            edit(reply, "/seen_at", |text| json!(text.trim_end_matches('Z')));
        }),
        noisy("took as text", "/search", Fifth, |_, reply, _| {
            if let Some(took) = at(reply, "/took_ms") {
                *took = json!(format!("{took} ms"));
            }
        }),
    ]
}

fn header_faults() -> Vec<Fault> {
    vec![
        anywhere("etag gone", Always, true, |_, reply, _| {
            reply.remove("ETag");
        }),
        anywhere("request id gone", Fifth, true, |_, reply, _| {
            reply.remove("X-Request-Id");
        }),
        anywhere("cache-control public", Always, false, |_, reply, _| {
            reply.set("Cache-Control", "max-age=0, public, must-revalidate");
        }),
        anywhere("vary without cookie", Always, false, |_, reply, _| {
            reply.set("Vary", "Accept");
        }),
        anywhere("csp allows all images", Always, false, |_, reply, _| {
            reply.set("Content-Security-Policy", "default-src 'self'; img-src *");
        }),
        anywhere("frame options gone", Rare, false, |_, reply, _| {
            reply.remove("X-Frame-Options");
        }),
        anywhere("server told", Always, false, |_, reply, _| {
            reply.set("X-Powered-By", "Phusion Passenger 6.0.4");
        }),
        fault("charset gone", "/export.csv", Always, |_, reply, _| {
            reply.set("Content-Type", "text/csv");
        }),
        anywhere("cookie without httponly", Always, true, |_, reply, _| {
            edit_header(reply, "Set-Cookie", |text| text.replace("; HttpOnly", ""));
        }),
        anywhere("cookie without secure", Fifth, true, |_, reply, _| {
            edit_header(reply, "Set-Cookie", |text| text.replace("; Secure", ""));
        }),
        anywhere("cookie samesite none", Always, true, |_, reply, _| {
            edit_header(reply, "Set-Cookie", |text| {
                text.replace("SameSite=Lax", "SameSite=None")
            });
        }),
        anywhere("cookie gone", Fifth, true, |_, reply, _| {
            reply.remove("Set-Cookie");
        }),
        anywhere("cookie's path", Rare, true, |_, reply, _| {
            edit_header(reply, "Set-Cookie", |text| {
                text.replace("path=/;", "path=/shop;")
            });
        }),
        anywhere("cookie lives a day", Always, true, |_, reply, _| {
            edit_header(reply, "Set-Cookie", |text| {
                let Some(from) = text.find("expires=") else {
                    return text.to_owned();
                };
                let Some(length) = text[from..].find(';') else {
                    return text.to_owned();
                };
                format!("{}max-age=86400{}", &text[..from], &text[from + length..])
            });
        }),
        fault("rate limit gone", "/api/me", Always, |_, reply, _| {
            reply.remove("X-Ratelimit-Remaining");
        }),
    ]
}

fn status_faults() -> Vec<Fault> {
    vec![
        fault(
            "moved to another path",
            "/old/{n}",
            Always,
            |_, reply, _| {
                edit_header(reply, "Location", |text| {
                    text.replace("/orders/", "/order/")
                });
            },
        ),
        fault("moved without tls", "/old/{n}", Fifth, |_, reply, _| {
            edit_header(reply, "Location", |text| text.replace("https:", "http:"));
        }),
        fault("moved for a while", "/old/{n}", Always, |_, reply, _| {
            reply.status = 302;
        }),
        fault(
            "moved to another order",
            "/old/{n}",
            OneEntity,
            |_, reply, _| edit_header(reply, "Location", |text| format!("{text}7")),
        ),
        fault("fails now and then", ORDER, Rare, |_, reply, _| {
            error_page(reply);
        }),
        fault("fails once", ORDER, Once, |_, reply, _| error_page(reply)),
        fault(
            "fails for umlauts",
            "/search",
            Always,
            |request, reply, _| {
                if request.target.contains("%C3") {
                    error_page(reply);
                }
            },
        ),
        fault(
            "one product not found",
            PRODUCT,
            OneEntity,
            |_, reply, _| {
                reply.status = 404;
                reply.body =
                    Body::Text("<html><title>Not found</title><h1>Not found</h1></html>".into());
            },
        ),
        fault("account forbidden", "/account", Always, |_, reply, _| {
            reply.status = 403;
        }),
        fault("created is ok", "/orders", Always, |request, reply, _| {
            if request.method == "POST" {
                reply.status = 200;
            }
        }),
    ]
}

fn page_faults() -> Vec<Fault> {
    vec![
        fault("in stock gone", PRODUCT, Always, |_, reply, _| {
            replace(reply, "<p>In stock</p>", "");
        }),
        fault("in stock gone once", PRODUCT, Once, |_, reply, _| {
            replace(reply, "<p>In stock</p>", "");
        }),
        fault("price without currency", PRODUCT, Fifth, |_, reply, _| {
            replace(reply, "€ ", "");
        }),
        fault("review link gone", PRODUCT, Always, |_, reply, _| {
            between(reply, "</ul>", "</main>", |_| String::new());
        }),
        fault("escaped twice", PRODUCT, Fifth, |_, reply, _| {
            replace(reply, "&amp;", "&amp;amp;");
        }),
        fault("form sent elsewhere", PRODUCT, Always, |_, reply, _| {
            replace(reply, "action=\"/cart\"", "action=\"/basket\"");
        }),
        fault(
            "a row less for one product",
            PRODUCT,
            OneEntity,
            |_, reply, _| between(reply, "<table class=\"specs\">", "</tr>", |_| "<tr>".into()),
        ),
        fault("title changed", PRODUCT, Rare, |_, reply, _| {
            between(reply, "<title>", "</title>", |_| "Shop".into());
        }),
        fault("wrapper added", PRODUCT, Always, |_, reply, _| {
            replace(
                reply,
                "<main id=\"main\">",
                "<div class=\"container\"><main id=\"main\" class=\"grid\">",
            );
            replace(reply, "</main>", "</main></div>");
        }),
        fault("button says buy", PRODUCT, Always, |_, reply, _| {
            replace(reply, "Add to cart", "Buy");
        }),
        fault("quantity field gone", PRODUCT, Always, |_, reply, _| {
            replace(reply, "<input name=\"qty\" value=\"1\">", "");
        }),
        fault("footer link added", PRODUCT, Always, |_, reply, _| {
            replace(
                reply,
                "<p>Imprint</p>",
                "<p>Imprint</p><a href=\"/privacy\">Privacy</a>",
            );
        }),
        fault("customer since gone", "/account", Rare, |_, reply, _| {
            replace(reply, "<p>Customer since 2019</p>", "");
        }),
        noisy("form token empty", PRODUCT, Fifth, |_, reply, _| {
            between(reply, "name=\"authenticity_token\" value=\"", "\"", |_| {
                String::new()
            });
        }),
        noisy("form token gone", "/account", Always, |_, reply, _| {
            between(reply, "method=\"post\">", "<input name=\"email\"", |_| {
                String::new()
            });
        }),
        noisy("form token gone once", PRODUCT, Once, |_, reply, _| {
            between(
                reply,
                "id=\"cart\">",
                "<input type=\"hidden\" name=\"product\"",
                |_| String::new(),
            );
        }),
        noisy(
            "form token the same for all",
            PRODUCT,
            Always,
            |_, reply, _| {
                between(reply, "name=\"authenticity_token\" value=\"", "\"", |_| {
                    "Zm9vYmFyYmF6cXV4Zm9vYmFyYmF6cXV4MTIzNDU2Nzg5MDEyMzQ1Njc4OTA".into()
                });
            },
        ),
        noisy("csrf meta gone", "/", Always, |_, reply, _| {
            between(reply, "</title>", "<link", |_| String::new());
        }),
        noisy("banner always the same", "/", Always, |_, reply, _| {
            between(reply, "<div class=\"banner\">", "</div>", |_| {
                "Free shipping".into()
            });
        }),
        noisy("online always nought", "/", Always, |_, reply, _| {
            between(reply, "</div><p>", " people", |_| "0".into());
        }),
        noisy("clock two hours late", "/", Always, |_, reply, _| {
            between(reply, "<p>It is ", "</p>", |text| {
                humantime::parse_rfc3339(text).map_or(text.to_owned(), |at| {
                    humantime::format_rfc3339_seconds(at + std::time::Duration::from_secs(7_200))
                        .to_string()
                })
            });
        }),
        noisy("a related item less", PRODUCT, Always, |_, reply, _| {
            between(reply, "<ul class=\"related\">", "</ul>", |list| {
                let end = list.rfind("<li>").unwrap_or(0);
                list[..end].to_owned()
            });
        }),
    ]
}

fn other_faults() -> Vec<Fault> {
    vec![
        fault("column added", "/export.csv", Always, |_, reply, _| {
            if let Body::Text(text) = &mut reply.body {
                *text = text
                    .lines()
                    .enumerate()
                    .map(|(at, line)| {
                        format!("{line},{}\n", if at == 0 { "country" } else { "DE" })
                    })
                    .collect();
            }
        }),
        fault("semicolons", "/export.csv", Fifth, |_, reply, _| {
            replace(reply, ",", ";");
        }),
        fault("summary is content", "/feed.xml", Always, |_, reply, _| {
            replace(reply, "<summary>", "<content>");
            replace(reply, "</summary>", "</content>");
        }),
        fault("an entry less", "/feed.xml", Fifth, |_, reply, _| {
            between(reply, "</updated>", "</entry>", |_| "<entry>".into());
        }),
        fault("another logo", "/logo.png", Always, |_, reply, _| {
            reply.body = Body::Bytes(vec![7; 380]);
        }),
        fault("empty body", "/export.csv", Rare, |_, reply, _| {
            reply.body = Body::Text(String::new());
        }),
    ]
}
