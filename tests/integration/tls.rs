//! TLS on each of the three sides, with real nginx, curl and openssl.

use std::fs;

use crate::kit::{
    At, Nginx, OK, Server, Tee, answers, assert_refusal, certificate, curl, free_port, tells,
    trusted,
};

fn listener(settings: &str) -> String {
    format!(
        r#"tls = {{ certificate = "{}", key = "{}"{settings} }}"#,
        certificate("server.pem").display(),
        certificate("server.key").display()
    )
}

/// Asks for a page of the certificate's own name at the listener's port.
fn ask(tee: &Tee, path: &str, more: &[&str]) -> (bool, String) {
    let at = tee.at();
    let port = at.rsplit(':').next().unwrap();
    let connect = format!("app.example:{port}:{at}");
    let url = format!("https://app.example:{port}{path}");
    let output = curl(&[&["--connect-to", &connect, &url], more].concat());
    (
        output.status.success(),
        String::from_utf8_lossy(&output.stdout).into_owned(),
    )
}

fn ca() -> String {
    certificate("ca.pem").display().to_string()
}

#[test]
fn a_listener_speaks_tls() {
    let primary = Server::unix(tells);
    let tee = Tee::with_primary(&primary)
        .on_tcp()
        .listening(&listener(""))
        .start();
    assert_eq!(
        ask(&tee, "/secure", &["--cacert", &ca()]),
        (true, "GET /secure 0".to_owned())
    );
    assert_eq!(
        ask(&tee, "/up", &["--cacert", &ca(), "--data", "12345"]),
        (true, "POST /up 5".to_owned())
    );
    let twelve = ask(&tee, "/", &["--cacert", &ca(), "--tls-max", "1.2"]);
    assert_eq!(twelve, (true, "GET / 0".to_owned()));
}

#[test]
fn plain_http_at_a_listener_of_tls_does_no_harm() {
    let primary = Server::unix(tells);
    let tee = Tee::with_primary(&primary)
        .on_tcp()
        .listening(&listener(""))
        .start();
    tee.client()
        .send("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        .rest();
    assert_eq!(ask(&tee, "/", &["--cacert", &ca()]).1, "GET / 0");
    assert_eq!(primary.requests().len(), 1);
}

#[test]
fn a_client_that_never_finishes_its_handshake_is_closed_in_time() {
    let primary = Server::unix(tells);
    let tee = Tee::with_primary(&primary)
        .on_tcp()
        .listening(&listener(""))
        .toml("[timeouts]\nclient_header = \"200ms\"")
        .start();
    tee.client().send(b"\x16\x03\x01").rest();
}

#[test]
fn a_listener_may_demand_a_client_certificate() {
    let primary = Server::unix(tells);
    let demand = listener(&format!(r#", client_ca = "{}""#, ca()));
    let tee = Tee::with_primary(&primary)
        .on_tcp()
        .listening(&demand)
        .start();
    assert!(
        !ask(&tee, "/", &["--cacert", &ca()]).0,
        "without a certificate"
    );
    assert!(primary.requests().is_empty());
    let (cert, key) = (certificate("client.pem"), certificate("client.key"));
    let mine = [
        "--cacert",
        &ca(),
        "--cert",
        cert.to_str().unwrap(),
        "--key",
        key.to_str().unwrap(),
    ];
    assert_eq!(ask(&tee, "/", &mine), (true, "GET / 0".to_owned()));
}

#[test]
fn a_primary_behind_tls_is_served_from_when_its_certificate_is_trusted() {
    let behind = Server::tcp(tells);
    let nginx = Nginx::tls(&behind, "");
    let tee = Tee::with_primary(&nginx).primary(&trusted()).start();
    let mut client = tee.client();
    for _ in 0..3 {
        assert_eq!(client.get("/a").text(), "GET /a 0");
    }
}

#[test]
fn a_primary_whose_certificate_nobody_vouches_for_gets_502() {
    let behind = Server::tcp(tells);
    let nginx = Nginx::tls(&behind, "");
    for tls in [
        r#"tls = { server_name = "app.example" }"#.to_owned(),
        format!(
            r#"tls = {{ ca = "{}", server_name = "other.example" }}"#,
            ca()
        ),
    ] {
        let tee = Tee::with_primary(&nginx).primary(&tls).start();
        assert_refusal(&tee.get("/"), 502);
    }
    assert!(behind.requests().is_empty());
}

#[test]
fn the_name_in_the_address_is_verified_when_none_is_given() {
    let behind = Server::tcp(tells);
    let nginx = Nginx::tls(&behind, "");
    // The certificate vouches for localhost and for 127.0.0.1, and nginx listens on neither.
    let tls = format!(r#"tls = {{ ca = "{}" }}"#, ca());
    let tee = Tee::with_primary(&nginx).primary(&tls).start();
    assert_refusal(&tee.get("/"), 502);
}

#[test]
fn verification_is_left_out_only_where_the_configuration_says_so() {
    let behind = Server::tcp(tells);
    let nginx = Nginx::tls(&behind, "");
    let tee = Tee::with_primary(&nginx)
        .primary("tls = { verify = false }")
        .start();
    assert_eq!(tee.get("/a").text(), "GET /a 0");
    tee.wait_for_log("a warning about it", |line| {
        line.contains("WARN") && line.contains("verif")
    });
}

#[test]
fn a_primary_that_demands_a_client_certificate_gets_it() {
    let behind = Server::tcp(tells);
    let demand = format!("ssl_client_certificate {}; ssl_verify_client on;", ca());
    let nginx = Nginx::tls(&behind, &demand);
    let (cert, key) = (certificate("client.pem"), certificate("client.key"));
    let tls = format!(
        r#"tls = {{ ca = "{}", server_name = "app.example", certificate = "{}", key = "{}" }}"#,
        ca(),
        cert.display(),
        key.display()
    );
    let tee = Tee::with_primary(&nginx).primary(&tls).start();
    assert_eq!(tee.get("/a").text(), "GET /a 0");
    // nginx says 400 to those without one.
    let tee = Tee::with_primary(&nginx).primary(&trusted()).start();
    assert_eq!(tee.get("/a").status(), 400);
}

#[test]
fn a_shadow_behind_tls_gets_every_copy_on_few_connections() {
    let primary = Server::unix(tells);
    let behind = Server::tcp(answers(OK));
    let nginx = Nginx::tls(&behind, "");
    let tee = Tee::with_primary(&primary)
        .shadow_with("next", &nginx, &trusted())
        .start();
    let mut client = tee.client();
    for n in 0..20 {
        client.get(&format!("/{n}"));
    }
    assert_eq!(tee.settled(20).of("next"), [("answered", 20)]);
    let copies = behind.requests();
    assert_eq!(copies.len(), 20);
    assert!(
        copies
            .iter()
            .all(|copy| copy.header("host") == Some("app.example"))
    );
    assert!(
        copies
            .iter()
            .all(|copy| copy.header("x-shadow-request") == Some("next"))
    );
}

#[test]
fn a_primary_that_breaks_off_without_saying_so_in_tls_is_no_whole_answer() {
    // A plain end under TLS without close_notify, in an answer that only the end delimits.
    let behind = Server::tcp(|conn| {
        conn.request()?;
        conn.send("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\npart")
    });
    let nginx = Nginx::tls(&behind, "");
    let tee = Tee::with_primary(&nginx).primary(&trusted()).start();
    let mut client = tee.client();
    client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n").head();
    let (rest, _) = client.rest();
    assert!(rest.len() < 100);
}

#[test]
fn a_certificate_that_is_not_there_is_a_mistake_at_start() {
    let dir = tempfile::tempdir().unwrap();
    let config = dir.path().join("shadowtee.toml");
    let text = format!(
        "[[listen]]\naddress = \"{}\"\ntls = {{ certificate = \"no.pem\", key = \"no.key\" }}\n\
         [primary]\naddress = \"unix:/app.sock\"\n",
        free_port()
    );
    fs::write(&config, text).unwrap();
    let output = crate::kit::shadowtee(&["run", "--config", config.to_str().unwrap()]);
    assert_eq!(output.status.code(), Some(1));
    let text = String::from_utf8_lossy(&output.stderr);
    assert!(text.contains("no.pem"), "{text}");
}

#[test]
fn a_shadow_that_demands_a_client_certificate_gets_it() {
    let primary = Server::unix(tells);
    let behind = Server::tcp(answers(OK));
    let demand = format!("ssl_client_certificate {}; ssl_verify_client on;", ca());
    let nginx = Nginx::tls(&behind, &demand);
    let (cert, key) = (certificate("client.pem"), certificate("client.key"));
    let tls = format!(
        r#"tls = {{ ca = "{}", server_name = "app.example", certificate = "{}", key = "{}" }}"#,
        ca(),
        cert.display(),
        key.display()
    );
    let tee = Tee::with_primary(&primary)
        .shadow_with("next", &nginx, &tls)
        .start();
    tee.get("/a");
    assert_eq!(tee.settled(1).of("next"), [("answered", 1)]);
    assert_eq!(behind.request().target(), "/a");
}

#[test]
fn a_large_upload_passes_through_tls_on_all_sides() {
    let behind = Server::tcp(tells);
    let next = Server::tcp(answers(OK));
    let (primary, shadow) = (Nginx::tls(&behind, ""), Nginx::tls(&next, ""));
    let tee = Tee::with_primary(&primary)
        .primary(&trusted())
        .shadow_with("next", &shadow, &trusted())
        .on_tcp()
        .listening(&listener(""))
        .start();
    let file = tee.dir().join("upload");
    fs::write(&file, vec![b'x'; 20 << 20]).unwrap();
    let data = format!("@{}", file.display());
    let asked = ask(
        &tee,
        "/up",
        &[
            "--cacert",
            &ca(),
            "--data-binary",
            &data,
            "--header",
            "Expect:",
        ],
    );
    assert_eq!(asked, (true, format!("POST /up {}", 20 << 20)));
    assert_eq!(tee.settled(1).of("next"), [("answered", 1)]);
    assert_eq!(next.request().body.len(), 20 << 20);
}
