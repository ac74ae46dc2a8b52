//! Keeps the copies of a session in the order of their requests: the next one goes when the one before has ended.
//!
//! A copy takes a ticket of its session, as at a counter, and waits until the ticket is called.

use std::{
    cell::RefCell,
    collections::{BTreeSet, HashMap},
    rc::Rc,
    sync::Arc,
};

use super::queue::{Places, Seat};

/// The key of its session and its number there.
pub(super) type Ticket = (u64, u64);

/// The counter of one session.
#[derive(Debug, Default)]
struct Counter {
    given: u64,
    called: u64,
    /// Tickets whose copy ended before they were called.
    returned: BTreeSet<u64>,
}

#[derive(Debug)]
struct Tickets {
    /// Those of sessions with a copy that has not ended.
    counters: RefCell<HashMap<u64, Counter>>,
    /// Called since somebody looked.
    called: RefCell<Vec<Ticket>>,
    /// How many copies of one session may wait.
    most: u64,
    places: Arc<Places>,
}

impl Tickets {
    fn is_called(&self, (key, number): Ticket) -> bool {
        let counters = self.counters.borrow();
        counters
            .get(&key)
            .is_some_and(|counter| counter.called == number)
    }

    /// The copy with this ticket has ended.
    fn give_back(&self, (key, number): Ticket) {
        let mut counters = self.counters.borrow_mut();
        let Some(counter) = counters.get_mut(&key) else {
            return;
        };
        if counter.called != number {
            counter.returned.insert(number);
            return;
        }
        loop {
            counter.called += 1;
            if !counter.returned.remove(&counter.called) {
                break;
            }
        }
        if counter.called == counter.given {
            counters.remove(&key);
        } else {
            self.called.borrow_mut().push((key, counter.called));
            self.places.call();
        }
    }
}

/// A copy's turn among those of its session. Dropped, it is the next one's.
#[derive(Debug)]
pub(super) struct Turn {
    tickets: Rc<Tickets>,
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

/// The copies that wait for their turn.
#[derive(Debug)]
pub(super) struct Order<T> {
    tickets: Rc<Tickets>,
    waiting: RefCell<HashMap<Ticket, (T, Seat)>>,
}

impl<T> Order<T> {
    /// `seats`: those of the queue, of which one session can't have all.
    pub(super) fn new(seats: usize, places: Arc<Places>) -> Self {
        Self {
            tickets: Rc::new(Tickets {
                counters: RefCell::default(),
                called: RefCell::default(),
                most: (seats as u64 / 4).max(1),
                places,
            }),
            waiting: RefCell::default(),
        }
    }

    /// A turn behind the others with this key; `None` where too many of them wait already.
    pub(super) fn join(&self, key: u64) -> Option<Turn> {
        let mut counters = self.tickets.counters.borrow_mut();
        let counter = counters.entry(key).or_default();
        if counter.given - counter.called > self.tickets.most {
            return None;
        }
        let number = counter.given;
        counter.given += 1;
        Some(Turn {
            tickets: Rc::clone(&self.tickets),
            ticket: (key, number),
        })
    }

    /// Keeps a thing, and the seat it has meanwhile, until its turn comes.
    pub(super) fn wait(&self, ticket: Ticket, thing: T, seat: Seat) {
        self.waiting.borrow_mut().insert(ticket, (thing, seat));
    }

    /// Whether nobody waits for its turn.
    pub(super) fn is_empty(&self) -> bool {
        self.waiting.borrow().is_empty()
    }

    /// Those whose turn has come.
    pub(super) fn called(&self) -> Vec<(T, Seat)> {
        let called = self.tickets.called.take();
        let mut waiting = self.waiting.borrow_mut();
        let called = called.iter().filter_map(|ticket| waiting.remove(ticket));
        called.collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn order(seats: usize) -> (Order<&'static str>, Arc<Places>) {
        let places = Places::new(9, 100);
        (Order::new(seats, Arc::clone(&places)), places)
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
        assert!(order.tickets.counters.borrow().is_empty());
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
        let (order, _) = order(8);
        let turns: Vec<_> = (0..3).map(|_| order.join(1).unwrap()).collect();
        assert!(order.join(1).is_none() && order.join(2).is_some());
        drop(turns);
        assert!(order.join(1).is_some());
    }
}
