//! Reading messages and pieces of them from a stream.

use std::io::{self, Read, Write};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use super::PATIENCE;
use super::address::Stream;
use super::message::{Message, latin1};

/// How a peer ended its side.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ending {
    Clean,
    Reset,
}

/// What a message is: that decides where its body ends.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Request,
    Answer,
    AnswerToHead,
}

/// All that came in on one connection, to be looked at while it comes.
#[derive(Clone, Default)]
pub(crate) struct Trace(Arc<Mutex<(Vec<u8>, Option<Ending>)>>);

impl Trace {
    pub(crate) fn bytes(&self) -> Vec<u8> {
        self.0.lock().unwrap().0.clone()
    }

    pub(crate) fn ending(&self) -> Option<Ending> {
        self.0.lock().unwrap().1
    }

    fn note(&self, bytes: &[u8]) {
        self.0.lock().unwrap().0.extend_from_slice(bytes);
    }

    fn end(&self, ending: Ending) {
        self.0.lock().unwrap().1.get_or_insert(ending);
    }
}

pub(crate) struct Wire {
    pub(crate) stream: Stream,
    pub(crate) trace: Trace,
    /// Bytes that came and were not taken yet.
    buffer: Vec<u8>,
    /// Whether what comes is kept in the trace.
    quiet: bool,
    /// What one read takes.
    piece: Box<[u8]>,
}

impl Wire {
    pub(crate) fn new(stream: Stream) -> Self {
        Self {
            stream,
            trace: Trace::default(),
            buffer: Vec::new(),
            quiet: false,
            piece: vec![0; 64 * 1024].into_boxed_slice(),
        }
    }

    /// From here on bytes are not kept: for a body too large for that.
    pub(crate) fn hush(&mut self) {
        self.quiet = true;
    }

    pub(crate) fn send(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.stream.write_all(bytes)
    }

    pub(crate) fn message(&mut self, kind: Kind) -> io::Result<Message> {
        let mut message = self.head()?;
        self.body_of(&mut message, kind)?;
        Ok(message)
    }

    /// A head, up to and with its empty line.
    pub(crate) fn head(&mut self) -> io::Result<Message> {
        let raw = self.until(b"\r\n\r\n")?;
        let head = latin1(&raw[..raw.len() - 4]);
        Ok(Message {
            raw,
            head,
            ..Message::default()
        })
    }

    /// The body that belongs to a head, with its trailers.
    pub(crate) fn body_of(&mut self, message: &mut Message, kind: Kind) -> io::Result<()> {
        if kind == Kind::AnswerToHead {
            return Ok(());
        }
        if kind == Kind::Answer && matches!(message.status(), 100..=199 | 204 | 304) {
            return Ok(());
        }
        if message.is_chunked() {
            return self.chunks(message);
        }
        if let Some(length) = message.header("content-length") {
            let length = length
                .parse()
                .map_err(|_| io::Error::other(format!("a length of {length:?}")))?;
            message.body = self.take(length)?;
        } else if kind == Kind::Answer {
            message.body = self.all()?;
        }
        message.raw.extend_from_slice(&message.body);
        Ok(())
    }

    fn chunks(&mut self, message: &mut Message) -> io::Result<()> {
        while let Some(piece) = self.chunk(message)? {
            message.body.extend_from_slice(&piece);
        }
        loop {
            let line = self.until(b"\r\n")?;
            message.raw.extend_from_slice(&line);
            if line == b"\r\n" {
                return Ok(());
            }
            message.trailers.push(latin1(&line[..line.len() - 2]));
        }
    }

    /// The next chunk; none when it is the last. Trailers stay to be read.
    pub(crate) fn chunk(&mut self, message: &mut Message) -> io::Result<Option<Vec<u8>>> {
        let line = self.until(b"\r\n")?;
        message.raw.extend_from_slice(&line);
        let size = latin1(&line);
        let size = size.split(';').next().unwrap_or_default().trim();
        let size = usize::from_str_radix(size, 16)
            .map_err(|_| io::Error::other(format!("a chunk of {size:?}")))?;
        if size == 0 {
            return Ok(None);
        }
        let mut piece = self.take(size + 2)?;
        message.raw.extend_from_slice(&piece);
        if piece.split_off(size) != b"\r\n" {
            return Err(io::Error::other("a chunk without its end"));
        }
        Ok(Some(piece))
    }

    pub(crate) fn take(&mut self, length: usize) -> io::Result<Vec<u8>> {
        while self.buffer.len() < length {
            self.fill()?;
        }
        let rest = self.buffer.split_off(length);
        Ok(std::mem::replace(&mut self.buffer, rest))
    }

    /// Whatever has come, at least one byte.
    pub(crate) fn some(&mut self) -> io::Result<Vec<u8>> {
        if self.buffer.is_empty() {
            self.fill()?;
        }
        Ok(std::mem::take(&mut self.buffer))
    }

    /// Whether nothing has come, and nothing comes for a moment.
    pub(crate) fn is_silent(&mut self) -> io::Result<bool> {
        if !self.buffer.is_empty() {
            return Ok(false);
        }
        self.stream.patience(Duration::from_millis(50))?;
        let filled = self.fill();
        self.stream.patience(PATIENCE)?;
        Ok(
            matches!(filled, Err(e) if matches!(e.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut)),
        )
    }

    fn until(&mut self, end: &[u8]) -> io::Result<Vec<u8>> {
        let mut looked = 0;
        loop {
            if let Some(found) = self.buffer[looked..]
                .windows(end.len())
                .position(|w| w == end)
            {
                return self.take(looked + found + end.len());
            }
            looked = self.buffer.len().saturating_sub(end.len());
            self.fill()?;
        }
    }

    /// Everything up to a clean end.
    pub(crate) fn all(&mut self) -> io::Result<Vec<u8>> {
        let mut all = Vec::new();
        match self.drain(&mut |piece| all.extend_from_slice(piece))? {
            Ending::Clean => Ok(all),
            Ending::Reset => Err(io::ErrorKind::ConnectionReset.into()),
        }
    }

    /// Reads to the end, whichever it is.
    pub(crate) fn drain(&mut self, each: &mut dyn FnMut(&[u8])) -> io::Result<Ending> {
        loop {
            each(&std::mem::take(&mut self.buffer));
            match self.fill() {
                Ok(()) => {}
                Err(e) if e.kind() == io::ErrorKind::UnexpectedEof => return Ok(Ending::Clean),
                Err(e) if broke(&e) => return Ok(Ending::Reset),
                Err(e) => return Err(e),
            }
        }
    }

    fn fill(&mut self) -> io::Result<()> {
        let read = loop {
            match self.stream.read(&mut self.piece) {
                Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                read => break read,
            }
        };
        match read {
            Ok(0) => {
                self.trace.end(Ending::Clean);
                Err(io::ErrorKind::UnexpectedEof.into())
            }
            Ok(n) => {
                if !self.quiet {
                    self.trace.note(&self.piece[..n]);
                }
                self.buffer.extend_from_slice(&self.piece[..n]);
                Ok(())
            }
            Err(e) => {
                if broke(&e) {
                    self.trace.end(Ending::Reset);
                }
                Err(e)
            }
        }
    }
}

fn broke(e: &io::Error) -> bool {
    matches!(
        e.kind(),
        io::ErrorKind::ConnectionReset | io::ErrorKind::BrokenPipe
    )
}
