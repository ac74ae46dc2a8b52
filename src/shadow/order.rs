//! Keeps the copies of a session in the order of their requests: the next one goes when the one before has ended.
//!
//! Requests of one session come to several workers. A request takes a ticket of its session's slot, as at a
//! counter, and its copy waits until the ticket is called: two atomic numbers, and no lock on the primary path.
//! Sessions share the slots by the hash of their key; two that have the same one wait for each other, too.

use std::{
    cell::RefCell,
    collections::{BTreeMap, BTreeSet},
    rc::Rc,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::SeqCst},
    },
};

use super::queue::{Places, Seat};

/// Whose turn it is in each slot, of all workers.
#[derive(Debug)]
pub(super) struct Slots {
    slots: Box<[Slot]>,
    /// So many of one slot may wait.
    most: u64,
}

#[derive(Debug, Default)]
struct Slot {
    given: AtomicU64,
    called: AtomicU64,
}

const SLOTS: usize = 16 * 1024;

impl Slots {
    /// For a queue with so many seats: one session can't have all of them.
    pub(super) fn new(seats: usize) -> Arc<Self> {
        Arc::new(Self {
            slots: (0..SLOTS).map(|_| Slot::default()).collect(),
            most: (seats as u64 / 4).max(1),
        })
    }
}

/// The tickets that a worker has taken for its copies.
#[derive(Debug)]
struct Tickets {
    slots: Arc<Slots>,
    places: Arc<Places>,
    /// Those whose copy ended before they were called.
    returned: RefCell<BTreeSet<Ticket>>,
}

/// Its slot and its number.
pub(super) type Ticket = (usize, u64);

impl Tickets {
    fn is_called(&self, (slot, number): Ticket) -> bool {
        self.slots.slots[slot].called.load(SeqCst) == number
    }

    /// This one, which was called, is done: calls the next.
    fn call_next(&self, (slot, mut number): Ticket) {
        loop {
            number += 1;
            self.slots.slots[slot].called.store(number, SeqCst);
            if !self.returned.borrow_mut().remove(&(slot, number)) {
                break;
            }
        }
        if self.slots.slots[slot].given.load(SeqCst) > number {
            self.places.call_all();
        }
    }

    /// Passes over those that were returned.
    fn pass_over(&self) {
        loop {
            let returned = self.returned.borrow();
            let called = returned.iter().find(|ticket| self.is_called(**ticket));
            let Some(&ticket) = called else { return };
            drop(returned);
            self.returned.borrow_mut().remove(&ticket);
            self.call_next(ticket);
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
        if self.has_come() {
            self.tickets.call_next(self.ticket);
        } else {
            self.tickets.returned.borrow_mut().insert(self.ticket);
        }
    }
}

/// The copies of a worker that wait for their turn.
#[derive(Debug)]
pub(super) struct Order<T> {
    tickets: Rc<Tickets>,
    waiting: RefCell<BTreeMap<Ticket, (T, Seat)>>,
}

impl<T> Order<T> {
    pub(super) fn new(slots: Arc<Slots>, places: Arc<Places>) -> Self {
        Self {
            tickets: Rc::new(Tickets {
                slots,
                places,
                returned: RefCell::default(),
            }),
            waiting: RefCell::default(),
        }
    }

    /// A turn behind the others with this key; `None` where too many of them wait already.
    pub(super) fn join(&self, key: u64) -> Option<Turn> {
        let slot = usize::try_from(key % SLOTS as u64).unwrap_or_default();
        let Slots { slots, most } = &*self.tickets.slots;
        let Slot { given, called } = &slots[slot];
        let called = called.load(SeqCst);
        let number = given
            .fetch_update(SeqCst, SeqCst, |given| {
                (given.saturating_sub(called) <= *most).then_some(given + 1)
            })
            .ok()?;
        Some(Turn {
            tickets: Rc::clone(&self.tickets),
            ticket: (slot, number),
        })
    }

    /// Keeps a thing, and the seat it has meanwhile, until its turn comes.
    pub(super) fn wait(&self, ticket: Ticket, thing: T, seat: Seat) {
        self.waiting.borrow_mut().insert(ticket, (thing, seat));
    }

    /// Whether nobody waits for its turn, and none was given back before it came.
    pub(super) fn is_empty(&self) -> bool {
        self.waiting.borrow().is_empty() && self.tickets.returned.borrow().is_empty()
    }

    /// Those whose turn has come.
    pub(super) fn called(&self) -> Vec<(T, Seat)> {
        self.tickets.pass_over();
        let mut waiting = self.waiting.borrow_mut();
        let tickets: Vec<_> = waiting
            .keys()
            .filter(|ticket| self.tickets.is_called(**ticket))
            .copied()
            .collect();
        let called = tickets.iter().filter_map(|ticket| waiting.remove(ticket));
        called.collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn order(slots: &Arc<Slots>, places: &Arc<Places>) -> Order<&'static str> {
        Order::new(Arc::clone(slots), Arc::clone(places))
    }

    #[test]
    fn copies_of_one_key_go_one_after_the_other_whichever_worker_has_them() {
        let (slots, places) = (Slots::new(100), Places::new(9, 100, 2));
        let (here, there) = (order(&slots, &places), order(&slots, &places));
        let first = here.join(7).unwrap();
        let second = there.join(7).unwrap();
        let third = here.join(7).unwrap();
        assert!(first.has_come() && !second.has_come());
        there.wait(second.ticket(), "second", places.sit().unwrap());
        here.wait(third.ticket(), "third", places.sit().unwrap());
        assert!(there.called().is_empty());
        drop(first);
        assert!(here.called().is_empty());
        assert_eq!(there.called()[0].0, "second");
        drop(second);
        assert_eq!(here.called()[0].0, "third");
        drop(third);
        assert!(here.join(7).unwrap().has_come());
    }

    #[test]
    fn a_copy_that_ends_before_its_turn_is_passed_over() {
        let (slots, places) = (Slots::new(100), Places::new(9, 100, 2));
        let (here, there) = (order(&slots, &places), order(&slots, &places));
        let first = here.join(7).unwrap();
        drop(there.join(7).unwrap());
        drop(here.join(7).unwrap());
        let last = here.join(7).unwrap();
        drop(first);
        assert!(!last.has_come());
        assert!(there.called().is_empty());
        here.called();
        assert!(last.has_come());
        assert!(
            here.join(8).unwrap().has_come(),
            "another key does not wait"
        );
    }

    #[test]
    fn one_key_can_not_have_all_seats() {
        let (slots, places) = (Slots::new(8), Places::new(9, 8, 1));
        let order = order(&slots, &places);
        let turns: Vec<_> = (0..3).map(|_| order.join(1).unwrap()).collect();
        assert!(order.join(1).is_none() && order.join(2).is_some());
        drop(turns);
        assert!(order.join(1).is_some());
    }
}
