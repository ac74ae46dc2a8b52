//! How many copies go through a script in a second, all on one core, beside the same bytes through a plain `cat`.
//!
//! `cargo bench --bench script` prints a table. The two scripts are `cat`, and this program itself, which reads lines and
//! writes them again as a compiled script would.

use std::io::{self, BufRead, BufWriter, Read, Write};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

const REQUESTS: usize = 200_000;
const ROUNDS: usize = 5;

const REQUEST: &str = "GET /shop/orders/4711?page=2&sort=date HTTP/1.1\r\nHost: shop.example\r\n\
    User-Agent: Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0\r\n\
    Accept: text/html,application/xhtml+xml\r\nAccept-Language: en\r\nCookie: session=0123456789abcdef0123456789abcdef\r\n\
    X-Forwarded-For: 192.0.2.7\r\nX-Request-Id: 0123456789abcdef0123456789abcdef\r\n\r\n";

fn main() -> io::Result<()> {
    if std::env::args().nth(1).as_deref() == Some("echo") {
        return echo();
    }
    // Whatever it starts from here on shares the core with it.
    let pid = std::process::id().to_string();
    let pinned = Command::new("taskset")
        .args(["-pc", "0", &pid])
        .stdout(Stdio::null())
        .status()?;
    assert!(
        pinned.success(),
        "taskset is needed: it keeps everything on one core"
    );
    let own = std::env::current_exe()?.display().to_string();
    let line = 2 * (REQUEST.len() + 50) + 1;
    println!(
        "{REQUESTS} requests of {} bytes, {line} bytes as a line; the median of {ROUNDS} rounds",
        REQUEST.len()
    );
    report("cat alone, the same bytes", || floor(line));
    report("shadowtee and cat", || scripted(vec!["cat".into()]));
    report("shadowtee and a compiled echo", || {
        scripted(vec![own.clone(), "echo".into()])
    });
    Ok(())
}

fn report(what: &str, mut measure: impl FnMut() -> io::Result<Duration>) {
    let mut times: Vec<_> = (0..ROUNDS).map(|_| measure().expect(what)).collect();
    times.sort_unstable();
    let median = times[ROUNDS / 2].as_secs_f64();
    #[expect(clippy::cast_precision_loss, reason = "a count far below 2^53")]
    let (rate, each) = (REQUESTS as f64 / median, median * 1e6 / REQUESTS as f64);
    println!("{what:<32} {rate:>9.0}/s {each:>7.2} us each");
}

fn scripted(command: Vec<String>) -> io::Result<Duration> {
    let (took, echoed) = shadowtee::scripted(command, REQUEST.as_bytes(), REQUESTS)?;
    assert_eq!(echoed, REQUESTS, "all come back");
    Ok(took)
}

/// Lines of this length through `cat`: what the two pipes cost.
fn floor(line: usize) -> io::Result<Duration> {
    let mut cat = Command::new("cat")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()?;
    let (mut input, mut output) = (
        cat.stdin.take().expect("piped"),
        cat.stdout.take().expect("piped"),
    );
    let start = Instant::now();
    let writer = std::thread::spawn(move || {
        let lines = vec![b'0'; 65_536];
        let mut left = line * REQUESTS;
        while left > 0 {
            let now = left.min(lines.len());
            input.write_all(&lines[..now])?;
            left -= now;
        }
        io::Result::Ok(())
    });
    let (mut buf, mut read) = (vec![0; 65_536], 0);
    loop {
        match output.read(&mut buf)? {
            0 => break,
            length => read += length,
        }
    }
    let took = start.elapsed();
    writer.join().expect("a writer")?;
    cat.wait()?;
    assert_eq!(read, line * REQUESTS);
    Ok(took)
}

/// A script that echoes, as a compiled one is written: line by line, and flushed when nothing more is there.
fn echo() -> io::Result<()> {
    let mut input = io::BufReader::with_capacity(65_536, io::stdin());
    let mut output = BufWriter::with_capacity(65_536, io::stdout());
    let mut line = Vec::new();
    while input.read_until(b'\n', &mut line)? > 0 {
        output.write_all(&line)?;
        line.clear();
        if !input.buffer().contains(&b'\n') {
            output.flush()?;
        }
    }
    Ok(())
}
