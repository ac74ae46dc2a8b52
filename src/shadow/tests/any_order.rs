//! Random interleavings of production, time and the shadow.

use proptest::prelude::*;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::*;

/// What somebody does.
#[derive(Clone, Debug)]
enum Step {
    /// Production has a request, with a body or without.
    Open(bool),
    Push(usize, usize),
    End(usize),
    Fail(usize),
    Answer(usize, bool),
    Over(usize),
    /// The shadow says this on one of its connections.
    Say(usize, &'static str),
    Read(usize),
    Close(usize, bool),
    /// What it does about those who connect.
    Set(Answers),
    Pass(u64),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let which = 0_usize..4;
    let said = prop_oneof![
        Just(OK),
        Just("HTTP/1.1 204 No Content\r\n\r\n"),
        Just("HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\nx"),
        Just("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n"),
        Just("0\r\n\r\n"),
        Just("HTTP/1.1 103 Early Hints\r\n\r\n"),
        Just("HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"),
        Just("rubbish\r\n\r\n"),
    ];
    let set = prop_oneof![
        4 => Just(Answers::Accepts),
        1 => Just(Answers::Refuses),
        1 => Just(Answers::Hangs),
    ];
    let step = prop_oneof![
        4 => any::<bool>().prop_map(Step::Open),
        4 => (which.clone(), 1_usize..6000).prop_map(|(which, bytes)| Step::Push(which, bytes)),
        2 => which.clone().prop_map(Step::End),
        1 => which.clone().prop_map(Step::Fail),
        2 => (which.clone(), any::<bool>()).prop_map(|(which, ok)| Step::Answer(which, ok)),
        2 => which.clone().prop_map(Step::Over),
        6 => (which.clone(), said).prop_map(|(which, said)| Step::Say(which, said)),
        4 => which.clone().prop_map(Step::Read),
        1 => (which, any::<bool>()).prop_map(|(which, resets)| Step::Close(which, resets)),
        1 => set.prop_map(Step::Set),
        3 => (1_u64..4000).prop_map(Step::Pass),
    ];
    proptest::collection::vec(step, 0..60)
}

/// A moment in which whatever can be done at once is done.
const SOON: Duration = Duration::from_millis(1);

#[derive(Default)]
struct Play {
    requests: u64,
    open: Vec<Copies>,
    connections: Vec<Memory>,
}

impl Play {
    async fn step(&mut self, step: Step, world: &mut World<'_>) {
        while let Ok(connection) = timeout(SOON, world.shadow.accept()).await {
            self.connections.push(connection);
        }
        match step {
            Step::Open(has_body) => {
                self.requests += 1;
                self.open
                    .push(world.request(if has_body { CHUNKS } else { GET }));
            }
            Step::Push(which, bytes) => {
                if let Some(copies) = self.open.get_mut(which) {
                    world.push(copies, &vec![b'x'; bytes]);
                }
            }
            Step::End(which) => {
                if let Some(copies) = self.open.get_mut(which) {
                    copies.end(None);
                }
            }
            Step::Fail(which) => {
                if let Some(copies) = self.open.get_mut(which) {
                    copies.fail(Outcome::ClientAborted);
                }
            }
            Step::Answer(which, is_ok) => {
                if let Some(copies) = self.open.get(which) {
                    answer(copies, if is_ok { 200 } else { 500 });
                }
            }
            Step::Over(which) => {
                if which < self.open.len() {
                    self.open.swap_remove(which).over(None);
                }
            }
            Step::Say(which, said) => {
                if let Some(end) = self.connections.get_mut(which) {
                    let _ = timeout(SOON, end.write_all(said.as_bytes())).await;
                }
            }
            Step::Read(which) => {
                if let Some(end) = self.connections.get_mut(which) {
                    let _ = timeout(SOON, end.read(&mut [0; 5000])).await;
                }
            }
            Step::Close(which, resets) => {
                if which < self.connections.len() {
                    let mut end = self.connections.swap_remove(which);
                    if resets {
                        end.reset_on_close();
                    }
                }
            }
            Step::Set(answers) => world.shadow.set(answers),
            Step::Pass(millis) => world.pass(Duration::from_millis(millis)).await,
        }
        world.settle().await;
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    /// Whatever happens in whatever order, each copy ends in one outcome, and nothing is held afterwards.
    #[test]
    fn the_ledger_balances_and_all_memory_comes_back(
        steps in steps(),
        ordered in any::<bool>(),
        late in any::<bool>(),
    ) {
        let mut config = String::from(
            "answer_timeout = '5s'\nconnect_timeout = '2s'\nstream_timeout = '8s'\nmax_in_flight = 3\nqueue = 4\n\
             body_buffer = '16KiB'\nbreaker = { failures = 4, pause = '2s' }\n",
        );
        if ordered {
            config += "order_by = 'header:Host'\n";
        }
        if late {
            config += "send = 'after_answer'\n";
        }
        in_world(&config, async |world| {
            let mut play = Play::default();
            for step in steps {
                play.step(step, world).await;
            }
            let Play { requests, open, connections } = play;
            drop(open);
            world.settle().await;
            drop(connections);
            world.shadow.set(Answers::Refuses);
            world.pass(Duration::from_secs(120)).await;
            let outcomes: u64 = world.account.outcomes().map(|(_, count)| count).sum();
            assert_eq!(outcomes, requests);
        });
    }
}
