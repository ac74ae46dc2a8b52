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

fn names_and_values() -> Vec<Case> {
    vec![
        line("control character in a value", "X: a\u{1}b", "X", ""),
        line("vertical tab in a value", "X: a\u{b}b", "X", ""),
        line("form feed in a value", "X: a\u{c}b", "X", ""),
        line("escape in a value", "X: \u{1b}[0m", "X", ""),
        line("DEL in a value", "X: \u{7f}", "X", ""),
        line("bytes above 127 in a value", "X: caf\u{e9}", "X", ""),
        line(
            "NUL in a value",
            "X: a\0b",
            "X",
            "a server written in C may read no further than the NUL",
        ),
        line("CR in a value", "X: a\rb", "X", ""),
        line(
            "two CR before the line's end",
            "X: a\r",
            "X",
            "a bare CR is a line's end to some servers",
        ),
        line("space before the colon", "X : 1", "X", ""),
        line("tab before the colon", "X\t: 1", "X", ""),
        line(
            "name that is no token",
            "X[]: 1",
            "X",
            "taken off as nginx does: some servers make another name of it",
        ),
        line(
            "name that is no token",
            "X(A): 1",
            "X",
            "taken off as nginx does: some servers make another name of it",
        ),
        line("quoted name", "\"X\": 1", "\"X", "taken off as nginx does"),
        line(
            "bytes above 127 in a name",
            "X\u{e9}: 1",
            "X",
            "taken off as nginx does",
        ),
        line(
            "length behind an odd name",
            "Content-Length[]: 5",
            "Content",
            "a server that passes over the odd characters reads a body here",
        ),
        line("control character in a name", "X\u{1}: 1", "X", ""),
        line("space in a name", "X A: 1", "X", ""),
        line("no name", ": 1", ":", ""),
        line("no colon", "no colon", "no", ""),
        line(
            "folded line",
            "X: 1\r\n 2",
            "X",
            "some servers read a folded line as one of its own",
        ),
        line(
            "folded line of white space",
            "X: 1\r\n ",
            "X",
            "some servers read a line of white space as the end of the header",
        ),
        line("line that ends with LF", "X: 1\nY: 2", "X", ""),
        line("no space behind the colon", "X:1", "X", ""),
        line("white space around a value", "X: \t1 \t", "X", ""),
        line("empty value", "X:", "X", ""),
    ]
}

fn request_lines() -> Vec<Case> {
    vec![
        start(
            "bytes above 127 in the target",
            "GET /caf\u{e9} HTTP/1.1",
            "target",
            "as nginx does: one message, and browsers and old links have them",
        ),
        start(
            "UTF-8 in the target",
            "GET /caf\u{c3}\u{a9}?\u{c3}\u{a9} HTTP/1.1",
            "target",
            "as nginx does: one message, and browsers and old links have them",
        ),
        start(
            "control character in the target",
            "GET /\u{1} HTTP/1.1",
            "target",
            "",
        ),
        start("DEL in the target", "GET /\u{7f} HTTP/1.1", "target", ""),
        start("space in the target", "GET /a b HTTP/1.1", "target", ""),
        start(
            "characters that should be encoded",
            "GET /<>\"{}|\\^ HTTP/1.1",
            "target",
            "",
        ),
        start(
            "percent sign alone",
            "GET /%zz% HTTP/1.1",
            "target",
            "as HAProxy does: what a target means is the application's affair",
        ),
        start(
            "fragment in the target",
            "GET /a#b HTTP/1.1",
            "target",
            "some servers cut it off, others do not",
        ),
        start(
            "target without a slash",
            "GET a HTTP/1.1",
            "target",
            "no form of a target; a server may take it for a host",
        ),
        start(
            "asterisk with GET",
            "GET * HTTP/1.1",
            "target",
            "belongs to OPTIONS alone (RFC 9112, 3.2.4)",
        ),
        start(
            "user in an absolute target",
            "GET http://u@a/ HTTP/1.1",
            "start",
            "servers differ in what the host is (RFC 9110, 4.2.4)",
        ),
        start(
            "two spaces before the target",
            "GET  / HTTP/1.1",
            "start",
            "a server that splits at each space reads an empty target (RFC 9112, 3)",
        ),
        start(
            "space behind the version",
            "GET / HTTP/1.1 ",
            "start",
            "a server that splits at the last space reads the version as part of the target",
        ),
        start(
            "tab in place of a space",
            "GET\t/ HTTP/1.1",
            "start",
            "a server that splits at spaces alone reads another method",
        ),
        start(
            "no version",
            "GET /",
            "start",
            "HTTP/0.9: a server that does not know it waits for a header",
        ),
        start("version in lower case", "GET / http/1.1", "start", ""),
        start("version 1.2", "GET / HTTP/1.2", "start", ""),
        start("version 2.0", "GET / HTTP/2.0", "start", "another protocol"),
        start(
            "method in lower case",
            "get / HTTP/1.1",
            "start",
            "a token like any other: methods are the application's affair",
        ),
        start("method that is no token", "G(T / HTTP/1.1", "start", ""),
        start(
            "empty line before the request",
            "\r\nGET / HTTP/1.1",
            "start",
            "",
        ),
        start("lines that end with LF", "GET / HTTP/1.1\nX: 1", "X", ""),
    ]
}

fn hosts() -> Vec<Case> {
    vec![
        host(
            "no Host",
            "X: 1",
            "required (RFC 9112, 3.2); HAProxy passes it without one",
        ),
        host(
            "two Hosts",
            "Host: a\r\nHost: a",
            "servers differ in which one counts; required to be refused (RFC 9112, 3.2)",
        ),
        host("bytes above 127 in Host", "Host: b\u{fc}cher", ""),
        host("UTF-8 in Host", "Host: b\u{c3}\u{bc}cher", ""),
        host(
            "space in Host",
            "Host: a b",
            "no host: servers, caches and rules would each make another one of it (RFC 9112, 3.2)",
        ),
        host(
            "slash in Host",
            "Host: a/b",
            "no host: servers, caches and rules would each make another one of it (RFC 9112, 3.2)",
        ),
        host(
            "comma in Host",
            "Host: a,b",
            "no host: servers, caches and rules would each make another one of it (RFC 9112, 3.2)",
        ),
        host(
            "user in Host",
            "Host: u@a",
            "no host: servers, caches and rules would each make another one of it (RFC 9112, 3.2)",
        ),
        host(
            "control character in Host",
            "Host: a\u{1}",
            "no host: servers, caches and rules would each make another one of it (RFC 9112, 3.2)",
        ),
        host(
            "port that is no number",
            "Host: a:b",
            "no host: servers, caches and rules would each make another one of it (RFC 9112, 3.2)",
        ),
        host("underscore in Host", "Host: a_b", ""),
    ]
}

fn framings() -> Vec<Case> {
    vec![
        framed(
            "two equal lengths",
            "Content-Length: 5\r\nContent-Length: 5",
            "hello",
            "a request whose length is said twice is suspect; nginx refuses it, too",
        ),
        framed(
            "list of equal lengths",
            "Content-Length: 5, 5",
            "hello",
            "some servers read the first number alone, some none",
        ),
        framed(
            "two different lengths",
            "Content-Length: 5\r\nContent-Length: 6",
            "hello!",
            "",
        ),
        framed("sign before the length", "Content-Length: +5", "hello", ""),
        framed(
            "zeros before the length",
            "Content-Length: 005",
            "hello",
            "",
        ),
        framed("empty length", "Content-Length:", "", ""),
        framed(
            "vertical tab behind the length",
            "Content-Length: 5\u{b}",
            "hello",
            "",
        ),
        framed(
            "length and chunks",
            "Content-Length: 5\r\nTransfer-Encoding: chunked",
            "5\r\nhello\r\n0\r\n\r\n",
            "servers differ in which one counts (RFC 9112, 6.3)",
        ),
        framed(
            "chunked twice",
            "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked",
            "5\r\nhello\r\n0\r\n\r\n",
            "",
        ),
        framed(
            "coding before chunked",
            "Transfer-Encoding: gzip, chunked",
            "5\r\nhello\r\n0\r\n\r\n",
            "",
        ),
        framed(
            "unknown coding",
            "Transfer-Encoding: xchunked",
            "5\r\nhello\r\n0\r\n\r\n",
            "",
        ),
        framed(
            "vertical tab before chunked",
            "Transfer-Encoding: \u{b}chunked",
            "5\r\nhello\r\n0\r\n\r\n",
            "",
        ),
        framed(
            "form feed behind chunked",
            "Transfer-Encoding: chunked\u{c}",
            "5\r\nhello\r\n0\r\n\r\n",
            "",
        ),
        framed(
            "folded coding",
            "Transfer-Encoding:\r\n chunked",
            "5\r\nhello\r\n0\r\n\r\n",
            "a server that reads the folded line by itself sees no coding",
        ),
        framed(
            "space before the colon of a length",
            "Content-Length : 5",
            "hello",
            "",
        ),
    ]
}

fn chunked() -> Vec<Case> {
    vec![
        chunks(
            "spaces behind a chunk's size",
            "5  \r\nhello\r\n0\r\n\r\n",
            "body",
            "",
        ),
        chunks(
            "tab behind a chunk's size",
            "5\t\r\nhello\r\n0\r\n\r\n",
            "body",
            "",
        ),
        chunks(
            "space before a chunk's extension",
            "5 ;a=b\r\nhello\r\n0\r\n\r\n",
            "body",
            "",
        ),
        chunks(
            "text behind a chunk's size",
            "5 x\r\nhello\r\n0\r\n\r\n",
            "body",
            "no extension begins so, and servers differ in what they pass over",
        ),
        chunks(
            "space before a chunk's size",
            " 5\r\nhello\r\n0\r\n\r\n",
            "body",
            "",
        ),
        chunks(
            "CR before a chunk's extension",
            "5\r;x\r\nhello\r\n0\r\n\r\n",
            "body",
            "",
        ),
        chunks(
            "form feed before a chunk's extension",
            "5\u{c};x\r\nhello\r\n0\r\n\r\n",
            "body",
            "",
        ),
        chunks(
            "control character in an extension",
            "5;\u{1}\r\nhello\r\n0\r\n\r\n",
            "body",
            "",
        ),
        chunks(
            "LF in an extension",
            "5;a\nb\r\nhello\r\n0\r\n\r\n",
            "body",
            "",
        ),
        chunks(
            "CR in an extension",
            "5;a\rb\r\nhello\r\n0\r\n\r\n",
            "body",
            "",
        ),
        chunks(
            "chunk's size that ends with LF",
            "5\nhello\r\n0\r\n\r\n",
            "body",
            "a server that asks for CR LF cuts the body elsewhere",
        ),
        chunks(
            "chunk that ends with LF",
            "5\r\nhello\n0\r\n\r\n",
            "body",
            "a server that asks for CR LF cuts the body elsewhere",
        ),
        chunks(
            "chunk longer than its size",
            "5\r\nhelloX\r\n0\r\n\r\n",
            "body",
            "",
        ),
        chunks(
            "sign before a chunk's size",
            "+5\r\nhello\r\n0\r\n\r\n",
            "body",
            "",
        ),
        chunks(
            "chunk's size with 0x",
            "0x5\r\nhello\r\n0\r\n\r\n",
            "body",
            "",
        ),
        chunks(
            "zeros before a chunk's size",
            "00000000000000000005\r\nhello\r\n0\r\n\r\n",
            "body",
            "",
        ),
        chunks(
            "chunk's size of 65 bits",
            "10000000000000005\r\nhello\r\n0\r\n\r\n",
            "body",
            "",
        ),
        chunks(
            "empty trailer line that ends with LF",
            "5\r\nhello\r\n0\r\n\n",
            "body",
            "a server that asks for CR LF cuts the body elsewhere",
        ),
        chunks(
            "trailer without a colon",
            "5\r\nhello\r\n0\r\nX\r\n\r\n",
            "trailers",
            "no field; nginx passes no trailers at all",
        ),
        chunks(
            "space before a trailer's colon",
            "5\r\nhello\r\n0\r\nX : 1\r\n\r\n",
            "trailers",
            "as in a header; nginx passes no trailers at all",
        ),
        chunks(
            "control character in a trailer",
            "5\r\nhello\r\n0\r\nX: \u{1}\r\n\r\n",
            "trailers",
            "trailers are passed; nginx passes none",
        ),
        chunks("no last chunk", "5\r\nhello\r\n", "body", ""),
    ]
}
