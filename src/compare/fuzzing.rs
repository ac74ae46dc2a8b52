//! What must hold of any response: taking it apart ends, without a panic, within the limits, and it is equal to itself. The
//! fuzz target calls `response`; a bounded run of the same stands below.

use std::time::Duration;

use super::{
    Answer, Asked, Limits,
    difference::differences,
    extract::{Extract, extract},
};

/// Small enough that they are reached.
const LIMITS: Limits = Limits {
    bytes: 64 * 1024,
    expansion: 100,
    depth: 32,
    leaves: 2000,
};

fn taken_apart(headers: Vec<(&[u8], &[u8])>, body: &[u8], is_whole: bool) -> Extract {
    let asked = Asked {
        method: b"GET",
        target: b"/",
        headers: vec![(b"host", b"app.example")],
        body: None,
    };
    let answer = Answer {
        status: 200,
        headers,
        body,
        length: body.len() as u64,
        is_whole,
        at: 1_709_648_527_000,
        took: Duration::ZERO,
    };
    extract(&asked, &answer, &LIMITS)
}

/// # Panics
/// Where what must hold doesn't.
fn body(content_type: &[u8], bytes: &[u8]) {
    let headers = vec![(b"content-type".as_slice(), content_type)];
    let whole = taken_apart(headers.clone(), bytes, true);
    // Leaves of the head are few, and come before.
    assert!(whole.leaf_refs().count() <= LIMITS.leaves + 16);
    assert!(differences(&whole, &whole).is_empty());
    // Another response whose beginning is the same.
    let half = &bytes[..bytes.len() / 2];
    let part = taken_apart(headers.clone(), half, true);
    let _ = differences(&whole, &part);
    let _ = differences(&part, &whole);
    let is_cut = taken_apart(headers, half, false);
    let _ = differences(&whole, &is_cut);
}

/// All kinds of responses, by number.
const KINDS: [fn(&[u8]); 8] = [json, html, xml, csv, text, form, encoded, headers];

/// Takes bytes apart as a response of the kind that the first of them says.
///
/// # Panics
/// Where what must hold doesn't.
#[cfg(fuzzing)]
pub fn response(bytes: &[u8]) {
    if let Some((kind, bytes)) = bytes.split_first() {
        KINDS[usize::from(*kind) % KINDS.len()](bytes);
    }
}

fn json(bytes: &[u8]) {
    body(b"application/json", bytes);
    body(b"application/x-ndjson", bytes);
}

fn html(bytes: &[u8]) {
    body(b"text/html", bytes);
}

fn xml(bytes: &[u8]) {
    body(b"application/atom+xml", bytes);
}

fn csv(bytes: &[u8]) {
    body(b"text/csv", bytes);
    body(b"text/tab-separated-values", bytes);
}

fn text(bytes: &[u8]) {
    body(b"text/plain", bytes);
    body(b"", bytes);
}

fn form(bytes: &[u8]) {
    body(b"application/x-www-form-urlencoded", bytes);
}

/// A compressed body.
fn encoded(bytes: &[u8]) {
    for encoding in [b"gzip".as_slice(), b"deflate", b"br", b"zstd", b"br, gzip"] {
        for is_whole in [true, false] {
            let headers = vec![(b"content-encoding".as_slice(), encoding)];
            let taken = taken_apart(headers, bytes, is_whole);
            assert!(taken.bytes() < 100 * LIMITS.bytes);
        }
    }
}

/// Lines of headers.
fn headers(bytes: &[u8]) {
    let lines = bytes.split(|c| *c == b'\n').take(200);
    let headers = lines.filter_map(|line| {
        let colon = line.iter().position(|c| *c == b':')?;
        Some((&line[..colon], &line[colon + 1..]))
    });
    let taken = taken_apart(headers.collect(), b"", true);
    assert!(differences(&taken, &taken).is_empty());
    let other = taken_apart(Vec::new(), b"", true);
    let _ = differences(&taken, &other);
    let _ = differences(&other, &taken);
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Pieces of every format, and bytes of any kind.
    fn bytes() -> impl Strategy<Value = Vec<u8>> {
        const PIECES: &[&str] = &[
            "{",
            "}",
            "[",
            "]",
            "\"",
            "\\",
            "\\u00e9",
            "\\ud83d",
            ",",
            ":",
            "null",
            "true",
            "-1.50e3",
            "0",
            "\"id\":1,",
            "\"at\":\"2024-03-05T14:22:07.1Z\"",
            "\"{\\\"a\\\":1}\"",
            "eyJhbGciOiJIUzI1NiJ9.e30.c2ln",
            "\n",
            "\r\n",
            "\t",
            " ",
            "<",
            ">",
            "</",
            "/>",
            "<p>",
            "</p>",
            "<ul>",
            "<li>",
            "<table>",
            "<tr>",
            "<th>",
            "<td colspan=2>",
            "</table>",
            "<a href=/x/1>",
            "</a>",
            "<form action=\"/f\">",
            "</form>",
            "<input name=a value=b>",
            "<select name=s>",
            "<option selected>",
            "</select>",
            "<script type=application/json>",
            "</script>",
            "<title>",
            "<svg>",
            "<textarea>",
            "<!--",
            "-->",
            "<![CDATA[",
            "]]>",
            "<?xml?>",
            "<meta name=csrf-token content=x>",
            "<dl><dt>k<dd>v",
            "<entry><id>1</id>",
            "</entry>",
            "&amp;",
            "&",
            "&#x41;",
            "é",
            "\u{301}",
            "名",
            "a",
            "word",
            "1407",
            "9e107d9d372bb6826bd81d3542a419d6",
            "=",
            "%41",
            "+",
            ";",
            "|",
            "'",
            "Set-Cookie: a=b; expires=Tue, 05 Mar 2024 14:22:07 GMT\n",
            "Location: http://app.example/x?y=1#z\n",
            "Vary: a, b\n",
            "Content-Security-Policy: a b; c\n",
            "Cache-Control: max-age=1\n",
            "ETag: W/\"a\"\n",
        ];
        let piece = prop_oneof![
            8 => proptest::sample::select(PIECES).prop_map(|piece| piece.as_bytes().to_vec()),
            1 => proptest::collection::vec(any::<u8>(), 1..4),
            1 => (proptest::sample::select(PIECES), 1_usize..300).prop_map(|(piece, times)| piece.as_bytes().repeat(times)),
        ];
        proptest::collection::vec(piece, 0..60).prop_map(|pieces| pieces.concat())
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 100, failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn any_bytes_are_taken_apart_within_the_limits(bytes in bytes()) {
            for look in KINDS {
                look(&bytes);
            }
        }

        #[test]
        fn any_bytes_packed_are_taken_apart(bytes in bytes()) {
            encoded(&zstd::encode_all(&bytes[..], 1).unwrap());
        }
    }

    /// The processor time of one look, in microseconds.
    fn micros(look: fn(&[u8]), bytes: &[u8]) -> u128 {
        let begin = cpu_time::ThreadTime::now();
        look(bytes);
        begin.elapsed().as_micros()
    }

    #[test]
    fn twice_as_much_of_anything_takes_no_more_than_a_few_times_as_long() {
        const PIECES: &[&str] = &[
            "{\"a\":",
            "[",
            "[1,",
            "\"a\":1,",
            "\"\\\"",
            "<p>",
            "<p>a",
            "</p>",
            "<a href=/b>c",
            "<ul><li>x",
            "<table><tr><th>a<td>b",
            "<tr><td>b",
            "<b a='",
            "<!--",
            "&amp",
            "&",
            "<option>a",
            "<script>",
            "<x/>",
            "</x>",
            "<x y='z'>",
            "a,b\n",
            "\"",
            "\"\"",
            ",",
            "\n",
            "x y\n",
            "x",
            "1 ",
            "a=b&",
            "&&",
            "<form><input name=a>",
            "<dl><dt>a<dd>b",
            "%",
            "a: b\n",
            ": \n",
        ];
        for piece in PIECES {
            let short = piece.repeat(10_000 / piece.len());
            let long = piece.repeat(20_000 / piece.len());
            for look in [json, html, xml, csv, text, form, headers] {
                let first = micros(look, short.as_bytes());
                let second = micros(look, long.as_bytes());
                // What is quadratic takes seconds here; the clock of a busy machine is not that wrong.
                assert!(
                    second < 8 * first + 100_000,
                    "{piece:?}: {first} and {second} µs"
                );
            }
        }
    }
}
