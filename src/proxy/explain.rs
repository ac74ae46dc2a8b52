//! Makes answers of refusals, and tells the operator of those that are the primary's fault.

use std::{convert::Infallible, sync::Arc, time::Duration};

use http::{HeaderName, Response};
use tower::layer::{Layer, layer_fn};

use super::{
    body::ClientBody,
    call::{Call, Handle, Path},
    refusal::Refusal,
};
use crate::telemetry::{metrics::ProxyMetrics, rate::RateLimit};

/// Makes answers of refusals.
pub(crate) struct Explain<H> {
    inner: H,
    id_header: HeaderName,
    metrics: Arc<ProxyMetrics>,
}

/// Lines on a primary that fails, of all workers.
static FAULTS: RateLimit = RateLimit::new(10, Duration::from_secs(1));

impl<H> Explain<H> {
    pub(super) fn layer(path: &Path) -> impl Layer<H, Service = Self> + use<H> {
        let (id_header, metrics) = (path.request_id.clone(), Arc::clone(&path.metrics));
        layer_fn(move |inner| Self {
            inner,
            id_header: id_header.clone(),
            metrics: Arc::clone(&metrics),
        })
    }
}

impl<H: Handle<Call, Error = Refusal>> Handle<Call> for Explain<H> {
    type Error = Infallible;

    async fn handle(&self, call: Call) -> Result<Response<ClientBody>, Infallible> {
        let id = call.id.clone();
        let (method, target) = (call.head.method.clone(), call.head.uri.clone());
        match self.inner.handle(call).await {
            Ok(response) => Ok(response),
            Err(refusal) => {
                self.metrics.error(refusal.reason());
                let request_id = String::from_utf8_lossy(id.as_bytes());
                let (status, error) = (refusal.status().as_u16(), refusal.chain());
                if !refusal.is_primary_fault() {
                    tracing::debug!(%request_id, %method, path = target.path(), status, error, "refused a request");
                } else if let Some(left_out) = FAULTS.allow() {
                    tracing::warn!(
                        %request_id, %method, path = target.path(), status, error, left_out,
                        "the primary gave no answer"
                    );
                }
                Ok(refusal.answer(&self.id_header, &id))
            }
        }
    }
}
