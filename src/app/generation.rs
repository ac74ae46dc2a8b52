//! How often the configuration was changed, and which change each worker has taken up.

use tokio::sync::watch;

/// How often the configuration was changed, and which change each worker has taken up.
pub(super) struct Generation {
    announced: watch::Sender<u64>,
    /// By worker: one that takes up an old change late has not taken up a newer one.
    taken_up: watch::Sender<Box<[u64]>>,
}

impl Generation {
    pub(super) fn new(workers: usize) -> Self {
        Self {
            announced: watch::Sender::new(0),
            taken_up: watch::Sender::new(vec![0; workers].into()),
        }
    }

    /// Where a worker hears of changes from now on.
    pub(super) fn follow(&self) -> watch::Receiver<u64> {
        self.announced.subscribe()
    }

    /// Another configuration is in place. Returns the number of the change.
    pub(super) fn announce(&self) -> u64 {
        self.announced.send_modify(|number| *number += 1);
        *self.announced.borrow()
    }

    /// A worker has taken up this change.
    pub(super) fn taken_up(&self, worker: usize, number: u64) {
        self.taken_up.send_modify(|taken| taken[worker] = number);
    }

    /// Waits until every worker has taken up this change or a later one.
    pub(super) async fn wait(&self, number: u64) {
        let mut taken = self.taken_up.subscribe();
        let all = taken.wait_for(|taken| taken.iter().all(|taken| *taken >= number));
        // It ends with `self` alone.
        let _ = all.await;
    }
}

#[cfg(test)]
mod tests {
    use std::{
        pin::pin,
        task::{Context, Waker},
    };

    use super::*;

    /// Whether the wait for a change is over.
    fn is_over(wait: impl Future<Output = ()>) -> bool {
        let wait = pin!(wait);
        wait.poll(&mut Context::from_waker(Waker::noop()))
            .is_ready()
    }

    #[test]
    fn a_worker_that_takes_up_an_old_change_late_does_not_count_for_the_new_one() {
        let generation = Generation::new(2);
        let first = generation.announce();
        generation.taken_up(0, first);
        assert!(!is_over(generation.wait(first)));
        let second = generation.announce();
        let mut wait = pin!(generation.wait(second));
        generation.taken_up(0, second);
        // Only now comes the other one to the first change, for which nobody waits any more.
        generation.taken_up(1, first);
        assert!(!is_over(wait.as_mut()));
        generation.taken_up(1, second);
        assert!(is_over(wait));
    }

    #[test]
    fn a_worker_that_missed_a_change_has_taken_it_up_with_the_next() {
        let generation = Generation::new(1);
        let first = generation.announce();
        let second = generation.announce();
        generation.taken_up(0, second);
        assert!(is_over(generation.wait(first)));
    }
}
