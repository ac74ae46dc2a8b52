//! A cause's example is sent to the shadow once more: is the difference there again? It is no copy, it goes to the shadow alone,
//! and whoever asks is told when it can't be done.

use std::sync::{
    Arc,
    atomic::{AtomicU32, Ordering::SeqCst},
};

use serde_json::Value;

use crate::kit::{Client, Conn, Message, Server, Tee, eventually};

const JSON: &str = "Content-Type: application/json\r\n";
const RIGHT: u32 = 1;
const WRONG: u32 = 100;
const HUNG: u32 = 0;

fn post(tee: &Tee, path: &str, headers: &str, body: &str) -> Message {
    let length = body.len();
    let request = format!(
        "POST {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n{headers}Content-Length: {length}\r\n\r\n{body}"
    );
    Client::connect(tee.admin().as_path())
        .send(request)
        .answer()
}

/// Orders whose totals are as many times too large; where that is zero it does not answer.
fn shop(factor: &Arc<AtomicU32>) -> Server {
    let factor = Arc::clone(factor);
    Server::unix(move |conn: &mut Conn| {
        loop {
            let request = conn.request()?;
            let factor = factor.load(SeqCst);
            if factor == HUNG {
                return conn.hang().map(drop);
            }
            let target = request.target();
            let id: u32 = target.rsplit('/').next().unwrap().parse().unwrap_or(0);
            let body = format!("{{\"id\":{id},\"total\":{}}}", (100 + id) * factor);
            conn.send(format!(
                "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
                body.len()
            ))?;
        }
    })
}

struct Scene {
    primary: Server,
    shadow: Server,
    factor: Arc<AtomicU32>,
    tee: Tee,
}

const REQUESTS: usize = 40;

impl Scene {
    fn new(settings: &str) -> Self {
        let factor = Arc::new(AtomicU32::new(WRONG));
        let (primary, shadow) = (shop(&Arc::new(AtomicU32::new(RIGHT))), shop(&factor));
        let settings = format!("compare = true\n{settings}");
        let tee = Tee::with_primary(&primary)
            .shadow_with("next", &shadow, &settings)
            .toml("[compare]\nprobe = false")
            .start();
        Self {
            primary,
            shadow,
            factor,
            tee,
        }
    }

    /// Sends requests, and gives the id of the cause.
    fn cause(&self, request: impl Fn(usize) -> String) -> String {
        let mut client = self.tee.client();
        for id in 0..REQUESTS {
            client.send(request(id)).answer();
        }
        let report = eventually("what was compared", || {
            let text = self.tee.ask_admin("/api/report").text();
            let report: Value = serde_json::from_str(&text).unwrap();
            (report["requests"]["answered"] == REQUESTS).then_some(report)
        });
        report["causes"][0]["id"].as_str().unwrap().to_owned()
    }

    fn replay(&self, cause: &str, body: &str) -> Message {
        let path = format!("/api/report/replay?cause={cause}");
        post(&self.tee, &path, JSON, body)
    }

    /// Production got no more, and no copy is counted.
    fn is_left_alone(&self) {
        assert_eq!(self.primary.many(), REQUESTS);
        let ledger = self.tee.settled(REQUESTS as u64);
        assert_eq!(ledger.of("next"), [("answered", REQUESTS as u64)]);
    }
}

fn get(id: usize) -> String {
    format!(
        "GET /orders/{id} HTTP/1.1\r\nHost: shop\r\nCookie: sid=s3cretcookie\r\nAuthorization: Bearer s3crettoken\r\n\r\n"
    )
}

fn order(id: usize) -> String {
    let body = format!("{{\"password\":\"s3cret\",\"id\":{id}}}");
    format!(
        "POST /orders/{id} HTTP/1.1\r\nHost: shop\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    )
}

fn parsed(answer: &Message) -> Value {
    assert_eq!(answer.status(), 200, "{}", answer.text());
    serde_json::from_str(&answer.text()).unwrap()
}

fn refused(answer: &Message, status: u16, why: &str) {
    assert_eq!(answer.status(), status, "{}", answer.text());
    assert!(answer.text().contains(why), "{}", answer.text());
}

#[test]
fn an_example_is_sent_again_and_tells_whether_the_shadow_was_mended() {
    let scene = Scene::new("");
    let cause = scene.cause(get);
    let answer = scene.replay(&cause, "");
    let again = parsed(&answer);
    assert_eq!(again["difference"], "again", "{again}");
    assert_eq!(
        (&again["status"], &again["place"]),
        (&200.into(), &"$.total".into())
    );
    assert_eq!(again["now"], again["before"]);
    assert_ne!(again["now"], again["primary"]);
    assert_eq!(again["values"][1][0]["mark"], "different");
    let sent = scene.shadow.wait_for(REQUESTS + 1);
    let sent = sent.last().unwrap();
    assert_eq!(sent.target(), again["target"].as_str().unwrap());
    for (name, value) in [
        ("X-Shadow-Request", "next"),
        ("Cookie", "sid=s3cretcookie"),
        ("Authorization", "Bearer s3crettoken"),
    ] {
        assert_eq!(sent.header(name), Some(value), "{sent:?}");
    }
    scene.factor.store(RIGHT, SeqCst);
    let gone = parsed(&scene.replay(&cause, "{}"));
    assert_eq!(
        (&gone["difference"], &gone["now"]),
        (&"gone".into(), &gone["primary"])
    );
    scene.is_left_alone();
    let metrics = scene.tee.ask_admin("/metrics").text();
    let counted = "shadowtee_examples_replayed_total{shadow=\"next\",result=\"answered\"} 2";
    assert!(metrics.contains(counted), "{metrics}");
    assert!(!answer.text().contains("s3cret") && !scene.tee.log().contains("s3cret"));
}

#[test]
fn what_may_change_data_is_sent_only_where_that_is_said() {
    let scene = Scene::new("");
    let cause = scene.cause(order);
    refused(&scene.replay(&cause, ""), 409, "\"unsafe\": true");
    refused(
        &scene.replay(&cause, "{\"unsafe\": false}"),
        409,
        "POST may change data",
    );
    refused(&scene.replay(&cause, "{\"safe\": 1}"), 400, "unsafe");
    assert_eq!(scene.shadow.many(), REQUESTS);
    let answer = scene.replay(&cause, "{\"unsafe\": true}");
    assert_eq!(parsed(&answer)["difference"], "again");
    let sent = scene.shadow.wait_for(REQUESTS + 1);
    assert!(
        sent.last()
            .unwrap()
            .text()
            .contains("\"password\":\"s3cret\"")
    );
    assert!(!answer.text().contains("s3cret"));
    scene.is_left_alone();
}

#[test]
fn a_body_that_is_too_large_to_be_kept_is_not_sent_in_part() {
    let scene = Scene::new("");
    let cause = scene.cause(|id| {
        let body = "x".repeat(20_000);
        format!("POST /orders/{id} HTTP/1.1\r\nHost: a\r\nContent-Length: 20000\r\n\r\n{body}")
    });
    refused(
        &scene.replay(&cause, "{\"unsafe\": true}"),
        410,
        "too large",
    );
    assert_eq!(scene.shadow.many(), REQUESTS);
}

#[test]
fn a_body_in_chunks_is_sent_whole() {
    let scene = Scene::new("");
    let cause = scene.cause(|id| {
        format!("PUT /orders/{id} HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n")
    });
    parsed(&scene.replay(&cause, "{\"unsafe\": true}"));
    let sent = scene.shadow.wait_for(REQUESTS + 1);
    assert_eq!(sent.last().unwrap().body, b"abcde");
    assert_eq!(sent.last().unwrap().header("Content-Length"), Some("5"));
}

#[test]
fn a_shadow_that_hangs_is_waited_for_as_long_as_copies_wait() {
    let scene = Scene::new("answer_timeout = \"300ms\"");
    let cause = scene.cause(get);
    scene.factor.store(HUNG, SeqCst);
    refused(
        &scene.replay(&cause, ""),
        504,
        "has not answered within 300ms",
    );
    scene.is_left_alone();
    let metrics = scene.tee.ask_admin("/metrics").text();
    let counted = "shadowtee_examples_replayed_total{shadow=\"next\",result=\"failed\"} 1";
    assert!(metrics.contains(counted), "{metrics}");
}

#[test]
fn a_shadow_that_gets_nothing_is_not_asked_and_that_is_said() {
    let scene = Scene::new("");
    let cause = scene.cause(get);
    assert_eq!(
        post(&scene.tee, "/api/shadows/next/pause", JSON, "").status(),
        200
    );
    refused(&scene.replay(&cause, ""), 503, "paused");
    post(&scene.tee, "/api/shadows/next/resume", JSON, "");
    refused(&scene.replay("c-nothing", ""), 404, "no cause of this id");
    refused(&scene.replay("", ""), 404, "no cause of this id");
    let path = format!("/api/report/replay?cause={cause}");
    // As no page of another site can.
    assert_eq!(post(&scene.tee, &path, "", "").status(), 415);
    assert_eq!(scene.shadow.many(), REQUESTS);
    scene.is_left_alone();
    post(&scene.tee, "/api/report/reset", JSON, "");
    refused(&scene.replay(&cause, ""), 404, "no cause of this id");
}

/// Gives out a cookie of its own, and shows an order only to whoever shows it.
fn private_shop(sid: &'static str, factor: u32) -> Server {
    Server::unix(move |conn: &mut Conn| {
        loop {
            let request = conn.request()?;
            let own = format!("sid={sid}");
            let (status, cookie, total) = match request.target() {
                "/login" => (200, format!("Set-Cookie: {own}; Path=/\r\n"), 0),
                _ if request.header("Cookie") == Some(&own) => (200, String::new(), factor),
                _ => (403, String::new(), 0),
            };
            let body = format!("{{\"total\":{total}}}");
            conn.send(format!(
                "HTTP/1.1 {status} X\r\nContent-Type: application/json\r\n{cookie}Content-Length: {}\r\n\r\n{body}",
                body.len()
            ))?;
        }
    })
}

#[test]
fn it_is_sent_with_what_the_shadow_knows_its_session_by() {
    let primary = private_shop("9f86d081884c7d659a2feaa0c55ad015", 1);
    let shadow = private_shop("2c26b46b68ffc68ff99b453c1d304134", 100);
    let tee = Tee::with_primary(&primary)
        .shadow_with("next", &shadow, "compare = true\nidentity = true")
        .toml("[compare]\nprobe = false")
        .start();
    let mut client = tee.client();
    client.get("/login");
    tee.settled(1);
    for id in 0..20 {
        client
            .send(format!("GET /orders/{id} HTTP/1.1\r\nHost: a\r\nCookie: sid=9f86d081884c7d659a2feaa0c55ad015\r\n\r\n"))
            .answer();
    }
    let cause = eventually("a cause", || {
        let report: Value = serde_json::from_str(&tee.ask_admin("/api/report").text()).unwrap();
        let is_all = report["requests"]["answered"] == 21;
        is_all.then(|| report["causes"][0]["id"].as_str().unwrap().to_owned())
    });
    let path = format!("/api/report/replay?cause={cause}");
    let again = parsed(&post(&tee, &path, JSON, ""));
    assert_eq!(
        (&again["status"], &again["difference"]),
        (&200.into(), &"again".into())
    );
    let sent = shadow.wait_for(22);
    let cookie = sent.last().unwrap().header("Cookie");
    assert_eq!(cookie, Some("sid=2c26b46b68ffc68ff99b453c1d304134"));
}

#[test]
fn one_lane_that_is_taken_leaves_no_room() {
    let scene = Scene::new("max_in_flight = 1\nanswer_timeout = \"20s\"");
    let cause = scene.cause(get);
    scene.factor.store(HUNG, SeqCst);
    scene.tee.get("/orders/1");
    scene.shadow.wait_for(REQUESTS + 1);
    refused(&scene.replay(&cause, ""), 503, "no lane is free");
}
