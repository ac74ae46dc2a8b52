//! All that one worker's requests need on their way.

use std::{cell::RefCell, rc::Rc, sync::Arc};

use super::{Drain, Preparation};
use crate::{
    capture::Recorder,
    config::{Limits, Timeouts},
    http::Marks,
    ledger::{Account, Ledger, Outcome},
    tee::{Budget, Copies, Recipient},
    telemetry::metrics::ProxyMetrics,
    upstream::Pool,
};

/// All that one worker's requests need on their way.
pub(crate) struct Pipeline {
    pub(crate) pool: Rc<Pool>,
    pub(crate) recipients: Rc<[Rc<dyn Recipient>]>,
    /// Those of shadows that a reload took away: a request counts for them, too.
    pub(crate) absent: Vec<Arc<Account>>,
    /// Where exchanges are captured, if they are.
    pub(crate) capture: Option<Rc<Recorder>>,
    pub(crate) budget: Arc<Budget>,
    pub(crate) ledger: Arc<Ledger>,
    pub(crate) metrics: Arc<ProxyMetrics>,
    pub(crate) marks: Marks,
    pub(crate) timeouts: Timeouts,
    pub(crate) limits: Limits,
    /// The name of the field with a request's id.
    pub(crate) request_id: Arc<str>,
    pub(crate) add_forwarded: bool,
    pub(crate) access_log: bool,
    pub(crate) drain: Rc<Drain>,
}

impl Pipeline {
    /// What is known to the steps that a head goes through first.
    pub(super) fn preparation(&self) -> Preparation<'_> {
        Preparation {
            marks: &self.marks,
            limits: &self.limits,
            request_id: &self.request_id,
            add_forwarded: self.add_forwarded,
        }
    }

    /// Counts a request that was received. Its recipients count it when it is split.
    pub(super) fn count_request(&self) {
        self.ledger.request();
        for account in &self.absent {
            account.pass(Outcome::Absent);
        }
    }

    /// Counts a request that was refused before anybody could look at it.
    pub(super) fn count_unread(&self) {
        self.count_request();
        Copies::leave_out(&self.recipients, Outcome::NotForwarded);
    }
}

/// The path that a worker's next requests take. A reload puts another in its place; a request that is under way
/// keeps the one that it began with.
pub(crate) struct Pipelines {
    now: RefCell<Rc<Pipeline>>,
    pub(crate) drain: Rc<Drain>,
}

impl Pipelines {
    pub(crate) fn new(pipeline: Pipeline) -> Self {
        Self {
            drain: Rc::clone(&pipeline.drain),
            now: RefCell::new(Rc::new(pipeline)),
        }
    }

    pub(crate) fn now(&self) -> Rc<Pipeline> {
        Rc::clone(&self.now.borrow())
    }

    pub(crate) fn replace(&self, pipeline: Pipeline) {
        // Dropped after the borrow has ended.
        let _before = self.now.replace(Rc::new(pipeline));
    }
}
