//! What the contenders are made to do, and one measurement of one of them.

use std::time::Duration;

use crate::accounting::{self, Cpu};
use crate::backend::MEGABYTE;
use crate::contenders::{Contender, Place, Running, World};
use crate::figures::{Figure, Sample, float};
use crate::http::{GET, loopback};
use crate::machine::Machine;
use crate::{idle, open_loop, strace, wrk};

/// One kind of work.
pub(crate) struct Load {
    pub(crate) name: &'static str,
    pub(crate) title: &'static str,
    pub(crate) driver: Driver,
    pub(crate) tls: bool,
}

/// Who does the asking.
pub(crate) enum Driver {
    /// wrk, as fast as answers come.
    Wrk {
        connections: usize,
        path: &'static str,
        body: usize,
        close: bool,
    },
    /// Requests at fixed times, at such a part of nginx mirror's full rate.
    Rate(f64),
    /// As that, so many a second.
    Fixed(f64),
    /// Connections that are kept and do nothing.
    Idle,
    /// wrk again, with strace beside it.
    Syscalls,
}

const fn get(name: &'static str, title: &'static str, connections: usize, tls: bool) -> Load {
    let driver = Driver::Wrk {
        connections,
        path: "/",
        body: 0,
        close: false,
    };
    Load {
        name,
        title,
        driver,
        tls,
    }
}

const fn wrk(name: &'static str, title: &'static str, driver: Driver) -> Load {
    Load {
        name,
        title,
        driver,
        tls: false,
    }
}

pub(crate) const ALL: &[Load] = &[
    get("get-32", "Small GET, 32 connections, full rate", 32, false),
    get(
        "get-256",
        "Small GET, 256 connections, full rate",
        256,
        false,
    ),
    wrk(
        "close",
        "Small GET, a new connection for each, 32 at a time",
        Driver::Wrk {
            connections: 32,
            path: "/",
            body: 0,
            close: true,
        },
    ),
    wrk(
        "post-10k",
        "POST of 10 KB, 32 connections",
        Driver::Wrk {
            connections: 32,
            path: "/post",
            body: 10_000,
            close: false,
        },
    ),
    wrk(
        "post-1m",
        "POST of 1 MB, 8 connections",
        Driver::Wrk {
            connections: 8,
            path: "/post",
            body: MEGABYTE,
            close: false,
        },
    ),
    wrk(
        "answer-1m",
        "Answers of 1 MB, 8 connections",
        Driver::Wrk {
            connections: 8,
            path: "/megabyte",
            body: 0,
            close: false,
        },
    ),
    get(
        "tls",
        "Small GET over TLS, 32 connections, full rate",
        32,
        true,
    ),
    wrk(
        "rate-quarter",
        "Small GET at a quarter of nginx mirror's full rate, open loop",
        Driver::Rate(0.25),
    ),
    wrk(
        "rate-half",
        "Small GET at half of nginx mirror's full rate, open loop",
        Driver::Rate(0.5),
    ),
    wrk(
        "rate-13k",
        "Small GET, 13,000 a second, open loop",
        Driver::Fixed(13_000.0),
    ),
    wrk("idle", "Idle keep-alive connections", Driver::Idle),
    wrk(
        "syscalls",
        "System calls for a small GET, 32 connections, full rate",
        Driver::Syscalls,
    ),
];

/// Connections of the loads at a fixed rate.
const OPEN_LOOP: usize = 64;

/// How a measurement is to be made.
pub(crate) struct Turn<'a> {
    pub(crate) world: &'a World,
    pub(crate) machine: &'a Machine,
    pub(crate) threads: usize,
    pub(crate) seconds: u64,
    /// nginx mirror's full rate.
    pub(crate) full_rate: f64,
}

/// What a load program has seen.
pub(crate) struct Seen {
    pub(crate) requests: u64,
    pub(crate) errors: u64,
    pub(crate) rate: f64,
    /// p50, p99, p99.9 in microseconds.
    pub(crate) latency: [f64; 3],
}

impl Turn<'_> {
    pub(crate) fn measure(&self, load: &Load, contender: &Contender) -> anyhow::Result<Sample> {
        let running = contender.start(self.world, self.threads)?;
        match &load.driver {
            Driver::Idle => idle::measure(&running, self.machine.idle()),
            Driver::Syscalls => strace::measure(self, &running),
            Driver::Wrk { .. } | Driver::Rate(_) | Driver::Fixed(_) => {
                self.drive(load, contender, &running)
            }
        }
    }

    fn drive(
        &self,
        load: &Load,
        contender: &Contender,
        running: &Running,
    ) -> anyhow::Result<Sample> {
        let shadow = &self.world.shadow;
        let before = shadow.settled()?;
        let tree = running.process.tree();
        let cpu = Cpu::read(&tree);
        let seen = self.ask(load, running)?;
        // What is sent late is paid for late.
        let copies = shadow.settled()?.saturating_sub(before);
        let now = Cpu::read(&tree);
        let spent = now.since(&cpu);
        let requests = float(seen.requests.max(1));
        let mut sample = Sample::from([
            (Figure::Cpu, spent / requests / 1000.0),
            (Figure::Rate, seen.rate),
            (Figure::P50, seen.latency[0]),
            (Figure::P99, seen.latency[1]),
            (Figure::P999, seen.latency[2]),
            (Figure::Memory, float(accounting::peak(&tree)) / 1024.0),
            (Figure::Errors, float(seen.errors) / requests),
        ]);
        if let Some(spent) = now.of_workers_since(&cpu) {
            sample.insert(Figure::Production, spent / requests / 1000.0);
        }
        if contender.shadows > 0 && !contender.has_faulty_shadow() {
            let wanted = requests * float(contender.shadows as u64);
            sample.insert(Figure::Copies, float(copies) / wanted);
        }
        Ok(sample)
    }

    pub(crate) fn ask(&self, load: &Load, running: &Running) -> anyhow::Result<Seen> {
        let place = &running.place;
        match load.driver {
            Driver::Rate(part) => self.ask_at(place, self.full_rate * part),
            Driver::Fixed(rate) => self.ask_at(place, rate),
            _ => wrk::run(load, place, self.seconds),
        }
    }

    /// Asks so often a second, whether answers come or not.
    fn ask_at(&self, place: &Place, rate: f64) -> anyhow::Result<Seen> {
        let time = Duration::from_secs(self.seconds);
        let at = loopback(place.port);
        Ok(open_loop::run(at, GET, OPEN_LOOP, rate, time)?)
    }
}
