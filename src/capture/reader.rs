//! Reads a file of either format: its first bytes say which it is, or what follows them where its beginning is damaged.

use std::{io, path::Path};

use super::{Format, Input, Record, Troubles, gor, native};

/// A file of records, read one by one.
pub(crate) struct Reader {
    input: Input,
    decoder: Decoder,
}

enum Decoder {
    Native(native::Decoder),
    Gor(Box<gor::Joiner>),
}

impl Reader {
    /// Opens a file.
    pub(crate) fn open(path: &Path) -> io::Result<Self> {
        Ok(Self::new(path, Input::open(path)?))
    }

    pub(super) fn new(path: &Path, mut input: Input) -> Self {
        let decoder = match format(path, &mut input) {
            Format::Gor => Decoder::Gor(Box::new(gor::Joiner::new(path.into()))),
            Format::Native => Decoder::Native(native::Decoder::new(path.into())),
        };
        Self { input, decoder }
    }

    /// Goes to the next record; false at the end. What is damaged is skipped and noted.
    pub(crate) fn advance(&mut self) -> bool {
        match &mut self.decoder {
            Decoder::Native(decoder) => decoder.advance(&mut self.input),
            Decoder::Gor(joiner) => joiner.advance(&mut self.input),
        }
    }

    /// The record that [`Reader::advance`] went to.
    pub(crate) fn record(&self) -> Record<'_> {
        match &self.decoder {
            Decoder::Native(decoder) => decoder.record(&self.input),
            Decoder::Gor(joiner) => joiner.record(),
        }
    }

    /// Where in the file it is, in bytes as they were before compression.
    pub(crate) fn offset(&self) -> u64 {
        self.input.offset()
    }

    /// Bytes read so far of the file as it is stored, which may be compressed.
    pub(crate) fn stored(&self) -> u64 {
        self.input.stored()
    }

    pub(crate) fn troubles(&mut self) -> &mut Troubles {
        match &mut self.decoder {
            Decoder::Native(decoder) => decoder.troubles(),
            Decoder::Gor(joiner) => joiner.troubles(),
        }
    }
}

/// Where nothing at a file's beginning tells its format, a record of either is looked for up to here.
const LOOKED_THROUGH: usize = 16 << 20;

/// The format of a file: by its first bytes, or by what is found behind them, or by its name.
fn format(path: &Path, input: &mut Input) -> Format {
    input.has(gor::BEGINNING);
    if input.bytes().starts_with(native::MAGIC) {
        return Format::Native;
    }
    if gor::is_at_start(input.bytes()) {
        return Format::Gor;
    }
    let named = Format::of(path).map(|(format, _)| format);
    let mut looked = 0;
    loop {
        let bytes = input.bytes();
        let begin = looked.min(bytes.len());
        match (native::find(&bytes[begin..]), gor::find(&bytes[begin..])) {
            (None, None) => {}
            (Some(_), None) => return Format::Native,
            (None, Some(_)) => return Format::Gor,
            // A body may hold a capture of the other format.
            (Some(at), Some(other)) if at < other => return named.unwrap_or(Format::Native),
            (Some(_), Some(_)) => return named.unwrap_or(Format::Gor),
        }
        // What begins at the window's end is looked at again.
        looked = bytes.len().saturating_sub(64);
        if bytes.len() >= LOOKED_THROUGH || !input.more() {
            return named.unwrap_or(Format::Native);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use super::{super::native::Encoder, *};

    fn requests(name: &str, bytes: Vec<u8>) -> usize {
        let mut reader = Reader::new(Path::new(name), Input::new(Box::new(Cursor::new(bytes))));
        std::iter::from_fn(|| reader.advance().then_some(())).count()
    }

    fn written() -> (Vec<u8>, Vec<u8>) {
        let record = Record {
            id: b"0123456789abcdef01234567",
            request: b"GET / HTTP/1.1\r\nHost: a\r\n\r\n",
            ..Record::default()
        };
        let (mut native, mut gor) = (Vec::new(), Vec::new());
        let encoder = Encoder::begin(&mut native, &serde_json::Value::Null);
        for _ in 0..3 {
            encoder.write(&record, &mut native);
            gor::write(&record, &mut gor).unwrap();
        }
        (native, gor)
    }

    #[test]
    fn pieces_of_recordings_are_read_whatever_their_names() {
        let (native, gor) = written();
        for name in ["piece.log", "piece", "piece.gor", "piece.tee"] {
            for head in [
                "\u{feff}",
                "\n",
                "\n\u{1f435}\u{1f648}\u{1f649}\n",
                "# by hand\n",
            ] {
                let bytes = [head.as_bytes(), &gor].concat();
                assert_eq!(requests(name, bytes), 3, "{name} {head:?}");
            }
            assert_eq!(requests(name, gor[20..].to_vec()), 2, "{name}");
            assert_eq!(requests(name, native[10..].to_vec()), 3, "{name}");
            assert_eq!(
                requests(name, native[native.len() / 2..].to_vec()),
                1,
                "{name}"
            );
        }
        let far = [vec![b'x'; 1 << 20], gor].concat();
        assert_eq!(requests("piece.log", far), 2);
    }
}
