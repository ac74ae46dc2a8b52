//! The one way from production to the shadow side: a ring that one worker puts into and one shadow thread takes out of.
//!
//! To put something in is wait-free: no lock, nothing that the other side has to finish first. So a shadow thread that
//! the kernel has stopped anywhere, for as long as it likes, holds up no worker. A thread that sleeps is woken once for
//! all that a worker puts in before its turn ends.

use std::{
    cell::{Cell, RefCell},
    collections::VecDeque,
    future::poll_fn,
    rc::Rc,
    sync::Arc,
    task::{Poll, Waker},
    time::Duration,
};

use rtrb::{Consumer, Producer, PushError, RingBuffer};
use tokio::{task::spawn_local, time::sleep};

use super::{
    doorbell::{Doorbell, Urgency},
    message::Message,
};
use crate::{exchange::Exchange, http::RequestHead};

/// How many messages are on their way at most. A copy that finds no room is left out.
const ROOM: usize = 2048;
/// How many heads are on their way back at most.
const SPENT: usize = 64;
/// How long is waited before what found no room is tried again.
const AGAIN: Duration = Duration::from_millis(1);

/// Production's end, of one worker. Dropped, it lets the other end see that nothing more comes.
pub(crate) struct Valve(Rc<Inlet>);

struct Inlet {
    ring: RefCell<Producer<Message>>,
    /// What found no room and must not be lost: it belongs to copies that did.
    behind: RefCell<VecDeque<Message>>,
    spent: RefCell<Consumer<RequestHead>>,
    numbers: Cell<u64>,
    /// What was put in since the bell rang.
    touched: Cell<Urgency>,
    closed: Cell<bool>,
    ringer: Cell<Option<Waker>>,
    /// The last field: it rings when the ring before it is seen to be gone.
    door: LastRing,
}

/// A bell that rings once more when it is dropped. A worker's runtime that ends drops its tasks as they are, and with them
/// the one that rings: without this the other end would sleep on, and nobody could wait for it.
struct LastRing(Arc<Doorbell>);

impl Drop for LastRing {
    fn drop(&mut self) {
        self.0.ring();
    }
}

/// The shadow side's end.
pub(crate) struct Outlet {
    ring: Consumer<Message>,
    spent: HeadReturn,
}

/// The shadow side's end on its way to its thread.
pub(crate) struct UnopenedOutlet {
    ring: Consumer<Message>,
    spent: Producer<RequestHead>,
}

/// Takes heads that are no longer needed back to the worker that they came from.
#[derive(Clone)]
pub(crate) struct HeadReturn(Rc<RefCell<Producer<RequestHead>>>);

impl Valve {
    /// A valve of the worker in whose runtime this is called, to the thread with this bell.
    pub(crate) fn open(door: &Arc<Doorbell>) -> (Self, UnopenedOutlet) {
        let (messages, ring) = RingBuffer::new(ROOM);
        let (heads, spent) = RingBuffer::new(SPENT);
        let inlet = Rc::new(Inlet {
            ring: messages.into(),
            behind: RefCell::default(),
            spent: spent.into(),
            numbers: Cell::new(0),
            touched: Cell::default(),
            closed: Cell::new(false),
            ringer: Cell::new(None),
            door: LastRing(Arc::clone(door)),
        });
        spawn_local(Rc::clone(&inlet).ring());
        (Self(inlet), UnopenedOutlet { ring, spent: heads })
    }

    /// Whether a request finds room.
    pub(super) fn has_room(&self) -> bool {
        self.0.behind.borrow().is_empty() && !self.0.ring.borrow().is_full()
    }

    /// A number for the next request.
    pub(super) fn number(&self) -> u64 {
        let number = self.0.numbers.get();
        self.0.numbers.set(number + 1);
        number
    }

    /// Puts a message in. A request needs [room](Self::has_room).
    pub(super) fn put(&self, message: Message) {
        self.0.put(message);
    }
}

impl Drop for Valve {
    fn drop(&mut self) {
        self.0.closed.set(true);
        self.0.touch(Urgency::Urgently);
    }
}

impl Inlet {
    fn put(&self, message: Message) {
        let touched = message.touches();
        let mut behind = self.behind.borrow_mut();
        let full = if behind.is_empty() {
            self.ring.borrow_mut().push(message).err()
        } else {
            Some(PushError::Full(message))
        };
        if let Some(PushError::Full(message)) = full {
            behind.push_back(message);
        }
        drop(behind);
        self.touch(touched);
    }

    /// Puts in what found no room. Returns whether all of it does now.
    fn catch_up(&self) -> bool {
        let (mut behind, mut ring) = (self.behind.borrow_mut(), self.ring.borrow_mut());
        while let Some(message) = behind.pop_front() {
            if let Err(PushError::Full(message)) = ring.push(message) {
                behind.push_front(message);
                return false;
            }
        }
        true
    }

    fn touch(&self, touched: Urgency) {
        let before = self.touched.get();
        self.touched.set(before.max(touched));
        if before == Urgency::Not
            && let Some(ringer) = self.ringer.take()
        {
            ringer.wake();
        }
    }

    /// Rings as a task of its own, behind all that were ready when something was put in: once for a worker's turn.
    async fn ring(self: Rc<Self>) {
        loop {
            let touched = poll_fn(|cx| match self.touched.take() {
                Urgency::Not => {
                    self.ringer.set(Some(cx.waker().clone()));
                    Poll::Pending
                }
                touched => Poll::Ready(touched),
            })
            .await;
            // What is spent comes back meanwhile.
            while let Ok(head) = self.spent.borrow_mut().pop() {
                head.reuse();
            }
            self.door.0.ring_for(touched);
            while !self.catch_up() {
                self.door.0.ring();
                sleep(AGAIN).await;
            }
            if self.closed.get() {
                return;
            }
        }
    }
}

impl UnopenedOutlet {
    /// The outlet, on the thread that takes out.
    pub(crate) fn open(self) -> Outlet {
        Outlet {
            ring: self.ring,
            spent: HeadReturn(Rc::new(self.spent.into())),
        }
    }
}

impl Outlet {
    /// The next message, where there is one.
    pub(crate) fn next(&mut self) -> Option<Message> {
        self.ring.pop().ok()
    }

    /// As that, left where it is.
    pub(crate) fn peek(&self) -> Option<&Message> {
        self.ring.peek().ok()
    }

    /// Whether nothing can come any more.
    pub(crate) fn is_over(&self) -> bool {
        // In this order: what was put in last is seen.
        self.ring.is_abandoned() && self.ring.is_empty()
    }

    pub(crate) fn spent(&self) -> HeadReturn {
        self.spent.clone()
    }
}

impl HeadReturn {
    /// Takes the exchange's head back, where nobody else holds the exchange any more.
    pub(crate) fn give_back(&self, exchange: Arc<Exchange>) {
        if let Some(head) = exchange.into_head() {
            // Where there are enough of them, its memory is given back.
            let _ = self.0.borrow_mut().push(head);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::thread;

    use tokio::runtime::{Builder, LocalOptions};

    use super::{
        super::{Part, Sleeper},
        *,
    };

    /// Runs it in a runtime such as a worker's or a shadow thread's.
    fn run<T>(future: impl Future<Output = T>) -> T {
        let runtime = Builder::new_current_thread()
            .enable_all()
            .build_local(LocalOptions::default())
            .unwrap();
        runtime.block_on(future)
    }

    /// Runs it with both ends of a valve and where the bell is heard.
    fn with_valve(test: impl AsyncFnOnce(Valve, Outlet, Sleeper)) {
        run(async {
            let (door, hears) = Doorbell::new().unwrap();
            let (valve, ends) = Valve::open(&door);
            test(valve, ends.open(), Sleeper::new(&door, hears).unwrap()).await;
        });
    }

    fn over(number: u64) -> Message {
        Message::Over(number, None)
    }

    fn number(message: &Message) -> u64 {
        match message {
            Message::Over(number, _) | Message::Part(number, _) => *number,
            _ => panic!("none that is put in here"),
        }
    }

    /// Whether the sleeper wakes, once all that is ready has run.
    async fn wakes(sleeper: &mut Sleeper, is_deep: bool, then: impl FnOnce()) -> bool {
        let mut sleep = std::pin::pin!(sleeper.sleep(is_deep, || false));
        assert!(futures(&mut sleep).await.is_none());
        then();
        tokio::time::timeout(Duration::from_millis(50), sleep)
            .await
            .is_ok()
    }

    /// Polls it once.
    async fn futures<T>(future: &mut std::pin::Pin<&mut impl Future<Output = T>>) -> Option<T> {
        poll_fn(|cx| {
            Poll::Ready(match future.as_mut().poll(cx) {
                Poll::Ready(ready) => Some(ready),
                Poll::Pending => None,
            })
        })
        .await
    }

    #[test]
    fn what_finds_no_room_comes_later_and_in_its_order() {
        with_valve(async |valve, mut outlet, _| {
            let many = ROOM as u64 + 10;
            for number in 0..many {
                assert_eq!(valve.has_room(), number < ROOM as u64);
                valve.put(over(number));
            }
            let mut came = 0;
            while came < many {
                while let Some(message) = outlet.next() {
                    assert_eq!(number(&message), came);
                    came += 1;
                }
                sleep(AGAIN).await;
            }
            assert!(valve.has_room());
        });
    }

    #[test]
    fn what_was_put_in_last_comes_before_the_end() {
        with_valve(async |valve, mut outlet, _| {
            for number in 0..=ROOM as u64 {
                valve.put(over(number));
            }
            drop(valve);
            let mut came = 0;
            while !outlet.is_over() {
                came += u64::from(outlet.next().is_some());
                tokio::task::yield_now().await;
            }
            assert_eq!(came, ROOM as u64 + 1);
        });
    }

    #[test]
    fn a_deep_sleep_is_ended_by_what_is_urgent_and_a_light_one_by_anything() {
        let part = || Message::Part(0, Part::End(None));
        with_valve(async |valve, _outlet, mut sleeper| {
            assert!(!wakes(&mut sleeper, true, || valve.put(over(0))).await);
            assert!(wakes(&mut sleeper, false, || valve.put(over(0))).await);
            assert!(wakes(&mut sleeper, true, || valve.put(part())).await);
            assert!(wakes(&mut sleeper, true, || drop(valve)).await);
        });
    }

    #[test]
    fn a_runtime_that_ends_wakes_the_other_end() {
        let (door, hears) = Doorbell::new().unwrap();
        let (sender, ends) = std::sync::mpsc::channel::<UnopenedOutlet>();
        let asleep = Arc::clone(&door);
        let worker = thread::spawn(move || {
            let runtime = Builder::new_current_thread()
                .build_local(LocalOptions::default())
                .unwrap();
            let valve = runtime.block_on(async {
                let (valve, ends) = Valve::open(&asleep);
                sender.send(ends).unwrap();
                valve
            });
            thread::sleep(Duration::from_millis(50));
            // The task that rings does not run any more.
            drop(valve);
            drop(runtime);
        });
        run(async {
            let outlet = ends.recv().unwrap().open();
            let mut sleeper = Sleeper::new(&door, hears).unwrap();
            let is_over = async {
                while !outlet.is_over() {
                    sleeper.sleep(true, || outlet.is_over()).await;
                }
            };
            let limit = Duration::from_secs(5);
            assert!(tokio::time::timeout(limit, is_over).await.is_ok());
        });
        worker.join().unwrap();
    }

    #[test]
    fn a_thread_that_goes_to_sleep_misses_nothing() {
        let (door, hears) = Doorbell::new().unwrap();
        let (sender, ends) = std::sync::mpsc::channel::<UnopenedOutlet>();
        let there = Arc::clone(&door);
        let shadow = thread::spawn(move || {
            run(async {
                let mut outlet = ends.recv().unwrap().open();
                let mut sleeper = Sleeper::new(&there, hears).unwrap();
                let mut came = 0;
                while !outlet.is_over() {
                    while outlet.next().is_some() {
                        came += 1;
                    }
                    sleeper
                        .sleep(false, || outlet.peek().is_some() || outlet.is_over())
                        .await;
                }
                came
            })
        });
        run(async {
            let (valve, ends) = Valve::open(&door);
            sender.send(ends).unwrap();
            for number in 0..20_000 {
                valve.put(over(number));
                if number % 7 == 0 {
                    tokio::task::yield_now().await;
                }
            }
            drop(valve);
            // Until the bell has rung for the last of them.
            while !shadow.is_finished() {
                sleep(AGAIN).await;
            }
        });
        assert_eq!(shadow.join().unwrap(), 20_000);
    }
}
