//! Asking the shadow once more: does its response vary by itself? Such a request is in nobody's ledger, and it is given up
//! where copies have enough to do.

use std::{
    rc::Rc,
    sync::Arc,
    task::{Context, Poll, ready},
    time::Instant,
};

use tokio::task::spawn_local;

use super::{delivery::Delivery, sender::Sender};
use crate::{
    compare::LiveResponse,
    http::{Alarm, RequestHead, ResponseHead, now},
    tee::{RecordedResponse, Recording},
    upstream::{Call, Caller, Connection, Next, Request, RequestBody, Uncalled, call},
};

/// A request without a body that is sent once more.
pub(super) struct Probe {
    /// The shadow's name.
    pub(super) shadow: String,
    /// What the comparer knows it by.
    pub(super) number: u64,
    pub(super) head: RequestHead,
}

/// Sends it where copies leave room for it, and tells the comparer of the response.
pub(super) fn send(delivery: &Rc<Delivery>, probe: Probe) {
    if delivery.has_time() {
        spawn_local(ask(Rc::clone(delivery), probe));
    }
}

async fn ask(delivery: Rc<Delivery>, probe: Probe) {
    let sender = delivery.sender();
    let shadow = &sender.shadow;
    let Some(compared) = &shadow.compared else {
        return;
    };
    let known = shadow.sessions.as_ref();
    let Ok(own) = known.map_or(Ok(None), |known| known.head(&probe.head)) else {
        return;
    };
    let started = now();
    let mut probing = Probing {
        sender,
        head: own.as_deref().unwrap_or(&probe.head),
        response: ResponseHead::default(),
        body: Recording::new(compared.bytes, &sender.budget),
        answered: None,
        alarm: Alarm::default(),
        due: started + shadow.settings.answer_timeout.0,
    };
    let Ok(((), called)) = call(&mut probing, &sender.pool, started).await else {
        return;
    };
    let is_whole = called.response().is_done();
    called.end(&sender.pool, now());
    if let Some(at) = probing.answered {
        let response = LiveResponse {
            response: Arc::new(RecordedResponse {
                head: probing.response,
                body: probing.body,
                is_whole,
            }),
            at,
            took: at - started,
        };
        let name = shadow.name();
        compared.thread.probed(name, probe.number, response);
    }
}

struct Probing<'a> {
    sender: &'a Sender,
    head: &'a RequestHead,
    response: ResponseHead,
    body: Recording,
    answered: Option<Instant>,
    alarm: Alarm,
    due: Instant,
}

/// It took too long, or the comparer needs no more of it.
struct GivenUp;

impl Caller for Probing<'_> {
    type End = ();
    type GivenUp = GivenUp;

    fn request(&self) -> Request<'_> {
        Request {
            head: self.sender.copy_heads.of(self.head),
            body: RequestBody::None,
            is_upgrade: false,
        }
    }

    async fn connect(&mut self) -> Result<Box<Connection>, GivenUp> {
        let opened = self.sender.pool.open().await;
        opened.map_err(|_| GivenUp)
    }

    fn poll(
        &mut self,
        cx: &mut Context<'_>,
        call: &mut Call,
    ) -> Poll<Result<(), Uncalled<GivenUp>>> {
        if let Poll::Ready(Err(error)) = call.poll_flush(cx) {
            return Poll::Ready(Err(error.into()));
        }
        if self.alarm.poll(cx, self.due).is_ready() {
            return Poll::Ready(Err(Uncalled::GivenUp(GivenUp)));
        }
        self.poll_response(cx, call)
    }
}

impl Probing<'_> {
    fn poll_response(
        &mut self,
        cx: &mut Context<'_>,
        call: &mut Call,
    ) -> Poll<Result<(), Uncalled<GivenUp>>> {
        loop {
            match call.next(&mut self.response)? {
                Next::Interim => {}
                Next::Head(_) => self.answered = Some(now()),
                Next::Piece(length) => {
                    self.body.copy(call.body(length));
                    call.skip(length);
                }
                Next::More => {
                    if ready!(call.poll_fill(cx))? == 0 {
                        return Poll::Ready(Ok(()));
                    }
                    continue;
                }
                Next::Trailers(_) | Next::End => return Poll::Ready(Ok(())),
            }
            if call.response().is_done() || self.body.is_over_limit() {
                return Poll::Ready(Ok(()));
            }
        }
    }
}
