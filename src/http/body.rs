//! Takes a body apart as it comes: pieces, trailers, the end (RFC 9112, 6 and 7.1).

use bytes::{Buf, BytesMut};

use super::{Fields, Framing};

/// What is next in a body.
#[derive(Debug)]
pub(crate) enum Part {
    /// So many bytes at the start of what came: the caller takes them away.
    Piece(usize),
    /// The fields behind the last chunk; the end follows.
    Trailers(Fields),
    End,
    /// More bytes have to come first.
    More,
}

/// Why bytes are no body.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum BadBody {
    #[error("a chunk is not framed as RFC 9112 asks")]
    Chunk,
    #[error("the trailers are no fields, or too many")]
    Trailers,
    #[error("it ended before it was whole")]
    Short,
}

/// Takes a body apart.
#[derive(Debug)]
pub(crate) struct BodyReader {
    state: State,
    /// Bytes of chunk extensions and of trailers that may still come.
    extras: usize,
    most_fields: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// So many bytes of a sized body are left.
    Sized(u64),
    /// Everything is body until the connection ends.
    Close,
    ChunkSize,
    /// So many bytes of a chunk are left.
    Chunk(u64),
    ChunkEnd,
    Trailers,
    Done,
}

/// A chunk's size is at most 15 hex digits: no length in memory is larger.
const LONGEST_SIZE: usize = 15;

impl BodyReader {
    /// For a body that is framed so; `extras` bounds chunk extensions and trailers in bytes, `most_fields`
    /// the trailers in number.
    pub(crate) fn new(framing: Framing, extras: usize, most_fields: usize) -> Self {
        let state = match framing {
            Framing::None | Framing::Sized(0) => State::Done,
            Framing::Sized(length) => State::Sized(length),
            Framing::Close => State::Close,
            Framing::Chunked => State::ChunkSize,
        };
        Self {
            state,
            extras,
            most_fields,
        }
    }

    /// Whether all of it was taken.
    pub(crate) fn is_done(&self) -> bool {
        self.state == State::Done
    }

    /// The next part of what is in `buf`, from which the caller has taken the piece before.
    ///
    /// # Errors
    /// Where the bytes are no such body.
    pub(crate) fn next(&mut self, buf: &mut BytesMut) -> Result<Part, BadBody> {
        loop {
            match self.state {
                State::Done => return Ok(Part::End),
                _ if buf.is_empty() => return Ok(Part::More),
                State::Close => return Ok(Part::Piece(buf.len())),
                State::Sized(left) => {
                    let (length, left) = part(buf, left);
                    self.state = if left == 0 {
                        State::Done
                    } else {
                        State::Sized(left)
                    };
                    return Ok(Part::Piece(length));
                }
                State::Chunk(left) => {
                    let (length, left) = part(buf, left);
                    self.state = if left == 0 {
                        State::ChunkEnd
                    } else {
                        State::Chunk(left)
                    };
                    return Ok(Part::Piece(length));
                }
                State::ChunkSize => match self.chunk_size(buf)? {
                    None => return Ok(Part::More),
                    Some(0) => self.state = State::Trailers,
                    Some(size) => self.state = State::Chunk(size),
                },
                State::ChunkEnd => match buf[..] {
                    [b'\r', b'\n', ..] => {
                        buf.advance(2);
                        self.state = State::ChunkSize;
                    }
                    [b'\r'] => return Ok(Part::More),
                    _ => return Err(BadBody::Chunk),
                },
                State::Trailers => return self.trailers(buf),
            }
        }
    }

    /// The size of the next chunk once its whole line is there (RFC 9112, 7.1.1).
    fn chunk_size(&mut self, buf: &mut BytesMut) -> Result<Option<u64>, BadBody> {
        let Some(end) = buf.iter().position(|byte| *byte == b'\n') else {
            let is_size = buf.iter().take(LONGEST_SIZE).all(|byte| {
                byte.is_ascii_hexdigit() || matches!(byte, b'\r' | b';' | b' ' | b'\t')
            });
            let has_extension = buf.contains(&b';');
            let is_short = buf.len() <= self.extras.max(LONGEST_SIZE + 2);
            if is_short && (is_size || has_extension) {
                return Ok(None);
            }
            return Err(BadBody::Chunk);
        };
        let line = buf[..end].strip_suffix(b"\r").ok_or(BadBody::Chunk)?;
        let digits = line
            .iter()
            .take_while(|byte| byte.is_ascii_hexdigit())
            .count();
        let extension = &line[digits..];
        let is_extension = match extension.trim_ascii_start() {
            [] => extension.is_empty(),
            [b';', rest @ ..] => rest
                .iter()
                .all(|byte| *byte == b'\t' || !byte.is_ascii_control()),
            _ => false,
        };
        if digits == 0 || digits > LONGEST_SIZE || !is_extension {
            return Err(BadBody::Chunk);
        }
        self.extras = self
            .extras
            .checked_sub(extension.len())
            .ok_or(BadBody::Chunk)?;
        let size = line[..digits].iter().fold(0, |size, digit| {
            size << 4 | u64::from(char::from(*digit).to_digit(16).unwrap_or_default())
        });
        buf.advance(end + 1);
        Ok(Some(size))
    }

    /// Trailers once they are all there (RFC 9112, 7.1.2).
    fn trailers(&mut self, buf: &mut BytesMut) -> Result<Part, BadBody> {
        match buf[..] {
            [b'\r', b'\n', ..] => {
                buf.advance(2);
                self.state = State::Done;
                return Ok(Part::End);
            }
            [b'\r'] => return Ok(Part::More),
            _ => {}
        }
        let Some(end) = end_of_lines(buf) else {
            return if buf.len() > self.extras {
                Err(BadBody::Trailers)
            } else {
                Ok(Part::More)
            };
        };
        if end > self.extras {
            return Err(BadBody::Trailers);
        }
        let fields = Fields::parse(&buf[..end], self.most_fields).map_err(|_| BadBody::Trailers)?;
        buf.advance(end);
        self.state = State::Done;
        Ok(Part::Trailers(fields))
    }

    /// The connection ended.
    ///
    /// # Errors
    /// Where the body is not whole.
    pub(crate) fn finish(&mut self) -> Result<(), BadBody> {
        if matches!(self.state, State::Close | State::Done) {
            self.state = State::Done;
            Ok(())
        } else {
            Err(BadBody::Short)
        }
    }
}

/// How many of so many bytes are in `buf`, and how many are still to come.
fn part(buf: &BytesMut, left: u64) -> (usize, u64) {
    let length = usize::try_from(left).unwrap_or(usize::MAX).min(buf.len());
    (length, left - length as u64)
}

/// Where the lines end with an empty one, behind that.
pub(super) fn end_of_lines(bytes: &[u8]) -> Option<usize> {
    let mut from = 0;
    while let Some(at) = bytes[from..].iter().position(|byte| *byte == b'\n') {
        from += at + 1;
        match bytes[from..] {
            [b'\n', ..] => return Some(from + 1),
            [b'\r', b'\n', ..] => return Some(from + 2),
            _ => {}
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// All that is read of these bytes when so many come at a time.
    fn read(
        framing: Framing,
        bytes: &[u8],
        at_a_time: usize,
    ) -> Result<(Vec<u8>, String), BadBody> {
        let (mut reader, mut buf) = (BodyReader::new(framing, 1000, 10), BytesMut::new());
        let (mut body, mut trailers, mut rest) = (Vec::new(), Vec::new(), bytes);
        loop {
            match reader.next(&mut buf)? {
                Part::Piece(length) => body.extend_from_slice(&buf.split_to(length)),
                Part::Trailers(fields) => fields.write(&mut trailers),
                Part::End => return Ok((body, String::from_utf8(trailers).unwrap())),
                Part::More if rest.is_empty() => {
                    reader.finish()?;
                }
                Part::More => {
                    let (now, later) = rest.split_at(at_a_time.min(rest.len()));
                    buf.extend_from_slice(now);
                    rest = later;
                }
            }
        }
    }

    #[test]
    fn chunks_are_read_however_they_come() {
        let body = b"5\r\nhello\r\n00A;x=\"y\"\r\n0123456789\r\n0\r\nX-Sum: 42\r\n\r\n";
        for at_a_time in 1..body.len() {
            let (read, trailers) = read(Framing::Chunked, body, at_a_time).unwrap();
            assert_eq!(read, b"hello0123456789");
            assert_eq!(trailers, "X-Sum: 42\r\n");
        }
    }

    #[test]
    fn what_is_no_chunk_is_never_an_end() {
        for body in [
            "zz\r\n",
            "-5\r\n",
            "+5\r\nhello",
            " 5\r\nhello",
            "\r\n",
            "5\nhello",
            "0x5\r\nhello",
            "5 \r\nhello",
            "5\r\nhelloX\r\n0\r\n\r\n",
            "FFFFFFFFFFFFFFFF\r\nx",
            "0\r\nno field\r\n\r\n",
            "0\r\n : x\r\n\r\n",
            "5;a\0\r\nhello",
            "5\r\nhello\n0\r\n\r\n",
            "0;x\n\r\n",
        ] {
            for at_a_time in [1, 1000] {
                assert!(
                    read(Framing::Chunked, body.as_bytes(), at_a_time).is_err(),
                    "{body:?}"
                );
            }
        }
    }

    #[test]
    fn a_body_that_ends_early_is_short_unless_it_ends_with_its_connection() {
        assert_eq!(read(Framing::Sized(5), b"four", 9), Err(BadBody::Short));
        assert_eq!(
            read(Framing::Chunked, b"5\r\nhello\r\n", 99),
            Err(BadBody::Short)
        );
        assert_eq!(read(Framing::Close, b"all", 1).unwrap().0, b"all");
    }

    #[test]
    fn extensions_and_trailers_are_bounded() {
        let endless = format!("1;{}\r\nx\r\n0\r\n\r\n", "x".repeat(2000));
        assert_eq!(
            read(Framing::Chunked, endless.as_bytes(), 10),
            Err(BadBody::Chunk)
        );
        let endless = format!("0\r\nX: {}\r\n\r\n", "x".repeat(2000));
        assert_eq!(
            read(Framing::Chunked, endless.as_bytes(), 10),
            Err(BadBody::Trailers)
        );
        assert!(read(Framing::Chunked, "1;x\r\nx\r\n".repeat(2000).as_bytes(), 10).is_err());
    }

    proptest! {
        #[test]
        fn any_chunks_are_read_as_they_were_sent(chunks: Vec<Vec<u8>>, at_a_time in 1_usize..50) {
            let mut bytes = Vec::new();
            for chunk in chunks.iter().filter(|chunk| !chunk.is_empty()) {
                bytes.extend_from_slice(format!("{:X}\r\n", chunk.len()).as_bytes());
                bytes.extend_from_slice(chunk);
                bytes.extend_from_slice(b"\r\n");
            }
            bytes.extend_from_slice(b"0\r\n\r\n");
            prop_assert_eq!(read(Framing::Chunked, &bytes, at_a_time).unwrap().0, chunks.concat());
        }
    }
}
