//! The primary path in memory, on paused time: a client, a primary and the copies are scripted by each test.

mod bodies;
mod clients;
mod connections;
mod own_time;
mod times;

use std::{collections::HashMap, net::IpAddr, rc::Rc, sync::Arc, time::Duration};

use tokio::{
    runtime::{Builder, LocalOptions},
    task::{JoinHandle, spawn_local, yield_now},
    time::{Instant, timeout},
};

use super::{Accepted, Drain, Pipeline, Pipelines, serve};
use crate::{
    config::Config,
    http::{Marks, RequestHead},
    ledger::{Account, Entry, Ledger, Outcome},
    net::{
        Connector, Stream, count_waits,
        memory::{Memory, Server},
    },
    tee::{Budget, Doorbell, Message, Outlet, Part, Recipient, Valve},
    telemetry::metrics::ProxyMetrics,
    upstream::{Pool, PoolSettings, Reading},
};

/// A worker's proxy in memory.
struct World {
    pipelines: Rc<Pipelines>,
    primary: Server,
    outlet: Outlet,
    account: Arc<Account>,
    drain: Rc<Drain>,
    /// What the shadow side was given.
    copies: HashMap<u64, Copied>,
}

/// A copy as the shadow side gets it.
#[derive(Default)]
struct Copied {
    entry: Option<Entry>,
    body: Vec<u8>,
    ended: Option<Result<(), Outcome>>,
    status: Option<u16>,
    is_over: bool,
}

struct Shadow {
    account: Arc<Account>,
    valve: Rc<Valve>,
}

impl Recipient for Shadow {
    fn select(&self, _: &RequestHead, _: Option<IpAddr>) -> Option<Entry> {
        Some(self.account.open())
    }
    fn body_buffer(&self) -> usize {
        1 << 20
    }
    fn wants_answer(&self) -> Option<u64> {
        None
    }
    fn valve(&self) -> Rc<Valve> {
        Rc::clone(&self.valve)
    }
    fn sequence(&self) -> Option<u64> {
        None
    }
    fn leave_out(&self, outcome: Outcome) {
        self.account.pass(outcome);
    }
}

/// A test that takes longer than this, by its own clock, hangs.
const LONG: Duration = Duration::from_secs(3600);
/// So many bytes are on their way between two ends of a connection, at most.
const ROOM: usize = 4096;

/// Runs a test in a world with this configuration, beside addresses and one shadow.
fn in_world(config: &str, test: impl AsyncFnOnce(&mut World)) {
    let config = format!(
        "listen = '127.0.0.1:1'\nprimary.address = 'unix:/memory'\n{config}\n\
         [[shadow]]\nname = 'next'\naddress = 'unix:/next'\n"
    );
    let config = Config::of_text(&config).unwrap();
    count_waits(&mut Builder::new_current_thread())
        .enable_all()
        .start_paused(true)
        .build_local(LocalOptions::default())
        .unwrap()
        .block_on(async {
            let mut world = World::new(&config);
            timeout(LONG, test(&mut world)).await.expect("it hangs");
            world.take();
            let balance = world.copies.values().filter(|copied| !copied.is_over);
            assert_eq!(
                balance.count(),
                0,
                "nothing is said of the end of a request"
            );
        });
}

impl World {
    fn new(config: &Config) -> Self {
        let primary = Server::new(ROOM);
        let connector = Connector::to_memory(&primary, config.timeouts.connect.0);
        let settings = PoolSettings {
            idle_connections: 8,
            idle_timeout: Duration::from_secs(60),
            connections: None,
            reading: Reading {
                header_bytes: config.limits.response_header_bytes.bytes(),
                header_count: config.limits.response_header_count,
            },
            is_careful: true,
            metrics: Arc::default(),
        };
        let ledger = Arc::new(Ledger::new(1));
        let account = ledger.account("next");
        let (door, _hears) = Doorbell::new().unwrap();
        let (valve, outlet) = Valve::open(&door);
        let recipient: Rc<dyn Recipient> = Rc::new(Shadow {
            account: Arc::clone(&account),
            valve: Rc::new(valve),
        });
        let drain = Rc::<Drain>::default();
        let pipeline = Pipeline {
            pool: Pool::new(connector, settings),
            recipients: [recipient].into(),
            absent: Vec::new(),
            capture: None,
            budget: Budget::new(1 << 30),
            ledger,
            metrics: Arc::new(ProxyMetrics::new(1)),
            marks: Marks::new(&config.mark),
            timeouts: config.timeouts.clone(),
            limits: config.limits.clone(),
            request_id: "x-request-id".into(),
            add_forwarded: false,
            access_log: false,
            drain: Rc::clone(&drain),
        };
        Self {
            pipelines: Rc::new(Pipelines::new(pipeline)),
            primary,
            outlet: outlet.open(),
            account,
            drain,
            copies: HashMap::new(),
        }
    }

    /// A client that has connected.
    fn client(&self) -> Memory {
        self.client_task().0
    }

    /// A client, and the task that serves it.
    fn client_task(&self) -> (Memory, JoinHandle<()>) {
        let (here, there) = Memory::pair(ROOM);
        let pipelines = Rc::clone(&self.pipelines);
        let accepted = Accepted {
            stream: Stream::Memory(there),
            address: None,
            tls: false,
        };
        let task = spawn_local(async move { serve(&pipelines, accepted).await });
        (here, task)
    }

    /// A client that sends this, and the primary's end of the connection that it goes to, its head read.
    async fn request(&self, text: &str) -> (Memory, Memory, String) {
        let mut client = self.client();
        client.say(text).await;
        let mut primary = self.primary.accept().await;
        let head = primary.read_to("\r\n\r\n").await;
        (client, primary, head)
    }

    /// Takes what came out of the valve, as the shadow side does, which answers every copy that is whole.
    fn take(&mut self) {
        while let Some(message) = self.outlet.next() {
            match message {
                Message::Request(request) => {
                    let copied = Copied {
                        entry: Some(request.entry),
                        ended: request.flow.is_none().then_some(Ok(())),
                        ..Copied::default()
                    };
                    self.copies.insert(request.number, copied);
                }
                Message::Part(number, part) => {
                    let copied = self.copies.get_mut(&number).unwrap();
                    match part {
                        Part::Piece(piece) => copied.body.extend_from_slice(&piece.bytes),
                        Part::End(_) => copied.ended = Some(Ok(())),
                        Part::Failed(outcome) => copied.ended = Some(Err(outcome)),
                    }
                }
                Message::Answered(number, answer) => {
                    self.copies.get_mut(&number).unwrap().status = Some(answer.status);
                }
                Message::Over(number, _) => {
                    let copied = self.copies.get_mut(&number).unwrap();
                    copied.is_over = true;
                    let ended = copied.ended.expect("a body that neither ended nor failed");
                    let outcome = ended.err().unwrap_or(Outcome::Answered);
                    copied.entry.take().unwrap().settle(outcome);
                }
            }
        }
    }

    /// Lets everybody do what there is to do, and takes what came out of the valve; time stands still.
    async fn settle(&mut self) {
        for _ in 0..50 {
            yield_now().await;
        }
        self.take();
    }

    /// How many copies ended so.
    fn outcomes(&mut self, outcome: Outcome) -> u64 {
        self.take();
        self.account.count(outcome)
    }
}

/// A response with a body that says this.
fn response(body: &str) -> String {
    format!(
        "HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    )
}

const GET: &str = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
