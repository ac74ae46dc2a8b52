//! Who may ask the administrative interface: the token, and no page of another site.

use crate::kit::{At, Client, Message, OK, Server, Tee, answers, free_port};

fn ask(at: &str, request: &str, fields: &str) -> Message {
    let text = format!("{request} HTTP/1.1\r\nContent-Length: 0\r\n{fields}\r\n");
    Client::connect(at).send(text).answer()
}

/// With the administration on a loopback port, as well as the one that the kit asks.
fn on_loopback(token: &str) -> (Tee, String) {
    let primary = Server::unix(answers(OK));
    let admin = free_port().to_string();
    let tee = Tee::with_primary(&primary)
        .arg("--admin")
        .arg(&admin)
        .env("SHADOWTEE_ADMIN__TOKEN", token)
        .launch();
    crate::kit::eventually("the administration", || Client::try_connect(&admin).ok());
    (tee, admin)
}

#[test]
fn a_page_whose_name_was_made_to_point_here_gets_nothing() {
    let primary = Server::unix(answers(OK));
    let admin = free_port().to_string();
    let _tee = Tee::with_primary(&primary)
        .arg("--admin")
        .arg(&admin)
        .launch();
    crate::kit::eventually("the administration", || Client::try_connect(&admin).ok());
    let port = admin.rsplit(':').next().unwrap();
    let own = format!("Host: {admin}\r\n");
    for path in ["/metrics", "/api/ledger", "/"] {
        let get = format!("GET {path}");
        assert_eq!(ask(&admin, &get, &own).status(), 200);
        assert_eq!(
            ask(&admin, &get, &format!("Host: localhost:{port}\r\n")).status(),
            200
        );
        let rebound = format!("Host: evil.example:{port}\r\n");
        assert_eq!(ask(&admin, &get, &rebound).status(), 403);
    }
    assert_eq!(ask(&admin, "POST /api/reload", &own).status(), 415);
    let json = format!("{own}Content-Type: application/json\r\n");
    assert_eq!(ask(&admin, "POST /api/reload", &json).status(), 200);
    for fields in [
        "Origin: http://evil.example\r\n",
        "Origin: null\r\n",
        "Sec-Fetch-Site: cross-site\r\n",
    ] {
        let fields = format!("{own}{fields}");
        assert_eq!(
            ask(&admin, "POST /api/reload", &fields).status(),
            403,
            "{fields}"
        );
        assert_eq!(
            ask(&admin, "GET /api/ledger", &fields).status(),
            403,
            "{fields}"
        );
    }
    assert_eq!(ask(&admin, "GET /api/reload", &own).status(), 405);
}

#[test]
fn with_a_token_any_name_will_do_and_nothing_goes_without() {
    let (_tee, admin) = on_loopback("secret");
    let named = "Host: tee.example\r\n";
    let bearing = format!("{named}Authorization: Bearer secret\r\n");
    for request in [
        "GET /metrics",
        "GET /api/ledger",
        "POST /api/reload",
        "GET /",
        "GET /none",
    ] {
        let answer = ask(&admin, request, named);
        assert_eq!(answer.status(), 401, "{request}");
        assert_eq!(answer.header("www-authenticate"), Some("Bearer"));
        assert_ne!(ask(&admin, request, &bearing).status(), 401, "{request}");
    }
    assert_eq!(ask(&admin, "GET /healthz", named).status(), 200);
    let forged = format!("{bearing}Origin: http://evil.example\r\n");
    assert_eq!(ask(&admin, "GET /metrics", &forged).status(), 403);
}

#[test]
fn a_reload_changes_the_token() {
    let primary = Server::unix(answers(OK));
    let tee = Tee::with_primary(&primary).start();
    let at = tee.admin().as_path().at();
    tee.configure(|text| text.replace("[admin]\n", "[admin]\ntoken = \"fresh\"\n"));
    let answer = tee.reload();
    assert_eq!(
        (answer.status(), answer.text().trim()),
        (200, "changed: admin, admin.token")
    );
    assert_eq!(ask(&at, "GET /metrics", "Host: a\r\n").status(), 401);
    let bearing = "Host: a\r\nAuthorization: Bearer fresh\r\n";
    assert_eq!(ask(&at, "GET /metrics", bearing).status(), 200);
}

/// As many as are served at one time, and more.
#[test]
fn connections_that_ask_and_do_not_read_keep_no_health_check_from_its_answer() {
    let primary = Server::unix(answers(OK));
    let tee = Tee::with_primary(&primary).start();
    let at = tee.admin().as_path().at();
    let request = "GET /metrics HTTP/1.1\r\nHost: a\r\n\r\n".repeat(500);
    let silent: Vec<_> = (0..70)
        .map(|_| {
            let mut client = Client::connect(&at);
            // As much as it takes; one that is ended already takes none.
            let _ = client.try_send(&request);
            client
        })
        .collect();
    for _ in 0..3 {
        assert_eq!(ask(&at, "GET /healthz", "Host: a\r\n").status(), 200);
    }
    drop(silent);
}
