//! Tasks that send copies, one after the other: to wake one costs less than to begin one for each copy.

use std::{
    cell::{Cell, RefCell},
    future::poll_fn,
    rc::Rc,
    task::{Poll, Waker},
};

/// The lanes of one worker to one shadow that have nothing to do.
pub(super) struct Lanes<T> {
    resting: RefCell<Vec<Rc<Hand<T>>>>,
}

/// Where a lane that rests is given its next copy.
pub(super) struct Hand<T> {
    next: Cell<Option<T>>,
    closed: Cell<bool>,
    waker: Cell<Option<Waker>>,
}

/// How many lanes rest at most; others end when they have nothing to do.
const RESTING: usize = 64;

impl<T> Lanes<T> {
    /// Gives it to the lane that rested last, or gives it back where none rests.
    pub(super) fn give(&self, thing: T) -> Option<T> {
        let Some(hand) = self.resting.borrow_mut().pop() else {
            return Some(thing);
        };
        hand.next.set(Some(thing));
        hand.wake();
        None
    }

    /// Lets a lane rest, unless enough of them do.
    pub(super) fn rest(&self, hand: &Rc<Hand<T>>) -> bool {
        let mut resting = self.resting.borrow_mut();
        let has_room = resting.len() < RESTING;
        if has_room {
            resting.push(Rc::clone(hand));
        }
        has_room
    }
}

impl<T> Default for Lanes<T> {
    fn default() -> Self {
        Self {
            resting: RefCell::default(),
        }
    }
}

impl<T> Drop for Lanes<T> {
    fn drop(&mut self) {
        for hand in self.resting.take() {
            hand.closed.set(true);
            hand.wake();
        }
    }
}

impl<T> Hand<T> {
    fn wake(&self) {
        if let Some(waker) = self.waker.take() {
            waker.wake();
        }
    }

    /// What is given next; `None` where nobody is left to give anything.
    pub(super) async fn filled(&self) -> Option<T> {
        poll_fn(|cx| {
            if let Some(thing) = self.next.take() {
                return Poll::Ready(Some(thing));
            }
            if self.closed.get() {
                return Poll::Ready(None);
            }
            self.waker.set(Some(cx.waker().clone()));
            Poll::Pending
        })
        .await
    }
}

impl<T> Default for Hand<T> {
    fn default() -> Self {
        Self {
            next: Cell::new(None),
            closed: Cell::new(false),
            waker: Cell::new(None),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_lane_that_rests_is_given_the_next_and_told_of_the_end() {
        let (lanes, hand) = (Lanes::default(), Rc::new(Hand::default()));
        assert_eq!(lanes.give(1), Some(1));
        assert!(lanes.rest(&hand));
        assert_eq!(lanes.give(2), None);
        assert_eq!(lanes.give(3), Some(3));
        assert_eq!(hand.filled().await, Some(2));
        assert!(lanes.rest(&hand));
        drop(lanes);
        assert_eq!(hand.filled().await, None);
    }
}
