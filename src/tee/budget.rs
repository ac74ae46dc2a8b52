//! The one budget for all memory that is kept for shadows, in bytes.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering::Relaxed},
};

/// How many bytes may be held, and how many are.
#[derive(Debug)]
pub(crate) struct Budget {
    limit: AtomicUsize,
    used: AtomicUsize,
    peak: AtomicUsize,
}

impl Budget {
    pub(crate) fn new(limit: usize) -> Arc<Self> {
        Arc::new(Self {
            limit: AtomicUsize::new(limit),
            used: AtomicUsize::new(0),
            peak: AtomicUsize::new(0),
        })
    }

    /// Takes `bytes` out of the budget until the returned value is dropped; `None` where they don't fit.
    pub(crate) fn hold(self: &Arc<Self>, bytes: usize) -> Option<Held> {
        self.take(bytes).then(|| Held {
            budget: Arc::clone(self),
            bytes: AtomicUsize::new(bytes),
        })
    }

    fn take(&self, bytes: usize) -> bool {
        let before = self.used.fetch_add(bytes, Relaxed);
        let after = before.saturating_add(bytes);
        if after > self.limit() {
            self.used.fetch_sub(bytes, Relaxed);
            return false;
        }
        if after > self.peak.load(Relaxed) {
            self.peak.fetch_max(after, Relaxed);
        }
        true
    }

    pub(crate) fn limit(&self) -> usize {
        self.limit.load(Relaxed)
    }

    /// Another limit from now on; what is held above it is held on, and nothing more is taken.
    pub(crate) fn set_limit(&self, limit: usize) {
        self.limit.store(limit, Relaxed);
    }

    /// Bytes held now.
    pub(crate) fn used(&self) -> usize {
        self.used.load(Relaxed)
    }

    /// The most that were ever held.
    pub(crate) fn peak(&self) -> usize {
        self.peak.load(Relaxed)
    }
}

/// Bytes of the budget, given back when dropped.
#[derive(Debug)]
pub(crate) struct Held {
    budget: Arc<Budget>,
    bytes: AtomicUsize,
}

impl Held {
    /// How many.
    pub(crate) fn bytes(&self) -> usize {
        self.bytes.load(Relaxed)
    }

    /// Takes more out of the budget; false where it does not fit.
    pub(crate) fn grow(&self, bytes: usize) -> bool {
        let fits = self.budget.take(bytes);
        if fits {
            self.bytes.fetch_add(bytes, Relaxed);
        }
        fits
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.budget.used.fetch_sub(*self.bytes.get_mut(), Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_budget_is_never_overdrawn_and_all_of_it_comes_back() {
        let budget = Budget::new(100);
        let held = budget.hold(60).unwrap();
        assert!(budget.hold(41).is_none());
        let more = budget.hold(40).unwrap();
        assert_eq!((budget.used(), budget.peak()), (100, 100));
        drop((held, more));
        assert_eq!(budget.used(), 0);
        let held = budget.hold(90).unwrap();
        assert!(held.grow(10) && !held.grow(1));
        drop(held);
        assert_eq!(budget.used(), 0);
    }
}
