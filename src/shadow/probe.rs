//! Asking the shadow once more, for the comparer (does its response vary by itself?) or for somebody who looks at an example
//! (is the difference there again?). Such a request is no copy and in nobody's ledger, and it is given up where copies have
//! enough to do.

use std::{
    rc::Rc,
    sync::Arc,
    task::{Context, Poll, ready},
    time::{Duration, Instant},
};

use bytes::Bytes;
use tokio::{sync::oneshot, task::spawn_local, time::timeout};

use super::{Shadow, delivery::Delivery, queue::Place, sender::Sender};
use crate::{
    compare::{LiveResponse, NotResent, Resend, ResentBody},
    http::{Alarm, Known, RequestHead, ResponseHead, now},
    tee::{RecordedResponse, Recording},
    telemetry::logs::with_causes,
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

/// The request of an example that is sent once more, for whoever waits for what comes of it.
pub(super) struct Example {
    pub(super) shadow: Arc<Shadow>,
    pub(super) resend: Resend,
    /// How long it is waited for.
    pub(super) within: Duration,
    pub(super) answer: oneshot::Sender<Result<LiveResponse, NotResent>>,
}

/// Sends it where copies leave room for it, and tells of the response.
pub(super) fn send_example(delivery: &Rc<Delivery>, example: Example) {
    let Example {
        resend,
        within,
        answer,
        ..
    } = example;
    let place = match delivery.place_for_other() {
        Ok(place) => place,
        // Who does not wait any more misses nothing.
        Err(why) => return drop(answer.send(Err(why))),
    };
    let delivery = Rc::clone(delivery);
    spawn_local(async move {
        let asked = timeout(within, ask_again(&delivery, &resend, within, &place));
        let came = asked.await.unwrap_or(Err(NotResent::NoAnswer(within)));
        let _ = answer.send(came);
    });
}

/// Sends the request as its copy was: with what the shadow knows its session by, rewritten and marked.
async fn ask_again(
    delivery: &Delivery,
    resend: &Resend,
    within: Duration,
    _place: &Place,
) -> Result<LiveResponse, NotResent> {
    let sender = delivery.sender();
    let shadow = &sender.shadow;
    let compared = shadow.compared.as_ref().ok_or(NotResent::NotCompared)?;
    let request = resend.request();
    let known = shadow.sessions.as_ref();
    let own = known.map_or(Ok(None), |known| known.head(&request.head));
    let own = own.map_err(|_| NotResent::Unpaired)?;
    let mut head = own.map_or_else(|| request.head.clone(), |own| *own);
    // The body is whole, as it was sent. Nothing is waited for before it goes.
    head.headers.remove(Known::TransferEncoding);
    head.headers.remove(Known::Expect);
    head.headers.remove(Known::Trailer);
    let body = match &request.body {
        ResentBody::Whole(body) => {
            let length = body.len().to_string();
            head.headers.set(b"Content-Length", length.as_bytes());
            Some(body)
        }
        ResentBody::None | ResentBody::Cut => None,
    };
    let started = now();
    let mut probing = Probing {
        sender,
        head: &head,
        request_body: body,
        response: ResponseHead::default(),
        body: Recording::new(compared.bytes, &sender.budget),
        answered: None,
        alarm: Alarm::default(),
        due: started + within,
    };
    let is_whole = match call(&mut probing, &sender.pool, started).await {
        Ok(((), called)) => {
            let is_whole = called.response().is_done();
            called.end(&sender.pool, now());
            is_whole
        }
        // Its status says enough.
        Err(_) if probing.answered.is_some() => false,
        Err(Uncalled::GivenUp(GivenUp::Late)) => return Err(NotResent::NoAnswer(within)),
        Err(Uncalled::GivenUp(GivenUp::NoConnection(why))) => {
            return Err(NotResent::NoConnection(why));
        }
        Err(Uncalled::Failed(error)) => return Err(NotResent::Broken(with_causes(&error))),
    };
    probing
        .came(is_whole, started)
        .ok_or(NotResent::NoAnswer(within))
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
        request_body: None,
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
    if let Some(response) = probing.came(is_whole, started) {
        let name = shadow.name();
        compared.thread.probed(name, probe.number, response);
    }
}

struct Probing<'a> {
    sender: &'a Sender,
    head: &'a RequestHead,
    request_body: Option<&'a Bytes>,
    response: ResponseHead,
    body: Recording,
    answered: Option<Instant>,
    alarm: Alarm,
    due: Instant,
}

/// Why it is given up.
enum GivenUp {
    Late,
    NoConnection(String),
}

impl Caller for Probing<'_> {
    type End = ();
    type GivenUp = GivenUp;

    fn request(&self) -> Request<'_> {
        Request {
            head: self.sender.copy_heads.of(self.head),
            body: self
                .request_body
                .map_or(RequestBody::None, RequestBody::Whole),
            is_upgrade: false,
        }
    }

    async fn connect(&mut self) -> Result<Box<Connection>, GivenUp> {
        let opened = self.sender.pool.open().await;
        opened.map_err(|error| GivenUp::NoConnection(with_causes(&error)))
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
            return Poll::Ready(Err(Uncalled::GivenUp(GivenUp::Late)));
        }
        self.poll_response(cx, call)
    }
}

impl Probing<'_> {
    /// The response, where its head came.
    fn came(self, is_whole: bool, started: Instant) -> Option<LiveResponse> {
        let at = self.answered?;
        Some(LiveResponse {
            response: Arc::new(RecordedResponse {
                head: self.response,
                body: self.body,
                is_whole,
            }),
            at,
            took: at - started,
        })
    }

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
