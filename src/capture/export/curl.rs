//! A shell script that sends each request with curl, one after the other.

use std::io::{self, Write};

use super::{super::Record, message::parts};

/// A script being written.
pub(crate) struct Script<W> {
    out: W,
}

const BEGIN: &str = r#"#!/bin/sh
# Sends each request with curl, one after the other, and shows the statuses.
# Usage: sh FILE http://127.0.0.1:8080
to=${1:?say where to send the requests, for example http://127.0.0.1:8080}
send() { curl --silent --show-error --globoff --path-as-is --http1.1 --output /dev/null --write-out '%{http_code} %{method} %{url}\n' "$@"; }
"#;

impl<W: Write> Script<W> {
    pub(crate) fn begin(mut out: W) -> io::Result<Self> {
        out.write_all(BEGIN.as_bytes())?;
        Ok(Self { out })
    }

    pub(crate) fn add(&mut self, record: &Record<'_>) -> io::Result<()> {
        let parts = parts(record.request);
        let [method, target, _] = &parts.start;
        let out = &mut self.out;
        // With a HEAD, curl sends no body.
        let is_head = *method == b"HEAD";
        let has_body = !parts.body.is_empty() && !is_head;
        if has_body {
            write!(out, "printf '")?;
            for (index, byte) in parts.body.iter().enumerate() {
                match byte {
                    b'\'' | b'\\' | b'%' | ..0x20 | 0x7f.. => write!(out, "\\{byte:03o}")?,
                    // It would be an option.
                    b'-' if index == 0 => write!(out, "\\{byte:03o}")?,
                    plain => out.write_all(&[*plain])?,
                }
            }
            write!(out, "' | ")?;
        }
        write!(out, "send --request ")?;
        quoted(&[method], out)?;
        if is_head {
            write!(out, " --head")?;
        }
        // What curl would add by itself is said to be left out.
        for name in ["User-Agent", "Accept", "Content-Type", "Expect"] {
            if !parts.has(name) {
                write!(out, " -H '{name}:'")?;
            }
        }
        for (name, value) in &parts.headers {
            let framing = [&b"content-length"[..], b"transfer-encoding"];
            if framing
                .iter()
                .any(|framing| name.eq_ignore_ascii_case(framing))
            {
                continue;
            }
            let between: &[u8] = if value.is_empty() { b";" } else { b": " };
            write!(out, " -H ")?;
            quoted(&[name, between, value], out)?;
        }
        if has_body {
            write!(out, " --data-binary @-")?;
        } else if parts.has("content-length") && !is_head {
            write!(out, " --data-binary ''")?;
        }
        write!(out, " --request-target ")?;
        quoted(&[target], out)?;
        writeln!(out, " \"$to\"")
    }

    /// What the script was written to.
    pub(crate) fn end(self) -> W {
        self.out
    }
}

/// Writes bytes, joined, as one word for a shell.
fn quoted(parts: &[&[u8]], out: &mut impl Write) -> io::Result<()> {
    out.write_all(b"'")?;
    for byte in parts.iter().copied().flatten() {
        let plain = std::slice::from_ref(byte);
        out.write_all(if *byte == b'\'' { br"'\''" } else { plain })?;
    }
    out.write_all(b"'")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_of_a_request_is_taken_for_shell() {
        let record = Record {
            request: b"POST /it's?$(x) HTTP/1.1\r\nHost: h\r\nX: `'`\r\nAccept:\r\nContent-Length: 5\r\n\r\n%s'\\\n",
            ..Record::default()
        };
        let mut script = Script::begin(Vec::new()).unwrap();
        script.add(&record).unwrap();
        let text = String::from_utf8(script.end()).unwrap();
        let line = text.lines().last().unwrap();
        assert_eq!(
            line,
            r#"printf '\045s\047\134\012' | send --request 'POST' -H 'User-Agent:' -H 'Content-Type:' -H 'Expect:' -H 'Host: h' -H 'X: `'\''`' -H 'Accept;' --data-binary @- --request-target '/it'\''s?$(x)' "$to""#
        );
    }
}
