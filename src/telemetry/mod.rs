//! Logs, and every metric with its labels, declared once. The lowest room: it knows nothing of the others.

pub(crate) mod history;
pub(crate) mod log_queue;
pub(crate) mod logs;
pub(crate) mod metrics;
pub(crate) mod named;
pub(crate) mod quantiles;
pub(crate) mod rate;
pub(crate) mod sharded;
pub(crate) mod text;
