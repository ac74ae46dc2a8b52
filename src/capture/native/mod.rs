//! The native format, described in docs/capture-format.md: append-only, every record checked by itself.

mod decode;
mod encode;

pub(crate) use decode::{Decoder, find};
pub(crate) use encode::Encoder;

/// The first line of a file, with the version of the format.
pub(crate) const MAGIC: &[u8; 20] = b"shadowtee capture 1\n";

/// What every record begins with: a byte that no text of UTF-8 has, then letters.
const MARKER: [u8; 4] = *b"\xf5tee";

/// A record's header: marker, file id, kind, three zeros, length, checksum of the payload, checksum of these.
const HEADER: usize = 24;

/// What a record holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    /// What the file is, as JSON.
    About = 0,
    Exchange = 1,
}

/// The parts of an exchange's payload: a byte that says which, four that say how long, the bytes.
mod part {
    pub(super) const TIME: u8 = 1;
    pub(super) const ID: u8 = 2;
    pub(super) const CLIENT: u8 = 3;
    pub(super) const REQUEST: u8 = 4;
    pub(super) const STATUS: u8 = 5;
    pub(super) const AFTER: u8 = 6;
    pub(super) const ANSWER: u8 = 7;
    pub(super) const CUT: u8 = 8;
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use proptest::prelude::*;

    use super::{
        super::{Answered, Input, Record},
        *,
    };

    #[derive(Clone, Debug, PartialEq, Eq)]
    struct Owned(u64, [Vec<u8>; 3], Option<(u16, u64, Vec<u8>, bool)>);

    impl Owned {
        fn record(&self) -> Record<'_> {
            Record {
                time: self.0,
                id: &self.1[0],
                client: &self.1[1],
                request: &self.1[2],
                answer: self.2.as_ref().map(|answer| Answered {
                    status: answer.0,
                    after: answer.1,
                    message: &answer.2,
                    cut: answer.3,
                }),
            }
        }

        fn of(record: &Record<'_>) -> Self {
            let own = |bytes: &[u8]| bytes.to_vec();
            Self(
                record.time,
                [own(record.id), own(record.client), own(record.request)],
                record
                    .answer
                    .map(|answer| (answer.status, answer.after, own(answer.message), answer.cut)),
            )
        }
    }

    /// Pieces that look like the format itself are among them.
    fn bytes() -> impl Strategy<Value = Vec<u8>> {
        let piece = prop_oneof![
            proptest::collection::vec(any::<u8>(), 0..40),
            Just(MARKER.to_vec()),
            Just(MAGIC.to_vec()),
        ];
        proptest::collection::vec(piece, 0..4).prop_map(|pieces| pieces.concat())
    }

    fn exchanges() -> impl Strategy<Value = Vec<Owned>> {
        let answer = proptest::option::of((any::<u16>(), any::<u64>(), bytes(), any::<bool>()));
        let one = (any::<u64>(), [bytes(), bytes(), bytes()], answer);
        proptest::collection::vec(one.prop_map(|(a, b, c)| Owned(a, b, c)), 0..8)
    }

    fn written(exchanges: &[Owned]) -> (Vec<u8>, Vec<usize>) {
        let (mut out, mut starts) = (Vec::new(), Vec::new());
        let encoder = Encoder::begin(&mut out, &serde_json::json!({"a": 1}));
        for one in exchanges {
            starts.push(out.len());
            encoder.write(&one.record(), &mut out);
        }
        (out, starts)
    }

    /// What is read, and how often something was wrong.
    fn read(bytes: Vec<u8>) -> (Vec<Owned>, u64) {
        let mut input = Input::new(Box::new(Cursor::new(bytes)));
        let (mut decoder, mut read) = (Decoder::new("test".into()), Vec::new());
        while decoder.advance(&mut input) {
            read.push(Owned::of(&decoder.record(&input)));
        }
        (read, decoder.troubles().count)
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(exchanges in exchanges()) {
            prop_assert_eq!(read(written(&exchanges).0), (exchanges, 0));
        }

        #[test]
        fn files_that_are_joined_are_one(one in exchanges(), other in exchanges()) {
            let joined = [written(&one).0, written(&other).0].concat();
            prop_assert_eq!(read(joined), ([one, other].concat(), 0));
        }

        #[test]
        fn what_is_cut_off_loses_only_what_is_not_whole(exchanges in exchanges(), part in 0.0..1.0_f64) {
            let (mut bytes, starts) = written(&exchanges);
            #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, clippy::cast_precision_loss)]
            let length = (bytes.len() as f64 * part) as usize;
            bytes.truncate(length);
            let whole = starts.iter().skip(1).filter(|start| **start <= length).count();
            let (read, troubles) = read(bytes);
            prop_assert_eq!(&read[..], &exchanges[..whole]);
            let at_a_border = length == 0 || starts.contains(&length);
            prop_assert_eq!(troubles, u64::from(!at_a_border));
        }

        #[test]
        fn a_byte_that_is_wrong_costs_one_record(exchanges in exchanges(), at in any::<proptest::sample::Index>(), wrong in 1_u8..) {
            let (mut bytes, starts) = written(&exchanges);
            let at = at.index(bytes.len());
            bytes[at] ^= wrong;
            let hit = starts.iter().rposition(|start| *start <= at);
            let (read, _) = read(bytes);
            let mut left = exchanges;
            if let Some(hit) = hit {
                left.remove(hit);
            }
            prop_assert_eq!(read, left);
        }

        #[test]
        fn bytes_that_are_missing_cost_what_they_touch(exchanges in exchanges(), at in any::<proptest::sample::Index>(), length in 1_usize..40) {
            let (mut bytes, starts) = written(&exchanges);
            let at = at.index(bytes.len());
            let end = (at + length).min(bytes.len());
            // Where the same bytes follow, nobody can tell which of them are missing.
            let alike = bytes[end..].iter().zip(&bytes[at..]).take_while(|(one, other)| one == other);
            let touched = end + alike.count();
            bytes.drain(at..end);
            let (read, _) = read(bytes);
            let before = starts.iter().skip(1).filter(|start| **start <= at).count();
            let after = starts.iter().filter(|start| **start >= touched).count();
            prop_assert!(read.len() >= before + after, "{} of {before} and {after}", read.len());
            prop_assert_eq!(&read[read.len() - after..], &exchanges[exchanges.len() - after..]);
        }

        #[test]
        fn whatever_the_bytes_nothing_breaks(bytes in bytes()) {
            read(bytes);
        }
    }
}
