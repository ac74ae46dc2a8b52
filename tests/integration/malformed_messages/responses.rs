//! Responses that break a rule.

use super::Case;

/// With a header line that breaks it.
fn line(what: &'static str, line: &str, look: &'static str, why: &'static str) -> Case {
    let text = format!("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n{line}\r\n\r\nhello");
    Case::new(what, line, &text, look, why)
}

/// With a status line that breaks it.
fn start(what: &'static str, start: &str, why: &'static str) -> Case {
    let text = format!("{start}\r\nContent-Length: 5\r\n\r\nhello");
    Case::new(what, start, &text, "status", why)
}

/// With framing that breaks it.
fn framed(what: &'static str, lines: &str, body: &str, why: &'static str) -> Case {
    let text = format!("HTTP/1.1 200 OK\r\n{lines}\r\n\r\n{body}");
    Case::new(what, lines, &text, "", why)
}

/// With chunks that break it.
fn chunks(what: &'static str, chunks: &str, why: &'static str) -> Case {
    let text = format!("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n{chunks}");
    Case::new(what, chunks, &text, "", why)
}

/// Without a body.
fn bare(what: &'static str, head: &str, look: &'static str, why: &'static str) -> Case {
    Case::new(what, head, &format!("{head}\r\n\r\n"), look, why)
}

pub(crate) fn cases() -> Vec<Case> {
    [
        names_and_values(),
        headers(),
        status_lines(),
        framings(),
        chunked(),
        without_body(),
    ]
    .into_iter()
    .flatten()
    .collect()
}

const NAMES_AND_VALUES: &[[&str; 4]] = &[
    ["control character in a value", "X: a\u{1}b", "X", ""],
    ["vertical tab in a value", "X: a\u{b}b", "X", ""],
    ["form feed in a value", "X: a\u{c}b", "X", ""],
    ["escape in a value", "X: \u{1b}[0m", "X", ""],
    ["DEL in a value", "X: \u{7f}", "X", ""],
    ["bytes above 127 in a value", "X: caf\u{e9}", "X", ""],
    [
        "NUL in a value",
        "X: a\0b",
        "X",
        "a client written in C may read no further than the NUL",
    ],
    ["CR in a value", "X: a\rb", "X", ""],
    [
        "two CR before the line's end",
        "X: a\r",
        "X",
        "as nginx does",
    ],
    [
        "space before the colon",
        "X : 1",
        "X",
        "a proxy has to remove it (RFC 9112, 5.1)",
    ],
    [
        "tab before the colon",
        "X\t: 1",
        "X",
        "a proxy has to remove it (RFC 9112, 5.1)",
    ],
    ["name that is no token", "X[]: 1", "X", "as nginx does"],
    ["name that is no token", "X(A): 1", "X", "as nginx does"],
    [
        "bytes above 127 in a name",
        "X\u{e9}: 1",
        "X",
        "as nginx does",
    ],
    [
        "control character in a name",
        "X\u{1}: 1",
        "X",
        "no field: the line is left out, and the page is saved",
    ],
    [
        "space in a name",
        "X A: 1",
        "X",
        "no field: the line is left out, and the page is saved",
    ],
    [
        "no name",
        ": 1",
        ":",
        "no field: the line is left out, and the page is saved",
    ],
    [
        "no colon",
        "no colon",
        "no",
        "no field: the line is left out, and the page is saved",
    ],
    [
        "line that is one word",
        "X",
        "X",
        "no field: the line is left out; nginx makes it one without a value",
    ],
    [
        "length without a colon",
        "Content-Length 5",
        "Content-Length ",
        "it may say where the body ends",
    ],
    [
        "length behind an odd name",
        "Content-Length[]: 6",
        "Content-Length[",
        "a client that passes over the odd characters reads another length",
    ],
    [
        "folded line",
        "X: 1\r\n 2\r\n\t3",
        "X",
        "folds become spaces (RFC 9112, 5.2)",
    ],
    [
        "folded line of white space",
        "X: 1\r\n ",
        "X",
        "folds become spaces (RFC 9112, 5.2)",
    ],
    [
        "folded line behind none",
        "no\r\n 2",
        "no",
        "no field: the line is left out, and the page is saved",
    ],
    ["line that ends with LF", "X: 1\nY: 2", "X", ""],
    ["no space behind the colon", "X:1", "X", ""],
    ["white space around a value", "X: \t1 \t", "X", ""],
    ["empty value", "X:", "X", ""],
];

fn names_and_values() -> Vec<Case> {
    let cases = NAMES_AND_VALUES.iter();
    cases
        .map(|[what, sent, look, why]| line(what, sent, look, why))
        .collect()
}

/// Headers that are large, and lines at odd places.
fn headers() -> Vec<Case> {
    let many = |count: usize, line: &str| {
        let lines: Vec<_> = (0..count)
            .map(|n| line.replace('#', &n.to_string()))
            .collect();
        lines.join("\r\n")
    };
    let cookie = format!("Set-Cookie: c#={}", "x".repeat(4000));
    vec![
        line(
            "150 lines",
            &many(150, "X-#: 1"),
            "X-",
            "up to `limits.response_header_count`; HAProxy takes 101 (`tune.http.maxhdr`)",
        ),
        line(
            "150 cookies of 4 KB",
            &many(150, &cookie),
            "Set-Cookie",
            "up to `limits.response_header_bytes`; HAProxy takes 16 KB (`tune.bufsize`)",
        ),
        Case::new(
            "first line folded",
            " X: 0",
            "HTTP/1.1 200 OK\r\n X: 0\r\nContent-Length: 5\r\n\r\nhello",
            "X",
            "it belongs to no field (RFC 9112, 2.2)",
        ),
        Case::new(
            "all lines end with LF",
            "X: 1\n",
            "HTTP/1.1 200 OK\nX: 1\nContent-Length: 5\n\nhello",
            "X",
            "",
        ),
    ]
}

const STATUS_LINES: &[[&str; 3]] = &[
    ["no reason", "HTTP/1.1 200", ""],
    ["empty reason", "HTTP/1.1 200 ", ""],
    ["two spaces before the status", "HTTP/1.1  200 OK", ""],
    [
        "control character in the reason",
        "HTTP/1.1 200 a\u{1}b",
        "",
    ],
    [
        "bytes above 127 in the reason",
        "HTTP/1.1 200 d\u{e9}j\u{e0}",
        "",
    ],
    [
        "NUL in the reason",
        "HTTP/1.1 200 a\0b",
        "the reason is left out: no client needs it (RFC 9112, 4)",
    ],
    [
        "status with a dot",
        "HTTP/1.1 403.14 Forbidden",
        "as nginx does, less what is no status",
    ],
    [
        "status of two digits",
        "HTTP/1.1 20 OK",
        "a status has three digits; no client knows what another means",
    ],
    [
        "status of four digits",
        "HTTP/1.1 2000 OK",
        "a status has three digits; clients would cut it at different places",
    ],
    [
        "status below 100",
        "HTTP/1.1 099 OK",
        "no status; clients differ in whether another response follows",
    ],
    ["status above 599", "HTTP/1.1 799 OK", ""],
    ["version 1.2", "HTTP/1.2 200 OK", ""],
    ["version 2.0", "HTTP/2.0 200 OK", ""],
    [
        "version in lower case",
        "http/1.1 200 OK",
        "no HTTP: nginx passes it all as the body of HTTP/0.9, header included",
    ],
    [
        "another protocol",
        "ICY 200 OK",
        "no HTTP: nginx passes it all as the body of HTTP/0.9, header included",
    ],
    [
        "empty line before the response",
        "\r\nHTTP/1.1 200 OK",
        "left out; nginx takes it for HTTP/0.9",
    ],
    [
        "no status line",
        "Content-Type: text/html",
        "no HTTP: nginx passes it all as the body of HTTP/0.9, header included",
    ],
];

fn status_lines() -> Vec<Case> {
    STATUS_LINES
        .iter()
        .map(|[what, sent, why]| start(what, sent, why))
        .collect()
}

const FRAMINGS: &[[&str; 4]] = &[
    [
        "two equal lengths",
        "Content-Length: 5\r\nContent-Length: 5",
        "hello",
        "",
    ],
    ["list of equal lengths", "Content-Length: 5, 5", "hello", ""],
    [
        "two different lengths",
        "Content-Length: 5\r\nContent-Length: 6",
        "hello",
        "",
    ],
    [
        "sign before the length",
        "Content-Length: +5",
        "hello",
        "some clients read a number, some none (RFC 9112, 6.3)",
    ],
    [
        "zeros before the length",
        "Content-Length: 005",
        "hello",
        "",
    ],
    [
        "empty length",
        "Content-Length:",
        "hello",
        "says nothing: the body ends with the connection, as in nginx",
    ],
    [
        "space before the colon of a length",
        "Content-Length : 5",
        "hello",
        "a proxy has to remove it (RFC 9112, 5.1)",
    ],
    [
        "folded length",
        "Content-Length:\r\n 5",
        "hello",
        "folds become spaces (RFC 9112, 5.2)",
    ],
    [
        "more than the length",
        "Content-Length: 5",
        "hello more",
        "",
    ],
    ["less than the length", "Content-Length: 6", "hello", ""],
    [
        "length and chunks",
        "Content-Length: 5\r\nTransfer-Encoding: chunked",
        "5\r\nhello\r\n0\r\n\r\n",
        "",
    ],
    [
        "chunked twice",
        "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked",
        "5\r\nhello\r\n0\r\n\r\n",
        "said twice it is done once: as nginx does",
    ],
    [
        "list of chunked twice",
        "Transfer-Encoding: chunked, chunked",
        "5\r\nhello\r\n0\r\n\r\n",
        "said twice it is done once: as nginx does",
    ],
    [
        "identity",
        "Transfer-Encoding: identity",
        "hello",
        "identity means no coding (RFC 2616, 3.6): as nginx does",
    ],
    [
        "identity with a length",
        "Transfer-Encoding: identity\r\nContent-Length: 5",
        "hello",
        "identity means no coding (RFC 2616, 3.6): as nginx does",
    ],
    [
        "chunked behind identity",
        "Transfer-Encoding: identity, chunked",
        "5\r\nhello\r\n0\r\n\r\n",
        "identity means no coding (RFC 2616, 3.6): as nginx does",
    ],
    [
        "unknown coding",
        "Transfer-Encoding: x",
        "hello",
        "nobody can take a coding off that is not known; nginx passes it as the body itself",
    ],
    ["empty coding", "Transfer-Encoding:", "hello", ""],
    [
        "vertical tab before chunked",
        "Transfer-Encoding: \u{b}chunked",
        "5\r\nhello\r\n0\r\n\r\n",
        "an unknown coding; some clients would read chunks",
    ],
];

fn framings() -> Vec<Case> {
    let mut cases: Vec<_> = FRAMINGS
        .iter()
        .map(|[what, sent, look, why]| framed(what, sent, look, why))
        .collect();
    cases.extend([Case::new(
        "chunks of HTTP/1.0",
        "HTTP/1.0, Transfer-Encoding: chunked",
        "HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
        "",
        "",
    )]);
    cases
}

const CHUNKED: &[[&str; 3]] = &[
    [
        "spaces behind a chunk's size",
        "5  \r\nhello\r\n0\r\n\r\n",
        "",
    ],
    ["tab behind a chunk's size", "5\t\r\nhello\r\n0\r\n\r\n", ""],
    [
        "spaces behind the last chunk's size",
        "5\r\nhello\r\n0   \r\n\r\n",
        "",
    ],
    [
        "space before a chunk's extension",
        "5 ;a=b\r\nhello\r\n0\r\n\r\n",
        "",
    ],
    [
        "text behind a chunk's size",
        "5 x\r\nhello\r\n0\r\n\r\n",
        "the size is clear, and extensions go no further: as nginx does",
    ],
    [
        "space before a chunk's size",
        " 5\r\nhello\r\n0\r\n\r\n",
        "",
    ],
    [
        "CR before a chunk's extension",
        "5\r;x\r\nhello\r\n0\r\n\r\n",
        "",
    ],
    [
        "form feed behind a chunk's size",
        "5\u{c}\r\nhello\r\n0\r\n\r\n",
        "",
    ],
    [
        "control character in an extension",
        "5;\u{1}\r\nhello\r\n0\r\n\r\n",
        "",
    ],
    [
        "chunk's size that ends with LF",
        "5\nhello\r\n0\r\n\r\n",
        "",
    ],
    ["chunk that ends with LF", "5\r\nhello\n0\r\n\r\n", ""],
    ["all lines of chunks end with LF", "5\nhello\n0\n\n", ""],
    ["chunk longer than its size", "5\r\nhelloX\r\n0\r\n\r\n", ""],
    [
        "second chunk without a size",
        "5\r\nhello\r\n\r\n0\r\n\r\n",
        "",
    ],
    ["chunk's size with 0x", "0x5\r\nhello\r\n0\r\n\r\n", ""],
    [
        "zeros before a chunk's size",
        "00000000000000000005\r\nhello\r\n0\r\n\r\n",
        "",
    ],
    [
        "chunk's size of 65 bits",
        "10000000000000005\r\nhello\r\n0\r\n\r\n",
        "",
    ],
    [
        "trailer without a colon",
        "5\r\nhello\r\n0\r\nX\r\n\r\n",
        "no field: the line is left out",
    ],
    [
        "space before a trailer's colon",
        "5\r\nhello\r\n0\r\nX : 1\r\n\r\n",
        "a proxy has to remove it (RFC 9112, 5.1)",
    ],
    [
        "control character in a trailer",
        "5\r\nhello\r\n0\r\nX: \u{1}\r\n\r\n",
        "",
    ],
    ["no last chunk", "5\r\nhello\r\n", ""],
    [
        "no empty line behind the last chunk",
        "5\r\nhello\r\n0\r\n",
        "",
    ],
];

fn chunked() -> Vec<Case> {
    CHUNKED
        .iter()
        .map(|[what, sent, why]| chunks(what, sent, why))
        .collect()
}

const WITHOUT_BODY: &[[&str; 4]] = &[
    [
        "two equal lengths, no body",
        "HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\nContent-Length: 5",
        "Content-Length",
        "",
    ],
    [
        "two different lengths, no body",
        "HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\nContent-Length: 6",
        "Content-Length",
        "the body is clear, the length is not: it is taken off",
    ],
    [
        "length of 204, no body",
        "HTTP/1.1 204 No Content\r\nContent-Length: 5",
        "Content-Length",
        "has none (RFC 9110, 8.6)",
    ],
    [
        "two equal lengths to HEAD",
        "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 5",
        "Content-Length",
        "",
    ],
];

fn without_body() -> Vec<Case> {
    let mut cases: Vec<_> = WITHOUT_BODY
        .iter()
        .map(|[what, sent, look, why]| bare(what, sent, look, why))
        .collect();
    cases.extend([
        Case::new("length of an interim response",
            "HTTP/1.1 103 Early Hints\r\nContent-Length: 5",
            "HTTP/1.1 103 Early Hints\r\nContent-Length: 5\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello",
            "",
            "interim responses are passed; one has no length (RFC 9110, 8.6)"),
    ]);
    cases
}
