//! Delivery in memory, on paused time: production and the shadow are scripted by each test.

mod any_order;
mod delivery;
mod order;
mod times;

use std::{
    cell::Cell,
    net::IpAddr,
    rc::Rc,
    sync::{Arc, mpsc},
    time::Duration,
};

use bytes::Bytes;
use tokio::{
    runtime::{Builder, LocalOptions},
    task::yield_now,
    time::{Instant, sleep, timeout},
};

use super::{
    Common, DifferenceLog, Setup, Shadow,
    inbound::{Inbound, Mail},
};
use crate::{
    config::Config,
    exchange::{Exchange, PrimaryResponse},
    http::{Headers, Marks, RequestHead, Tap, now},
    ledger::{Account, Entry, Ledger, Outcome},
    net::{
        Connector, count_waits,
        memory::{Answers, Memory, Server},
    },
    tee::{Budget, Copies, Doorbell, Recipient, Valve},
    upstream::Reading,
};

/// One shadow, and production's side of the way to it.
struct World<'a> {
    inbound: Inbound<'a>,
    recipients: [Rc<dyn Recipient>; 1],
    shadow: Server,
    state: Arc<Shadow>,
    account: Arc<Account>,
    budget: Arc<Budget>,
    buffers: u64,
}

struct Production {
    shadow: Arc<Shadow>,
    valve: Rc<Valve>,
    sequence: Cell<u64>,
}

impl Recipient for Production {
    fn select(&self, _: &RequestHead, _: Option<IpAddr>) -> Option<Entry> {
        Some(self.shadow.account.open())
    }
    fn body_buffer(&self) -> usize {
        self.shadow.settings.body_buffer.bytes()
    }
    fn wants_answer(&self) -> Option<u64> {
        None
    }
    fn valve(&self) -> Rc<Valve> {
        Rc::clone(&self.valve)
    }
    fn sequence(&self) -> Option<u64> {
        self.shadow.keeps_order().then_some(())?;
        Some(self.sequence.replace(self.sequence.get() + 1))
    }
    fn leave_out(&self, outcome: Outcome) {
        self.shadow.account.pass(outcome);
    }
}

/// A test that takes longer than this, by its own clock, hangs.
const LONG: Duration = Duration::from_secs(3600);
/// So many bytes are on their way between two ends of a connection, at most.
const ROOM: usize = 4096;
const BUDGET: usize = 1 << 20;

/// Runs a test with a shadow that is configured so, beside its name and address.
fn in_world(config: &str, test: impl AsyncFnOnce(&mut World<'_>)) {
    let config = format!(
        "listen = '127.0.0.1:1'\nprimary.address = 'unix:/primary'\n\
         [[shadow]]\nname = 'next'\naddress = 'unix:/memory'\n{config}"
    );
    let config = Config::of_text(&config).unwrap();
    count_waits(&mut Builder::new_current_thread())
        .enable_all()
        .start_paused(true)
        .build_local(LocalOptions::default())
        .unwrap()
        .block_on(async {
            let (open, opened) = mpsc::channel();
            let budget = Budget::new(BUDGET);
            let (shadow, server) = shadow(&config);
            let (door, _hears) = Doorbell::new().unwrap();
            let (valve, outlet) = Valve::open(&door);
            open.send(Mail::Open(Arc::clone(&shadow), outlet)).unwrap();
            let production = Production {
                shadow: Arc::clone(&shadow),
                valve: Rc::new(valve),
                sequence: Cell::new(0),
            };
            let mut world = World {
                inbound: Inbound::new(&opened, &budget),
                recipients: [Rc::new(production)],
                account: Arc::clone(&shadow.account),
                state: shadow,
                shadow: server,
                budget: Arc::clone(&budget),
                buffers: 0,
            };
            timeout(LONG, test(&mut world)).await.expect("it hangs");
            assert_eq!(world.account.in_flight(), 0, "a copy without an outcome");
            assert_eq!(budget.used(), 0, "memory that nobody gave back");
        });
}

fn shadow(config: &Config) -> (Arc<Shadow>, Server) {
    let settings = config.shadow[0].clone();
    let ledger = Ledger::new(1);
    let common = Common {
        workers: 1,
        connections: 100,
        marks: Marks::new(&config.mark),
        client_address: Arc::new(config.client_address.clone()),
        reading: Reading {
            header_bytes: 16 << 10,
            header_count: 100,
        },
    };
    let server = Server::new(ROOM);
    let connector = Connector::to_memory(&server, settings.connect_timeout.0);
    let account = ledger.account("next");
    let setup = Setup {
        settings,
        script: None,
        compared: None,
        common,
        differences: Arc::new(DifferenceLog::new(10)),
        events: Arc::default(),
    };
    let mut shadow = Shadow::set_up(setup, account, 0, None).unwrap();
    Arc::get_mut(&mut shadow).unwrap().connector = connector;
    (shadow, server)
}

impl World<'_> {
    /// Production has a request, whose body is to come where it has one.
    fn request(&mut self, text: &str) -> Copies {
        let mut head = RequestHead::default();
        head.parse(text.as_bytes(), 100).unwrap().unwrap();
        let has_body = ["Content-Length", "Transfer-Encoding"]
            .iter()
            .any(|name| head.headers.named(name.as_bytes()).next().is_some());
        let exchange = Exchange::new(head, None, &"x-request-id".into(), now());
        Copies::open(&exchange, has_body, &self.recipients, &self.budget)
    }

    /// A request that production has answered.
    fn answered(&mut self, text: &str) {
        let mut copies = self.request(text);
        answer(&copies, 200);
        copies.over(None);
    }

    /// A piece of a request's body passes.
    fn push(&mut self, copies: &mut Copies, bytes: &[u8]) {
        if copies.notice(bytes) {
            self.buffers += 1;
            copies.share(&Bytes::copy_from_slice(bytes), (self.buffers, bytes.len()));
        }
    }

    /// Lets the shadow side do what there is to do; time stands still.
    async fn settle(&mut self) {
        for _ in 0..6 {
            self.inbound.round();
            for _ in 0..6 {
                yield_now().await;
            }
        }
    }

    /// Time passes, and the shadow side goes on meanwhile.
    async fn pass(&mut self, time: Duration) {
        let end = Instant::now() + time;
        let tick = TICK.max(time / 20);
        while Instant::now() < end {
            self.settle().await;
            sleep(tick.min(end - Instant::now())).await;
        }
        self.settle().await;
    }

    /// The shadow's end of a new connection.
    async fn accept(&mut self) -> Memory {
        self.settle().await;
        self.shadow.accept().await
    }

    /// The shadow's end of a new connection, and the head of the copy that came on it.
    async fn copy(&mut self) -> (Memory, String) {
        let mut shadow = self.accept().await;
        let head = shadow.read_to("\r\n\r\n").await;
        (shadow, head)
    }

    /// How many copies ended so.
    fn count(&self, outcome: Outcome) -> u64 {
        self.account.count(outcome)
    }
}

/// The primary answered.
fn answer(copies: &Copies, status: u16) {
    let response = PrimaryResponse {
        status,
        after: Duration::ZERO,
    };
    copies.answered(response, &Headers::default());
}

const TICK: Duration = Duration::from_millis(100);
const GET: &str = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
const POST: &str = "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\n";
const CHUNKS: &str = "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n";
const OK: &str = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
