//! A long run under mixed load with a shadow that fails in turns: memory and descriptors stay flat.
//!
//! Not part of an ordinary run. Ten minutes, or as many as are said:
//!
//!     cargo build --release
//!     export SOAK_MINUTES=10 TESTED_PROGRAM="$PWD/target/release/shadowtee"
//!     cargo test --test integration -- --ignored --nocapture soak

use std::io::{self, Read, Write};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};
use std::thread;
use std::time::{Duration, Instant};

use crate::kit::{At, Client, Load, Tee, get};

/// What the shadow does, one after the other.
const MODES: [&str; 6] = [
    "answers",
    "hangs",
    "closes",
    "babbles",
    "drips",
    "stops short",
];
/// For so long.
const TURN: Duration = Duration::from_secs(5);

/// A server that keeps nothing of what it got: the test must not grow itself.
fn serve(path: &Path, mode: Arc<AtomicUsize>) {
    let listener = UnixListener::bind(path).unwrap();
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let mode = Arc::clone(&mode);
            thread::spawn(move || talk(stream, &mode));
        }
    });
}

fn talk(mut stream: UnixStream, mode: &AtomicUsize) -> io::Result<()> {
    let mut buffer = Vec::new();
    loop {
        let (line, length) = request(&mut stream, &mut buffer)?;
        match MODES[mode.load(SeqCst)] {
            "answers" => {
                let text = format!("{line} {length}");
                write!(
                    stream,
                    "HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{text}",
                    text.len()
                )?;
            }
            "hangs" => {
                stream.read_exact(&mut [0])?;
            }
            "closes" => return Ok(()),
            "babbles" => return stream.write_all(b"this is no answer\r\n\r\n"),
            "drips" => {
                stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\n")?;
                for _ in 0..50 {
                    thread::sleep(Duration::from_millis(100));
                    stream.write_all(b"x")?;
                }
            }
            _ => return stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nfour"),
        }
    }
}

/// Reads a request away: its method and target, and the length of its body.
fn request(stream: &mut UnixStream, buffer: &mut Vec<u8>) -> io::Result<(String, usize)> {
    let mut piece = vec![0; 64 * 1024];
    let end = loop {
        if let Some(end) = buffer.windows(4).position(|four| four == b"\r\n\r\n") {
            break end + 4;
        }
        let n = stream.read(&mut piece)?;
        if n == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        buffer.extend_from_slice(&piece[..n]);
    };
    let head = String::from_utf8_lossy(&buffer[..end]).into_owned();
    let length = head
        .lines()
        .find_map(|line| {
            line.to_ascii_lowercase()
                .strip_prefix("content-length: ")?
                .parse()
                .ok()
        })
        .unwrap_or(0);
    buffer.drain(..end);
    while buffer.len() < length {
        let n = stream.read(&mut piece)?;
        if n == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        buffer.extend_from_slice(&piece[..n]);
    }
    buffer.drain(..length);
    let line = head.lines().next().unwrap_or_default();
    Ok((line.trim_end_matches(" HTTP/1.1").to_owned(), length))
}

/// Clients that upload, leave in the middle, or come for one request.
fn rude(address: &str, ends: &AtomicBool) {
    let body = "x".repeat(200_000);
    for n in 0_usize.. {
        if ends.load(SeqCst) {
            return;
        }
        let Ok(mut client) = Client::try_connect(address) else {
            continue;
        };
        let head = format!(
            "POST /{n} HTTP/1.1\r\nHost: a\r\nContent-Length: {}\r\n\r\n",
            body.len()
        );
        match n % 4 {
            0 => drop(client.try_send(format!("{head}part"))),
            1 => drop(client.try_send(get("/left"))),
            2 => {
                let _ = client
                    .try_send(format!("{head}{body}"))
                    .and_then(|()| client.try_answer());
            }
            _ => {
                let _ = client
                    .try_send(get("/once"))
                    .and_then(|()| client.try_answer());
            }
        }
        thread::sleep(Duration::from_millis(5));
    }
}

fn median(mut values: Vec<u64>) -> u64 {
    values.sort_unstable();
    values[values.len() / 2]
}

#[test]
#[ignore = "takes ten minutes; the head of this file says how to run it"]
fn soak() {
    let minutes = std::env::var("SOAK_MINUTES")
        .ok()
        .and_then(|n| n.parse().ok());
    let limit = Duration::from_secs(60 * minutes.unwrap_or(10));
    let dir = tempfile::tempdir().unwrap();
    let (primary, shadow) = (
        dir.path().join("primary.sock"),
        dir.path().join("shadow.sock"),
    );
    let mode = Arc::new(AtomicUsize::new(0));
    serve(&primary, Arc::default());
    serve(&shadow, Arc::clone(&mode));
    let tee = Tee::with_primary(primary.as_path())
        .shadow_with(
            "fails",
            shadow.as_path(),
            "answer_timeout = \"1s\"\nmax_in_flight = 64\nqueue = 128\nbreaker = { failures = 20, pause = \"1s\" }",
        )
        .start();
    let (ends, address) = (Arc::new(AtomicBool::new(false)), tee.at());
    let load = Load::on(&address, 4);
    let rude: Vec<_> = (0..2)
        .map(|_| {
            let (ends, address) = (Arc::clone(&ends), address.clone());
            thread::spawn(move || rude(&address, &ends))
        })
        .collect();
    let (begin, mut samples) = (Instant::now(), Vec::new());
    while begin.elapsed() < limit {
        let turn = begin.elapsed().as_secs() / TURN.as_secs();
        mode.store(usize::try_from(turn).unwrap() % MODES.len(), SeqCst);
        samples.push((tee.memory(), tee.descriptors()));
        thread::sleep(Duration::from_secs(1));
    }
    ends.store(true, SeqCst);
    for client in rude {
        client.join().unwrap();
    }
    let answered = load.end();
    let ledger = tee.wait_for_ledger("a balance", crate::kit::Ledger::is_settled);
    let fifth = samples.len() / 5;
    let of = |part: &[(u64, u64)]| {
        let (memory, descriptors) = part.iter().copied().unzip();
        (median(memory) >> 10, median(descriptors))
    };
    let (early, late) = (of(&samples[fifth..2 * fifth]), of(&samples[4 * fifth..]));
    let most = samples.iter().map(|(_, descriptors)| *descriptors).max();
    println!(
        "{} requests in {limit:?}, {answered} of them looked at\n{:?}\n\
         memory (median, KiB): second fifth {}, last fifth {}; peak {}\n\
         descriptors (median): second fifth {}, last fifth {}; most {most:?}",
        ledger.requests,
        ledger.of("fails"),
        early.0,
        late.0,
        tee.peak_memory() >> 10,
        early.1,
        late.1,
    );
    assert!(late.0 < early.0 + early.0 / 5 + 4096, "memory grows");
    assert!(late.1 < early.1 + 32, "descriptors grow");
}
