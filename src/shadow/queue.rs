//! Places for copies on their way to one shadow, and what waits for one.

use std::{
    cell::RefCell,
    collections::VecDeque,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::SeqCst},
    },
};

use tokio::sync::Notify;

/// Places for copies on their way to one shadow, before a reload and after it.
#[derive(Debug)]
pub(super) struct Places {
    limit: AtomicUsize,
    taken: AtomicUsize,
    seats: AtomicUsize,
    queued: AtomicUsize,
    /// Called when a place is free while somebody waits.
    free: Notify,
}

impl Places {
    /// `places` copies on their way and `seats` that wait.
    pub(super) fn new(places: usize, seats: usize) -> Arc<Self> {
        Arc::new(Self {
            limit: AtomicUsize::new(places),
            taken: AtomicUsize::new(0),
            seats: AtomicUsize::new(seats),
            queued: AtomicUsize::new(0),
            free: Notify::new(),
        })
    }

    /// As many from now on; who has a place or a seat above that keeps it.
    pub(super) fn resize(&self, places: usize, seats: usize) {
        self.limit.store(places, SeqCst);
        self.seats.store(seats, SeqCst);
        self.call();
    }

    /// A place, where one is free.
    pub(super) fn take(self: &Arc<Self>) -> Option<Place> {
        let limit = self.limit.load(SeqCst);
        let took = self
            .taken
            .fetch_update(SeqCst, SeqCst, |n| (n < limit).then_some(n + 1));
        took.is_ok().then(|| Place(Arc::clone(self)))
    }

    /// A seat among those that wait, where one is free.
    pub(super) fn sit(self: &Arc<Self>) -> Option<Seat> {
        let seats = self.seats.load(SeqCst);
        self.queued
            .fetch_update(SeqCst, SeqCst, |n| (n < seats).then_some(n + 1))
            .ok()
            .map(|_| Seat(Arc::clone(self)))
    }

    /// Has all look at what waits, or else the next one that does: after a reload there are two queues for the same
    /// places.
    pub(super) fn call(&self) {
        self.free.notify_waiters();
        self.free.notify_one();
    }

    /// Whether there is neither a place nor a seat: seen from any thread, as it was a moment ago.
    pub(super) fn are_full(&self) -> bool {
        let is_full =
            |taken: &AtomicUsize, limit: &AtomicUsize| taken.load(SeqCst) >= limit.load(SeqCst);
        is_full(&self.queued, &self.seats) && is_full(&self.taken, &self.limit)
    }

    /// Copies that wait.
    pub(super) fn queued(&self) -> usize {
        self.queued.load(SeqCst)
    }
}

/// A place among the copies on their way, free again when dropped.
#[derive(Debug)]
pub(super) struct Place(Arc<Places>);

impl Drop for Place {
    fn drop(&mut self) {
        self.0.taken.fetch_sub(1, SeqCst);
        if self.0.queued() > 0 {
            self.0.call();
        }
    }
}

/// A seat among the copies that wait, free again when dropped.
#[derive(Debug)]
pub(super) struct Seat(Arc<Places>);

impl Drop for Seat {
    fn drop(&mut self) {
        self.0.queued.fetch_sub(1, SeqCst);
    }
}

/// What waits for a place.
#[derive(Debug)]
pub(super) struct Queue<T> {
    places: Arc<Places>,
    waiting: RefCell<VecDeque<(T, Seat)>>,
    waits: fn(&T) -> bool,
}

impl<T> Queue<T> {
    /// `waits` tells whether a thing in the queue is still worth its seat.
    pub(super) fn new(places: Arc<Places>, waits: fn(&T) -> bool) -> Self {
        Self {
            waits,
            places,
            waiting: RefCell::default(),
        }
    }

    /// A place at once, or a seat in the queue, or, where that is full, the thing back.
    pub(super) fn enter(&self, thing: T) -> Result<Option<(T, Place)>, T> {
        if self.waiting.borrow().is_empty()
            && let Some(place) = self.places.take()
        {
            return Ok(Some((thing, place)));
        }
        let Some(seat) = self.sit() else {
            return Err(thing);
        };
        self.push(thing, seat);
        // A place that was freed between the two steps above called nobody.
        Ok(self.next())
    }

    /// Takes a seat.
    pub(super) fn sit(&self) -> Option<Seat> {
        self.places.sit()
    }

    /// Puts one who has a seat behind the others.
    pub(super) fn push(&self, thing: T, seat: Seat) {
        self.waiting.borrow_mut().push_back((thing, seat));
    }

    /// Has those leave that wait for nothing any more.
    pub(super) fn clear_out(&self) {
        let mut waiting = self.waiting.borrow_mut();
        waiting.retain(|(thing, _)| (self.waits)(thing));
        drop(waiting);
        // Perhaps nobody waits any more.
        self.call();
    }

    /// The next one that has a place, if anyone has.
    pub(super) fn next(&self) -> Option<(T, Place)> {
        if self.waiting.borrow().is_empty() {
            return None;
        }
        let place = self.places.take()?;
        let (thing, _seat) = self.waiting.borrow_mut().pop_front()?;
        Some((thing, place))
    }

    /// Whether nothing waits.
    pub(super) fn is_empty(&self) -> bool {
        self.waiting.borrow().is_empty()
    }

    /// Wakes those that wait for a place.
    pub(super) fn call(&self) {
        self.places.call();
    }

    /// Waits until a place may be free.
    pub(super) async fn freed(&self) {
        self.places.free.notified().await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_then_seats_then_nothing() {
        let places = Places::new(1, 1);
        let queue = Queue::new(Arc::clone(&places), |_| true);
        let (first, place) = queue.enter("first").unwrap().unwrap();
        assert_eq!(first, "first");
        assert!(queue.enter("second").unwrap().is_none());
        assert_eq!(queue.enter("third").unwrap_err(), "third");
        assert!(queue.next().is_none());
        drop(place);
        assert_eq!(queue.next().unwrap().0, "second");
        assert_eq!(places.queued(), 0);
    }

    #[test]
    fn a_place_freed_by_one_queue_goes_to_another_that_waits() {
        let places = Places::new(1, 8);
        let (here, there) = (
            Queue::new(Arc::clone(&places), |_| true),
            Queue::new(Arc::clone(&places), |_| true),
        );
        let (_, place) = here.enter(1).unwrap().unwrap();
        assert!(there.enter(2).unwrap().is_none());
        drop(place);
        let runtime = tokio::runtime::Builder::new_current_thread()
            .build()
            .unwrap();
        runtime.block_on(there.freed());
        assert_eq!(there.next().unwrap().0, 2);
    }
}
