//! One client of the floor program: three sockets, and what one of them could not take at once.

use std::os::fd::OwnedFd;

use rustix::event::epoll::{self, EventData, EventFlags};
use rustix::io::{Errno, read, write};

pub(super) const CLIENT: usize = 0;
const PRIMARY: usize = 1;
const SHADOW: usize = 2;

/// Nobody is read from whose bytes somebody else still has to take, so a flow holds at most one buffer for each.
pub(super) struct Flow {
    ends: [Option<OwnedFd>; 3],
    pending: [Vec<u8>; 3],
    registered: [Option<EventFlags>; 3],
}

/// The place of a flow and which of its sockets it is.
pub(super) fn split(token: u64) -> (usize, usize) {
    let token = usize::try_from(token).unwrap_or(usize::MAX);
    (token >> 2, token & 3)
}

impl Flow {
    pub(super) fn new(client: OwnedFd, primary: OwnedFd, shadow: Option<OwnedFd>) -> Self {
        Self {
            ends: [Some(client), Some(primary), shadow],
            pending: [const { Vec::new() }; 3],
            registered: [None; 3],
        }
    }

    /// Does what a socket is ready for; false once the flow is over.
    pub(super) fn ready(&mut self, end: usize, flags: EventFlags, buffer: &mut [u8]) -> bool {
        if flags.contains(EventFlags::OUT) && !self.pending[end].is_empty() {
            let rest = std::mem::take(&mut self.pending[end]);
            if !self.send(end, &rest) || (end == CLIENT && self.is_drained()) {
                return false;
            }
        }
        let broken = flags.intersects(EventFlags::HUP | EventFlags::ERR);
        if !self.wanted(end).contains(EventFlags::IN) {
            return !(broken && end == CLIENT);
        }
        if !broken && !flags.contains(EventFlags::IN) {
            return true;
        }
        let Some(fd) = &self.ends[end] else {
            return true;
        };
        match read(fd, &mut *buffer) {
            Err(Errno::AGAIN | Errno::INTR) => true,
            Ok(0) | Err(_) => self.over(end),
            Ok(n) => match end {
                CLIENT => self.send(PRIMARY, &buffer[..n]) && self.send(SHADOW, &buffer[..n]),
                PRIMARY => self.send(CLIENT, &buffer[..n]),
                _ => true,
            },
        }
    }

    /// Writes, and keeps what is not taken; false once the flow is over.
    fn send(&mut self, end: usize, bytes: &[u8]) -> bool {
        let Some(fd) = &self.ends[end] else {
            return true;
        };
        let taken = match write(fd, bytes) {
            Ok(taken) => taken,
            Err(Errno::AGAIN | Errno::INTR) => 0,
            Err(_) => return self.over(end),
        };
        self.pending[end].extend_from_slice(&bytes[taken..]);
        true
    }

    /// A socket has ended. Without the shadow it goes on; without the primary until the client has what came.
    fn over(&mut self, end: usize) -> bool {
        self.ends[end] = None;
        self.registered[end] = None;
        self.pending[end].clear();
        match end {
            CLIENT => false,
            PRIMARY => !self.is_drained(),
            _ => true,
        }
    }

    fn is_drained(&self) -> bool {
        self.ends[PRIMARY].is_none() && self.pending[CLIENT].is_empty()
    }

    fn wanted(&self, end: usize) -> EventFlags {
        let idle = |end: usize| self.pending[end].is_empty();
        let reads = match end {
            CLIENT => idle(PRIMARY) && idle(SHADOW),
            PRIMARY => idle(CLIENT),
            _ => true,
        };
        let mut flags = EventFlags::empty();
        flags.set(EventFlags::IN, reads);
        flags.set(EventFlags::OUT, !idle(end));
        flags
    }

    /// Tells epoll what has changed, which in the ordinary case is nothing.
    pub(super) fn register(&mut self, epoll: &OwnedFd, index: usize) -> rustix::io::Result<()> {
        for end in [CLIENT, PRIMARY, SHADOW] {
            let wanted = self.wanted(end);
            let Some(fd) = &self.ends[end] else { continue };
            let data = EventData::new_u64((index << 2 | end) as u64);
            match self.registered[end] {
                None => epoll::add(epoll, fd, data, wanted)?,
                Some(before) if before != wanted => epoll::modify(epoll, fd, data, wanted)?,
                Some(_) => continue,
            }
            self.registered[end] = Some(wanted);
        }
        Ok(())
    }
}
