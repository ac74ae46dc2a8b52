//! Takes a body apart as it comes: pieces, trailers, the end (RFC 9112, 6 and 7.1).

use bytes::{Buf, BytesMut};

use super::{BadHead, Framing, Headers, headers::trim};

/// What is next in a body.
#[derive(Debug)]
pub(crate) enum Parsed {
    /// A piece of this many bytes, at the start of what came: the caller takes them away.
    Piece(usize),
    /// The fields behind the last chunk; the end follows.
    Trailers(Headers),
    End,
    /// More bytes have to come first.
    More,
}

/// Why bytes are not a body.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum BadBody {
    #[error("chunk {0} is not framed as RFC 9112 asks: {1}")]
    Chunk(u64, &'static str),
    #[error("its trailers are malformed")]
    Trailers(#[from] BadHead),
    #[error("its trailers are too large, or begin with a bare LF")]
    NoTrailers,
    #[error("it ended before it was whole")]
    Short,
}

/// Takes a body apart.
#[derive(Clone, Debug)]
pub(crate) struct BodyReader {
    state: State,
    /// Bytes of chunk extensions and of trailers that may still come.
    extras: usize,
    most_fields: usize,
    /// It is a response's: what breaks a rule and still has one end is taken.
    tolerant: bool,
    /// How many chunks began.
    chunks: u64,
    /// How many bytes of an extension, or of trailers, were looked at and have no end.
    seen: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// How many bytes of a sized body are left.
    Sized(u64),
    /// Everything is body until the connection ends.
    Close,
    ChunkSize,
    /// How many bytes of a chunk are left.
    Chunk(u64),
    ChunkEnd,
    Trailers,
    Done,
}

/// A chunk's size is at most 15 hex digits: no length in memory is larger.
const LONGEST_SIZE: usize = 15;
/// Zeros may stand before it, but not without end.
const MOST_ZEROS: usize = 256;
/// How long a size may be in each chunk with zeros before it and white space behind it: a stream that pads its sizes has no end,
/// and must not come to that of `extras`.
const PADDED: usize = 32;

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
            tolerant: false,
            chunks: 0,
            seen: 0,
        }
    }

    /// Takes what applications send though no standard allows it, as nginx does: whatever follows the white space behind a
    /// chunk's size, and lines that end with a bare LF. For responses only: of a request, two servers could read it
    /// differently.
    pub(crate) fn tolerant(mut self) -> Self {
        self.tolerant = true;
        self
    }

    /// Whether all of it was taken.
    pub(crate) fn is_done(&self) -> bool {
        self.state == State::Done
    }

    /// The next part of what is in `buf`, from which the caller has taken the piece before.
    ///
    /// # Errors
    /// Where the bytes are no such body.
    pub(crate) fn next(&mut self, buf: &mut BytesMut) -> Result<Parsed, BadBody> {
        loop {
            match self.state {
                State::Done => return Ok(Parsed::End),
                _ if buf.is_empty() => return Ok(Parsed::More),
                State::Close => return Ok(Parsed::Piece(buf.len())),
                State::Sized(left) => {
                    let (length, left) = part(buf, left);
                    self.state = if left == 0 {
                        State::Done
                    } else {
                        State::Sized(left)
                    };
                    return Ok(Parsed::Piece(length));
                }
                State::Chunk(left) => {
                    let (length, left) = part(buf, left);
                    self.state = if left == 0 {
                        State::ChunkEnd
                    } else {
                        State::Chunk(left)
                    };
                    return Ok(Parsed::Piece(length));
                }
                State::ChunkSize => match self.chunk_size(buf)? {
                    None => return Ok(Parsed::More),
                    Some(0) => self.state = State::Trailers,
                    Some(size) => self.state = State::Chunk(size),
                },
                State::ChunkEnd => match buf[..] {
                    [b'\r', b'\n', ..] => {
                        buf.advance(2);
                        self.state = State::ChunkSize;
                    }
                    [b'\n', ..] if self.tolerant => {
                        buf.advance(1);
                        self.state = State::ChunkSize;
                    }
                    [b'\r'] => return Ok(Parsed::More),
                    _ => return self.bad("no line's end follows its data"),
                },
                State::Trailers => return self.trailers(buf),
            }
        }
    }

    /// The size of the next chunk once its whole line is there (RFC 9112, 7.1.1).
    fn chunk_size(&mut self, buf: &mut BytesMut) -> Result<Option<u64>, BadBody> {
        // An extension that comes byte by byte is not read from its start for each.
        if self.seen > 0 && buf.len() <= self.extras && !buf[self.seen..].contains(&b'\n') {
            self.seen = buf.len();
            return Ok(None);
        }
        let end = buf.iter().position(|byte| *byte == b'\n');
        let whole = &buf[..end.unwrap_or(buf.len())];
        let is_digit = |byte: &&u8| byte.is_ascii_hexdigit();
        let digits = whole.iter().take_while(is_digit).count();
        let zeros = whole[..digits].iter().take_while(|digit| **digit == b'0');
        let longest = LONGEST_SIZE + zeros.take(MOST_ZEROS).count();
        let Some(end) = end else {
            let may_become_size = match &whole[digits..] {
                [] => true,
                [b'\r'] | [b' ' | b'\t' | b';', ..] => digits > 0,
                _ => false,
            };
            let is_short = digits <= longest && whole.len() <= self.extras.max(LONGEST_SIZE + 2);
            return if may_become_size && is_short {
                let is_extension = matches!(whole.get(digits), Some(b' ' | b'\t' | b';'));
                self.seen = if is_extension { whole.len() } else { 0 };
                Ok(None)
            } else {
                self.bad("its size is invalid, or its line is too long")
            };
        };
        let line = match whole.strip_suffix(b"\r") {
            Some(line) => line,
            None if self.tolerant => whole,
            None => return self.bad("its size ends with a bare LF"),
        };
        if digits == 0 || digits > longest {
            return self.bad("its size is invalid");
        }
        let extension = &line[digits..];
        if !self.is_extension(extension) {
            return self.bad("what follows its size is no extension");
        }
        let text = trim(extension);
        let padding = extension.len() - text.len() + digits;
        let beyond = text.len() + padding.saturating_sub(PADDED);
        match self.extras.checked_sub(beyond) {
            Some(left) => self.extras = left,
            None => return self.bad("extensions and trailers are too large"),
        }
        let size = line[..digits].iter().fold(0, |size, digit| {
            size << 4 | u64::from(char::from(*digit).to_digit(16).unwrap_or_default())
        });
        self.chunks += 1;
        self.seen = 0;
        buf.advance(end + 1);
        Ok(Some(size))
    }

    /// Whether this may follow a chunk's size: white space (spaces and tabs alone), and an extension, of which nothing is
    /// passed on.
    fn is_extension(&self, text: &[u8]) -> bool {
        let may_follow = match trim(text) {
            [] => true,
            _ if self.tolerant => matches!(text[0], b' ' | b'\t' | b';'),
            trimmed => trimmed[0] == b';',
        };
        may_follow && !text.iter().any(|byte| matches!(byte, b'\r' | 0))
    }

    #[cold]
    fn bad<T>(&self, why: &'static str) -> Result<T, BadBody> {
        // The one whose data ended is the last that began.
        let number = self.chunks + u64::from(self.state == State::ChunkSize);
        Err(BadBody::Chunk(number, why))
    }

    /// Trailers once they are all there (RFC 9112, 7.1.2).
    fn trailers(&mut self, buf: &mut BytesMut) -> Result<Parsed, BadBody> {
        let empty = match buf[..] {
            [b'\r', b'\n', ..] => 2,
            [b'\n', ..] if self.tolerant => 1,
            [b'\r'] => return Ok(Parsed::More),
            // To one reader this is the end, to another the first of the trailers.
            [b'\n', ..] => return Err(BadBody::NoTrailers),
            _ => 0,
        };
        if empty > 0 {
            buf.advance(empty);
            self.state = State::Done;
            return Ok(Parsed::End);
        }
        let new = self.seen.saturating_sub(b"\n\r".len());
        self.seen = buf.len();
        let Some(end) = end_of_lines(&buf[new..]).map(|end| new + end) else {
            return if buf.len() > self.extras {
                Err(BadBody::NoTrailers)
            } else {
                Ok(Parsed::More)
            };
        };
        if end > self.extras {
            return Err(BadBody::NoTrailers);
        }
        let headers = if self.tolerant {
            Headers::parse_tolerantly(&buf[..end], self.most_fields)?
        } else {
            Headers::parse(&buf[..end], self.most_fields)?
        };
        buf.advance(end);
        self.state = State::Done;
        Ok(Parsed::Trailers(headers))
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

/// How many of `left` bytes are in `buf`, and how many are still to come.
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

    /// All that is read of these bytes, when `at_a_time` of them come at a time.
    fn read(
        framing: Framing,
        bytes: &[u8],
        at_a_time: usize,
    ) -> Result<(Vec<u8>, String), BadBody> {
        read_with(BodyReader::new(framing, 1000, 10), bytes, at_a_time)
    }

    /// As that, of a response.
    fn read_tolerantly(bytes: &str, at_a_time: usize) -> Result<(Vec<u8>, String), BadBody> {
        let reader = BodyReader::new(Framing::Chunked, 1000, 10).tolerant();
        read_with(reader, bytes.as_bytes(), at_a_time)
    }

    fn read_with(
        mut reader: BodyReader,
        bytes: &[u8],
        at_a_time: usize,
    ) -> Result<(Vec<u8>, String), BadBody> {
        let mut buf = BytesMut::new();
        let (mut body, mut trailers, mut rest) = (Vec::new(), Vec::new(), bytes);
        loop {
            match reader.next(&mut buf)? {
                Parsed::Piece(length) => body.extend_from_slice(&buf.split_to(length)),
                Parsed::Trailers(headers) => headers.write(&mut trailers),
                Parsed::End => return Ok((body, String::from_utf8(trailers).unwrap())),
                Parsed::More if rest.is_empty() => {
                    reader.finish()?;
                }
                Parsed::More => {
                    let (now, later) = rest.split_at(at_a_time.min(rest.len()));
                    buf.extend_from_slice(now);
                    rest = later;
                }
            }
        }
    }

    #[test]
    fn extensions_and_trailers_that_come_byte_by_byte_are_looked_at_once() {
        let long = "x".repeat(50_000);
        for body in [format!("5;{long}"), format!("0\r\nX: {long}")] {
            let mut reader = BodyReader::new(Framing::Chunked, 60_000, 10);
            let mut buf = BytesMut::new();
            for byte in body.bytes() {
                buf.extend_from_slice(&[byte]);
                assert!(matches!(reader.next(&mut buf), Ok(Parsed::More)));
            }
            assert_eq!(reader.seen, buf.len());
        }
        let zeros = "0".repeat(MOST_ZEROS);
        assert!(read(Framing::Chunked, format!("{zeros}\r\n\r\n").as_bytes(), 1).is_ok());
        assert!(
            read(
                Framing::Chunked,
                format!("{zeros}{zeros}\r\n\r\n").as_bytes(),
                1
            )
            .is_err()
        );
    }

    #[test]
    fn a_size_with_too_many_digits_is_none_however_much_of_its_line_came() {
        let digits = format!("00{}", "f".repeat(LONGEST_SIZE + 1));
        for behind in ["", "\r", " ", ";x", "\r\n"] {
            let body = format!("{digits}{behind}");
            for at_a_time in [1, body.len()] {
                let read = read(Framing::Chunked, body.as_bytes(), at_a_time);
                assert!(
                    matches!(read, Err(BadBody::Chunk(1, _))),
                    "{body:?}: {read:?}"
                );
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
            "5 x\r\nhello",
            "5\r\nhelloX\r\n0\r\n\r\n",
            "FFFFFFFFFFFFFFFF\r\nx",
            "0\r\nno field\r\n\r\n",
            "0\r\n : x\r\n\r\n",
            "5;a\0\r\nhello",
            "5\r\nhello\n0\r\n\r\n",
            "0;x\n\r\n",
            "5\r;x\r\nhello\r\n0\r\n\r\n",
            "5\x0c;x\r\nhello\r\n0\r\n\r\n",
            "5 \r ;x\r\nhello\r\n0\r\n\r\n",
            "5\x0b;x\r\nhello\r\n0\r\n\r\n",
            "5 \x0c\r\nhello\r\n0\r\n\r\n",
            "0\r\n\nX: y\r\n\r\n",
            "0\r\n\n",
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
    fn white_space_behind_the_size_of_a_chunk_is_no_part_of_it() {
        for body in [
            "5  \r\nhello\r\n0\t\r\n\r\n",
            "5 \t;a \r\nhello\r\n0 ;\r\n\r\n",
            "5;\x01\r\nhello\r\n0\r\n\r\n",
        ] {
            for at_a_time in [1, 1000] {
                let (read, _) = read(Framing::Chunked, body.as_bytes(), at_a_time).unwrap();
                assert_eq!(read, b"hello", "{body:?}");
            }
        }
    }

    #[test]
    fn zeros_before_the_size_of_a_chunk_are_part_of_it() {
        let body = format!("{}5\r\nhello\r\n{}\r\n\r\n", "0".repeat(30), "0".repeat(30));
        for at_a_time in [1, 1000] {
            let (read, _) = read(Framing::Chunked, body.as_bytes(), at_a_time).unwrap();
            assert_eq!(read, b"hello");
        }
        let endless = "0".repeat(2000);
        assert!(read(Framing::Chunked, endless.as_bytes(), 10).is_err());
    }

    #[test]
    fn chunks_of_a_response_are_read_as_applications_write_them() {
        for body in [
            "5  \r\nhello\r\n0\r\n\r\n",
            "5\t \r\nhello\r\n0   \r\n\r\n",
            "5 \t;a=b\r\nhello\r\n0\r\n\r\n",
            "5 x\r\nhello\r\n0\r\n\r\n",
            "5;a=\x01\r\nhello\r\n0\r\n\r\n",
            "5\nhello\n0\n\n",
            "5\nhello\r\n0\r\n\r\n",
            "5\r\nhello\n0\n\r\n",
            "5\r\nhello\r\n0\r\n\n",
        ] {
            for at_a_time in [1, 1000] {
                let (read, _) = read_tolerantly(body, at_a_time).unwrap();
                assert_eq!(read, b"hello", "{body:?}");
            }
        }
        let (_, trailers) = read_tolerantly("0\nX : 1\n 2\nY[]: \x01\nZ\n\n", 1).unwrap();
        assert_eq!(trailers, "X: 1 2\r\nY[]: \x01\r\n");
    }

    #[test]
    fn of_a_response_too_what_is_no_chunk_is_never_an_end() {
        for (body, number) in [
            ("zz\r\n", 1),
            (" 5\r\nhello", 1),
            ("\r\n", 1),
            ("5x\r\nhello", 1),
            ("5\r;x\r\nhello", 1),
            ("5\x0c\r\nhello", 1),
            ("5 \0\r\nhello", 1),
            ("1\r\nx\r\n5\r\nhelloX", 2),
            ("1\r\nx\r\n\r\n5\r\nhello", 2),
            ("1\r\nx\r\nFFFFFFFFFFFFFFFF\r\nx", 2),
        ] {
            for at_a_time in [1, 1000] {
                let read = read_tolerantly(body, at_a_time);
                let Err(BadBody::Chunk(of, _)) = read else {
                    panic!("{read:?} of {body:?}");
                };
                assert_eq!(of, number, "{body:?}");
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
        let read_10 = |body: &str| read(Framing::Chunked, body.as_bytes(), 10);
        assert!(matches!(read_10(&endless), Err(BadBody::Chunk(1, _))));
        let endless = format!("0\r\nX: {}\r\n\r\n", "x".repeat(2000));
        assert_eq!(read_10(&endless), Err(BadBody::NoTrailers));
        assert!(read_10(&"1;x\r\nx\r\n".repeat(2000)).is_err());
        assert!(read_10(&format!("1{}\r\nx\r\n", " ".repeat(500)).repeat(3)).is_err());
        let padded = format!("{}0\r\n\r\n", "0001      \r\nx\r\n".repeat(2000));
        assert_eq!(read_10(&padded).unwrap().0.len(), 2000);
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
