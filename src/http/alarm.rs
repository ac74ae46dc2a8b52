//! One clock for all the time limits of a task.

use std::{
    future::Future,
    pin::{Pin, pin},
    task::{Context, Poll, Waker},
};

use tokio::{
    task::coop::unconstrained,
    time::{Instant, Sleep, sleep_until},
};

/// The time by the clock that alarms ring by: in tests it may stand still.
pub(crate) fn now() -> std::time::Instant {
    Instant::now().into_std()
}

/// Rings when what is due is due. Most deadlines move away long before: then the clock is left as it is, and
/// set anew only when it rings too early.
#[derive(Debug, Default)]
pub(crate) struct Alarm(Option<Clock>);

#[derive(Debug)]
struct Clock {
    sleep: Pin<Box<Sleep>>,
    /// Whom it wakes.
    wakes: Waker,
}

impl Alarm {
    /// Ready once `due` is over; wakes the task then.
    pub(crate) fn poll(&mut self, cx: &mut Context<'_>, due: std::time::Instant) -> Poll<()> {
        let due = Instant::from_std(due);
        let clock = self.0.get_or_insert_with(|| Clock {
            sleep: Box::pin(sleep_until(due)),
            wakes: Waker::noop().clone(),
        });
        let wakes = clock.wakes.will_wake(cx.waker());
        if clock.sleep.deadline() > due {
            clock.sleep.as_mut().reset(due);
        } else if wakes && !clock.sleep.is_elapsed() {
            return Poll::Pending;
        }
        if !wakes {
            clock.wakes = cx.waker().clone();
        }
        // A busy task rings, too: the clock does not share in what a task may do at a time.
        while pin!(unconstrained(clock.sleep.as_mut()))
            .poll(cx)
            .is_ready()
        {
            if clock.sleep.deadline() >= due {
                return Poll::Ready(());
            }
            clock.sleep.as_mut().reset(due);
        }
        Poll::Pending
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn it_rings_when_it_is_due_and_not_when_it_was() {
        let (mut alarm, start) = (Alarm::default(), Instant::now());
        let due = |seconds| (start + Duration::from_secs(seconds)).into_std();
        let mut rings = [due(2), due(5), due(1)].into_iter();
        let first = rings.next().unwrap();
        std::future::poll_fn(|cx| {
            let _ = alarm.poll(cx, first);
            Poll::Ready(())
        })
        .await;
        for (due, after) in rings.zip([5, 5]) {
            std::future::poll_fn(|cx| alarm.poll(cx, due)).await;
            assert_eq!(start.elapsed().as_secs(), after);
        }
    }
}
