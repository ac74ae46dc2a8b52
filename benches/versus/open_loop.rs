//! Requests at fixed times, whatever becomes of those before them.
//!
//! Each request has a time at which it is due. Its latency counts from then on, also when no connection was free to send
//! it, so that a proxy that stalls is charged with all who had to wait.

use std::collections::VecDeque;
use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use rustix::buffer::spare_capacity;
use rustix::event::Timespec;
use rustix::event::epoll::{self, CreateFlags, EventData, EventFlags};

use crate::figures::float;
use crate::http;
use crate::loads::Seen;

/// How long answers are awaited after the last request was due.
const GRACE: Duration = Duration::from_secs(1);

struct Connection {
    stream: TcpStream,
    received: Vec<u8>,
    /// When the request that is on its way was due.
    due: Option<Instant>,
}

/// The part that is over goes first; what is measured begins after this much of the time.
const LEAD: f64 = 0.2;

pub(crate) fn run(
    target: SocketAddr,
    request: &[u8],
    connections: usize,
    rate: f64,
    time: Duration,
) -> io::Result<Seen> {
    let mut all: Vec<_> = (0..connections)
        .map(|_| Connection::open(target))
        .collect::<io::Result<_>>()?;
    let epoll = epoll::create(CreateFlags::CLOEXEC)?;
    for (index, connection) in all.iter().enumerate() {
        epoll::add(
            &epoll,
            &connection.stream,
            EventData::new_u64(index as u64),
            EventFlags::IN,
        )?;
    }
    let mut free: VecDeque<usize> = (0..connections).collect();
    let mut waiting = VecDeque::new();
    let mut events = Vec::with_capacity(connections);
    let mut seen = Tally::default();
    let step = Duration::from_secs_f64(1.0 / rate.max(1.0));
    let begin = Instant::now();
    let (counted_from, last) = (begin + time.mul_f64(LEAD), begin + time);
    let mut next = begin;
    loop {
        let now = Instant::now();
        while next <= now && next < last {
            waiting.push_back(next);
            next += step;
        }
        while !waiting.is_empty()
            && let Some(index) = free.pop_front()
        {
            all[index].due = waiting.pop_front();
            // What does not fit into an empty socket is no request of this bench.
            if all[index].stream.write_all(request).is_err() {
                seen.errors += 1;
            }
        }
        let busy = free.len() < connections || !waiting.is_empty();
        if (next >= last && !busy) || now >= last + GRACE {
            break;
        }
        let until = if next < last { next } else { last + GRACE };
        events.clear();
        let patience = timespec(until.saturating_duration_since(Instant::now()));
        epoll::wait(&epoll, spare_capacity(&mut events), Some(&patience))?;
        for event in &events {
            let index = usize::try_from(event.data.u64()).unwrap_or(0);
            match all[index].answer() {
                Ok(None) => {}
                Ok(Some(due)) => {
                    seen.answered(due, counted_from);
                    free.push_back(index);
                }
                Err(_) => {
                    seen.errors += 1;
                    epoll::delete(&epoll, &all[index].stream)?;
                }
            }
        }
    }
    // Those that were never answered took at least until now.
    let unanswered = all
        .iter()
        .filter_map(|connection| connection.due)
        .chain(waiting);
    for due in unanswered {
        seen.errors += 1;
        seen.latencies.push(due.elapsed());
    }
    Ok(seen.sum(time))
}

impl Connection {
    fn open(target: SocketAddr) -> io::Result<Self> {
        let stream = TcpStream::connect(target)?;
        stream.set_nodelay(true)?;
        stream.set_nonblocking(true)?;
        Ok(Self {
            stream,
            received: Vec::with_capacity(4096),
            due: None,
        })
    }

    /// Reads, and says when the request was due whose answer is now whole.
    fn answer(&mut self) -> io::Result<Option<Instant>> {
        let mut buffer = [0; 4096];
        match self.stream.read(&mut buffer) {
            Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
            Ok(n) => self.received.extend_from_slice(&buffer[..n]),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(None),
            Err(error) => return Err(error),
        }
        if http::length(&self.received).is_none_or(|length| self.received.len() < length) {
            return Ok(None);
        }
        if !http::is_good(&self.received) {
            return Err(io::Error::other("an answer that is not 200"));
        }
        self.received.clear();
        Ok(self.due.take())
    }
}

#[derive(Default)]
struct Tally {
    requests: u64,
    errors: u64,
    latencies: Vec<Duration>,
}

impl Tally {
    fn answered(&mut self, due: Instant, counted_from: Instant) {
        self.requests += 1;
        if due >= counted_from {
            self.latencies.push(due.elapsed());
        }
    }

    fn sum(mut self, time: Duration) -> Seen {
        self.latencies.sort_unstable();
        let at = |thousandths: usize| {
            let index = (self.latencies.len() * thousandths / 1000)
                .min(self.latencies.len().saturating_sub(1));
            self.latencies
                .get(index)
                .map_or(0.0, |latency| latency.as_secs_f64() * 1e6)
        };
        Seen {
            requests: self.requests,
            errors: self.errors,
            rate: float(self.requests) / time.as_secs_f64(),
            latency: [at(500), at(990), at(999)],
        }
    }
}

fn timespec(time: Duration) -> Timespec {
    Timespec {
        tv_sec: i64::try_from(time.as_secs()).unwrap_or(i64::MAX),
        tv_nsec: i64::from(time.subsec_nanos()),
    }
}
