//! Connections in memory, for tests: nothing passes but what a test says, and time stands still where tokio's clock does.

use std::{
    collections::VecDeque,
    io,
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard},
    task::{Context, Poll, Waker},
};

use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, ReadBuf},
    sync::Notify,
};

use super::ConnectError;

/// One end of a connection.
pub(crate) struct Memory {
    incoming: Arc<Mutex<Pipe>>,
    outgoing: Arc<Mutex<Pipe>>,
    resets: bool,
}

/// Bytes on their way from one end to the other.
struct Pipe {
    bytes: VecDeque<u8>,
    /// So many may be on their way.
    room: usize,
    end: Option<End>,
    /// Nobody reads them any more.
    is_unread: bool,
    reader: Option<Waker>,
    writer: Option<Waker>,
}

#[derive(Clone, Copy)]
enum End {
    Closed,
    Reset,
}

impl Pipe {
    fn new(room: usize) -> Arc<Mutex<Self>> {
        Arc::new(Mutex::new(Self {
            bytes: VecDeque::new(),
            room,
            end: None,
            is_unread: false,
            reader: None,
            writer: None,
        }))
    }

    fn wake(&mut self) {
        for waker in [self.reader.take(), self.writer.take()]
            .into_iter()
            .flatten()
        {
            waker.wake();
        }
    }

    fn end(&mut self, end: End) {
        self.end.get_or_insert(end);
        self.wake();
    }
}

fn lock(pipe: &Mutex<Pipe>) -> MutexGuard<'_, Pipe> {
    pipe.lock().unwrap()
}

impl Memory {
    /// Both ends; so many bytes may be on their way from one to the other.
    pub(crate) fn pair(room: usize) -> (Self, Self) {
        let (one, other) = (Pipe::new(room), Pipe::new(room));
        let end = |incoming: &Arc<_>, outgoing: &Arc<_>| Self {
            incoming: Arc::clone(incoming),
            outgoing: Arc::clone(outgoing),
            resets: false,
        };
        (end(&one, &other), end(&other, &one))
    }

    pub(super) fn is_quiet(&self) -> bool {
        let incoming = lock(&self.incoming);
        incoming.bytes.is_empty() && incoming.end.is_none()
    }

    pub(super) fn poll_recv(&self, cx: &Context<'_>, into: &mut [u8]) -> Poll<io::Result<usize>> {
        let mut pipe = lock(&self.incoming);
        if pipe.bytes.is_empty() {
            return match pipe.end {
                Some(End::Closed) => Poll::Ready(Ok(0)),
                Some(End::Reset) => Poll::Ready(Err(io::ErrorKind::ConnectionReset.into())),
                None => {
                    pipe.reader = Some(cx.waker().clone());
                    Poll::Pending
                }
            };
        }
        let length = into.len().min(pipe.bytes.len());
        for (to, from) in into.iter_mut().zip(pipe.bytes.drain(..length)) {
            *to = from;
        }
        pipe.wake();
        Poll::Ready(Ok(length))
    }

    /// Its end is a reset: the other side loses nothing that came, and can't take it for whole.
    pub(crate) fn reset_on_close(&mut self) {
        self.resets = true;
    }

    /// Everything that comes, up to and with these bytes.
    pub(crate) async fn read_to(&mut self, end: &str) -> String {
        let mut read = String::new();
        while !read.ends_with(end) {
            let byte = self.read_u8().await;
            read.push(char::from(byte.unwrap_or_else(|error| {
                panic!("{error} behind {read:?}, before {end:?}")
            })));
        }
        read
    }

    /// Everything that comes until the other end is closed, and whether that was a clean end.
    pub(crate) async fn read_all(&mut self) -> (String, bool) {
        let mut read = Vec::new();
        let is_clean = self.read_to_end(&mut read).await.is_ok();
        (String::from_utf8(read).unwrap(), is_clean)
    }

    /// Sends text; the other end may be gone.
    pub(crate) async fn say(&mut self, text: &str) {
        let _ = self.write_all(text.as_bytes()).await;
    }
}

impl Drop for Memory {
    fn drop(&mut self) {
        let end = if self.resets { End::Reset } else { End::Closed };
        lock(&self.outgoing).end(end);
        let mut incoming = lock(&self.incoming);
        incoming.is_unread = true;
        incoming.wake();
    }
}

impl AsyncRead for Memory {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let read = self.poll_recv(cx, buf.initialize_unfilled());
        read.map_ok(|length| buf.advance(length))
    }
}

impl AsyncWrite for Memory {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        let mut pipe = lock(&self.outgoing);
        if pipe.is_unread || pipe.end.is_some() {
            return Poll::Ready(Err(io::ErrorKind::BrokenPipe.into()));
        }
        let length = buf.len().min(pipe.room - pipe.bytes.len());
        if length == 0 && !buf.is_empty() {
            pipe.writer = Some(cx.waker().clone());
            return Poll::Pending;
        }
        pipe.bytes.extend(&buf[..length]);
        pipe.wake();
        Poll::Ready(Ok(length))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        lock(&self.outgoing).end(End::Closed);
        Poll::Ready(Ok(()))
    }
}

/// A server in memory: connections to it wait until the test takes them.
#[derive(Clone)]
pub(crate) struct Server {
    state: Arc<Mutex<State>>,
    called: Arc<Notify>,
}

struct State {
    waiting: VecDeque<Memory>,
    answers: Answers,
    room: usize,
}

/// What a server does about those who connect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Answers {
    Accepts,
    Refuses,
    Hangs,
}

impl Server {
    /// So many bytes may be on their way on each connection, in each direction.
    pub(crate) fn new(room: usize) -> Self {
        Self {
            state: Arc::new(Mutex::new(State {
                waiting: VecDeque::new(),
                answers: Answers::Accepts,
                room,
            })),
            called: Arc::default(),
        }
    }

    /// What it does from now on about those who connect.
    pub(crate) fn set(&self, answers: Answers) {
        self.state.lock().unwrap().answers = answers;
    }

    /// The next connection.
    pub(crate) async fn accept(&self) -> Memory {
        loop {
            if let Some(end) = self.state.lock().unwrap().waiting.pop_front() {
                return end;
            }
            self.called.notified().await;
        }
    }

    /// Whether nobody has connected who was not accepted.
    pub(crate) fn is_left_alone(&self) -> bool {
        self.state.lock().unwrap().waiting.is_empty()
    }

    pub(super) async fn connect(&self) -> Result<Memory, ConnectError> {
        let answers = self.state.lock().unwrap().answers;
        match answers {
            Answers::Accepts => {}
            Answers::Refuses => {
                return Err(ConnectError::Refused(
                    io::ErrorKind::ConnectionRefused.into(),
                ));
            }
            Answers::Hangs => std::future::pending().await,
        }
        let mut state = self.state.lock().unwrap();
        let (here, there) = Memory::pair(state.room);
        state.waiting.push_back(there);
        self.called.notify_one();
        Ok(here)
    }
}
