//! A real nginx in front, as it is by default (HTTP/1.0) and with connections kept open (HTTP/1.1).

use crate::kit::{
    At, Client, Gate, Message, Nginx, OK, Server, Tee, answers, get, hangs, post, tells,
};

/// nginx as `proxy_pass http://unix:...` makes it.
fn plain(tee: &Tee) -> Nginx {
    Nginx::unix(
        "",
        &format!("location / {{ proxy_pass http://{}; }}", tee.at()),
    )
}

/// nginx which keeps its connections to shadowtee, and passes bodies as they come.
fn keeping(tee: &Tee) -> Nginx {
    Nginx::unix(
        &format!("upstream tee {{ server {}; keepalive 8; }}", tee.at()),
        "location / { proxy_pass http://tee; proxy_http_version 1.1; proxy_set_header Connection \"\";
             proxy_set_header Host $host; proxy_request_buffering off; proxy_buffering off; }
         location /ws { proxy_pass http://tee; proxy_http_version 1.1;
             proxy_set_header Upgrade $http_upgrade; proxy_set_header Connection upgrade; }",
    )
}

#[track_caller]
fn through(front: fn(&Tee) -> Nginx) -> Vec<Message> {
    let primary = Server::unix(tells);
    let shadow = Server::unix(answers(OK));
    let tee = Tee::with_primary(&primary).shadow("next", &shadow).start();
    let nginx = front(&tee);
    let mut client = Client::connect(&nginx);
    for n in 0..10 {
        let target = format!("/page/{n}?q=a%20b");
        assert_eq!(client.get(&target).text(), format!("GET {target} 0"));
        assert_eq!(
            client.send(post("/form", "a=1&b=2")).answer().text(),
            "POST /form 7"
        );
    }
    assert_eq!(tee.settled(20).of("next"), [("answered", 20)]);
    assert_eq!(shadow.requests().len(), 20);
    primary.requests()
}

#[test]
fn nginx_as_it_is_by_default() {
    let requests = through(plain);
    assert_eq!(requests.len(), 20);
}

#[test]
fn nginx_with_connections_kept_open() {
    let requests = through(keeping);
    assert!(
        requests
            .iter()
            .all(|request| request.header("host") == Some("app.example"))
    );
}

#[test]
fn answers_through_nginx_are_those_of_nginx_with_the_primary_itself() {
    let text = "HTTP/1.1 200 OK\r\nServer: app\r\nX-A: 1\r\nSet-Cookie: a=1\r\nSet-Cookie: b=2\r\n\
                Content-Type: text/plain\r\nContent-Length: 5\r\n\r\nhello";
    let primary = Server::unix(answers(text));
    let shadow = Server::unix(hangs);
    let tee = Tee::with_primary(&primary).shadow("next", &shadow).start();
    let direct = Nginx::unix(
        "",
        &format!("location / {{ proxy_pass http://{}; }}", primary.at()),
    );
    let via = plain(&tee);
    let undated = |nginx: &Nginx| {
        let answer = Client::connect(nginx).get("/");
        let lines: Vec<_> = answer
            .head
            .split("\r\n")
            .filter(|line| !line.starts_with("Date:"))
            .map(str::to_owned)
            .collect();
        (lines, answer.body)
    };
    assert_eq!(undated(&via), undated(&direct));
}

#[test]
fn an_id_that_nginx_made_is_the_one_that_primary_and_shadow_get() {
    let primary = Server::unix(answers(OK));
    let shadow = Server::unix(answers(OK));
    let tee = Tee::with_primary(&primary).shadow("next", &shadow).start();
    let nginx = Nginx::unix(
        "",
        &format!(
            "location / {{ proxy_pass http://{}; proxy_set_header X-Request-Id $request_id; }}",
            tee.at()
        ),
    );
    Client::connect(&nginx).get("/");
    tee.settled(1);
    let (one, two) = (primary.request(), shadow.request());
    assert_eq!(one.all("x-request-id"), two.all("x-request-id"));
    assert_eq!(one.all("x-request-id").len(), 1);
}

#[test]
fn a_hung_shadow_is_not_felt_through_nginx() {
    let primary = Server::unix(tells);
    let shadow = Server::unix(hangs);
    let tee = Tee::with_primary(&primary)
        .shadow_with("next", &shadow, "answer_timeout = \"10m\"")
        .start();
    for nginx in [plain(&tee), keeping(&tee)] {
        let mut client = Client::connect(&nginx);
        for n in 0..100 {
            assert_eq!(client.get(&format!("/{n}")).text(), format!("GET /{n} 0"));
        }
    }
}

#[test]
fn a_primary_that_breaks_off_is_told_to_the_client_of_nginx() {
    let primary = Server::unix(|conn| {
        conn.request()?;
        conn.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nfour\r\n")
    });
    let tee = Tee::with_primary(&primary).start();
    let nginx = keeping(&tee);
    let mut client = Client::connect(&nginx);
    client.send(get("/"));
    let (all, _) = client.rest();
    let text = crate::kit::latin1(&all);
    assert!(
        text.contains("four") && !text.ends_with("0\r\n\r\n"),
        "{text}"
    );
}

#[test]
fn a_websocket_passes_through_nginx() {
    let primary = Server::unix(|conn| {
        conn.request()?;
        conn.send("HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\nhello")?;
        let piece = conn.take(4)?;
        conn.send(piece)
    });
    let shadow = Server::unix(answers(OK));
    let tee = Tee::with_primary(&primary).shadow("next", &shadow).start();
    let nginx = keeping(&tee);
    let mut client = Client::connect(&nginx);
    client.send("GET /ws HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n");
    assert_eq!(client.answer().status(), 101);
    assert_eq!(client.take(5), b"hello");
    client.send("echo");
    assert_eq!(client.rest().0, b"echo");
    assert_eq!(tee.settled(1).of("next"), [("upgrade", 1)]);
}

#[test]
fn events_pass_through_nginx_one_by_one() {
    let next = Gate::default();
    let gate = next.clone();
    let primary = Server::unix(move |conn| {
        conn.request()?;
        conn.send("HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n")?;
        for n in 0..3 {
            gate.pass();
            conn.send(format!("9\r\ndata: {n}\n\n\r\n"))?;
        }
        conn.send("0\r\n\r\n")
    });
    let tee = Tee::with_primary(&primary).start();
    let nginx = keeping(&tee);
    let mut client = Client::connect(&nginx);
    next.open();
    client.send(get("/events")).head();
    for n in 0..3 {
        assert_eq!(client.chunk(), Some(format!("data: {n}\n\n").into_bytes()));
        next.open();
    }
    assert_eq!(client.chunk(), None);
}

#[test]
fn a_client_that_leaves_nginx_cancels_the_request_to_the_primary() {
    for front in [plain, keeping] {
        let primary = Server::unix(hangs);
        let tee = Tee::with_primary(&primary).start();
        let nginx = front(&tee);
        let mut client = Client::connect(&nginx);
        client.send(get("/"));
        primary.wait_for(1);
        drop(client);
        crate::kit::eventually("the end of the connection to the primary", || {
            primary.connection(0).ending()
        });
    }
}
