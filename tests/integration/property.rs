//! Random requests arrive at the primary and at the shadow as they were sent.

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;
use proptest::test_runner::TestRunner;

use crate::kit::{Message, OK, Server, Tee, answers, latin1};

/// A request in pieces, so that a failure shrinks to a small one.
#[derive(Clone, Debug)]
struct Request {
    method: String,
    target: String,
    headers: Vec<(String, Vec<u8>)>,
    body: Body,
}

#[derive(Clone, Debug)]
enum Body {
    None,
    Sized(Vec<u8>),
    Chunked(Vec<Vec<u8>>),
}

impl Request {
    fn bytes(&self, id: &str) -> Vec<u8> {
        let mut bytes = format!(
            "{} {} HTTP/1.1\r\nX-Request-Id: {id}\r\nHost: a\r\n",
            self.method, self.target
        )
        .into_bytes();
        for (name, value) in &self.headers {
            bytes.extend_from_slice(name.as_bytes());
            bytes.extend_from_slice(b": ");
            bytes.extend_from_slice(value);
            bytes.extend_from_slice(b"\r\n");
        }
        match &self.body {
            Body::None => bytes.extend_from_slice(b"\r\n"),
            Body::Sized(body) => {
                bytes.extend_from_slice(
                    format!("Content-Length: {}\r\n\r\n", body.len()).as_bytes(),
                );
                bytes.extend_from_slice(body);
            }
            Body::Chunked(chunks) => {
                bytes.extend_from_slice(b"Transfer-Encoding: chunked\r\n\r\n");
                for chunk in chunks {
                    bytes.extend_from_slice(format!("{:x}\r\n", chunk.len()).as_bytes());
                    bytes.extend_from_slice(chunk);
                    bytes.extend_from_slice(b"\r\n");
                }
                bytes.extend_from_slice(b"0\r\n\r\n");
            }
        }
        bytes
    }

    fn body(&self) -> Vec<u8> {
        match &self.body {
            Body::None => Vec::new(),
            Body::Sized(body) => body.clone(),
            Body::Chunked(chunks) => chunks.concat(),
        }
    }

    /// Its headers as they should arrive, less those that shadowtee may add.
    fn lines(&self) -> Vec<String> {
        let mut lines = vec!["Host: a".to_owned()];
        lines.extend(
            self.headers
                .iter()
                .map(|(name, value)| format!("{name}: {}", latin1(value)).trim_end().to_owned()),
        );
        match &self.body {
            Body::None => {}
            Body::Sized(body) => lines.push(format!("Content-Length: {}", body.len())),
            Body::Chunked(_) => lines.push("Transfer-Encoding: chunked".to_owned()),
        }
        lines
    }
}

fn characters(of: &str, length: std::ops::Range<usize>) -> impl Strategy<Value = String> + use<> {
    vec(select(of.chars().collect::<Vec<_>>()), length).prop_map(String::from_iter)
}

fn methods() -> impl Strategy<Value = String> {
    let known = [
        "GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "PROPFIND", "REPORT",
    ];
    prop_oneof![8 => select(known.to_vec()).prop_map(str::to_owned), 1 => characters("ABCXYZ-_.!~09", 1..12)]
}

fn targets() -> impl Strategy<Value = String> {
    let path = "abcXYZ019-._~!$&'()*+,;=:@/%";
    let query = "abcXYZ019-._~!$&'()*+,;=:@/?%[]{}|^`\\";
    (
        characters(path, 0..80),
        proptest::option::of(characters(query, 0..200)),
    )
        .prop_map(|(path, query)| match query {
            None => format!("/{path}"),
            Some(query) => format!("/{path}?{query}"),
        })
}

fn headers() -> impl Strategy<Value = Vec<(String, Vec<u8>)>> {
    let known = [
        "Accept",
        "cookie",
        "USER-AGENT",
        "X-Forwarded-For",
        "Content-Type",
        "If-None-Match",
        "Range",
        "Via",
    ];
    let name = prop_oneof![
        select(known.to_vec()).prop_map(str::to_owned),
        characters("abcXYZ09-_.!#$%&'*+^`|~", 1..20).prop_map(|rest| format!("X-T{rest}")),
    ];
    let visible = prop_oneof![8 => 0x21_u8..0x7f, 1 => 0x80_u8..=0xff];
    let within = prop_oneof![8 => visible.clone(), 1 => select(vec![b' ', b'\t'])];
    let value = (
        vec(visible.clone(), 0..2),
        vec(within, 0..60),
        vec(visible, 1..2),
    )
        .prop_map(|(first, middle, last)| {
            if first.is_empty() {
                first
            } else {
                [first, middle, last].concat()
            }
        });
    vec((name, value), 0..12)
}

fn bodies() -> impl Strategy<Value = Body> {
    let sizes = prop_oneof![6 => 0_usize..100, 2 => 100_usize..20_000, 1 => 20_000_usize..300_000];
    let bytes = (sizes, any::<u8>())
        .prop_map(|(size, seed)| (0..=u8::MAX).cycle().skip(seed.into()).take(size).collect());
    let chunk = vec(any::<u8>(), 1..600);
    prop_oneof![
        2 => Just(Body::None),
        2 => bytes.prop_map(Body::Sized),
        2 => vec(chunk, 0..12).prop_map(Body::Chunked),
    ]
}

fn requests() -> impl Strategy<Value = Request> {
    (methods(), targets(), headers(), bodies()).prop_map(|(method, target, headers, body)| {
        Request {
            method,
            target,
            headers,
            body,
        }
    })
}

/// Sends them on one connection, in pieces of a size, and looks at what came.
fn check(servers: [&Server; 2], tee: &Tee, sent: &[Request], piece: usize) {
    let before = tee.ledger().requests;
    let already = servers[0].requests().len();
    let mut client = tee.client();
    for (n, request) in sent.iter().enumerate() {
        for piece in request.bytes(&format!("{before}-{n}")).chunks(piece) {
            client.send(piece);
        }
        assert_eq!(client.answer().raw, OK.as_bytes());
    }
    tee.settled(before + sent.len() as u64);
    for server in servers {
        let came: Vec<Message> = server.requests().split_off(already);
        assert_eq!(came.len(), sent.len());
        for (n, request) in sent.iter().enumerate() {
            let id = format!("{before}-{n}");
            let mine: Vec<_> = came
                .iter()
                .filter(|m| m.header("x-request-id") == Some(&id))
                .collect();
            assert_eq!(mine.len(), 1, "arrivals of {id}");
            let arrived = mine[0];
            assert_eq!(
                arrived.start(),
                format!("{} {} HTTP/1.1", request.method, request.target)
            );
            let lines = arrived.lines_sent().into_iter().map(str::trim_end);
            assert_eq!(lines.collect::<Vec<_>>(), request.lines());
            assert!(arrived.body == request.body(), "the body of {request:?}");
        }
    }
}

#[test]
fn random_requests_arrive_at_the_primary_and_at_the_shadow_as_sent() {
    let primary = Server::unix(answers(OK));
    let shadow = Server::unix(answers(OK));
    let tee = Tee::with_primary(&primary).shadow("next", &shadow).start();
    let settings = ProptestConfig {
        cases: 150,
        failure_persistence: None,
        max_shrink_iters: 200,
        ..ProptestConfig::default()
    };
    let pieces = prop_oneof![1 => 1_usize..40, 3 => 1000_usize..100_000];
    TestRunner::new(settings)
        .run(&(vec(requests(), 1..4), pieces), |(sent, piece)| {
            // Small pieces of a large request are many.
            let longest = sent
                .iter()
                .map(|request| request.body().len())
                .max()
                .unwrap_or_default();
            check([&primary, &shadow], &tee, &sent, piece.max(longest / 500));
            Ok(())
        })
        .unwrap_or_else(|e| panic!("{e}"));
}
