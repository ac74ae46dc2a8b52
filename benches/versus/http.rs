//! As much of HTTP as the bench itself speaks: one request at a time, answers that have a length.

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::Duration;

pub(crate) const GET: &[u8] = b"GET / HTTP/1.1\r\nHost: versus.example\r\n\r\n";

const PATIENCE: Duration = Duration::from_secs(5);

/// Where a contender listens.
pub(crate) fn loopback(port: u16) -> SocketAddr {
    SocketAddr::from(([127, 0, 0, 1], port))
}

/// A port that was free a moment ago.
pub(crate) fn free_port() -> io::Result<u16> {
    Ok(std::net::TcpListener::bind(loopback(0))?
        .local_addr()?
        .port())
}

pub(crate) fn connect(port: u16) -> io::Result<TcpStream> {
    let stream = TcpStream::connect_timeout(&loopback(port), PATIENCE)?;
    stream.set_nodelay(true)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    Ok(stream)
}

/// Sends a request and returns the body of its answer, which must be good.
pub(crate) fn ask(stream: &mut (impl Read + Write), request: &[u8]) -> io::Result<String> {
    stream.write_all(request)?;
    let mut received = Vec::new();
    let mut buffer = [0; 4096];
    while length(&received).is_none_or(|length| received.len() < length) {
        match stream.read(&mut buffer)? {
            0 => return Err(io::ErrorKind::UnexpectedEof.into()),
            n => received.extend_from_slice(&buffer[..n]),
        }
    }
    if !is_good(&received) {
        return Err(io::Error::other("an answer that is not 200"));
    }
    let text = String::from_utf8_lossy(&received);
    Ok(text
        .split_once("\r\n\r\n")
        .map(|(_, body)| body.to_owned())
        .unwrap_or_default())
}

pub(crate) fn ask_unix(path: &Path, target: &str) -> io::Result<String> {
    let mut stream = UnixStream::connect(path)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    ask(
        &mut stream,
        format!("GET {target} HTTP/1.1\r\nHost: versus.example\r\n\r\n").as_bytes(),
    )
}

pub(crate) fn is_good(answer: &[u8]) -> bool {
    answer.starts_with(b"HTTP/1.1 200")
}

/// How long the whole message is, once its header is there.
pub(crate) fn length(message: &[u8]) -> Option<usize> {
    let head = message.windows(4).position(|four| four == b"\r\n\r\n")? + 4;
    let text = std::str::from_utf8(&message[..head]).ok()?;
    let body = text.lines().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("content-length")
            .then(|| value.trim().parse::<usize>().ok())?
    });
    Some(head + body.unwrap_or(0))
}
