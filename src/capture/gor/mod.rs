//! `GoReplay`'s format: a line `type id time latency`, the raw message, a separator.
//!
//! Type 1 is a request, 2 its answer, 3 the answer to a replayed request. Times are nanoseconds; the latency is that of
//! the message itself, from its first byte to its last, and not the time to the answer. Nothing is
//! escaped: where a body holds the separator, the message's own framing says where it really ends.

mod decode;
mod encode;
mod framing;
mod join;

pub(super) use decode::BEGINNING;
pub(crate) use decode::message_line;
pub(crate) use encode::{Unwritable, first_line, gor_id, write};
pub(crate) use join::Joiner;

/// What stands between two messages.
const SEPARATOR: &[u8] = "\n\u{1f435}\u{1f648}\u{1f649}\n".as_bytes();

/// Whether a file that begins so is of this format.
pub(super) fn is_at_start(bytes: &[u8]) -> bool {
    let blank = |byte: &&u8| matches!(byte, b'\r' | b'\n');
    let bytes = bytes.strip_prefix("\u{feff}".as_bytes()).unwrap_or(bytes);
    let bytes = &bytes[bytes.iter().take_while(blank).count()..];
    decode::separator(bytes).is_some() || message_line(bytes).is_some()
}

/// Where a separator stands.
pub(super) fn find(bytes: &[u8]) -> Option<usize> {
    memchr::memmem::find(bytes, SEPARATOR.trim_ascii())
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use proptest::prelude::*;

    use super::{
        super::{Answered, Input, Record},
        *,
    };

    type Owned = (u64, String, Vec<u8>, Option<(u16, Vec<u8>)>);

    fn separator_is_what_goreplay_writes() -> &'static [u8] {
        b"\n\xf0\x9f\x90\xb5\xf0\x9f\x99\x88\xf0\x9f\x99\x89\n"
    }

    /// A message as it may be sent, with pieces in its body that look like the format itself.
    fn message(start: &'static str) -> impl Strategy<Value = Vec<u8>> {
        let piece = prop_oneof![
            proptest::collection::vec(any::<u8>(), 0..40),
            Just(b"\n".to_vec()),
            Just(b"1 0123456789abcdef01234567 1 0\nGET / HTTP/1.1\r\n\r\n".to_vec()),
        ];
        proptest::collection::vec(piece, 0..4).prop_map(move |pieces| {
            let body = pieces.concat();
            let head = format!("{start}\r\nA: b\r\nContent-Length: {}\r\n\r\n", body.len());
            [head.into_bytes(), body].concat()
        })
    }

    fn exchanges() -> impl Strategy<Value = Vec<Owned>> {
        let id = prop_oneof!["[0-9a-f]{24}", "[0-9a-f]{40}"];
        let answer = proptest::option::of(message("HTTP/1.1 503 No"));
        let one = (
            0..i64::MAX.cast_unsigned() / 2,
            id,
            message("POST / HTTP/1.1"),
            answer,
        )
            .prop_map(|(time, id, request, answer)| {
                (time, id, request, answer.map(|answer| (503, answer)))
            });
        proptest::collection::vec(one, 0..8)
    }

    fn record(one: &Owned) -> Record<'_> {
        Record {
            time: one.0,
            id: one.1.as_bytes(),
            client: b"",
            request: &one.2,
            answer: one.3.as_ref().map(|(status, message)| Answered {
                status: *status,
                after: 7,
                message,
                cut: false,
            }),
        }
    }

    fn read(bytes: Vec<u8>) -> (Vec<Owned>, u64) {
        let mut input = Input::new(Box::new(Cursor::new(bytes)));
        let (mut joiner, mut read) = (Joiner::new("test.gor".into()), Vec::new());
        while joiner.advance(&mut input) {
            let record = joiner.record();
            let answer = record.answer.map(|answer| {
                assert_eq!(answer.after, 7);
                (answer.status, answer.message.to_vec())
            });
            let id = String::from_utf8(record.id.to_vec()).unwrap();
            read.push((record.time, id, record.request.to_vec(), answer));
        }
        (read, joiner.troubles().count)
    }

    fn written(exchanges: &[Owned]) -> Vec<u8> {
        let mut out = Vec::new();
        for one in exchanges {
            write(&record(one), &mut out).unwrap();
        }
        out
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(exchanges in exchanges()) {
            prop_assert_eq!(read(written(&exchanges)), (exchanges, 0));
        }

        #[test]
        fn whatever_the_bytes_nothing_breaks(pieces in proptest::collection::vec(prop_oneof![
            proptest::collection::vec(any::<u8>(), 0..30),
            Just(SEPARATOR.to_vec()),
            Just(b"1 0123456789abcdef01234567 1 0\n".to_vec()),
            message("POST / HTTP/1.1"),
        ], 0..8)) {
            read(pieces.concat());
        }

        #[test]
        fn garbage_between_two_messages_costs_nothing_but_itself(one in message("POST / HTTP/1.1"), other in message("PUT / HTTP/1.1"), garbage in "[ -~]{1,60}") {
            let id = "0123456789abcdef01234567".to_owned();
            let (one, other) = ((1, id.clone(), one, None), (2, id, other, None));
            let bytes = [written(std::slice::from_ref(&one)), garbage.into_bytes(), SEPARATOR.to_vec(), written(std::slice::from_ref(&other))].concat();
            prop_assert_eq!(read(bytes), (vec![one, other], 1));
        }
    }

    const META: &str = "1 0123456789abcdef01234567 1439818823587396305 200\n";

    fn requests(text: &[u8]) -> (Vec<Vec<u8>>, u64) {
        let (read, troubles) = read(text.to_vec());
        (read.into_iter().map(|one| one.2).collect(), troubles)
    }

    #[test]
    fn a_file_made_from_the_description_is_read_with_short_and_long_ids() {
        let separator = separator_is_what_goreplay_writes();
        let text = [
            b"1 932079936fa4306fc308d67588178d17d823647c 1439818823587396305 200\nGET /a HTTP/1.1\r\nHost: x\r\n\r\n",
            separator,
            b"2 932079936fa4306fc308d67588178d17d823647c 1439818823587396312 99\nHTTP/1.1 404 No\r\nContent-Length: 2\r\n\r\nno",
            separator,
            b"1 0123456789abcdef01234567 1439818823587396399\nGET /b HTTP/1.1\r\nHost: x\r\n\r\n",
            separator,
            b"3 0123456789abcdef01234567 1439818823587396400 7\nHTTP/1.1 200 OK\r\n\r\n",
            separator,
        ]
        .concat();
        let (read, troubles) = read(text);
        assert_eq!((read.len(), troubles), (2, 0));
        assert_eq!(read[0].3.as_ref().map(|answer| answer.0), Some(404));
        assert_eq!((read[1].0, &read[1].3), (1_439_818_823_587_396_399, &None));
    }

    #[test]
    fn a_body_that_holds_the_separator_and_a_forged_request_is_one_body() {
        let body = [
            SEPARATOR,
            META.as_bytes(),
            b"DELETE /all HTTP/1.1\r\n\r\n",
            SEPARATOR,
        ]
        .concat();
        let sized = format!("POST / HTTP/1.1\r\nContent-Length: {}\r\n\r\n", body.len());
        let chunked = format!(
            "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n{:x}\r\n",
            body.len()
        );
        let sized = [sized.as_bytes(), &body].concat();
        let chunked = [chunked.as_bytes(), &body, b"\r\n0\r\n\r\n"].concat();
        let text = [
            META.as_bytes(),
            &sized,
            SEPARATOR,
            META.as_bytes(),
            &chunked,
            SEPARATOR,
        ]
        .concat();
        assert_eq!(requests(&text), (vec![sized, chunked], 0));
    }

    fn get(path: &str) -> Vec<u8> {
        format!("GET /{path} HTTP/1.1\r\nHost: a\r\n\r\n").into_bytes()
    }

    #[test]
    fn surplus_separators_lose_no_record() {
        let (one, other) = (
            [META.as_bytes(), &get("1")].concat(),
            [META.as_bytes(), &get("2")].concat(),
        );
        let line = SEPARATOR.trim_ascii_start();
        for text in [
            [&one, SEPARATOR, SEPARATOR, &other, SEPARATOR].concat(),
            [SEPARATOR, &one, SEPARATOR, &other, SEPARATOR, SEPARATOR].concat(),
            [line, &one, SEPARATOR, line, line, &other, line].concat(),
        ] {
            assert_eq!(requests(&text), (vec![get("1"), get("2")], 0));
        }
    }

    #[test]
    fn bytes_behind_a_messages_own_end_are_damage_and_a_record_among_them_is_read() {
        let meta = META.as_bytes();
        let put = b"PUT / HTTP/1.1\r\nContent-Length: 2\r\n\r\nab".to_vec();
        let read = vec![get("1"), put.clone(), get("2")];
        let last = [meta, &get("2"), SEPARATOR].concat();
        // A second request glued on, and a body that is longer than it says.
        let glued = [
            meta,
            &get("1"),
            &get("x"),
            SEPARATOR,
            meta,
            &put,
            b"cd",
            SEPARATOR,
            &last,
        ]
        .concat();
        assert_eq!(requests(&glued), (read.clone(), 2));
        // Records without a separator before them.
        let joined = [meta, &get("1"), meta, &put, b"\n", &last].concat();
        assert_eq!(requests(&joined), (read, 2));
    }

    #[test]
    fn a_file_with_windows_line_ends_is_read() {
        let meta = META.replace('\n', "\r\n");
        let separator = String::from_utf8(SEPARATOR.to_vec())
            .unwrap()
            .replace('\n', "\r\n");
        let answer =
            "2 0123456789abcdef01234567 1439818823587396312 200\r\nHTTP/1.1 200 OK\r\n\r\nx";
        let text = [
            meta.as_bytes(),
            &get("1"),
            separator.as_bytes(),
            answer.as_bytes(),
            separator.as_bytes(),
            meta.as_bytes(),
            &get("2"),
            separator.as_bytes(),
        ]
        .concat();
        assert_eq!(requests(&text), (vec![get("1"), get("2")], 0));
    }

    #[test]
    fn what_stands_before_the_first_record_costs_only_itself() {
        let one = [META.as_bytes(), &get("1"), SEPARATOR].concat();
        for head in ["\u{feff}", "\n\n", "# recorded by hand\n", "\u{feff}\n"] {
            assert_eq!(
                requests(&[head.as_bytes(), &one].concat()),
                (vec![get("1")], 1),
                "{head:?}"
            );
        }
    }

    /// Checks that every byte is one of a message or of a separator, or is reported as skipped.
    fn account(bytes: &[u8]) {
        let mut input = Input::new(Box::new(Cursor::new(bytes.to_vec())));
        let mut decoder = decode::Decoder::new("test.gor".into());
        let (mut end, mut skipped, mut places, mut is_on) = (0, 0, 0, true);
        while is_on {
            is_on = decoder.advance(&mut input);
            let at = usize::try_from(input.offset()).unwrap();
            let now = usize::try_from(decoder.troubles.skipped).unwrap();
            let mut between = at - end - (now - skipped);
            if now > skipped {
                assert!(
                    decoder.troubles.count > places,
                    "bytes are skipped in silence"
                );
                between = between.saturating_sub(
                    bytes[end..at]
                        .windows(12)
                        .filter(|part| *part == SEPARATOR.trim_ascii())
                        .count()
                        * 16,
                );
                assert_eq!(between, 0);
            } else {
                let mut rest = &bytes[end..at];
                while !rest.is_empty() {
                    rest = &rest[decode::separator(rest).expect("lost bytes")..];
                }
            }
            end = at
                + if is_on {
                    decoder.current().payload.end
                } else {
                    0
                };
            (skipped, places) = (now, decoder.troubles.count);
        }
        assert_eq!(end, bytes.len());
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2000))]
        #[test]
        fn every_byte_of_a_damaged_file_is_read_or_reported(
            exchanges in exchanges(),
            damage in proptest::collection::vec((any::<proptest::sample::Index>(), 0..40_usize, prop_oneof![
                proptest::collection::vec(any::<u8>(), 0..20),
                Just(SEPARATOR.to_vec()),
                Just(SEPARATOR[..9].to_vec()),
                Just("\r\n\u{1f435}\u{1f648}\u{1f649}\r\n".as_bytes().to_vec()),
                Just(b"\n1 0123456789abcdef01234567 1 0\r\nGET / HTTP/1.1\r\n\r\n".to_vec()),
            ]), 0..5),
        ) {
            let mut bytes = written(&exchanges);
            for (at, length, with) in damage {
                let at = at.index(bytes.len() + 1);
                let end = (at + length).min(bytes.len());
                bytes.splice(at..end, with);
            }
            account(&bytes);
        }
    }

    #[test]
    fn the_last_record_may_lack_its_separator() {
        let get = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n".to_vec();
        let text = [META.as_bytes(), &get].concat();
        assert_eq!(requests(&text), (vec![get], 0));
        let cut = [
            META.as_bytes(),
            b"POST / HTTP/1.1\r\nContent-Length: 9\r\n\r\nhal",
        ]
        .concat();
        assert_eq!(requests(&cut), (vec![], 1));
    }

    #[test]
    fn a_record_that_goreplay_itself_would_misread_is_not_written() {
        let request = [b"POST / HTTP/1.1\r\nContent-Length: 15\r\n\r\n", SEPARATOR].concat();
        let one = (1, "0123456789abcdef01234567".to_owned(), request, None);
        let mut out = Vec::new();
        assert!(write(&record(&one), &mut out).is_err());
        assert!(out.is_empty());
    }
}
