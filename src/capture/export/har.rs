//! HAR 1.2: what browsers' developer tools read.

use std::{
    io::{self, Write},
    time::{Duration, UNIX_EPOCH},
};

use base64::prelude::{BASE64_STANDARD, Engine as _};
use serde_json::{Value, json};

use super::{
    super::{Answered, Record},
    message::{Parts, parts, text},
};

/// A HAR file being written, entry by entry.
pub(crate) struct Har<W> {
    out: W,
    entries: u64,
}

impl<W: Write> Har<W> {
    pub(crate) fn begin(mut out: W) -> io::Result<Self> {
        write!(
            out,
            "{{\"log\":{{\"version\":\"1.2\",\"creator\":{{\"name\":\"shadowtee\",\"version\":\"{}\"}},\"entries\":[",
            env!("CARGO_PKG_VERSION")
        )?;
        Ok(Self { out, entries: 0 })
    }

    pub(crate) fn add(&mut self, record: &Record<'_>) -> io::Result<()> {
        let between = if self.entries == 0 { "\n" } else { ",\n" };
        self.out.write_all(between.as_bytes())?;
        self.entries += 1;
        serde_json::to_writer(&mut self.out, &entry(record))?;
        Ok(())
    }

    pub(crate) fn end(mut self) -> io::Result<W> {
        self.out.write_all(b"\n]}}\n")?;
        Ok(self.out)
    }
}

fn entry(record: &Record<'_>) -> Value {
    let answer = record.answer.unwrap_or_default();
    let wait = millis(answer.after);
    let began = UNIX_EPOCH + Duration::from_nanos(record.time);
    json!({
        "startedDateTime": humantime::format_rfc3339_millis(began).to_string(),
        "time": wait,
        "request": request(record),
        "response": response(&answer),
        "cache": {},
        "timings": { "send": 0, "wait": wait, "receive": 0 },
        "_id": text(record.id),
        "_client": text(record.client),
    })
}

#[expect(clippy::cast_precision_loss, reason = "HAR's times are floats")]
fn millis(nanos: u64) -> f64 {
    nanos as f64 / 1e6
}

fn request(record: &Record<'_>) -> Value {
    let parts = parts(record.request);
    let [method, target, version] = parts.start.map(text);
    let host = parts.value("host").unwrap_or_else(|| "localhost".into());
    let url = if target.starts_with('/') {
        format!("http://{host}{target}")
    } else if target.contains("://") {
        target.clone()
    } else {
        // `*`, or the address of a CONNECT.
        format!("http://{host}/{target}")
    };
    let query = target.split_once('?').map_or("", |(_, query)| query);
    let pairs = query.split('&').filter(|pair| !pair.is_empty());
    let pairs = pairs.map(|pair| pair.split_once('=').unwrap_or((pair, "")));
    let pairs = pairs.map(|(name, value)| json!({ "name": name, "value": value }));
    let mut request = json!({
        "method": method,
        "url": url,
        "httpVersion": version,
        "cookies": cookies(parts.values("cookie").flat_map(|cookies| {
            cookies.split(';').map(str::to_owned).collect::<Vec<_>>()
        })),
        "headers": headers(&parts),
        "queryString": pairs.collect::<Vec<_>>(),
        "headersSize": parts.head.len(),
        "bodySize": parts.body.len(),
    });
    if !parts.body.is_empty() {
        let mut data = content(&parts.body, "_encoding");
        data["mimeType"] = parts.value("content-type").unwrap_or_default().into();
        request["postData"] = data;
    }
    request
}

fn response(answer: &Answered<'_>) -> Value {
    let parts = parts(answer.message);
    let [version, _, reason] = parts.start.map(text);
    let mut body = content(&parts.body, "encoding");
    body["size"] = parts.body.len().into();
    body["mimeType"] = parts.value("content-type").unwrap_or_default().into();
    json!({
        "status": answer.status,
        "statusText": reason,
        "httpVersion": if version.is_empty() { "HTTP/1.1".into() } else { version },
        "cookies": cookies(parts.values("set-cookie").filter_map(|cookie| {
            Some(cookie.split(';').next()?.to_owned())
        })),
        "headers": headers(&parts),
        "content": body,
        "redirectURL": parts.value("location").unwrap_or_default(),
        "headersSize": if parts.head.is_empty() { -1 } else { i64::try_from(parts.head.len()).unwrap_or(-1) },
        "bodySize": if answer.cut || answer.message.is_empty() { -1 } else { i64::try_from(parts.body.len()).unwrap_or(-1) },
    })
}

fn headers(parts: &Parts<'_>) -> Vec<Value> {
    let headers = parts.headers.iter();
    headers
        .map(|(name, value)| json!({ "name": text(name), "value": text(value) }))
        .collect()
}

/// Cookies of `name=value`.
fn cookies(cookies: impl Iterator<Item = String>) -> Vec<Value> {
    let pair = |cookie: String| {
        let (name, value) = cookie.trim().split_once('=')?;
        Some(json!({ "name": name, "value": value }))
    };
    cookies.filter_map(pair).collect()
}

/// A body as text, or in the encoding that is said under this name: HAR has one for answers only.
fn content(body: &[u8], encoding: &str) -> Value {
    match std::str::from_utf8(body) {
        Ok(text) => json!({ "text": text }),
        Err(_) => json!({ "text": BASE64_STANDARD.encode(body), encoding: "base64" }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_exchange_becomes_an_entry() {
        let record = Record {
            time: 1_700_000_000_123_000_000,
            id: b"7",
            client: b"",
            request: b"POST /a?b=c HTTP/1.1\r\nHost: h\r\nCookie: x=1\r\nContent-Type: t\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n",
            answer: Some(Answered {
                status: 201,
                after: 2_500_000,
                message: b"HTTP/1.1 201 Made\r\nContent-Length: 1\r\n\r\n\xff",
                cut: false,
            }),
        };
        let mut har = Har::begin(Vec::new()).unwrap();
        har.add(&record).unwrap();
        har.add(&record).unwrap();
        let written: Value = serde_json::from_slice(&har.end().unwrap()).unwrap();
        let entry = &written["log"]["entries"][1];
        assert_eq!(entry["startedDateTime"], "2023-11-14T22:13:20.123Z");
        assert_eq!(entry["request"]["url"], "http://h/a?b=c");
        assert_eq!(entry["request"]["postData"]["text"], "hi");
        assert_eq!(entry["request"]["queryString"][0]["value"], "c");
        assert_eq!(entry["response"]["status"], 201);
        assert_eq!(entry["response"]["content"]["text"], "/w==");
        assert_eq!(entry["timings"]["wait"], 2.5);
    }
}
