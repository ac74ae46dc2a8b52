//! Sends a request to the primary and passes its answer on.

use std::{
    cell::Cell,
    pin::pin,
    rc::Rc,
    sync::Arc,
    time::{Duration, Instant},
};

use http::{Response, StatusCode, Version, header::HOST};
use tokio::time::sleep_until;

use super::{
    body::{ClientBody, RequestBody},
    call::{Handle, Path, Teed},
    refusal::Refusal,
    upgrade,
};
use crate::{
    client::{AnswerBody, Pool},
    exchange::{BodyEnd, Exchange},
    http::strip_answer,
    tee::Gate,
    telemetry::metrics::ProxyMetrics,
};

/// Sends a request to the primary and passes its answer on.
pub(crate) struct Forward {
    pool: Rc<Pool<RequestBody>>,
    answer_timeout: Duration,
    idle_timeout: Duration,
    metrics: Arc<ProxyMetrics>,
}

/// How long a primary is given to say `100 Continue` before the body is sent all the same: it may be one
/// that never says it (RFC 9110, 10.1.1).
const PATIENCE: Duration = Duration::from_secs(1);

impl Forward {
    pub(super) fn new(path: &Path) -> Self {
        Self {
            pool: Rc::clone(&path.pool),
            answer_timeout: path.timeouts.answer.0,
            idle_timeout: path.timeouts.idle.0,
            metrics: Arc::clone(&path.metrics),
        }
    }
}

impl Handle<Teed> for Forward {
    type Error = Refusal;

    async fn handle(&self, teed: Teed) -> Result<Response<ClientBody>, Refusal> {
        let Teed {
            mut request,
            exchange,
            last_piece,
            gate,
            upgrade,
        } = teed;
        // Without a Host it can only be a message of HTTP/1.0, which has to stay one.
        *request.version_mut() = if request.headers().contains_key(HOST) {
            Version::HTTP_11
        } else {
            Version::HTTP_10
        };
        if let Some(gate) = gate {
            wait_for_continue(&mut request, gate);
        }
        let leaving = Leaving::watch(&exchange);
        let sent = self
            .in_time(
                self.pool.send(request),
                last_piece.as_deref(),
                exchange.received,
            )
            .await;
        leaving.stayed();
        let response = match sent {
            Some(Ok(response)) => response,
            Some(Err(error)) => return Err(Refusal::of(error, exchange.body_end())),
            None => return Err(Refusal::Late),
        };
        if response.status() == StatusCode::SWITCHING_PROTOCOLS && upgrade.is_none() {
            return Err(Refusal::UnaskedSwitch);
        }
        self.metrics.primary.record(exchange.received.elapsed());
        exchange.answered(response.status());
        Ok(self.pass_on(response, upgrade, exchange))
    }
}

impl Forward {
    /// The answer, unless its header is late: time runs from the last piece of the request that passed.
    async fn in_time<T>(
        &self,
        answer: impl Future<Output = T>,
        last_piece: Option<&Cell<Instant>>,
        received: Instant,
    ) -> Option<T> {
        let mut answer = pin!(answer);
        loop {
            let since = last_piece.map_or(received, Cell::get);
            let deadline = since + self.answer_timeout;
            tokio::select! {
                biased;
                answer = &mut answer => return Some(answer),
                () = sleep_until(deadline.into()) => {
                    if last_piece.is_none_or(|last| last.get() == since) {
                        return None;
                    }
                }
            }
        }
    }

    fn pass_on(
        &self,
        mut response: Response<AnswerBody<RequestBody>>,
        client: Option<hyper::upgrade::OnUpgrade>,
        exchange: Rc<Exchange>,
    ) -> Response<ClientBody> {
        let switches = response.status() == StatusCode::SWITCHING_PROTOCOLS;
        strip_answer(response.headers_mut(), switches);
        if let (true, Some(client)) = (switches, client) {
            upgrade::join(client, hyper::upgrade::on(&mut response), exchange.clone());
        }
        let (mut head, body) = response.into_parts();
        // What this side speaks is its own; it is not what the primary speaks.
        head.version = Version::HTTP_11;
        let body = if http_body::Body::is_end_stream(&body) {
            drop(body);
            ClientBody::empty(&head)
        } else {
            ClientBody::passed(body, self.idle_timeout, exchange)
        };
        Response::from_parts(head, body)
    }
}

fn wait_for_continue(request: &mut http::Request<RequestBody>, gate: Arc<Gate>) {
    let patient = Arc::clone(&gate);
    tokio::task::spawn_local(async move {
        tokio::time::sleep(PATIENCE).await;
        patient.open();
    });
    hyper::ext::on_informational(request, move |answer| {
        if answer.status() == StatusCode::CONTINUE {
            gate.open();
        }
    });
}

/// Notices that the client left: hyper then drops the future that waits for the answer.
struct Leaving<'a>(Option<&'a Exchange>);

impl<'a> Leaving<'a> {
    fn watch(exchange: &'a Exchange) -> Self {
        Self(Some(exchange))
    }

    fn stayed(mut self) {
        self.0 = None;
    }
}

impl Drop for Leaving<'_> {
    fn drop(&mut self) {
        if let Some(exchange) = self.0 {
            exchange.set_body_end(BodyEnd::Broken);
        }
    }
}
