//! `GoReplay`'s format: a line `type id time latency`, the raw message, a separator.
//!
//! Type 1 is a request, 2 its answer, 3 the answer to a replayed request. Times are nanoseconds. Nothing is
//! escaped: where a body holds the separator, the message's own framing says where it really ends.

mod decode;
mod encode;
mod framing;
mod join;

pub(crate) use decode::message_line;
pub(crate) use encode::{Unwritable, first_line, gor_id, write};
pub(crate) use join::Joiner;

/// What stands between two messages.
const SEPARATOR: &[u8] = "\n\u{1f435}\u{1f648}\u{1f649}\n".as_bytes();

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
            b"2 932079936fa4306fc308d67588178d17d823647c 1439818823587396312 7\nHTTP/1.1 404 No\r\nContent-Length: 2\r\n\r\nno",
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
