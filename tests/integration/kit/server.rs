//! Servers on plain threads that do what a script says, and remember every byte that came.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::net::TcpListener;
use std::os::unix::net::UnixListener;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use tempfile::TempDir;

use super::address::{At, Stream, free_listener};
use super::eventually;
use super::message::Message;
use super::wire::{Ending, Kind, Trace, Wire};

/// What a server does with one connection.
type Script = dyn Fn(&mut Conn) -> io::Result<()> + Send + Sync;

/// Listens until dropped. What it needs beyond its life is closed with it.
pub(crate) struct Server {
    address: String,
    seen: Arc<Seen>,
    _dir: Option<TempDir>,
}

#[derive(Default)]
struct Seen {
    requests: Mutex<Vec<Message>>,
    traces: Mutex<Vec<Trace>>,
    open: Mutex<BTreeMap<usize, Stream>>,
    closed: Mutex<BTreeSet<usize>>,
    counted: AtomicU64,
    ended: AtomicBool,
}

enum Listener {
    Tcp(TcpListener),
    Unix(UnixListener),
}

impl Listener {
    fn accept(&self) -> io::Result<Stream> {
        match self {
            Self::Tcp(tcp) => Stream::Tcp(tcp.accept()?.0).bounded(),
            Self::Unix(unix) => Stream::Unix(unix.accept()?.0).bounded(),
        }
    }
}

impl Server {
    pub(crate) fn tcp(
        script: impl Fn(&mut Conn) -> io::Result<()> + Send + Sync + 'static,
    ) -> Self {
        let listener = free_listener();
        let address = listener.local_addr().expect("an address");
        Self::on(
            Listener::Tcp(listener),
            address.to_string(),
            None,
            Arc::new(script),
        )
    }

    /// On 127.0.0.1 itself, which has a name.
    pub(crate) fn local(
        script: impl Fn(&mut Conn) -> io::Result<()> + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("listening on a free port");
        let address = listener.local_addr().expect("an address").to_string();
        Self::on(Listener::Tcp(listener), address, None, Arc::new(script))
    }

    pub(crate) fn unix(
        script: impl Fn(&mut Conn) -> io::Result<()> + Send + Sync + 'static,
    ) -> Self {
        let dir = tempfile::tempdir().expect("a folder");
        let path = dir.path().join("server.sock");
        let listener = UnixListener::bind(&path).expect("listening on a unix socket");
        Self::on(
            Listener::Unix(listener),
            path.at(),
            Some(dir),
            Arc::new(script),
        )
    }

    /// Takes over a listener on a unix socket in a folder that goes with it.
    pub(crate) fn over(
        listener: UnixListener,
        path: &Path,
        dir: TempDir,
        script: impl Fn(&mut Conn) -> io::Result<()> + Send + Sync + 'static,
    ) -> Self {
        Self::on(
            Listener::Unix(listener),
            path.at(),
            Some(dir),
            Arc::new(script),
        )
    }

    fn on(listener: Listener, address: String, dir: Option<TempDir>, script: Arc<Script>) -> Self {
        let seen = Arc::new(Seen::default());
        let shared = Arc::clone(&seen);
        thread::spawn(move || {
            while let Ok(stream) = listener.accept() {
                if shared.ended.load(Ordering::SeqCst) {
                    break;
                }
                serve(stream, &shared, &script);
            }
        });
        Self {
            address,
            seen,
            _dir: dir,
        }
    }

    /// The requests that came whole, in the order in which they did.
    pub(crate) fn requests(&self) -> Vec<Message> {
        self.seen.requests.lock().unwrap().clone()
    }

    /// Waits for so many requests.
    #[track_caller]
    pub(crate) fn wait_for(&self, many: usize) -> Vec<Message> {
        eventually(&format!("{many} requests at a server"), || {
            Some(self.requests()).filter(|r| r.len() >= many)
        })
    }

    /// The only request.
    #[track_caller]
    pub(crate) fn request(&self) -> Message {
        let mut requests = self.wait_for(1);
        assert_eq!(requests.len(), 1, "one request");
        requests.remove(0)
    }

    pub(crate) fn connections(&self) -> usize {
        self.seen.traces.lock().unwrap().len()
    }

    /// What came on a connection so far, by its number.
    #[track_caller]
    pub(crate) fn connection(&self, number: usize) -> Trace {
        eventually("a connection to a server", || {
            self.seen.traces.lock().unwrap().get(number).cloned()
        })
    }

    /// Whether the server has closed a connection.
    pub(crate) fn is_closed(&self, number: usize) -> bool {
        self.seen.closed.lock().unwrap().contains(&number)
    }

    /// How many requests there were.
    pub(crate) fn many(&self) -> usize {
        self.seen.requests.lock().unwrap().len()
    }

    /// Bytes read with `Conn::count`.
    pub(crate) fn counted(&self) -> u64 {
        self.seen.counted.load(Ordering::SeqCst)
    }
}

fn serve(stream: Stream, seen: &Arc<Seen>, script: &Arc<Script>) {
    let Ok(twin) = stream.try_clone() else { return };
    let wire = Wire::new(stream);
    let number = {
        let mut traces = seen.traces.lock().unwrap();
        traces.push(wire.trace.clone());
        traces.len() - 1
    };
    seen.open.lock().unwrap().insert(number, twin);
    let mut conn = Conn {
        wire,
        number,
        seen: Arc::clone(seen),
    };
    let script = Arc::clone(script);
    thread::spawn(move || {
        // A connection that ends is no fault of the script.
        let _ = script(&mut conn);
        // The twin would keep it open.
        let twin = conn.seen.open.lock().unwrap().remove(&number);
        let seen = Arc::clone(&conn.seen);
        drop((twin, conn));
        seen.closed.lock().unwrap().insert(number);
    });
}

impl At for Server {
    fn at(&self) -> String {
        self.address.clone()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.seen.ended.store(true, Ordering::SeqCst);
        let _ = Stream::connect(&self.address);
        for stream in self.seen.open.lock().unwrap().values() {
            let _ = stream.shutdown(std::net::Shutdown::Both);
        }
    }
}

/// One connection in the hands of a script.
pub(crate) struct Conn {
    wire: Wire,
    pub(crate) number: usize,
    seen: Arc<Seen>,
}

impl Conn {
    /// The next request, whole.
    pub(crate) fn request(&mut self) -> io::Result<Message> {
        let mut request = self.wire.head()?;
        self.body(&mut request)?;
        Ok(request)
    }

    /// The head of the next request. Its body stays to be read.
    pub(crate) fn head(&mut self) -> io::Result<Message> {
        self.wire.head()
    }

    /// The body of a request whose head was read.
    pub(crate) fn body(&mut self, request: &mut Message) -> io::Result<()> {
        self.wire.body_of(request, Kind::Request)?;
        self.seen.requests.lock().unwrap().push(request.clone());
        Ok(())
    }

    /// Whatever has come, at least one byte.
    pub(crate) fn some(&mut self) -> io::Result<Vec<u8>> {
        self.wire.some()
    }

    pub(crate) fn take(&mut self, length: usize) -> io::Result<Vec<u8>> {
        self.wire.take(length)
    }

    pub(crate) fn chunk(&mut self) -> io::Result<Option<Vec<u8>>> {
        self.wire.chunk(&mut Message::default())
    }

    /// Reads so many bytes and keeps none.
    pub(crate) fn count(&mut self, length: u64) -> io::Result<()> {
        self.wire.hush();
        let mut left = length;
        while left > 0 {
            let piece = self.wire.some()?.len() as u64;
            self.seen.counted.fetch_add(piece, Ordering::SeqCst);
            left = left.saturating_sub(piece);
        }
        Ok(())
    }

    pub(crate) fn send(&mut self, bytes: impl AsRef<[u8]>) -> io::Result<()> {
        self.wire.send(bytes.as_ref())
    }

    /// Says nothing until the other side ends.
    pub(crate) fn hang(&mut self) -> io::Result<Ending> {
        loop {
            match self.wire.drain(&mut |_| {}) {
                Err(e)
                    if matches!(
                        e.kind(),
                        io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut
                    ) => {}
                ended => return ended,
            }
        }
    }

    /// Neither reads nor writes until the server ends.
    pub(crate) fn stall(&mut self) -> io::Result<()> {
        while !self.seen.ended.load(Ordering::SeqCst) {
            thread::sleep(Duration::from_millis(20));
        }
        self.hang().map(drop)
    }

    /// The connection breaks when the script ends.
    pub(crate) fn reset(&mut self) -> io::Result<()> {
        self.wire.stream.break_on_close()
    }
}
