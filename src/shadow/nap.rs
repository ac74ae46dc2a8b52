//! A thread that is woken in short order again and again rests a moment before it looks for events, and finds several.
//!
//! To wake a thread costs as much as to send a copy. Nobody waits for a copy, so it may be sent a moment later.

use std::{
    cell::Cell,
    thread,
    time::{Duration, Instant},
};

use tokio::runtime::Builder;

thread_local! {
    static PARKED: Cell<Option<Instant>> = const { Cell::new(None) };
    /// The last wait for events was a short one.
    static SHORT: Cell<bool> = const { Cell::new(false) };
    static UNDER_WAY: Cell<usize> = const { Cell::new(0) };
}

/// A wait is short up to here.
const LIMIT: Duration = Duration::from_micros(200);
/// How long the thread rests, at least.
const NAP: Duration = Duration::from_micros(50);
/// With so few copies under way there is nothing to gather: they may wait for one another.
const FEW: usize = 4;

/// Has a runtime of one thread rest before it waits for events, where that is worth it.
pub(super) fn rest(builder: &mut Builder) -> &mut Builder {
    builder
        .on_thread_park(|| {
            if SHORT.get() && UNDER_WAY.get() >= FEW {
                thread::sleep(NAP);
            }
            PARKED.set(Some(Instant::now()));
        })
        .on_thread_unpark(|| {
            let parked = PARKED.take();
            SHORT.set(parked.is_some_and(|parked| parked.elapsed() < LIMIT));
        })
}

/// A copy that is under way on this thread, until this is dropped.
pub(super) struct UnderWay(());

impl UnderWay {
    pub(super) fn begin() -> Self {
        UNDER_WAY.set(UNDER_WAY.get() + 1);
        Self(())
    }
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        UNDER_WAY.set(UNDER_WAY.get() - 1);
    }
}
