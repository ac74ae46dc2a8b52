//! Requests that break a rule.

use super::Case;

/// With a header line that breaks it.
fn line(what: &'static str, line: &str, look: &'static str, why: &'static str) -> Case {
    let text = format!("GET / HTTP/1.1\r\nHost: a\r\n{line}\r\n\r\n");
    Case::new(what, line, &text, look, why)
}

/// With a request line that breaks it.
fn start(what: &'static str, start: &str, look: &'static str, why: &'static str) -> Case {
    let text = format!("{start}\r\nHost: a\r\n\r\n");
    Case::new(what, start, &text, look, why)
}

/// With a Host that breaks it.
fn host(what: &'static str, host: &str, why: &'static str) -> Case {
    let text = format!("GET / HTTP/1.1\r\n{host}\r\n\r\n");
    Case::new(what, host, &text, "Host", why)
}

/// With framing that breaks it.
fn framed(what: &'static str, lines: &str, body: &str, why: &'static str) -> Case {
    let text = format!("POST / HTTP/1.1\r\nHost: a\r\n{lines}\r\n\r\n{body}");
    Case::new(what, lines, &text, "body", why)
}

/// With chunks that break it.
fn chunks(what: &'static str, chunks: &str, look: &'static str, why: &'static str) -> Case {
    let text = format!("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n{chunks}");
    Case::new(what, chunks, &text, look, why)
}

pub(crate) fn cases() -> Vec<Case> {
    [
        names_and_values(),
        request_lines(),
        hosts(),
        framings(),
        chunked(),
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
        "a server written in C may read no further than the NUL",
    ],
    ["CR in a value", "X: a\rb", "X", ""],
    [
        "two CR before the line's end",
        "X: a\r",
        "X",
        "a bare CR is a line's end to some servers",
    ],
    ["space before the colon", "X : 1", "X", ""],
    ["tab before the colon", "X\t: 1", "X", ""],
    [
        "name that is no token",
        "X[]: 1",
        "X",
        "taken off as nginx does: some servers make another name of it",
    ],
    [
        "name that is no token",
        "X(A): 1",
        "X",
        "taken off as nginx does: some servers make another name of it",
    ],
    ["quoted name", "\"X\": 1", "\"X", "taken off as nginx does"],
    [
        "bytes above 127 in a name",
        "X\u{e9}: 1",
        "X",
        "taken off as nginx does",
    ],
    [
        "length behind an odd name",
        "Content-Length[]: 5",
        "Content",
        "a server that passes over the odd characters reads a body here",
    ],
    ["control character in a name", "X\u{1}: 1", "X", ""],
    ["space in a name", "X A: 1", "X", ""],
    ["no name", ": 1", ":", ""],
    ["no colon", "no colon", "no", ""],
    [
        "folded line",
        "X: 1\r\n 2",
        "X",
        "some servers read a folded line as one of its own",
    ],
    [
        "folded line of white space",
        "X: 1\r\n ",
        "X",
        "some servers read a line of white space as the end of the header",
    ],
    ["line that ends with LF", "X: 1\nY: 2", "X", ""],
    ["no space behind the colon", "X:1", "X", ""],
    ["white space around a value", "X: \t1 \t", "X", ""],
    ["empty value", "X:", "X", ""],
];

fn names_and_values() -> Vec<Case> {
    NAMES_AND_VALUES
        .iter()
        .map(|[what, sent, look, why]| line(what, sent, look, why))
        .collect()
}

const REQUEST_LINES: &[[&str; 4]] = &[
    [
        "bytes above 127 in the target",
        "GET /caf\u{e9} HTTP/1.1",
        "target",
        "as nginx does: one message, and browsers and old links have them",
    ],
    [
        "UTF-8 in the target",
        "GET /caf\u{c3}\u{a9}?\u{c3}\u{a9} HTTP/1.1",
        "target",
        "as nginx does: one message, and browsers and old links have them",
    ],
    [
        "control character in the target",
        "GET /\u{1} HTTP/1.1",
        "target",
        "",
    ],
    ["DEL in the target", "GET /\u{7f} HTTP/1.1", "target", ""],
    ["space in the target", "GET /a b HTTP/1.1", "target", ""],
    [
        "characters that should be encoded",
        "GET /<>\"{}|\\^ HTTP/1.1",
        "target",
        "",
    ],
    [
        "percent sign alone",
        "GET /%zz% HTTP/1.1",
        "target",
        "as HAProxy does: what a target means is the application's affair",
    ],
    [
        "fragment in the target",
        "GET /a#b HTTP/1.1",
        "target",
        "some servers cut it off, others do not",
    ],
    [
        "target without a slash",
        "GET a HTTP/1.1",
        "target",
        "no form of a target; a server may take it for a host",
    ],
    [
        "asterisk with GET",
        "GET * HTTP/1.1",
        "target",
        "belongs to OPTIONS alone (RFC 9112, 3.2.4)",
    ],
    [
        "user in an absolute target",
        "GET http://u@a/ HTTP/1.1",
        "start",
        "servers differ in what the host is (RFC 9110, 4.2.4)",
    ],
    [
        "two spaces before the target",
        "GET  / HTTP/1.1",
        "start",
        "a server that splits at each space reads an empty target (RFC 9112, 3)",
    ],
    [
        "space behind the version",
        "GET / HTTP/1.1 ",
        "start",
        "a server that splits at the last space reads the version as part of the target",
    ],
    [
        "tab in place of a space",
        "GET\t/ HTTP/1.1",
        "start",
        "a server that splits at spaces alone reads another method",
    ],
    [
        "no version",
        "GET /",
        "start",
        "HTTP/0.9: a server that does not know it waits for a header",
    ],
    ["version in lower case", "GET / http/1.1", "start", ""],
    ["version 1.2", "GET / HTTP/1.2", "start", ""],
    ["version 2.0", "GET / HTTP/2.0", "start", "another protocol"],
    [
        "method in lower case",
        "get / HTTP/1.1",
        "start",
        "a token like any other: methods are the application's affair",
    ],
    ["method that is no token", "G(T / HTTP/1.1", "start", ""],
    [
        "empty line before the request",
        "\r\nGET / HTTP/1.1",
        "start",
        "",
    ],
    ["lines that end with LF", "GET / HTTP/1.1\nX: 1", "X", ""],
];

fn request_lines() -> Vec<Case> {
    REQUEST_LINES
        .iter()
        .map(|[what, sent, look, why]| start(what, sent, look, why))
        .collect()
}

const HOSTS: &[[&str; 3]] = &[
    [
        "no Host",
        "X: 1",
        "required (RFC 9112, 3.2); HAProxy passes it without one",
    ],
    [
        "two Hosts",
        "Host: a\r\nHost: a",
        "servers differ in which one counts; required to be refused (RFC 9112, 3.2)",
    ],
    ["bytes above 127 in Host", "Host: b\u{fc}cher", ""],
    ["UTF-8 in Host", "Host: b\u{c3}\u{bc}cher", ""],
    [
        "space in Host",
        "Host: a b",
        "no host: servers, caches and rules would each make another one of it (RFC 9112, 3.2)",
    ],
    [
        "slash in Host",
        "Host: a/b",
        "no host: servers, caches and rules would each make another one of it (RFC 9112, 3.2)",
    ],
    [
        "comma in Host",
        "Host: a,b",
        "no host: servers, caches and rules would each make another one of it (RFC 9112, 3.2)",
    ],
    [
        "user in Host",
        "Host: u@a",
        "no host: servers, caches and rules would each make another one of it (RFC 9112, 3.2)",
    ],
    [
        "control character in Host",
        "Host: a\u{1}",
        "no host: servers, caches and rules would each make another one of it (RFC 9112, 3.2)",
    ],
    [
        "port that is no number",
        "Host: a:b",
        "no host: servers, caches and rules would each make another one of it (RFC 9112, 3.2)",
    ],
    ["underscore in Host", "Host: a_b", ""],
];

fn hosts() -> Vec<Case> {
    HOSTS
        .iter()
        .map(|[what, sent, why]| host(what, sent, why))
        .collect()
}

const FRAMINGS: &[[&str; 4]] = &[
    [
        "two equal lengths",
        "Content-Length: 5\r\nContent-Length: 5",
        "hello",
        "a request whose length is said twice is suspect; nginx refuses it, too",
    ],
    [
        "list of equal lengths",
        "Content-Length: 5, 5",
        "hello",
        "some servers read the first number alone, some none",
    ],
    [
        "two different lengths",
        "Content-Length: 5\r\nContent-Length: 6",
        "hello!",
        "",
    ],
    ["sign before the length", "Content-Length: +5", "hello", ""],
    [
        "zeros before the length",
        "Content-Length: 005",
        "hello",
        "",
    ],
    ["empty length", "Content-Length:", "", ""],
    [
        "vertical tab behind the length",
        "Content-Length: 5\u{b}",
        "hello",
        "",
    ],
    [
        "length and chunks",
        "Content-Length: 5\r\nTransfer-Encoding: chunked",
        "5\r\nhello\r\n0\r\n\r\n",
        "servers differ in which one counts (RFC 9112, 6.3)",
    ],
    [
        "chunked twice",
        "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked",
        "5\r\nhello\r\n0\r\n\r\n",
        "",
    ],
    [
        "coding before chunked",
        "Transfer-Encoding: gzip, chunked",
        "5\r\nhello\r\n0\r\n\r\n",
        "",
    ],
    [
        "unknown coding",
        "Transfer-Encoding: xchunked",
        "5\r\nhello\r\n0\r\n\r\n",
        "",
    ],
    [
        "vertical tab before chunked",
        "Transfer-Encoding: \u{b}chunked",
        "5\r\nhello\r\n0\r\n\r\n",
        "",
    ],
    [
        "form feed behind chunked",
        "Transfer-Encoding: chunked\u{c}",
        "5\r\nhello\r\n0\r\n\r\n",
        "",
    ],
    [
        "folded coding",
        "Transfer-Encoding:\r\n chunked",
        "5\r\nhello\r\n0\r\n\r\n",
        "a server that reads the folded line by itself sees no coding",
    ],
    [
        "space before the colon of a length",
        "Content-Length : 5",
        "hello",
        "",
    ],
];

fn framings() -> Vec<Case> {
    FRAMINGS
        .iter()
        .map(|[what, sent, look, why]| framed(what, sent, look, why))
        .collect()
}

const CHUNKED: &[[&str; 4]] = &[
    [
        "spaces behind a chunk's size",
        "5  \r\nhello\r\n0\r\n\r\n",
        "body",
        "",
    ],
    [
        "tab behind a chunk's size",
        "5\t\r\nhello\r\n0\r\n\r\n",
        "body",
        "",
    ],
    [
        "space before a chunk's extension",
        "5 ;a=b\r\nhello\r\n0\r\n\r\n",
        "body",
        "",
    ],
    [
        "text behind a chunk's size",
        "5 x\r\nhello\r\n0\r\n\r\n",
        "body",
        "no extension begins so, and servers differ in what they pass over",
    ],
    [
        "space before a chunk's size",
        " 5\r\nhello\r\n0\r\n\r\n",
        "body",
        "",
    ],
    [
        "CR before a chunk's extension",
        "5\r;x\r\nhello\r\n0\r\n\r\n",
        "body",
        "",
    ],
    [
        "form feed before a chunk's extension",
        "5\u{c};x\r\nhello\r\n0\r\n\r\n",
        "body",
        "",
    ],
    [
        "control character in an extension",
        "5;\u{1}\r\nhello\r\n0\r\n\r\n",
        "body",
        "",
    ],
    [
        "LF in an extension",
        "5;a\nb\r\nhello\r\n0\r\n\r\n",
        "body",
        "",
    ],
    [
        "CR in an extension",
        "5;a\rb\r\nhello\r\n0\r\n\r\n",
        "body",
        "",
    ],
    [
        "chunk's size that ends with LF",
        "5\nhello\r\n0\r\n\r\n",
        "body",
        "a server that asks for CR LF cuts the body elsewhere",
    ],
    [
        "chunk that ends with LF",
        "5\r\nhello\n0\r\n\r\n",
        "body",
        "a server that asks for CR LF cuts the body elsewhere",
    ],
    [
        "chunk longer than its size",
        "5\r\nhelloX\r\n0\r\n\r\n",
        "body",
        "",
    ],
    [
        "sign before a chunk's size",
        "+5\r\nhello\r\n0\r\n\r\n",
        "body",
        "",
    ],
    [
        "chunk's size with 0x",
        "0x5\r\nhello\r\n0\r\n\r\n",
        "body",
        "",
    ],
    [
        "zeros before a chunk's size",
        "00000000000000000005\r\nhello\r\n0\r\n\r\n",
        "body",
        "",
    ],
    [
        "chunk's size of 65 bits",
        "10000000000000005\r\nhello\r\n0\r\n\r\n",
        "body",
        "",
    ],
    [
        "empty trailer line that ends with LF",
        "5\r\nhello\r\n0\r\n\n",
        "body",
        "a server that asks for CR LF cuts the body elsewhere",
    ],
    [
        "trailer without a colon",
        "5\r\nhello\r\n0\r\nX\r\n\r\n",
        "trailers",
        "no field; nginx passes no trailers at all",
    ],
    [
        "space before a trailer's colon",
        "5\r\nhello\r\n0\r\nX : 1\r\n\r\n",
        "trailers",
        "as in a header; nginx passes no trailers at all",
    ],
    [
        "control character in a trailer",
        "5\r\nhello\r\n0\r\nX: \u{1}\r\n\r\n",
        "trailers",
        "trailers are passed; nginx passes none",
    ],
    ["no last chunk", "5\r\nhello\r\n", "body", ""],
];

fn chunked() -> Vec<Case> {
    CHUNKED
        .iter()
        .map(|[what, sent, look, why]| chunks(what, sent, look, why))
        .collect()
}
