//! Random messages: whatever is sent, what goes on of it is clean; and nothing goes on of a request that two servers could read
//! differently.

use std::cell::Cell;

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;
use proptest::test_runner::{Config, TestRunner};

use super::fronts::{Front, Fronts};
use super::strict;
use crate::kit::latin1;

/// What heads are made of, much of it odd.
const PIECES: &[&str] = &[
    "X: 1",
    "X[]: \x01",
    "X : 2",
    " folded",
    "\tfolded",
    "no colon",
    ": no name",
    "X: a\rb",
    "X: \0",
    "X: 1\r",
    "",
    "Content-Length: 5",
    "Content-Length: 5",
    "Content-Length: 6",
    "Content-Length : 5",
    "Content-Length: 5, 5",
    "Content-Length:",
    "Transfer-Encoding: chunked",
    "Transfer-Encoding: chunked",
    "Transfer-Encoding : chunked",
    "Transfer-Encoding: identity",
    "Transfer-Encoding: \x0bchunked",
    "Transfer-Encoding: x",
    "Transfer-Encoding:",
    "Connection: close, X",
    "Content-Length[]: 9",
];

/// What bodies are made of.
const PARTS: &[&str] = &[
    "5",
    "5  ",
    "5\t;a",
    "5 x",
    "5\r;x",
    "0",
    "0 ",
    "00",
    "hello",
    "hello",
    "hell",
    "X : 1",
    "X: 1",
    "",
    "",
    "Content-Length: 5",
    "GET /hidden HTTP/1.1",
    "HTTP/1.1 200 OK",
    "Host: a",
];

/// Lines with an end that is mostly the right one.
fn lines(pieces: &'static [&'static str], most: usize) -> impl Strategy<Value = String> {
    let end = prop_oneof![8 => Just("\r\n"), 1 => Just("\n"), 1 => Just("\r\r\n")];
    vec((select(pieces), end), 0..most).prop_map(|lines| {
        let lines = lines.into_iter().flat_map(|(line, end)| [line, end]);
        lines.collect()
    })
}

/// A chunked body in order, or parts of one in none.
fn body() -> impl Strategy<Value = String> {
    prop_oneof![
        Just("5\r\nhello\r\n0\r\n\r\n".to_owned()),
        Just("5 \nhello\n0\n\n".to_owned()),
        Just("hello".to_owned()),
        lines(PARTS, 9),
    ]
}

fn runner(cases: u32) -> TestRunner {
    TestRunner::new(Config {
        cases,
        failure_persistence: None,
        ..Config::default()
    })
}

fn tee(fronts: &Fronts) -> &Front {
    fronts
        .each()
        .into_iter()
        .find(|front| front.is_tee)
        .expect("shadowtee")
}

#[test]
fn what_goes_on_of_any_response_is_clean() {
    let fronts = Fronts::start();
    let tee = tee(&fronts);
    let response = (
        select(&["200 OK", "304 No", "204", "404 No\0"][..]),
        lines(PIECES, 6),
        body(),
    );
    let checked = runner(600).run(&response, |(status, head, body)| {
        let sent = format!("HTTP/1.1 {status}\r\n{head}\r\n{body}");
        let came = tee.get(
            "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
            sent.as_bytes(),
        );
        prop_assert!(
            strict::is_clean(&came),
            "{sent:?} became {:?}",
            latin1(&came)
        );
        Ok(())
    });
    checked.unwrap();
}

/// What a header has no place for if its request is to be read in one way only.
const DOUBTFUL: &[&str] = &[
    " : ",
    "\0",
    "\r\r",
    "a\rb",
    "no colon",
    ": no name",
    "\n folded",
    "\n\tfolded",
    "Content-Length[]",
    "5, 5",
    "\x0bchunked",
    "Length:\r",
    "Encoding:\r",
    "Encoding: x",
    "identity",
];

#[test]
fn what_goes_on_of_any_request_is_clean_and_left_no_doubt() {
    let fronts = Fronts::start();
    let tee = tee(&fronts);
    let passed = Cell::new(0);
    let checked = runner(600).run(&(lines(PIECES, 5), body()), |(head, body)| {
        let sent = format!("POST / HTTP/1.1\r\nHost: a\r\n{head}\r\n{body}");
        let (_, requests) = tee.send(sent.as_bytes());
        passed.set(passed.get() + requests.len());
        for request in &requests {
            prop_assert!(
                strict::is_clean(&request.raw),
                "{sent:?} became {:?}",
                latin1(&request.raw)
            );
        }
        // Less the request line and Host, up to the empty line.
        let lines = sent.replace("\n\r\n", "\n\n");
        let head = lines.split("\n\n").next().unwrap_or_default();
        let count = |name: &str| head.matches(name).count();
        let lengths = count("\nContent-Length: 5") + count("\nContent-Length: 6");
        let is_doubtful = lengths + count("\nTransfer-Encoding: chunked") > 1
            || DOUBTFUL.iter().any(|doubt| head.contains(doubt));
        prop_assert!(!is_doubtful || requests.is_empty(), "{sent:?} went on");
        Ok(())
    });
    checked.unwrap();
    assert!(passed.get() > 20, "{} went on", passed.get());
}
