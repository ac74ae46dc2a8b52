//! Keeps the copies of a session in the order of their requests: the next one goes when the one before has ended.
//!
//! A copy takes a ticket of its session, as at a counter, and waits until the ticket is called.

use std::{
    cell::RefCell,
    collections::{BTreeSet, HashMap, HashSet, VecDeque},
    sync::Arc,
};

use parking_lot::Mutex;

use super::queue::{Places, Seat};

/// The key of its session and its number there.
pub(super) type Ticket = (u64, u64);

/// One of the orders whose copies draw tickets at the same counters.
type OrderId = u64;

/// The counter of one session.
#[derive(Debug, Default)]
struct Counter {
    called: u64,
    /// Whose the ticket is that was called, and those behind it.
    owners: VecDeque<OrderId>,
    /// Tickets whose copy ended before they were called.
    returned: BTreeSet<u64>,
}

#[derive(Debug, Default)]
struct Counters {
    /// Those of sessions with a copy that has not ended.
    open: HashMap<u64, Counter>,
    /// Called since their owner looked.
    called: HashMap<OrderId, Vec<Ticket>>,
    orders: OrderId,
}

/// The tickets of one shadow's sessions. Another thread takes over a shadow now and then, and so does a reload: what the
/// first one has still to send goes before what comes to the second.
#[derive(Debug)]
pub(super) struct Tickets {
    counters: Mutex<Counters>,
    places: Arc<Places>,
}

impl Tickets {
    pub(super) fn new(places: Arc<Places>) -> Arc<Self> {
        Arc::new(Self {
            counters: Mutex::default(),
            places,
        })
    }

    fn is_called(&self, (key, number): Ticket) -> bool {
        let counters = self.counters.lock();
        let counter = counters.open.get(&key);
        counter.is_some_and(|counter| counter.called == number)
    }

    /// The copy with this ticket has ended.
    fn give_back(&self, (key, number): Ticket) {
        let mut counters = self.counters.lock();
        let Some(counter) = counters.open.get_mut(&key) else {
            return;
        };
        if counter.called != number {
            counter.returned.insert(number);
            return;
        }
        loop {
            counter.called += 1;
            counter.owners.pop_front();
            if !counter.returned.remove(&counter.called) {
                break;
            }
        }
        let ticket = (key, counter.called);
        let Some(owner) = counter.owners.front().copied() else {
            counters.open.remove(&key);
            return;
        };
        counters.called.entry(owner).or_default().push(ticket);
        drop(counters);
        self.places.call();
    }
}

/// A copy's turn among those of its session. Dropped, it is the next one's.
#[derive(Debug)]
pub(super) struct Turn {
    tickets: Arc<Tickets>,
    ticket: Ticket,
}

impl Turn {
    pub(super) fn has_come(&self) -> bool {
        self.tickets.is_called(self.ticket)
    }

    pub(super) fn ticket(&self) -> Ticket {
        self.ticket
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        self.tickets.give_back(self.ticket);
    }
}

/// Keys of the first copies: do any two have the same?
#[derive(Debug, Default)]
pub(super) struct Keys {
    seen: HashSet<u64>,
    again: usize,
    is_told: bool,
}

impl Keys {
    const FIRST: usize = 500;

    /// Takes the key of a copy. Returns, once, whether hardly any came again.
    pub(super) fn is_changing(&mut self, key: u64) -> bool {
        if self.is_told {
            return false;
        }
        self.again += usize::from(!self.seen.insert(key));
        if self.seen.len() + self.again < Self::FIRST {
            return false;
        }
        self.is_told = true;
        self.seen = HashSet::new();
        self.again * 20 < Self::FIRST
    }
}

/// The copies that wait for their turn on one thread.
#[derive(Debug)]
pub(super) struct Order<T> {
    id: OrderId,
    tickets: Arc<Tickets>,
    /// How many copies of one session may wait.
    most: usize,
    waiting: RefCell<HashMap<Ticket, (T, Seat)>>,
}

impl<T> Order<T> {
    /// `most` copies of one session may wait.
    pub(super) fn new(most: usize, tickets: Arc<Tickets>) -> Self {
        let id = {
            let mut counters = tickets.counters.lock();
            counters.orders += 1;
            counters.orders
        };
        Self {
            id,
            tickets,
            most: most.max(1),
            waiting: RefCell::default(),
        }
    }

    /// A turn behind the others with this key; `None` where too many of them wait already.
    pub(super) fn join(&self, key: u64) -> Option<Turn> {
        let mut counters = self.tickets.counters.lock();
        let counter = counters.open.entry(key).or_default();
        if counter.owners.len() > self.most {
            return None;
        }
        let number = counter.called + counter.owners.len() as u64;
        counter.owners.push_back(self.id);
        Some(Turn {
            tickets: Arc::clone(&self.tickets),
            ticket: (key, number),
        })
    }

    /// Keeps a thing, and the seat it has meanwhile, until its turn comes.
    pub(super) fn wait(&self, ticket: Ticket, thing: T, seat: Seat) {
        self.waiting.borrow_mut().insert(ticket, (thing, seat));
        // Another thread may have called it meanwhile.
        if self.tickets.is_called(ticket) {
            let mut counters = self.tickets.counters.lock();
            counters.called.entry(self.id).or_default().push(ticket);
        }
    }

    /// Whether nobody waits for its turn.
    pub(super) fn is_empty(&self) -> bool {
        self.waiting.borrow().is_empty()
    }

    /// Those whose turn has come.
    pub(super) fn called(&self) -> Vec<(T, Seat)> {
        let mut waiting = self.waiting.borrow_mut();
        if waiting.is_empty() {
            return Vec::new();
        }
        let called = self.tickets.counters.lock().called.remove(&self.id);
        let called = called.unwrap_or_default();
        let called = called.iter().filter_map(|ticket| waiting.remove(ticket));
        called.collect()
    }
}

impl<T> Drop for Order<T> {
    fn drop(&mut self) {
        self.tickets.counters.lock().called.remove(&self.id);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn order(most: usize) -> (Order<&'static str>, Arc<Places>) {
        let places = Places::new(9, 100);
        let tickets = Tickets::new(Arc::clone(&places));
        (Order::new(most, tickets), places)
    }

    #[test]
    fn copies_of_one_key_go_one_after_the_other() {
        let (order, places) = order(100);
        let first = order.join(7).unwrap();
        let second = order.join(7).unwrap();
        let third = order.join(7).unwrap();
        assert!(first.has_come() && !second.has_come());
        order.wait(second.ticket(), "second", places.sit().unwrap());
        order.wait(third.ticket(), "third", places.sit().unwrap());
        assert!(order.called().is_empty());
        drop(first);
        assert_eq!(order.called()[0].0, "second");
        assert!(order.called().is_empty());
        drop(second);
        assert_eq!(order.called()[0].0, "third");
        drop(third);
        assert!(order.join(7).unwrap().has_come());
        assert!(order.tickets.counters.lock().open.is_empty());
    }

    #[test]
    fn a_copy_that_ends_before_its_turn_is_passed_over() {
        let (order, _) = order(100);
        let first = order.join(7).unwrap();
        drop(order.join(7).unwrap());
        drop(order.join(7).unwrap());
        let last = order.join(7).unwrap();
        assert!(!last.has_come());
        drop(first);
        assert!(last.has_come());
        assert!(
            order.join(8).unwrap().has_come(),
            "another key does not wait"
        );
    }

    #[test]
    fn one_key_can_not_have_all_seats() {
        let (order, _) = order(2);
        let turns: Vec<_> = (0..3).map(|_| order.join(1).unwrap()).collect();
        assert!(order.join(1).is_none() && order.join(2).is_some());
        drop(turns);
        assert!(order.join(1).is_some());
    }

    #[test]
    fn what_another_thread_has_still_to_send_goes_first() {
        let (here, places) = order(100);
        let there = Order::new(100, Arc::clone(&here.tickets));
        let first = here.join(7).unwrap();
        let second = here.join(7).unwrap();
        let third = there.join(7).unwrap();
        assert!(!third.has_come());
        there.wait(third.ticket(), "third", places.sit().unwrap());
        here.wait(second.ticket(), "second", places.sit().unwrap());
        drop(first);
        assert!(there.called().is_empty());
        assert_eq!(here.called()[0].0, "second");
        drop(second);
        assert!(here.called().is_empty());
        assert_eq!(there.called()[0].0, "third");
        let fourth = here.join(7).unwrap();
        drop(third);
        here.wait(fourth.ticket(), "fourth", places.sit().unwrap());
        assert_eq!(here.called()[0].0, "fourth", "called before it waited");
    }

    #[test]
    fn keys_of_which_hardly_any_comes_again_are_told_once() {
        let mut changing = Keys::default();
        let told = (0..5_000).filter(|key| changing.is_changing(*key)).count();
        assert_eq!((told, changing.seen.len()), (1, 0));
        let mut kept = Keys::default();
        assert!(!(0..5_000).any(|key| kept.is_changing(key % 400)));
    }
}
