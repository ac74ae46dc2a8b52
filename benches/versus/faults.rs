//! Shadows that are hung, dead, slow or dripping, or that send more than anybody asked for.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, UnixListener};
use tokio::sync::oneshot;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject};

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
    /// Answers without end, as fast as it is read.
    Flooding,
    /// The same over tcp.
    FloodingTcp,
    /// Sends interim answers without end.
    Interim,
    /// Answers in chunks of one byte, without end.
    Chunks,
    /// Closes after each answer, under TLS.
    TlsClosing,
    /// Answers two megabytes.
    Large,
}

const ANSWER: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n\
    xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx";
const LARGE: usize = 2_000_000;

/// A shadow with a fault, until it is dropped.
pub(crate) struct Shadow {
    /// Its address, and what else its table says.
    pub(crate) address: String,
    socket: PathBuf,
    end: Option<oneshot::Sender<()>>,
    thread: Option<thread::JoinHandle<io::Result<()>>>,
}

enum Listener {
    Unix(std::os::unix::net::UnixListener),
    Tcp(std::net::TcpListener),
}

impl Shadow {
    pub(crate) fn start(dir: &Path, fault: Fault) -> io::Result<Self> {
        let socket = dir.join("faulty");
        let (listener, address) = match fault {
            Fault::FloodingTcp | Fault::TlsClosing => {
                let listener = std::net::TcpListener::bind(("127.0.0.1", 0))?;
                listener.set_nonblocking(true)?;
                let at = listener.local_addr()?;
                let address = if fault == Fault::TlsClosing {
                    let ca = certificates().join("ca.pem");
                    let ca = ca.display();
                    format!(
                        "address = \"https://{at}\"\ntls = {{ ca = \"{ca}\", server_name = \"app.example\" }}"
                    )
                } else {
                    format!("address = \"{at}\"")
                };
                (Listener::Tcp(listener), address)
            }
            _ => {
                let listener = std::os::unix::net::UnixListener::bind(&socket)?;
                listener.set_nonblocking(true)?;
                let address = format!("address = \"unix:{}\"", socket.display());
                (Listener::Unix(listener), address)
            }
        };
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
            address,
            socket,
            end: Some(end),
            thread: Some(thread),
        })
    }
}

fn certificates() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("certs-example")
}

fn acceptor() -> io::Result<TlsAcceptor> {
    let file = |name| certificates().join(name);
    let chain = CertificateDer::pem_file_iter(file("server.pem"))
        .and_then(Iterator::collect)
        .map_err(io::Error::other)?;
    let key = PrivateKeyDer::from_pem_file(file("server.key")).map_err(io::Error::other)?;
    let config = ServerConfig::builder()
        .with_no_client_auth()
        .with_single_cert(chain, key)
        .map_err(io::Error::other)?;
    Ok(Arc::new(config).into())
}

async fn serve(listener: Listener, fault: Fault) -> io::Result<()> {
    if fault == Fault::Dead {
        drop(listener);
        return std::future::pending().await;
    }
    match listener {
        Listener::Unix(listener) => {
            let listener = UnixListener::from_std(listener)?;
            loop {
                let (stream, _) = listener.accept().await?;
                tokio::spawn(answer(stream, fault));
            }
        }
        Listener::Tcp(listener) => {
            let (listener, tls) = (TcpListener::from_std(listener)?, acceptor()?);
            loop {
                let (stream, _) = listener.accept().await?;
                let tls = tls.clone();
                tokio::spawn(async move {
                    if fault == Fault::TlsClosing {
                        answer(tls.accept(stream).await?, fault).await
                    } else {
                        answer(stream, fault).await
                    }
                });
            }
        }
    }
}

async fn answer(mut stream: impl AsyncRead + AsyncWrite + Unpin, fault: Fault) -> io::Result<()> {
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
            Fault::Flooding | Fault::FloodingTcp => {
                let head = format!(
                    "HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n",
                    u64::MAX >> 8
                );
                repeat(stream, &head, "x").await?;
                return Ok(());
            }
            Fault::Interim => {
                repeat(stream, "", "HTTP/1.1 100 Continue\r\n\r\n").await?;
                return Ok(());
            }
            Fault::Chunks => {
                let head = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
                repeat(stream, head, "1\r\nx\r\n").await?;
                return Ok(());
            }
            Fault::TlsClosing => {
                stream.write_all(ANSWER).await?;
                return stream.shutdown().await;
            }
            Fault::Large => {
                let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {LARGE}\r\n\r\n");
                stream.write_all(head.as_bytes()).await?;
                stream.write_all(&vec![b'x'; LARGE]).await?;
            }
        }
    }
    Ok(())
}

/// Sends the head, and then the rest again and again until nobody takes it any more.
async fn repeat(mut stream: impl AsyncWrite + Unpin, head: &str, rest: &str) -> io::Result<()> {
    stream.write_all(head.as_bytes()).await?;
    let rest = rest.repeat(64 * 1024 / rest.len());
    loop {
        stream.write_all(rest.as_bytes()).await?;
    }
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
