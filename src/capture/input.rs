//! A file that is read from its start to its end, through a window that records are looked at in.

use std::{
    fs::File,
    io::{self, Read},
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
};

/// How much the window holds, unless a record is larger.
const WINDOW: usize = 256 * 1024;

/// A file being read. Offsets are those of what was written, before it was compressed.
pub(crate) struct Input {
    source: Box<dyn Read + Send>,
    buf: Vec<u8>,
    start: usize,
    end: usize,
    offset: u64,
    ended: bool,
    broke: Option<io::Error>,
    stored: Arc<AtomicU64>,
}

/// Counts what is read, below whatever takes it apart.
struct Counted<R> {
    source: R,
    read: Arc<AtomicU64>,
}

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let length = self.source.read(buf)?;
        self.read.fetch_add(length as u64, Relaxed);
        Ok(length)
    }
}

impl Input {
    /// Opens a file, compressed or not: its first bytes say which. `-` is standard input.
    pub(crate) fn open(path: &Path) -> io::Result<Self> {
        let is_input = path.as_os_str() == "-";
        let mut file = File::open(if is_input {
            Path::new("/dev/stdin")
        } else {
            path
        })?;
        let mut first = Vec::new();
        Read::by_ref(&mut file).take(4).read_to_end(&mut first)?;
        let stored = Arc::new(AtomicU64::new(0));
        let whole = Counted {
            source: io::Cursor::new(first.clone()).chain(file),
            read: Arc::clone(&stored),
        };
        let input = Self::new(match first[..] {
            [0x1f, 0x8b, ..] => Box::new(flate2::read::MultiGzDecoder::new(whole)),
            [0x28, 0xb5, 0x2f, 0xfd] => Box::new(zstd::Decoder::new(whole)?),
            _ => Box::new(whole),
        });
        Ok(Self { stored, ..input })
    }

    pub(crate) fn new(source: Box<dyn Read + Send>) -> Self {
        Self {
            source,
            buf: vec![0; WINDOW],
            start: 0,
            end: 0,
            offset: 0,
            ended: false,
            broke: None,
            stored: Arc::default(),
        }
    }

    /// Bytes read so far of the file as it is stored.
    pub(crate) fn stored(&self) -> u64 {
        self.stored.load(Relaxed)
    }

    /// What is in the window.
    pub(crate) fn bytes(&self) -> &[u8] {
        &self.buf[self.start..self.end]
    }

    /// Where the window begins in the file.
    pub(crate) fn offset(&self) -> u64 {
        self.offset
    }

    /// The error that ended the file before its end; only once.
    pub(crate) fn take_error(&mut self) -> Option<io::Error> {
        self.broke.take()
    }

    /// Whether `length` bytes are in the window, or can be read into it.
    pub(crate) fn has(&mut self, length: usize) -> bool {
        while self.end - self.start < length {
            if !self.fill(length) {
                return false;
            }
        }
        true
    }

    /// Reads more into the window; false at the end.
    pub(crate) fn more(&mut self) -> bool {
        self.has(self.end - self.start + 1)
    }

    fn fill(&mut self, wanted: usize) -> bool {
        if self.ended {
            return false;
        }
        if self.start + wanted > self.buf.len() || self.end == self.buf.len() {
            self.buf.copy_within(self.start..self.end, 0);
            self.end -= self.start;
            self.start = 0;
        }
        let size = match wanted {
            0..=WINDOW => WINDOW,
            // With room behind it, so that not every record of a kind moves all of it.
            more => more + more / 2,
        };
        if self.buf.len() < size {
            self.buf.resize(size, 0);
        }
        match self.source.read(&mut self.buf[self.end..]) {
            Ok(0) => self.ended = true,
            Ok(length) => self.end += length,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => {
                self.ended = true;
                self.broke = Some(error);
            }
        }
        !self.ended
    }

    /// Leaves bytes of the window behind.
    pub(crate) fn skip(&mut self, length: usize) {
        debug_assert!(length <= self.end - self.start, "only what is there");
        self.start += length;
        self.offset += length as u64;
        if self.start == self.end {
            (self.start, self.end) = (0, 0);
            if self.buf.len() > WINDOW {
                // A window grown for one large record is not kept.
                self.buf = vec![0; WINDOW];
            }
        }
    }

    /// Leaves bytes behind that need not be in the window; false where the file ends before.
    pub(crate) fn skip_far(&mut self, mut length: u64) -> bool {
        while length > 0 {
            if !self.has(1) {
                return false;
            }
            let here = usize::try_from(length)
                .unwrap_or(usize::MAX)
                .min(self.bytes().len());
            self.skip(here);
            length -= here as u64;
        }
        true
    }
}
