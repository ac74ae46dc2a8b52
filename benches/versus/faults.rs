//! Shadows that are hung, dead, slow or dripping, each on a unix socket.

use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::oneshot;

/// What is wrong with a shadow.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Fault {
    /// Takes connections and says nothing.
    Hung,
    /// The socket is there and nobody listens.
    Dead,
    /// Answers after a second.
    Slow,
    /// Answers a byte at a time, ten in a second.
    Dripping,
}

const ANSWER: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n\
    xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx";

/// A shadow with a fault, until it is dropped.
pub(crate) struct Shadow {
    pub(crate) socket: PathBuf,
    end: Option<oneshot::Sender<()>>,
    thread: Option<thread::JoinHandle<std::io::Result<()>>>,
}

impl Shadow {
    pub(crate) fn start(dir: &Path, fault: Fault) -> std::io::Result<Self> {
        let socket = dir.join("faulty");
        let listener = std::os::unix::net::UnixListener::bind(&socket)?;
        listener.set_nonblocking(true)?;
        let (end, ended) = oneshot::channel();
        let thread = thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()?;
            runtime.block_on(async {
                tokio::select! {
                    result = serve(listener, fault) => result,
                    _ = ended => Ok(()),
                }
            })
        });
        Ok(Self {
            socket,
            end: Some(end),
            thread: Some(thread),
        })
    }
}

async fn serve(listener: std::os::unix::net::UnixListener, fault: Fault) -> std::io::Result<()> {
    if fault == Fault::Dead {
        drop(listener);
        return std::future::pending().await;
    }
    let listener = UnixListener::from_std(listener)?;
    loop {
        let (stream, _) = listener.accept().await?;
        tokio::spawn(answer(stream, fault));
    }
}

async fn answer(mut stream: UnixStream, fault: Fault) -> std::io::Result<()> {
    let mut buffer = vec![0; 16 * 1024];
    // The bench sends these shadows small requests only: one read is one request.
    while stream.read(&mut buffer).await? > 0 {
        match fault {
            Fault::Hung | Fault::Dead => std::future::pending().await,
            Fault::Slow => {
                tokio::time::sleep(Duration::from_secs(1)).await;
                stream.write_all(ANSWER).await?;
            }
            Fault::Dripping => {
                for byte in ANSWER.chunks(1) {
                    stream.write_all(byte).await?;
                    tokio::time::sleep(Duration::from_millis(100)).await;
                }
            }
        }
    }
    Ok(())
}

impl Drop for Shadow {
    fn drop(&mut self) {
        drop(self.end.take());
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
        let _ = std::fs::remove_file(&self.socket);
    }
}
