//! Messages whose end is in doubt, or never comes, are given up at once.

use crate::kit::{OK, Server, Tee, answers, eventually, get, hangs};
use crate::smuggling::{Scene, refused, refused_or_clear};

#[test]
fn a_coding_before_chunked_is_refused() {
    // Two readers may differ on what it hides (RFC 9112, 6.1 and 11.2).
    for coding in [
        "identity, chunked",
        "gzip, chunked",
        "identity\r\nTransfer-Encoding: chunked",
        "xchunked\r\nTransfer-Encoding: chunked",
        "identity, chunked\r\nContent-Length: 5",
    ] {
        refused(
            &[400, 501],
            &format!("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: {coding}\r\n\r\n0\r\n\r\n"),
        );
    }
}

#[test]
fn an_empty_element_in_the_list_of_codings_leaves_no_doubt() {
    for coding in ["chunked,", ", chunked", ",,chunked,"] {
        refused_or_clear(
            &format!(
                "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: {coding}\r\n\r\n5\r\nhello\r\n0\r\n\r\n"
            ),
            "hello",
        );
    }
}

#[test]
fn a_length_beyond_all_numbers_is_refused() {
    for length in [
        "18446744073709551615",
        "18446744073709551616",
        "18446744073709551621",
        "9223372036854775808",
    ] {
        let scene = Scene::new();
        let sent = format!("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: {length}\r\n\r\nhello");
        let status = scene.send(&sent);
        // A number that fits is a body that never comes whole.
        assert!(
            matches!(status, None | Some(400 | 408 | 413)),
            "{length}: {status:?}"
        );
        scene.nobody_got_anything(&sent);
    }
}

#[test]
fn a_body_that_ends_before_its_end_is_given_up_at_once() {
    for framed in [
        "Content-Length: 10\r\n\r\nfour",
        "Content-Length: 9223372036854775808\r\n\r\nfour",
        "Transfer-Encoding: chunked\r\n\r\n4\r\nfour\r\n",
        "Transfer-Encoding: chunked\r\n\r\n4\r\nfour\r\n0\r\n",
        "Transfer-Encoding: chunked\r\n\r\n4\r\nfour\r\n0\r\nX-A: 1\r\n",
        "Transfer-Encoding: chunked\r\n\r\na\r\nfour",
        "Transfer-Encoding: chunked\r\n\r\n7fffffffffffffff\r\nfour",
        "Transfer-Encoding: chunked\r\n\r\nffffffffffffffff\r\nfour",
        "Content-Length: 10\r\n\r\n",
        "Transfer-Encoding: chunked\r\n\r\n",
    ] {
        for on_tcp in [false, true] {
            let (primary, shadow) = (Server::unix(answers(OK)), Server::unix(answers(OK)));
            let setup = Tee::with_primary(&primary).shadow("next", &shadow);
            let tee = if on_tcp { setup.on_tcp() } else { setup }.start();
            let mut client = tee.client();
            client
                .send(format!("POST / HTTP/1.1\r\nHost: a\r\n{framed}"))
                .half_close();
            let (rest, _) = client.rest();
            assert!(
                rest.is_empty() || rest.starts_with(b"HTTP/1.1 4"),
                "{framed:?}: {rest:?}"
            );
            assert_eq!(tee.settled(1).count("next", "answered"), 0, "{framed:?}");
            assert!(primary.requests().is_empty(), "{framed:?}");
            assert!(shadow.requests().is_empty(), "{framed:?}");
        }
    }
}

#[test]
fn a_client_that_leaves_in_its_pipeline_cancels_what_is_under_way() {
    for on_tcp in [false, true] {
        let primary = Server::unix(hangs);
        let shadow = Server::unix(answers(OK));
        let setup = Tee::with_primary(&primary)
            .shadow("next", &shadow)
            .toml("[timeouts]\nhalf_close = \"100ms\"");
        let tee = if on_tcp { setup.on_tcp() } else { setup }.start();
        let mut client = tee.client();
        client.send(get("/one") + &get("/two"));
        primary.wait_for(1);
        drop(client);
        eventually("the end at the primary", || primary.connection(0).ending());
        let ledger = tee.wait_for_ledger("balance", |ledger| {
            ledger.requests > 0 && ledger.is_settled()
        });
        assert!(ledger.requests <= 2, "{ledger:?}");
    }
}

#[test]
fn endless_interim_answers_are_given_up_in_time() {
    let primary = Server::unix(|conn| {
        conn.request()?;
        loop {
            conn.send("HTTP/1.1 103 Early Hints\r\nLink: </a.css>; rel=preload\r\n\r\n")?;
        }
    });
    let tee = Tee::with_primary(&primary)
        .toml("[timeouts]\nanswer = \"300ms\"")
        .start();
    let mut client = tee.client();
    client.send("GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
    // With or without the hints before it, this ends.
    client.rest();
    eventually("the end at the primary", || {
        primary.is_closed(0).then_some(())
    });
}
