//! Bodies pass as they come: each piece before the next.

use std::time::Duration;

use crate::kit::{Gate, OK, Server, Tee, answers, eventually, get};

#[test]
fn server_sent_events_reach_the_client_one_by_one() {
    let next = Gate::default();
    let gate = next.clone();
    let primary = Server::unix(move |conn| {
        conn.request()?;
        conn.send("HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n")?;
        for n in 0..5 {
            gate.pass();
            conn.send(format!("9\r\ndata: {n}\n\n\r\n"))?;
        }
        conn.send("0\r\n\r\n")
    });
    let shadow = Server::unix(answers(OK));
    let tee = Tee::with_primary(&primary).shadow("next", &shadow).start();
    let mut client = tee.client();
    // The header comes before any event.
    assert_eq!(
        client.send(get("/events")).head().header("content-type"),
        Some("text/event-stream")
    );
    for n in 0..5 {
        next.open();
        assert_eq!(client.chunk(), Some(format!("data: {n}\n\n").into_bytes()));
    }
    assert_eq!(client.chunk(), None);
}

#[test]
fn events_of_an_answer_without_an_end_reach_the_client_one_by_one() {
    let next = Gate::default();
    let gate = next.clone();
    let primary = Server::unix(move |conn| {
        conn.request()?;
        conn.send(
            "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Type: text/event-stream\r\n\r\n",
        )?;
        for n in 0..3 {
            gate.pass();
            conn.send(format!("data: {n}\n\n"))?;
        }
        Ok(())
    });
    let tee = Tee::with_primary(&primary).start();
    let mut client = tee.client();
    let head = client.send("GET / HTTP/1.0\r\nHost: a\r\n\r\n").head();
    assert_eq!(head.status(), 200);
    for n in 0..3 {
        next.open();
        assert_eq!(client.take(9), format!("data: {n}\n\n").into_bytes());
    }
    assert_eq!(client.rest().0, b"");
}

#[test]
fn a_sized_upload_reaches_the_primary_piece_by_piece() {
    let came = Gate::default();
    let gate = came.clone();
    let primary = Server::unix(move |conn| {
        conn.head()?;
        gate.open();
        for _ in 0..4 {
            conn.take(3)?;
            gate.open();
        }
        conn.send(OK)
    });
    let tee = Tee::with_primary(&primary).start();
    let mut client = tee.client();
    client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 12\r\n\r\n");
    came.pass();
    for _ in 0..4 {
        client.send("abc");
        came.pass();
    }
    assert_eq!(client.answer().raw, OK.as_bytes());
}

#[test]
fn a_chunked_upload_reaches_the_primary_piece_by_piece() {
    let came = Gate::default();
    let gate = came.clone();
    let primary = Server::unix(move |conn| {
        conn.head()?;
        gate.open();
        let mut body = Vec::new();
        while let Some(piece) = conn.chunk()? {
            body.extend_from_slice(&piece);
            if body.len() % 3 == 0 {
                gate.open();
            }
        }
        conn.send(OK)
    });
    let tee = Tee::with_primary(&primary).start();
    let mut client = tee.client();
    client.send("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n");
    came.pass();
    for _ in 0..4 {
        client.send("3\r\nabc\r\n");
        came.pass();
    }
    client.send("0\r\n\r\n");
    assert_eq!(client.answer().raw, OK.as_bytes());
}

#[test]
fn request_and_answer_pass_at_the_same_time() {
    let primary = Server::unix(|conn| {
        conn.head()?;
        conn.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")?;
        while let Some(piece) = conn.chunk()? {
            conn.send(format!("{:x}\r\n", piece.len()))?;
            conn.send(&piece)?;
            conn.send("\r\n")?;
        }
        conn.send("0\r\n\r\n")
    });
    let shadow = Server::unix(answers(OK));
    let tee = Tee::with_primary(&primary).shadow("next", &shadow).start();
    let mut client = tee.client();
    client
        .send("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n")
        .head();
    for n in 0..5 {
        client.send(format!("5\r\nhey {n}\r\n"));
        assert_eq!(client.chunk(), Some(format!("hey {n}").into_bytes()));
    }
    client.send("0\r\n\r\n");
    assert_eq!(client.chunk(), None);
    assert_eq!(tee.settled(1).of("next"), [("answered", 1)]);
    assert_eq!(shadow.request().text(), "hey 0hey 1hey 2hey 3hey 4");
}

/// Uploads so much, never further ahead of the shadow than it may be: the shadow is quick by definition.
fn upload(tee: &Tee, shadow: &Server, length: u64) -> crate::kit::Message {
    const PIECE: u64 = 1 << 20;
    const AHEAD: u64 = 8 * PIECE;
    let mut client = tee.client();
    client.send(format!(
        "POST /big HTTP/1.1\r\nHost: a\r\nContent-Length: {length}\r\n\r\n"
    ));
    let piece = vec![b'x'; 1 << 20];
    let mut sent = 0;
    while sent < length {
        client.send(&piece);
        sent += PIECE;
        eventually("a shadow that keeps up", || {
            (shadow.counted() + AHEAD >= sent).then_some(())
        });
    }
    client.answer()
}

fn counts(length: u64) -> Server {
    Server::unix(move |conn| {
        conn.head()?;
        conn.count(length)?;
        conn.send(OK)?;
        conn.hang().map(drop)
    })
}

#[test]
fn a_gibibyte_arrives_at_the_primary_and_at_a_quick_shadow_within_the_budget() {
    let length = 1 << 30;
    let (primary, shadow) = (counts(length), counts(length));
    let tee = Tee::with_primary(&primary)
        .shadow_with("next", &shadow, "answer_timeout = \"10m\"")
        .toml("[limits]\nshadow_memory = \"64MiB\"")
        .start();
    assert_eq!(upload(&tee, &shadow, length).raw, OK.as_bytes());
    assert_eq!(tee.settled(1).of("next"), [("answered", 1)]);
    assert_eq!((primary.counted(), shadow.counted()), (length, length));
    assert!(tee.peak_memory() < 200 << 20, "{}", tee.peak_memory());
}

#[test]
fn a_large_upload_passes_a_hung_shadow_within_the_budget() {
    let length = 256 << 20;
    let primary = counts(length);
    let shadow = Server::unix(crate::kit::takes_nothing);
    let tee = Tee::with_primary(&primary)
        .shadow_with("next", &shadow, "answer_timeout = \"10m\"")
        .toml("[limits]\nshadow_memory = \"64MiB\"")
        .start();
    assert_eq!(upload(&tee, &primary, length).raw, OK.as_bytes());
    assert_eq!(tee.settled(1).of("next"), [("body_overrun", 1)]);
    assert!(tee.peak_memory() < 200 << 20, "{}", tee.peak_memory());
}

#[test]
fn small_pieces_of_a_copy_that_waits_cost_no_more_than_the_budget() {
    let primary = Server::unix(|conn| {
        conn.head()?;
        while conn.chunk()?.is_some() {}
        conn.send(OK)
    });
    let shadow = Server::unix(crate::kit::takes_nothing);
    let tee = Tee::with_primary(&primary)
        .shadow_with(
            "next",
            &shadow,
            "body_buffer = \"1GiB\"\nanswer_timeout = \"10m\"",
        )
        .toml("[limits]\nshadow_memory = \"32MiB\"")
        .start();
    let mut client = tee.client();
    client.send("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n");
    // Each byte comes in a read of its own and keeps a buffer alive.
    for _ in 0..20_000 {
        client.send("1\r\nx\r\n");
    }
    client.send("0\r\n\r\n");
    assert_eq!(client.answer().raw, OK.as_bytes());
    assert!(tee.peak_memory() < 150 << 20, "{}", tee.peak_memory());
}

#[test]
fn a_slow_primary_holds_up_the_upload_and_not_the_memory() {
    let go = Gate::default();
    let gate = go.clone();
    let length = 128 << 20;
    let primary = Server::unix(move |conn| {
        conn.head()?;
        gate.pass();
        conn.count(length)?;
        conn.send(OK)
    });
    let tee = Tee::with_primary(&primary).start();
    let address = crate::kit::At::at(&tee);
    let upload = std::thread::spawn(move || {
        let mut client = crate::kit::Client::connect(&address);
        client.send(format!(
            "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: {length}\r\n\r\n"
        ));
        client.send(vec![b'x'; 128 << 20]);
        client.answer()
    });
    primary.connection(0);
    std::thread::sleep(Duration::from_millis(300));
    assert!(!upload.is_finished());
    assert!(tee.peak_memory() < 100 << 20, "{}", tee.peak_memory());
    go.open();
    assert_eq!(upload.join().unwrap().raw, OK.as_bytes());
}
