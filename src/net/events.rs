//! How often a thread's runtime has asked the kernel for events and waited for them.

use std::cell::Cell;

use tokio::runtime::Builder;

thread_local! {
    static WAITS: Cell<u64> = const { Cell::new(0) };
}

/// Has a runtime of one thread count its waits.
pub(crate) fn count_waits(builder: &mut Builder) -> &mut Builder {
    builder.on_thread_unpark(|| WAITS.set(WAITS.get() + 1))
}

/// How often this thread's runtime has waited for events. Between two of them it knows what it knew; a runtime that
/// doesn't count is always at the same.
pub(crate) fn waits() -> u64 {
    WAITS.get()
}
