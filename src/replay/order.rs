//! Requests that belong together go one after the other: one is ready when the one before was answered.

use std::collections::{HashMap, VecDeque};

use super::job::Job;

/// Requests that wait for another.
#[derive(Debug, Default)]
pub(super) struct Order {
    /// For each key that is under way, those that wait.
    waiting: HashMap<u64, VecDeque<Job>>,
}

impl Order {
    /// The request back where it is ready; otherwise it waits.
    pub(super) fn enter(&mut self, job: Job) -> Option<Job> {
        let Some(key) = job.key else { return Some(job) };
        if let Some(waiting) = self.waiting.get_mut(&key) {
            waiting.push_back(job);
            return None;
        }
        self.waiting.insert(key, VecDeque::new());
        Some(job)
    }

    /// One with this key is done: the next is ready.
    pub(super) fn leave(&mut self, key: Option<u64>) -> Option<Job> {
        let key = key?;
        let next = self.waiting.get_mut(&key)?.pop_front();
        if next.is_none() {
            self.waiting.remove(&key);
        }
        next
    }
}
