//! What the copies to one shadow are sent with.

use std::{rc::Rc, sync::Arc};

use tokio::sync::Semaphore;

use super::{Shadow, allowance::Allowance, copy_head::CopyHeads};
use crate::{
    tee::Budget,
    upstream::{Pool, PoolSettings},
};

/// What the copies to one shadow are sent with.
pub(super) struct Sender {
    pub(super) shadow: Arc<Shadow>,
    pub(super) pool: Rc<Pool>,
    pub(super) copy_heads: CopyHeads,
    /// Of this thread's processor time.
    pub(super) allowance: Rc<Allowance>,
    pub(super) budget: Arc<Budget>,
    /// Connections that are being made.
    pub(super) connecting: Semaphore,
}

/// How many connections are opened at the same time. Where there is little time for them, more would only take longer than
/// they may, and that would look like the shadow's fault. A copy that waits may get one that another no longer needs.
const CONNECTING: usize = 8;

impl Sender {
    pub(super) fn new(shadow: &Arc<Shadow>, budget: &Arc<Budget>) -> Self {
        let settings = PoolSettings {
            idle_connections: shadow.settings.max_connections,
            idle_timeout: shadow.settings.idle_timeout.0,
            connections: Some(Arc::clone(&shadow.connections)),
            is_careful: false,
            reading: shadow.common.reading,
            metrics: Arc::clone(&shadow.metrics.pool),
        };
        Self {
            shadow: Arc::clone(shadow),
            pool: Pool::new(shadow.connector.clone(), settings),
            copy_heads: shadow.copy_heads.clone(),
            allowance: Allowance::new(),
            budget: Arc::clone(budget),
            connecting: Semaphore::new(CONNECTING),
        }
    }
}
