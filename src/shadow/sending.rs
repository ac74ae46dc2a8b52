//! What the copies to one shadow are sent with, and what becomes of one that is sent.

use std::{
    future::{Future, poll_fn},
    pin::pin,
    rc::Rc,
    sync::Arc,
    task::{Context, Poll, Waker},
};

use tokio::sync::Semaphore;

use super::{
    Shadow,
    allowance::Allowance,
    copy::ShadowCopy,
    copy_head::CopyHeads,
    copying::{Copying, READ, Tools},
    failure::{Failure, lesson},
};
use crate::{
    exchange::Exchange,
    http::now,
    ledger::Outcome,
    tee::Budget,
    upstream::{Connection, Pool, PoolSettings, Uncalled, call},
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
    connecting: Semaphore,
}

/// How many connections are opened at the same time. Where there is little time for them, more would only take longer than
/// they may, and that would look like the shadow's fault. A copy that waits may get one that another no longer needs.
const CONNECTING: usize = 8;

/// Bytes that the kernel holds for each connection, of what a shadow sent and was not read.
const UNREAD: usize = 128 * 1024;

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

    /// Sends a copy that has a place, and settles it.
    pub(super) async fn send(&self, mut copy: ShadowCopy, tools: &mut Tools) {
        if let Some(outcome) = copy.body.failure(&Context::from_waker(Waker::noop())) {
            return copy.settle(outcome);
        }
        if self.shadow.control.is_paused() {
            return copy.settle(Outcome::Paused);
        }
        let Some(admitted) = self.shadow.breaker.admit() else {
            return copy.settle(Outcome::BreakerOpen);
        };
        let started = now();
        let mut copying = Copying::new(self, &mut copy, tools, admitted, started);
        let ended = match call(&mut copying, &self.pool, started).await {
            Ok(((), call)) => {
                let is_whole = call.response().is_done();
                call.end(&self.pool, copying.last());
                Ok(is_whole)
            }
            Err(Uncalled::GivenUp(why)) => Err(why),
            Err(Uncalled::Failed(error)) => Err(Failure::Broken(error)),
        };
        copying.learn(lesson(&ended));
        let outcome = match ended.map(|is_whole| copying.into_ours(is_whole)) {
            Ok(ours) => {
                if let Some(ours) = ours {
                    copy.pair.responded(ours);
                }
                Outcome::Answered
            }
            Err(failure) => {
                let outcome = failure.outcome();
                if outcome.is_fault() {
                    self.report(copy.pair.exchange(), &failure);
                }
                outcome
            }
        };
        copy.settle(outcome);
    }

    /// A new connection, unless the copy is given up before it is there. It is made in turns: handshakes with a shadow
    /// that closes after each answer cost more than all else.
    pub(super) async fn connect(
        &self,
        copying: &mut Copying<'_>,
    ) -> Result<Box<Connection>, Failure> {
        let mut free = pin!(async {
            self.allowance.calm().await;
            self.connecting.acquire().await
        });
        let _permit = poll_fn(|cx| match free.as_mut().poll(cx) {
            Poll::Ready(permit) => Poll::Ready(Ok(permit)),
            Poll::Pending => copying.poll_lost(cx).map(Err),
        })
        .await?;
        if let Some(connection) = self.pool.take_idle(now()) {
            return Ok(connection);
        }
        let mut connecting = pin!(self.pool.open());
        let mut connection = poll_fn(|cx| {
            if let Poll::Ready(turn) = copying.poll_turn(cx) {
                let connection = connecting.as_mut().poll(cx);
                drop(turn);
                if let Poll::Ready(connection) = connection {
                    return Poll::Ready(connection.map_err(Failure::NoConnection));
                }
            }
            copying.poll_lost(cx).map(Err)
        })
        .await?;
        connection.take_in(READ, UNREAD);
        Ok(connection)
    }

    #[cold]
    fn report(&self, exchange: &Exchange, failure: &Failure) {
        if let Some(left_out) = self.shadow.failures.allow() {
            tracing::warn!(
                request_id = %exchange.id_text(),
                shadow = self.shadow.name(),
                address = %self.shadow.connector.address(),
                outcome = failure.outcome().as_str(),
                error = %failure.chain(),
                left_out,
                "a copy failed; the client's answer is not touched by it"
            );
        }
    }
}
