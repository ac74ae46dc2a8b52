//! Counts and times every request, and writes the access log.

use std::{rc::Rc, sync::Arc};

use http::{HeaderValue, Method, Response, StatusCode, Uri, header::CONNECTION};
use tower::layer::{Layer, layer_fn};

use super::{
    Drain,
    body::{ClientBody, Watch},
    call::{Call, Handle, Id, Path, Peer},
};
use crate::{
    ledger::Ledger,
    telemetry::metrics::{ProxyCount, ProxyMetrics},
};

/// Counts and times every request.
pub(crate) struct Observe<H> {
    inner: H,
    ledger: Arc<Ledger>,
    metrics: Arc<ProxyMetrics>,
    access_log: bool,
    drain: Rc<Drain>,
}

impl<H> Observe<H> {
    pub(super) fn layer(path: &Path) -> impl Layer<H, Service = Self> + use<H> {
        let (ledger, metrics) = (Arc::clone(&path.ledger), Arc::clone(&path.metrics));
        let (access_log, drain) = (path.access_log, Rc::clone(&path.drain));
        layer_fn(move |inner| Self {
            inner,
            ledger: Arc::clone(&ledger),
            metrics: Arc::clone(&metrics),
            access_log,
            drain: Rc::clone(&drain),
        })
    }
}

impl<H: Handle<Call, Error = std::convert::Infallible>> Handle<Call> for Observe<H> {
    type Error = std::convert::Infallible;

    async fn handle(&self, call: Call) -> Result<Response<ClientBody>, Self::Error> {
        self.ledger.request();
        let in_flight = InFlight::begin(&self.metrics);
        let arrived = call.arrived;
        let line = self.access_log.then(|| AccessLine {
            method: call.head.method.clone(),
            target: call.head.uri.clone(),
            peer: call.peer,
            id: None,
            status: StatusCode::OK,
        });
        let mut response = self.inner.handle(call).await?;
        self.metrics.answer(response.status());
        if self.drain.is_asked() {
            response
                .headers_mut()
                .insert(CONNECTION, HeaderValue::from_static("close"));
        }
        let line = line.map(|line| AccessLine {
            id: response.extensions_mut().remove::<Id>(),
            status: response.status(),
            ..line
        });
        let bytes = Arc::clone(&self.metrics);
        response.body_mut().watch(Watch::new(move |sent, whole| {
            bytes.count(ProxyCount::AnswerBytes, sent);
            if let Some(line) = line {
                line.write(sent, whole, arrived.elapsed());
            }
            drop(in_flight);
        }));
        Ok(response)
    }
}

/// A request that is counted as in flight until this is dropped.
struct InFlight(Arc<ProxyMetrics>);

impl InFlight {
    fn begin(metrics: &Arc<ProxyMetrics>) -> Self {
        metrics.count(ProxyCount::ExchangesBegun, 1);
        Self(Arc::clone(metrics))
    }
}

impl Drop for InFlight {
    fn drop(&mut self) {
        self.0.count(ProxyCount::ExchangesEnded, 1);
    }
}

struct AccessLine {
    method: Method,
    target: Uri,
    peer: Peer,
    id: Option<Id>,
    status: StatusCode,
}

impl AccessLine {
    fn write(self, sent: u64, whole: bool, took: std::time::Duration) {
        let id = self
            .id
            .as_ref()
            .map(|Id(id)| String::from_utf8_lossy(id.as_bytes()));
        tracing::info!(
            target: "shadowtee::access",
            request_id = id.as_deref(),
            client = self.peer.address.map(tracing::field::display),
            method = %self.method,
            path = self.target.path(),
            status = self.status.as_u16(),
            bytes = sent,
            whole,
            ms = (took.as_secs_f64() * 1e6).round() / 1e3,
            "request"
        );
    }
}
