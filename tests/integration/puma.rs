//! The whole picture: nginx, shadowtee and a real Ruby application over unix sockets, and a second application behind
//! an nginx with TLS as the shadow.

use crate::kit::{At, Client, Message, Nginx, Puma, Tee, trusted};

/// Requests of the kinds that an application gets, each with an id so that nothing has to be made up.
fn requests() -> Vec<String> {
    let form = "name=caf%C3%A9&mail=a%40b.example";
    let large = "0123456789abcdef".repeat(40_000);
    let head =
        "Host: app.example\r\nCookie: session=secret\r\nX-Request-Id: fixed\r\nAccept: */*\r\n";
    vec![
        format!("GET /a?b=c&d[]=1 HTTP/1.1\r\n{head}\r\n"),
        format!("GET /stream HTTP/1.1\r\n{head}\r\n"),
        format!("GET /cookies HTTP/1.1\r\n{head}\r\n"),
        format!("GET /error HTTP/1.1\r\n{head}\r\n"),
        format!("GET /none HTTP/1.1\r\n{head}\r\n"),
        format!("GET /unchanged HTTP/1.1\r\n{head}\r\n"),
        format!(
            "POST /form HTTP/1.1\r\n{head}Content-Length: {}\r\n\r\n{form}",
            form.len()
        ),
        format!(
            "PUT /large HTTP/1.1\r\n{head}Content-Length: {}\r\n\r\n{large}",
            large.len()
        ),
        format!(
            "PATCH /chunks HTTP/1.1\r\n{head}Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n9c400\r\n{large}\r\n0\r\n\r\n"
        ),
        format!("DELETE /item/7 HTTP/1.1\r\n{head}\r\n"),
        format!("OPTIONS /a HTTP/1.1\r\n{head}\r\n"),
    ]
}

fn ask(client: &mut Client, request: &str) -> Message {
    client.send(request).answer()
}

#[test]
fn answers_of_puma_are_byte_for_byte_those_of_a_direct_connection() {
    let primary = Puma::start();
    let tee = Tee::with_primary(&primary)
        .shadow("dead", "unix:/nowhere/at/all.sock")
        .start();
    for request in requests() {
        let direct = ask(&mut Client::connect(&primary), &request);
        let via = ask(&mut tee.client(), &request);
        assert_eq!(
            (&via.head, &via.body),
            (&direct.head, &direct.body),
            "{}",
            &request[..40]
        );
        if !direct.is_chunked() {
            assert_eq!(via.raw, direct.raw);
        }
    }
    // And all of them on one connection.
    let mut client = tee.client();
    for request in requests() {
        assert_eq!(
            ask(&mut client, &request).body,
            ask(&mut Client::connect(&primary), &request).body
        );
    }
}

#[test]
fn a_shadow_on_another_server_gets_what_the_application_gets() {
    let (primary, next) = (Puma::start(), Puma::start());
    let other = Nginx::tls(&next, "");
    let tee = Tee::with_primary(&primary)
        .shadow_with("next", &other, &trusted())
        .start();
    let front = Nginx::unix(
        "",
        &format!(
            "location / {{ proxy_pass http://{}; proxy_set_header Host $host; }}",
            tee.at()
        ),
    );
    let requests = requests();
    let mut client = Client::connect(&front);
    for (n, request) in requests.iter().enumerate() {
        ask(&mut client, request);
        // One after the other, so that both saw them in the same order.
        tee.settled(n as u64 + 1);
    }
    let many = requests.len() as u64;
    assert_eq!(tee.settled(many).of("next"), [("answered", many)]);
    let pairs = primary
        .wait_for(requests.len())
        .into_iter()
        .zip(next.wait_for(requests.len()));
    for (one, two) in pairs {
        assert_eq!(
            (one.method, one.target, one.length, one.sum),
            (two.method, two.target, two.length, two.sum)
        );
        for name in ["cookie", "x-request-id", "accept", "host"] {
            assert_eq!(one.headers.get(name), two.headers.get(name), "{name}");
        }
        assert_eq!(
            two.headers.get("x-shadow-request").map(String::as_str),
            Some("next")
        );
        assert!(!one.headers.contains_key("x-shadow-request"));
    }
}

#[test]
fn an_application_that_ends_and_comes_back_costs_only_the_requests_in_between() {
    let dir = tempfile::tempdir().unwrap();
    let socket = dir.path().join("app.sock");
    let primary = Puma::start_at(&socket);
    let tee = Tee::with_primary(&primary).start();
    let mut client = tee.client();
    assert_eq!(client.get("/a").status(), 200);
    drop(primary);
    assert_eq!(client.get("/a").status(), 502);
    let _again = Puma::start_at(&socket);
    assert_eq!(client.get("/a").status(), 200);
}

#[test]
fn puma_that_closes_idle_connections_loses_no_request() {
    let primary = Puma::start();
    let next = Puma::start();
    // puma 5 closes a connection after some hundred requests, and when other clients wait.
    let tee = Tee::with_primary(&primary).shadow("next", &next).start();
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                let mut client = tee.client();
                for _ in 0..50 {
                    assert_eq!(client.get("/a").status(), 200);
                    let form = crate::kit::post("/form", "a=b");
                    assert_eq!(client.send(form).answer().status(), 200);
                }
            });
        }
    });
    let ledger = tee.settled(800);
    assert_eq!(ledger.of("next"), [("answered", 800)]);
    assert_eq!(primary.wait_for(800).len(), 800);
}
