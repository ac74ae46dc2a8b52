//! What one shadow may take of its thread's time beyond what a usual copy costs.
//!
//! A usual copy is written to a connection that is there, and its answer comes in a few small reads. Everything else, such
//! as new connections, handshakes, long answers and ones in many small parts, is done in turns. A turn is short; the
//! runtime asks for events before each, and the time that turns take is at most a fixed part of all time. So other
//! shadows of the thread have their copies sent, and a machine that has time to spare does not spend all of it on a flood.

use std::{
    cell::{Cell, RefCell},
    collections::VecDeque,
    rc::Rc,
    task::{Context, Poll, Waker},
    time::{Duration, Instant},
};

use tokio::{
    sync::Notify,
    task::{spawn_local, yield_now},
    time::sleep,
};

use crate::http::now;

/// One shadow's turns.
pub(super) struct Allowance {
    /// Processor time that may be spent; less than nothing where a turn took longer.
    balance: Cell<Nanos>,
    filled: Cell<Instant>,
    waiting: RefCell<VecDeque<Rc<Waiter>>>,
    /// Somebody gives turns to those that wait.
    gives: Cell<bool>,
    /// Answers that are read in turns.
    long: Cell<usize>,
    /// One of them has ended.
    ended: Notify,
}

/// Nanoseconds.
type Nanos = i64;

/// Turns take at most one part in this many of all time.
const PARTS: Nanos = 10;
/// How much more the time counts in which responses are read; and of a shadow that takes more processor time than
/// production, whose sending takes time on this machine, too, where it is there.
const READING: Nanos = 3;
const READING_LESS: Nanos = 6;
/// As much is saved up at most: what other shadows are held up by, at worst, when one begins to misbehave.
const SAVED: Nanos = 2_000_000;
/// What is slept at least where all is spent; the runtime's clock is no finer.
const REST: Duration = Duration::from_millis(1);

/// As many answers are read in turns before no more connections are made: their shadow has enough to send.
const MANY: usize = 32;

/// Asks for turns, one at a time.
#[derive(Default)]
pub(super) struct Ask(Rc<Waiter>);

#[derive(Default)]
struct Waiter {
    state: Cell<State>,
    waker: Cell<Option<Waker>>,
}

#[derive(Clone, Copy, Default)]
enum State {
    #[default]
    Idle,
    Waits {
        since: Instant,
    },
    /// Its turn has come, after this wait.
    Called {
        waited: Duration,
    },
}

/// A turn, that ends when this is dropped.
pub(super) struct Turn<'a> {
    allowance: &'a Allowance,
    began: Instant,
    /// How long it was waited for.
    pub(super) waited: Duration,
    weight: Nanos,
}

/// An answer that is read in turns, until this is dropped.
pub(super) struct Long<'a>(&'a Allowance);

impl Allowance {
    pub(super) fn new() -> Rc<Self> {
        Rc::new(Self {
            balance: Cell::new(SAVED),
            filled: Cell::new(now()),
            waiting: RefCell::default(),
            gives: Cell::new(false),
            long: Cell::new(0),
            ended: Notify::new(),
        })
    }

    /// An answer is to be read in turns from now on.
    pub(super) fn begin_long(&self) -> Long<'_> {
        self.long.set(self.long.get() + 1);
        Long(self)
    }

    /// Waits while many answers are read in turns.
    pub(super) async fn calm(&self) {
        while self.long.get() >= MANY {
            self.ended.notified().await;
        }
    }

    /// The next turn. Turns are given in the order in which they were asked for.
    pub(super) fn poll_turn<'a>(self: &'a Rc<Self>, ask: &Ask, cx: &Context<'_>) -> Poll<Turn<'a>> {
        let waiter = &ask.0;
        match waiter.state.get() {
            State::Called { waited } => {
                waiter.state.set(State::Idle);
                return Poll::Ready(Turn {
                    allowance: self,
                    began: now(),
                    waited,
                    weight: 1,
                });
            }
            State::Waits { .. } => {}
            State::Idle => {
                let since = now();
                waiter.state.set(State::Waits { since });
                self.waiting.borrow_mut().push_back(Rc::clone(waiter));
                if !self.gives.replace(true) {
                    spawn_local(Rc::clone(self).give());
                }
            }
        }
        waiter.waker.set(Some(cx.waker().clone()));
        Poll::Pending
    }

    /// Gives turns while somebody waits: one after each look at the events, as long as there is time for them.
    async fn give(self: Rc<Self>) {
        loop {
            yield_now().await;
            let balance = self.fill();
            if balance <= 0 {
                let debt = u64::try_from(-balance * PARTS).unwrap_or_default();
                sleep(REST.max(Duration::from_nanos(debt))).await;
                continue;
            }
            let Some(next) = self.waiting.borrow_mut().pop_front() else {
                break;
            };
            next.call();
        }
        self.gives.set(false);
    }

    /// Adds what time has brought.
    fn fill(&self) -> Nanos {
        let this = now();
        let brought = nanos(this - self.filled.replace(this)) / PARTS;
        let balance = self.balance.get().saturating_add(brought).min(SAVED);
        self.balance.set(balance);
        balance
    }
}

impl Turn<'_> {
    /// It is for reading, and counts for more: what is read was sent, which costs as much, often on this machine, and then
    /// there is room for more. `less`: the shadow is one that costs too much.
    pub(super) fn reads(&mut self, less: bool) {
        self.weight = if less { READING_LESS } else { READING };
    }
}

impl Ask {
    /// Whether it waits for its turn.
    pub(super) fn waits(&self) -> bool {
        matches!(self.0.state.get(), State::Waits { .. })
    }
}

impl Waiter {
    fn call(&self) {
        if let State::Waits { since } = self.state.get() {
            let waited = now() - since;
            self.state.set(State::Called { waited });
        }
        if let Some(waker) = self.waker.take() {
            waker.wake();
        }
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        let balance = &self.allowance.balance;
        let cost = nanos(now() - self.began).saturating_mul(self.weight);
        balance.set(balance.get().saturating_sub(cost));
    }
}

impl Drop for Long<'_> {
    fn drop(&mut self) {
        self.0.long.set(self.0.long.get() - 1);
        self.0.ended.notify_waiters();
    }
}

fn nanos(time: Duration) -> Nanos {
    Nanos::try_from(time.as_nanos()).unwrap_or(Nanos::MAX)
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;

    use tokio::runtime::{Builder, LocalOptions};

    use super::*;

    fn run(test: impl Future<Output = ()>) {
        let runtime = Builder::new_current_thread()
            .enable_all()
            .build_local(LocalOptions::default());
        runtime.unwrap().block_on(test);
    }

    /// Takes a turn and works in it for this time.
    async fn work(allowance: &Rc<Allowance>, ask: &Ask, long: Duration) {
        poll_fn(|cx| {
            allowance.poll_turn(ask, cx).map(|_turn| {
                let begin = Instant::now();
                while begin.elapsed() < long {
                    std::hint::spin_loop();
                }
            })
        })
        .await;
    }

    #[test]
    fn turns_are_given_in_the_order_in_which_they_were_asked_for() {
        run(async {
            let (allowance, order) = (Allowance::new(), Rc::new(RefCell::new(Vec::new())));
            let tasks: Vec<_> = (0..5)
                .map(|n| {
                    let (allowance, order) = (Rc::clone(&allowance), Rc::clone(&order));
                    spawn_local(async move {
                        work(&allowance, &Ask::default(), Duration::ZERO).await;
                        order.borrow_mut().push(n);
                    })
                })
                .collect();
            for task in tasks {
                task.await.unwrap();
            }
            assert_eq!(*order.borrow(), [0, 1, 2, 3, 4]);
        });
    }

    #[test]
    fn all_turns_together_take_no_more_than_their_part_of_the_time() {
        run(async {
            let (allowance, ask) = (Allowance::new(), Ask::default());
            let (begin, mut turns) = (Instant::now(), 0);
            let long = Duration::from_micros(500);
            while begin.elapsed() < Duration::from_millis(200) {
                work(&allowance, &ask, long).await;
                turns += 1;
            }
            // What was saved up at the start, and the last turn, which may take what is not there.
            let parts = u32::try_from(PARTS).unwrap();
            let most = begin.elapsed() / parts + Duration::from_nanos(SAVED.unsigned_abs()) + long;
            assert!(long * turns <= most, "{turns} turns");
        });
    }

    #[test]
    fn it_is_calm_again_when_one_of_many_long_answers_has_ended() {
        run(async {
            let allowance = Allowance::new();
            let mut many: Vec<_> = (0..MANY).map(|_| allowance.begin_long()).collect();
            let mut calm = std::pin::pin!(allowance.calm());
            let polled = poll_fn(|cx| Poll::Ready(calm.as_mut().poll(cx))).await;
            assert!(polled.is_pending());
            many.pop();
            calm.await;
        });
    }

    #[test]
    fn who_waits_is_told_how_long_and_one_that_gives_up_holds_nobody_up() {
        run(async {
            let (allowance, gone, ask) = (Allowance::new(), Ask::default(), Ask::default());
            let cx = Context::from_waker(Waker::noop());
            assert!(allowance.poll_turn(&gone, &cx).is_pending());
            assert!(gone.waits());
            drop(gone);
            let asked = Instant::now();
            let waited = poll_fn(|cx| allowance.poll_turn(&ask, cx).map(|turn| turn.waited)).await;
            assert!(!ask.waits() && waited <= asked.elapsed());
        });
    }
}
