//! A copy from its place to its outcome: how it is called, and what becomes of it.

use std::{
    future::{Future, poll_fn},
    pin::pin,
    rc::Rc,
    task::{Context, Poll, Waker},
};

use tokio::{task::spawn_local, time::sleep};

use super::{
    Shadow,
    copy::ShadowCopy,
    copying::{Copying, Tools},
    failure::{Failure, lesson},
    sender::Sender,
    sessions::wait,
};
use crate::{
    exchange::Exchange,
    http::{Known, asks_for_upgrade, now},
    identity::looks_into,
    ledger::Outcome,
    upstream::{Call, Caller, Connection, Request, RequestBody, Uncalled, call},
};

/// Bytes that are read at a time.
const READ: usize = 32 * 1024;
/// Bytes that the kernel holds for each connection, of what a shadow sent and was not read.
const UNREAD: usize = 128 * 1024;

/// Sends a copy that has a place, and settles it.
pub(super) async fn send(sender: &Sender, mut copy: ShadowCopy, tools: &mut Tools) {
    if let Some(outcome) = copy.body.failure(&Context::from_waker(Waker::noop())) {
        return copy.settle(outcome);
    }
    if sender.shadow.control.is_paused() {
        return copy.settle(Outcome::Paused);
    }
    let Some(admitted) = sender.shadow.breaker.admit() else {
        return copy.settle(Outcome::BreakerOpen);
    };
    if let Err(outcome) = identify(sender, &mut copy) {
        return copy.settle(outcome);
    }
    let started = now();
    if copy.turn.is_some() {
        let lag = started - copy.pair.exchange().received;
        sender.shadow.metrics.lag.record(lag);
    }
    let mut copying = Copying::new(sender, &mut copy, tools, admitted, started);
    let ended = match call(&mut copying, &sender.pool, started).await {
        Ok(((), call)) => {
            let is_whole = call.response().is_done();
            call.end(&sender.pool, copying.last());
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
                report(&sender.shadow, copy.pair.exchange(), &failure);
            }
            outcome
        }
    };
    hold_turn(sender, &mut copy);
    copy.settle(outcome);
}

/// Puts the shadow's cookies, tokens and ids in place of production's, where sessions live on it.
fn identify(sender: &Sender, copy: &mut ShadowCopy) -> Result<(), Outcome> {
    let shadow = &sender.shadow;
    let (Some(sessions), Some(settings), Some(session)) = (
        &shadow.sessions,
        &shadow.settings.identity,
        copy.pair.session(),
    ) else {
        return Ok(());
    };
    let most = settings.body_bytes.bytes() as u64;
    let looked_into = copy.body.exists() && !copy.body.is_coming() && looks_into(copy.head(), most);
    if !looked_into {
        let substituted = sessions
            .substitute(session, copy.head(), None)
            .map_err(|_| Outcome::Unpaired)?;
        copy.pair.put_in(substituted.ids);
        if let Some(head) = substituted.head {
            copy.write_head(head);
        }
        return Ok(());
    }
    let pieces = copy.body.take_pieces();
    let body: Vec<u8> = pieces
        .iter()
        .flat_map(|piece| &piece.bytes[..])
        .copied()
        .collect();
    let substituted = sessions
        .substitute(session, copy.head(), Some(&body))
        .map_err(|_| Outcome::Unpaired)?;
    copy.pair.put_in(substituted.ids);
    let head = substituted
        .head
        .map_or_else(|| copy.head().clone(), |head| *head);
    let body = substituted.body.unwrap_or(body);
    let cost = sender.budget.hold(body.len()).ok_or(Outcome::OverBudget)?;
    copy.write(head, body.into(), cost);
    Ok(())
}

/// The next copy of the session goes when what this one teaches is learned, or after a while.
fn hold_turn(sender: &Sender, copy: &mut ShadowCopy) {
    if sender.shadow.sessions.is_none() || !copy.pair.hold(copy.turn.take()) {
        return;
    }
    let (pair, patience) = (Rc::clone(&copy.pair), wait(&sender.shadow.settings));
    spawn_local(async move {
        sleep(patience).await;
        pair.give_up();
    });
}

#[cold]
fn report(shadow: &Shadow, exchange: &Exchange, failure: &Failure) {
    if let Some(left_out) = shadow.failures.allow() {
        tracing::warn!(
            request_id = %exchange.id_text(),
            shadow = shadow.name(),
            address = %shadow.connector.address(),
            outcome = failure.outcome().as_str(),
            error = %failure.chain(),
            left_out,
            "a copy failed; the client's answer is not touched by it"
        );
    }
}

impl Caller for Copying<'_> {
    type End = ();
    type GivenUp = Failure;

    fn request(&self) -> Request<'_> {
        let head = self.copy.head();
        let chunked = head.headers.has(Known::TransferEncoding);
        Request {
            head: self.sender.copy_heads.of(head),
            body: if self.copy.body.exists() {
                RequestBody::Parts { chunked }
            } else {
                RequestBody::None
            },
            is_upgrade: asks_for_upgrade(&head.headers),
        }
    }

    /// A new connection, unless the copy is given up before it is there. It is made in turns: handshakes with a shadow
    /// that closes after each answer cost more than all else.
    async fn connect(&mut self) -> Result<Box<Connection>, Failure> {
        let sender = self.sender;
        let mut free = pin!(async {
            sender.allowance.calm().await;
            sender.connecting.acquire().await
        });
        let _permit = poll_fn(|cx| match free.as_mut().poll(cx) {
            Poll::Ready(permit) => Poll::Ready(Ok(permit)),
            Poll::Pending => self.poll_lost(cx).map(Err),
        })
        .await?;
        if let Some(connection) = sender.pool.take_idle(now()) {
            return Ok(connection);
        }
        let mut connecting = pin!(sender.pool.open());
        let mut connection = poll_fn(|cx| {
            if let Poll::Ready(turn) = self.poll_turn(cx) {
                let connection = connecting.as_mut().poll(cx);
                drop(turn);
                if let Poll::Ready(connection) = connection {
                    return Poll::Ready(connection.map_err(Failure::NoConnection));
                }
            }
            self.poll_lost(cx).map(Err)
        })
        .await?;
        connection.take_in(READ, UNREAD);
        Ok(connection)
    }

    fn poll(
        &mut self,
        cx: &mut Context<'_>,
        call: &mut Call,
    ) -> Poll<Result<(), Uncalled<Failure>>> {
        self.poll_both(cx, call)
    }
}
