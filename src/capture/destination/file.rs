//! A file being written: private, never one that exists, compressed as its name says.

use std::{
    fs::{File, OpenOptions},
    io::{self, Write},
    os::unix::fs::{MetadataExt, OpenOptionsExt},
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use serde_json::Value;

use super::{
    super::{Compression, Format, Record, encoder::Encoder},
    NotAdded, Sink,
};

/// A file being written.
pub(crate) struct CaptureFile {
    pub(crate) path: PathBuf,
    stream: Stream,
    encoder: Encoder,
    buf: Vec<u8>,
    /// Bytes handed to the system, after compression.
    written: u64,
    opened: Instant,
    rotation: Option<Rotation>,
}

/// From what size and what age on another file takes the place of one.
#[derive(Clone, Copy, Debug)]
pub(super) struct Rotation {
    pub(super) bytes: u64,
    pub(super) age: Duration,
}

enum Stream {
    Plain(File),
    Gzip(flate2::write::GzEncoder<File>),
    Zstd(zstd::Encoder<'static, File>),
}

/// So much is collected before it is written.
const FULL: usize = 256 * 1024;

/// A new file that only its owner may read.
///
/// # Errors
/// Where there is one already ([`io::ErrorKind::AlreadyExists`]), or it can't be made.
pub(crate) fn private_file(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    let created = options.write(true).create_new(true).mode(0o600).open(path);
    created.map_err(|error| match error.kind() {
        io::ErrorKind::AlreadyExists => io::Error::new(
            io::ErrorKind::AlreadyExists,
            "there is such a file already, and none is overwritten",
        ),
        _ => error,
    })
}

impl Stream {
    fn writer(&mut self) -> &mut dyn Write {
        match self {
            Self::Plain(file) => file,
            Self::Gzip(encoder) => encoder,
            Self::Zstd(encoder) => encoder,
        }
    }
}

impl CaptureFile {
    /// Creates a file; `about` is what its header says beside the format.
    ///
    /// # Errors
    /// Where there is one already, or it can't be made.
    pub(crate) fn create(
        path: &Path,
        format: (Format, Compression),
        about: &Value,
    ) -> io::Result<Self> {
        let file = private_file(path)?;
        let mut buf = Vec::with_capacity(FULL);
        let encoder = Encoder::begin(format.0, about, &mut buf);
        let stream = match format.1 {
            Compression::None => Stream::Plain(file),
            Compression::Gzip => Stream::Gzip(flate2::write::GzEncoder::new(
                file,
                flate2::Compression::fast(),
            )),
            Compression::Zstd => Stream::Zstd(zstd::Encoder::new(file, 1)?),
        };
        Ok(Self {
            path: path.into(),
            stream,
            encoder,
            buf,
            written: 0,
            opened: Instant::now(),
            rotation: None,
        })
    }

    pub(super) fn rotating(self, rotation: Rotation) -> Self {
        Self {
            rotation: Some(rotation),
            ..self
        }
    }

    fn file(&self) -> &File {
        match &self.stream {
            Stream::Plain(file) => file,
            Stream::Gzip(encoder) => encoder.get_ref(),
            Stream::Zstd(encoder) => encoder.get_ref(),
        }
    }

    fn is_plain(&self) -> bool {
        matches!(self.stream, Stream::Plain(_))
    }

    /// Writes what is collected. Afterwards a plain file ends with a whole record, also where it failed.
    fn write(&mut self) -> io::Result<()> {
        let result = self.stream.writer().write_all(&self.buf);
        if let (Err(_), Stream::Plain(file)) = (&result, &self.stream) {
            // Best effort: a reader skips half a record, too.
            let _ = file.set_len(self.written);
        }
        let length = self.buf.len() as u64;
        self.buf.clear();
        result?;
        if self.is_plain() {
            self.written += length;
        } else {
            self.written = self.file().metadata()?.len();
        }
        Ok(())
    }
}

impl Sink for CaptureFile {
    fn name(&self) -> String {
        self.path.display().to_string()
    }

    fn add(&mut self, record: &Record<'_>) -> Result<(), NotAdded> {
        self.encoder.write(record, &mut self.buf)?;
        // Of what is compressed, nobody knows how much is in the file before it is flushed; a flush makes it larger.
        if self.buf.len() >= FULL && !self.is_plain() {
            self.write()?;
        }
        Ok(())
    }

    fn wants_flush(&self) -> bool {
        self.buf.len() >= FULL
    }

    fn flush(&mut self) -> io::Result<()> {
        self.write()?;
        self.stream.writer().flush()?;
        let about = self.file().metadata()?;
        self.written = about.len();
        if about.nlink() == 0 {
            return Err(io::Error::new(
                io::ErrorKind::NotFound,
                "the file, or its folder, was removed",
            ));
        }
        Ok(())
    }

    fn len(&self) -> u64 {
        self.written
    }

    fn is_done(&self) -> bool {
        self.rotation.is_some_and(|Rotation { bytes, age }| {
            self.written >= bytes || self.opened.elapsed() >= age
        })
    }

    fn finish(mut self: Box<Self>) -> io::Result<()> {
        self.flush()?;
        match self.stream {
            Stream::Plain(_) => {}
            Stream::Gzip(encoder) => drop(encoder.finish()?),
            Stream::Zstd(encoder) => drop(encoder.finish()?),
        }
        Ok(())
    }

    fn discard(self: Box<Self>) {
        let _ = std::fs::remove_file(&self.path);
    }
}
