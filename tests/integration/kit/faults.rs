//! What a server can do: answer, or fail in one of the ways in which servers do.

use std::io;
use std::thread;
use std::time::Duration;

use super::server::Conn;

pub(crate) const OK: &str = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

/// Answers each request with the same bytes.
pub(crate) fn answers(
    answer: impl AsRef<[u8]> + Send + Sync + 'static,
) -> impl Fn(&mut Conn) -> io::Result<()> {
    move |conn| {
        loop {
            let request = conn.request()?;
            conn.send(&answer)?;
            if request
                .header("connection")
                .is_some_and(|c| c.eq_ignore_ascii_case("close"))
            {
                return Ok(());
            }
        }
    }
}

/// Answers with the target and the length of the body that it got.
pub(crate) fn tells(conn: &mut Conn) -> io::Result<()> {
    loop {
        let request = conn.request()?;
        let text = format!(
            "{} {} {}",
            request.method(),
            request.target(),
            request.body.len()
        );
        conn.send(sized(&text))?;
    }
}

/// Takes a request and never answers.
pub(crate) fn hangs(conn: &mut Conn) -> io::Result<()> {
    conn.request()?;
    conn.hang().map(drop)
}

/// Takes not a byte.
pub(crate) fn takes_nothing(conn: &mut Conn) -> io::Result<()> {
    conn.stall()
}

/// Takes a request and breaks the connection.
pub(crate) fn resets(conn: &mut Conn) -> io::Result<()> {
    conn.request()?;
    conn.reset()
}

/// Takes a request and closes without a word.
pub(crate) fn closes(conn: &mut Conn) -> io::Result<()> {
    conn.request().map(drop)
}

/// Answers with what is no HTTP.
pub(crate) fn babbles(conn: &mut Conn) -> io::Result<()> {
    conn.request()?;
    conn.send(b"\x16\x03\x01\x02\x00 this is no answer \xff\xfe\r\n\r\n")?;
    conn.hang().map(drop)
}

/// Promises ten bytes and closes after four.
pub(crate) fn stops_short(conn: &mut Conn) -> io::Result<()> {
    conn.request()?;
    conn.send("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nfour")
}

/// Sends the head and one chunk, and closes without the last.
pub(crate) fn stops_between_chunks(conn: &mut Conn) -> io::Result<()> {
    conn.request()?;
    conn.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nfour\r\n")
}

/// Sends the head and one chunk, and resets.
pub(crate) fn resets_between_chunks(conn: &mut Conn) -> io::Result<()> {
    stops_between_chunks(conn)?;
    conn.reset()
}

/// Sends a byte a second: a whole answer of `bytes` in as many seconds.
pub(crate) fn drips(bytes: usize) -> impl Fn(&mut Conn) -> io::Result<()> {
    move |conn| {
        loop {
            conn.request()?;
            conn.send(format!(
                "HTTP/1.1 200 OK\r\nContent-Length: {bytes}\r\n\r\n"
            ))?;
            for _ in 0..bytes {
                thread::sleep(Duration::from_secs(1));
                conn.send("x")?;
            }
        }
    }
}

/// Sends a body of so many bytes.
pub(crate) fn pours(bytes: u64) -> impl Fn(&mut Conn) -> io::Result<()> {
    move |conn| {
        loop {
            conn.request()?;
            conn.send(format!(
                "HTTP/1.1 200 OK\r\nContent-Length: {bytes}\r\n\r\n"
            ))?;
            let piece = vec![b'x'; 256 * 1024];
            let mut left = bytes;
            while left > 0 {
                let n = usize::try_from(left).unwrap_or(usize::MAX).min(piece.len());
                conn.send(&piece[..n])?;
                left -= n as u64;
            }
        }
    }
}

/// An answer with a sized body.
pub(crate) fn sized(text: &str) -> String {
    format!(
        "HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{text}",
        text.len()
    )
}
