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
        status_lines(),
        framings(),
        chunked(),
        without_body(),
    ]
    .into_iter()
    .flatten()
    .collect()
}

fn names_and_values() -> Vec<Case> {
    let many = |count: usize, line: &str| {
        let lines: Vec<_> = (0..count)
            .map(|n| line.replace('#', &n.to_string()))
            .collect();
        lines.join("\r\n")
    };
    let cookie = format!("Set-Cookie: c#={}", "x".repeat(4000));
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
            "a client written in C may read no further than the NUL",
        ),
        line("CR in a value", "X: a\rb", "X", ""),
        line(
            "two CR before the line's end",
            "X: a\r",
            "X",
            "as nginx does",
        ),
        line(
            "space before the colon",
            "X : 1",
            "X",
            "a proxy has to remove it (RFC 9112, 5.1)",
        ),
        line(
            "tab before the colon",
            "X\t: 1",
            "X",
            "a proxy has to remove it (RFC 9112, 5.1)",
        ),
        line("name that is no token", "X[]: 1", "X", "as nginx does"),
        line("name that is no token", "X(A): 1", "X", "as nginx does"),
        line(
            "bytes above 127 in a name",
            "X\u{e9}: 1",
            "X",
            "as nginx does",
        ),
        line(
            "control character in a name",
            "X\u{1}: 1",
            "X",
            "no field: the line is left out, and the page is saved",
        ),
        line(
            "space in a name",
            "X A: 1",
            "X",
            "no field: the line is left out, and the page is saved",
        ),
        line(
            "no name",
            ": 1",
            ":",
            "no field: the line is left out, and the page is saved",
        ),
        line(
            "no colon",
            "no colon",
            "no",
            "no field: the line is left out, and the page is saved",
        ),
        line(
            "line that is one word",
            "X",
            "X",
            "no field: the line is left out; nginx makes it one without a value",
        ),
        line(
            "length without a colon",
            "Content-Length 5",
            "Content-Length ",
            "it may say where the body ends",
        ),
        line(
            "length behind an odd name",
            "Content-Length[]: 6",
            "Content-Length[",
            "a client that passes over the odd characters reads another length",
        ),
        line(
            "folded line",
            "X: 1\r\n 2\r\n\t3",
            "X",
            "folds become spaces (RFC 9112, 5.2)",
        ),
        line(
            "folded line of white space",
            "X: 1\r\n ",
            "X",
            "folds become spaces (RFC 9112, 5.2)",
        ),
        line(
            "folded line behind none",
            "no\r\n 2",
            "no",
            "no field: the line is left out, and the page is saved",
        ),
        line("line that ends with LF", "X: 1\nY: 2", "X", ""),
        line("no space behind the colon", "X:1", "X", ""),
        line("white space around a value", "X: \t1 \t", "X", ""),
        line("empty value", "X:", "X", ""),
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

fn status_lines() -> Vec<Case> {
    vec![
        start("no reason", "HTTP/1.1 200", ""),
        start("empty reason", "HTTP/1.1 200 ", ""),
        start("two spaces before the status", "HTTP/1.1  200 OK", ""),
        start(
            "control character in the reason",
            "HTTP/1.1 200 a\u{1}b",
            "",
        ),
        start(
            "bytes above 127 in the reason",
            "HTTP/1.1 200 d\u{e9}j\u{e0}",
            "",
        ),
        start(
            "NUL in the reason",
            "HTTP/1.1 200 a\0b",
            "the reason is left out: no client needs it (RFC 9112, 4)",
        ),
        start(
            "status with a dot",
            "HTTP/1.1 403.14 Forbidden",
            "as nginx does, less what is no status",
        ),
        start(
            "status of two digits",
            "HTTP/1.1 20 OK",
            "a status has three digits; no client knows what another means",
        ),
        start(
            "status of four digits",
            "HTTP/1.1 2000 OK",
            "a status has three digits; clients would cut it at different places",
        ),
        start(
            "status below 100",
            "HTTP/1.1 099 OK",
            "no status; clients differ in whether another response follows",
        ),
        start("status above 599", "HTTP/1.1 799 OK", ""),
        start("version 1.2", "HTTP/1.2 200 OK", ""),
        start("version 2.0", "HTTP/2.0 200 OK", ""),
        start(
            "version in lower case",
            "http/1.1 200 OK",
            "no HTTP: nginx passes it all as the body of HTTP/0.9, header included",
        ),
        start(
            "another protocol",
            "ICY 200 OK",
            "no HTTP: nginx passes it all as the body of HTTP/0.9, header included",
        ),
        start(
            "empty line before the response",
            "\r\nHTTP/1.1 200 OK",
            "left out; nginx takes it for HTTP/0.9",
        ),
        start(
            "no status line",
            "Content-Type: text/html",
            "no HTTP: nginx passes it all as the body of HTTP/0.9, header included",
        ),
    ]
}

fn framings() -> Vec<Case> {
    vec![
        framed(
            "two equal lengths",
            "Content-Length: 5\r\nContent-Length: 5",
            "hello",
            "",
        ),
        framed("list of equal lengths", "Content-Length: 5, 5", "hello", ""),
        framed(
            "two different lengths",
            "Content-Length: 5\r\nContent-Length: 6",
            "hello",
            "",
        ),
        framed(
            "sign before the length",
            "Content-Length: +5",
            "hello",
            "some clients read a number, some none (RFC 9112, 6.3)",
        ),
        framed(
            "zeros before the length",
            "Content-Length: 005",
            "hello",
            "",
        ),
        framed(
            "empty length",
            "Content-Length:",
            "hello",
            "says nothing: the body ends with the connection, as in nginx",
        ),
        framed(
            "space before the colon of a length",
            "Content-Length : 5",
            "hello",
            "a proxy has to remove it (RFC 9112, 5.1)",
        ),
        framed(
            "folded length",
            "Content-Length:\r\n 5",
            "hello",
            "folds become spaces (RFC 9112, 5.2)",
        ),
        framed(
            "more than the length",
            "Content-Length: 5",
            "hello more",
            "",
        ),
        framed("less than the length", "Content-Length: 6", "hello", ""),
        framed(
            "length and chunks",
            "Content-Length: 5\r\nTransfer-Encoding: chunked",
            "5\r\nhello\r\n0\r\n\r\n",
            "",
        ),
        framed(
            "chunked twice",
            "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked",
            "5\r\nhello\r\n0\r\n\r\n",
            "said twice it is done once: as nginx does",
        ),
        framed(
            "list of chunked twice",
            "Transfer-Encoding: chunked, chunked",
            "5\r\nhello\r\n0\r\n\r\n",
            "said twice it is done once: as nginx does",
        ),
        framed(
            "identity",
            "Transfer-Encoding: identity",
            "hello",
            "identity means no coding (RFC 2616, 3.6): as nginx does",
        ),
        framed(
            "identity with a length",
            "Transfer-Encoding: identity\r\nContent-Length: 5",
            "hello",
            "identity means no coding (RFC 2616, 3.6): as nginx does",
        ),
        framed(
            "chunked behind identity",
            "Transfer-Encoding: identity, chunked",
            "5\r\nhello\r\n0\r\n\r\n",
            "identity means no coding (RFC 2616, 3.6): as nginx does",
        ),
        framed(
            "unknown coding",
            "Transfer-Encoding: x",
            "hello",
            "nobody can take a coding off that is not known; nginx passes it as the body itself",
        ),
        framed("empty coding", "Transfer-Encoding:", "hello", ""),
        framed(
            "vertical tab before chunked",
            "Transfer-Encoding: \u{b}chunked",
            "5\r\nhello\r\n0\r\n\r\n",
            "an unknown coding; some clients would read chunks",
        ),
        Case::new(
            "chunks of HTTP/1.0",
            "HTTP/1.0, Transfer-Encoding: chunked",
            "HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
            "",
            "",
        ),
    ]
}

fn chunked() -> Vec<Case> {
    vec![
        chunks(
            "spaces behind a chunk's size",
            "5  \r\nhello\r\n0\r\n\r\n",
            "",
        ),
        chunks("tab behind a chunk's size", "5\t\r\nhello\r\n0\r\n\r\n", ""),
        chunks(
            "spaces behind the last chunk's size",
            "5\r\nhello\r\n0   \r\n\r\n",
            "",
        ),
        chunks(
            "space before a chunk's extension",
            "5 ;a=b\r\nhello\r\n0\r\n\r\n",
            "",
        ),
        chunks(
            "text behind a chunk's size",
            "5 x\r\nhello\r\n0\r\n\r\n",
            "the size is clear, and extensions go no further: as nginx does",
        ),
        chunks(
            "space before a chunk's size",
            " 5\r\nhello\r\n0\r\n\r\n",
            "",
        ),
        chunks(
            "CR before a chunk's extension",
            "5\r;x\r\nhello\r\n0\r\n\r\n",
            "",
        ),
        chunks(
            "form feed behind a chunk's size",
            "5\u{c}\r\nhello\r\n0\r\n\r\n",
            "",
        ),
        chunks(
            "control character in an extension",
            "5;\u{1}\r\nhello\r\n0\r\n\r\n",
            "",
        ),
        chunks(
            "chunk's size that ends with LF",
            "5\nhello\r\n0\r\n\r\n",
            "",
        ),
        chunks("chunk that ends with LF", "5\r\nhello\n0\r\n\r\n", ""),
        chunks("all lines of chunks end with LF", "5\nhello\n0\n\n", ""),
        chunks("chunk longer than its size", "5\r\nhelloX\r\n0\r\n\r\n", ""),
        chunks(
            "second chunk without a size",
            "5\r\nhello\r\n\r\n0\r\n\r\n",
            "",
        ),
        chunks("chunk's size with 0x", "0x5\r\nhello\r\n0\r\n\r\n", ""),
        chunks(
            "zeros before a chunk's size",
            "00000000000000000005\r\nhello\r\n0\r\n\r\n",
            "",
        ),
        chunks(
            "chunk's size of 65 bits",
            "10000000000000005\r\nhello\r\n0\r\n\r\n",
            "",
        ),
        chunks(
            "trailer without a colon",
            "5\r\nhello\r\n0\r\nX\r\n\r\n",
            "no field: the line is left out",
        ),
        chunks(
            "space before a trailer's colon",
            "5\r\nhello\r\n0\r\nX : 1\r\n\r\n",
            "a proxy has to remove it (RFC 9112, 5.1)",
        ),
        chunks(
            "control character in a trailer",
            "5\r\nhello\r\n0\r\nX: \u{1}\r\n\r\n",
            "",
        ),
        chunks("no last chunk", "5\r\nhello\r\n", ""),
        chunks(
            "no empty line behind the last chunk",
            "5\r\nhello\r\n0\r\n",
            "",
        ),
    ]
}

fn without_body() -> Vec<Case> {
    vec![
        bare(
            "two equal lengths, no body",
            "HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\nContent-Length: 5",
            "Content-Length",
            "",
        ),
        bare(
            "two different lengths, no body",
            "HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\nContent-Length: 6",
            "Content-Length",
            "the body is clear, the length is not: it is taken off",
        ),
        bare(
            "length of 204, no body",
            "HTTP/1.1 204 No Content\r\nContent-Length: 5",
            "Content-Length",
            "has none (RFC 9110, 8.6)",
        ),
        bare(
            "two equal lengths to HEAD",
            "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 5",
            "Content-Length",
            "",
        ),
        Case::new(
            "length of an interim response",
            "HTTP/1.1 103 Early Hints\r\nContent-Length: 5",
            "HTTP/1.1 103 Early Hints\r\nContent-Length: 5\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello",
            "",
            "interim responses are passed; one has no length (RFC 9110, 8.6)",
        ),
    ]
}
