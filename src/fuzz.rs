//! What must hold of any input at all: of a configuration, an address, the head and the body of a message. The targets
//! under `fuzz/` look for an input of which it does not; the tests below try a bounded number in each run.

use bytes::BytesMut;

use crate::{
    config::{Address, Config},
    http::{
        BodyReader, Framing, Headers, Known, Marks, Parsed, RequestHead, ResponseHead, Version,
        asks_for_upgrade, authority_of, compare, settle, strip_answer, strip_request,
        strip_trailers, vet,
    },
    script::{Limits, read_request},
};

const FIELDS: usize = 100;

/// A configuration is refused with mistakes, or is valid and means the same when it is read as it is shown.
///
/// # Panics
/// Where that does not hold.
pub fn configuration(text: &str) {
    let config = match Config::of_text(text) {
        Ok(config) => config,
        Err(wrong) => return assert!(!wrong.mistakes.is_empty(), "refused without a reason"),
    };
    let Ok(shown) = toml::to_string(&config) else {
        panic!("it can't be shown");
    };
    match Config::of_text(&shown) {
        Ok(again) => assert_eq!(toml::to_string(&again).ok(), Some(shown)),
        Err(wrong) => panic!("{:?} in what is shown:\n{shown}", wrong.mistakes),
    }
}

/// An address is refused, or is the same when it is read as it is shown.
///
/// # Panics
/// Where that does not hold.
pub fn address(text: &str) {
    if let Ok(address) = text.parse::<Address>() {
        let again = address.to_string().parse::<Address>().ok();
        assert_eq!(again.as_ref(), Some(&address), "{text:?}");
        assert!(address.is_local() || !address.authority().is_empty());
    }
}

/// What is passed on of a request is read by the next in line as this one read it; nobody can hide a second request in it.
///
/// # Panics
/// Where that does not hold.
pub fn request(input: &[u8]) {
    compare(input, FIELDS);
    let mut head = RequestHead::default();
    let Ok(Some(length)) = head.parse(input, FIELDS) else {
        return;
    };
    assert!(length <= input.len());
    let Ok(framing) = vet(&mut head, FIELDS * 100) else {
        return;
    };
    no_other_framing(&input[..length], framing);
    let _ = authority_of(head.target());
    let upgrade = asks_for_upgrade(&head.headers);
    strip_request(&mut head.headers, upgrade);
    let mut out = Vec::new();
    head.write(Version::Http11, &mut out);
    out.extend_from_slice(b"\r\n");
    let mut again = RequestHead::default();
    let parsed = again.parse(&out, FIELDS);
    assert!(
        matches!(parsed, Ok(Some(length)) if length == out.len()),
        "{parsed:?} of what is passed on: {:?}",
        String::from_utf8_lossy(&out)
    );
    assert_eq!(
        (again.method(), again.target()),
        (head.method(), head.target())
    );
    assert!(again.headers.iter().eq(head.headers.iter()));
    assert_clean(&out);
    body(&BodyReader::new(framing, 4096, FIELDS), &input[length..]);
}

/// What is sent of a request that a script wrote is one request, and all of what the script wrote behind its header is
/// its body.
///
/// # Panics
/// Where that does not hold.
pub fn scripted(input: &[u8]) {
    let limits = Limits {
        header_bytes: FIELDS * 100,
        header_count: FIELDS,
        target_bytes: FIELDS * 100,
    };
    let payload = [b"1 00 5 0\n", input].concat();
    let Ok(edited) = read_request(payload, &limits) else {
        return;
    };
    assert!(input.ends_with(&edited.body));
    // As copies are: without a Host it can only be a message of HTTP/1.0.
    let version = if edited.head.headers.has(Known::Host) {
        Version::Http11
    } else {
        Version::Http10
    };
    let mut out = Vec::new();
    edited.head.write(version, &mut out);
    out.extend_from_slice(b"\r\n");
    assert_clean(&out);
    let mut again = RequestHead::default();
    let parsed = again.parse(&out, FIELDS);
    assert!(
        matches!(parsed, Ok(Some(length)) if length == out.len()),
        "{parsed:?} of what is sent: {:?}",
        String::from_utf8_lossy(&out)
    );
    let framing = vet(&mut again, FIELDS * 100);
    let length = edited.body.len() as u64;
    assert!(
        matches!(framing, Ok(Framing::Sized(said)) if said == length)
            || (matches!(framing, Ok(Framing::None)) && length == 0),
        "{framing:?} and {length} bytes"
    );
}

/// What is passed on of a response is clean, says in one way where it ends, and is read by the next in line as this one
/// read it.
///
/// # Panics
/// Where that does not hold.
pub fn response(input: &[u8]) {
    compare(input, FIELDS);
    let mut head = ResponseHead::default();
    let Ok(Some(length)) = head.parse(input, FIELDS) else {
        return;
    };
    assert!(length <= input.len());
    for to_head in [true, false] {
        let mut head = head.clone();
        let Ok(framing) = Framing::of_answer(&mut head, to_head) else {
            continue;
        };
        if framing == Framing::None {
            settle(&mut head);
        }
        assert_eq!(Framing::of_answer(&mut head, to_head), Ok(framing));
        strip_answer(&mut head.headers, false);
        let mut out = Vec::new();
        head.write(&mut out);
        out.extend_from_slice(b"\r\n");
        assert_clean(&out);
        let mut again = ResponseHead::default();
        assert_eq!(again.parse(&out, FIELDS), Ok(Some(out.len())));
        assert_eq!(again.status, head.status);
        assert!(again.headers.iter().eq(head.headers.iter()));
        let reader = BodyReader::new(framing, 4096, FIELDS).tolerant();
        body(&reader, &input[length..]);
    }
}

/// What is written: each line ends with CR LF and has a name, a colon, a space and a value; no length is said twice.
fn assert_clean(head: &[u8]) {
    let text: String = head.iter().copied().map(char::from).collect();
    let lines = text.strip_suffix("\r\n\r\n").map(|head| head.split("\r\n"));
    let Some(lines) = lines else {
        panic!("{text:?} has no end");
    };
    let mut framing = Vec::new();
    for (number, line) in lines.enumerate() {
        assert!(!line.contains(['\r', '\n', '\0']), "{line:?} in {text:?}");
        if number == 0 {
            continue;
        }
        let Some((name, value)) = line.split_once(": ") else {
            panic!("{line:?} in {text:?}");
        };
        let is_name = |c: char| c != ':' && c > ' ' && c != '\u{7f}';
        assert!(!name.is_empty() && name.chars().all(is_name), "{line:?}");
        assert_eq!(value, value.trim_matches([' ', '\t']), "{line:?}");
        let name = name.to_ascii_lowercase();
        if ["content-length", "transfer-encoding"].contains(&name.as_str()) {
            assert!(!framing.contains(&name), "{name} twice in {text:?}");
            framing.push(name);
        }
    }
}

/// A reader that ends lines with CR as with LF, forgives white space before a name, and passes over what is odd in a name
/// and around a value finds no other framing in a request that is taken.
fn no_other_framing(head: &[u8], framing: Framing) {
    let in_token = |c: &char| c.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~".contains(*c);
    let is_plain = |c: &char| c.is_ascii_alphanumeric();
    let text: String = head.iter().copied().map(char::from).collect();
    for line in text.split(['\r', '\n']).skip(1) {
        let (name, value) = line.split_once(':').unwrap_or((line, ""));
        let name: String = name.chars().filter(in_token).collect();
        let value: String = value.chars().filter(is_plain).collect();
        match name.to_ascii_lowercase().as_str() {
            "content-length" => {
                assert_eq!(value.parse().map(Framing::Sized), Ok(framing), "{text:?}");
            }
            "transfer-encoding" => {
                assert!(
                    value.eq_ignore_ascii_case("chunked") && framing == Framing::Chunked,
                    "{text:?}"
                );
            }
            _ => {}
        }
    }
}

/// A body never has more bytes than came, and is the same however it is cut into pieces.
fn body(reader: &BodyReader, input: &[u8]) {
    let whole = read(reader.clone(), input, input.len().max(1));
    for at_a_time in [1, 7] {
        let cut = read(reader.clone(), input, at_a_time);
        if let (Some(whole), Some(cut)) = (&whole, &cut) {
            assert!(whole == cut, "{whole:?}, or cut {cut:?}");
        }
        assert_eq!(whole.is_some(), cut.is_some());
    }
}

/// A body of which so many bytes come at a time, and its trailers; `None` where it is none.
fn read(mut reader: BodyReader, input: &[u8], at_a_time: usize) -> Option<(Vec<u8>, Vec<u8>)> {
    let (mut buf, mut taken, mut trailers) = (BytesMut::new(), Vec::new(), Vec::new());
    let note = |mut headers: Headers, trailers: &mut Vec<u8>| {
        strip_trailers(&mut headers);
        trailers.extend_from_slice(b"\r\n");
        headers.write(trailers);
        trailers.extend_from_slice(b"\r\n");
        assert_clean(trailers);
    };
    for piece in input.chunks(at_a_time) {
        buf.extend_from_slice(piece);
        loop {
            match reader.next(&mut buf) {
                Ok(Parsed::Piece(length)) => {
                    assert!(length > 0 && length <= buf.len());
                    taken.extend_from_slice(&buf.split_to(length));
                }
                Ok(Parsed::Trailers(headers)) => note(headers, &mut trailers),
                Ok(_) => break,
                Err(_) => return None,
            }
        }
        if reader.is_done() {
            break;
        }
    }
    assert!(taken.len() <= input.len());
    Some((taken, trailers))
}

/// After the mark was taken off, no spelling of it is left.
///
/// # Panics
/// Where that does not hold.
pub fn mark(input: &[u8]) {
    let Ok(config) = Config::of_text(SMALL) else {
        panic!("the configuration of this test is wrong");
    };
    let mut head = RequestHead::default();
    if let Ok(Some(_)) = head.parse(input, FIELDS) {
        Marks::new(&config.mark).strip(&mut head.headers);
        let mut out = Vec::new();
        head.write(Version::Http11, &mut out);
        let text = out.to_ascii_lowercase();
        let headers = text.split(|byte| *byte == b'\n').skip(1);
        for name in headers.filter_map(|line| line.split(|byte| *byte == b':').next()) {
            assert_ne!(name.trim_ascii(), b"x-shadow-request");
        }
    }
}

const SMALL: &str = "listen = [\"unix:/a\"]\nprimary = { address = \"unix:/b\" }\n";

#[cfg(test)]
mod tests {
    use super::*;

    /// Random changes of inputs that are nearly right, from a seed that a failure tells.
    fn changed(seeds: &[&str], parts: &[&str], rounds: u64, look: impl Fn(&[u8])) {
        let seed = fastrand::u64(..);
        println!("seed {seed}");
        let mut random = fastrand::Rng::with_seed(seed);
        for _ in 0..rounds {
            let mut input = seeds[random.usize(..seeds.len())].as_bytes().to_vec();
            for _ in 0..random.usize(1..6) {
                let at = random.usize(..=input.len());
                match random.u8(..5) {
                    0 => input.insert(at, random.u8(..)),
                    1 => input.truncate(at),
                    2 if at < input.len() => input[at] = random.u8(..),
                    3 if at < input.len() => {
                        let end = random.usize(at..input.len());
                        let copy = input[at..end].to_vec();
                        input.splice(at..at, copy);
                    }
                    _ => {
                        let part = parts[random.usize(..parts.len())];
                        input.splice(at..at, part.bytes());
                    }
                }
            }
            look(&input);
        }
    }

    const REQUESTS: &[&str] = &[
        "GET /a?b HTTP/1.1\r\nHost: a\r\nConnection: keep-alive, x-a\r\nX-A: 1\r\nX-Shadow-Request: b\r\n\r\n",
        "POST http://a/b HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello",
        "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5;a=b\r\nhello\r\n0\r\nX-T: 1\r\n\r\n",
        "GET /ws HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n",
    ];
    const PIECES: &[&str] = &[
        "\r\n",
        "\n",
        "\r",
        " ",
        "\t",
        ":",
        "\0",
        "Content-Length: 3\r\n",
        "Transfer-Encoding: chunked\r\n",
        "x-shadow-request: a\r\n",
        "Connection: close\r\n",
        "HTTP/1.0",
        ",",
        "0\r\n\r\n",
        "\r\n ",
        "ffffffffffffffff\r\n",
        "[]",
        "\x01",
        "\x0c",
        ";",
        "Content-Length : 3\r\n",
        "Transfer-Encoding: identity\r\n",
    ];

    #[test]
    fn what_scripts_write_is_sent_as_one_request_whatever_it_is() {
        changed(REQUESTS, PIECES, 20_000, scripted);
    }

    #[test]
    fn any_request_is_passed_on_as_it_was_read() {
        changed(REQUESTS, PIECES, 30_000, request);
    }

    const RESPONSES: &[&str] = &[
        "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 5\r\nX[]: \x01\r\n 2\r\n\r\nhello",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding : chunked\r\nno colon\r\n\r\n5  \r\nhello\n0\r\nX : 1\r\n\r\n",
        "HTTP/1.0 304\nContent-Length: 5, 5\nTransfer-Encoding: identity\n\n",
        "\r\nHTTP/2.0  403.1 No\r\nConnection: close, x\r\nX: 1\r\r\n\r\n",
    ];

    #[test]
    fn any_response_is_passed_on_clean_and_as_it_was_read() {
        changed(RESPONSES, PIECES, 30_000, response);
    }

    #[test]
    fn no_mark_is_left_in_any_request() {
        changed(REQUESTS, PIECES, 2000, mark);
    }

    #[test]
    fn any_configuration_is_refused_with_a_reason_or_means_what_it_shows() {
        let seeds = [
            SMALL,
            include_str!("../config/shadowtee.toml"),
            include_str!("../config/tls-shadow.toml"),
        ];
        let parts = [
            "\n[shadow]\n",
            "[[shadow]]\n",
            "\"",
            "-1",
            "1e999",
            "\"1y\"",
            "[",
            "= true",
            "\n[limits]\n",
            "{}",
            "99999999999999999999",
        ];
        changed(&seeds, &parts, 600, |input| {
            configuration(&String::from_utf8_lossy(input));
        });
    }

    #[test]
    fn any_address_is_refused_or_is_what_it_shows() {
        let seeds = [
            "127.0.0.1:80",
            "[::1]:8080",
            "https://a.example",
            "unix:/run/a.sock",
            "http://a:1/",
        ];
        let parts = [
            "://", "[", "]", ":", "/", "@", "unix:", "::", ".", "%", "0", "65536", "é",
        ];
        changed(&seeds, &parts, 50_000, |input| {
            address(&String::from_utf8_lossy(input));
        });
    }
}
