//! The interface's HTTP server.

use std::{collections::VecDeque, convert::Infallible, io, pin::pin, sync::Arc, time::Duration};

use http::{HeaderName, HeaderValue, Request, StatusCode, header};
use http_body_util::{BodyExt, Limited};
use hyper::server::conn::http1::Builder;
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    service::TowerToHyperService,
};
use tokio::{task::AbortHandle, time::timeout};
use tower::{ServiceBuilder, service_fn};
use tower_http::{
    catch_panic::CatchPanicLayer, set_header::SetResponseHeaderLayer, timeout::TimeoutLayer,
};

use super::{Administration, call::text, routes};
use crate::net::{Acceptor, Bound, Greeter};

/// Limit of open connections; for another, the oldest is ended. So no client that asks and doesn't read keeps others,
/// such as a health check, from being answered.
const CONNECTIONS: usize = 64;
/// How long a connection is served, and how long it may take to end then.
const LIFE: Duration = Duration::from_secs(60);
const REQUEST_TIMEOUT: Duration = Duration::from_secs(10);
/// More than any body that has a meaning here.
const LONGEST_BODY: usize = 4 * 1024;
/// What a page may do, whatever is in it: all comes from here and goes to here, nothing that stands in a page is run, and
/// no other page can frame it.
const POLICY: &str = "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; img-src 'self'; \
     base-uri 'none'; form-action 'self'; frame-ancestors 'none'";

/// Serves the interface on `bound` for as long as it is polled.
pub(crate) async fn serve(bound: &Bound, source: Arc<dyn Administration>) -> io::Result<()> {
    let (acceptor, is_tcp) = (Acceptor::new(bound.share()?)?, bound.port().is_some());
    let mut open: VecDeque<AbortHandle> = VecDeque::new();
    let service = ServiceBuilder::new()
        .layer(CatchPanicLayer::new())
        .layer(TimeoutLayer::with_status_code(
            StatusCode::SERVICE_UNAVAILABLE,
            REQUEST_TIMEOUT,
        ))
        .layer(always(header::CACHE_CONTROL, "no-store"))
        .layer(always(header::X_CONTENT_TYPE_OPTIONS, "nosniff"))
        .layer(always(header::CONTENT_SECURITY_POLICY, POLICY))
        .layer(always(header::REFERRER_POLICY, "same-origin"))
        .service(service_fn(
            move |request: Request<hyper::body::Incoming>| {
                let source = Arc::clone(&source);
                async move {
                    let (parts, body) = request.into_parts();
                    let Ok(body) = Limited::new(body, LONGEST_BODY).collect().await else {
                        let why = "the body is longer than 4 KiB, or broke off\n";
                        return Ok::<_, Infallible>(text(StatusCode::BAD_REQUEST, why));
                    };
                    let request = Request::from_parts(parts, body.to_bytes());
                    Ok(routes::answer(&*source, is_tcp, &request).await)
                }
            },
        ));
    loop {
        let stream = match acceptor.accept().await {
            Ok(raw) => Greeter::default().greet(raw).await,
            Err(error) => Err(error),
        };
        open.retain(|task| !task.is_finished());
        let Ok(stream) = stream else {
            tokio::time::sleep(Duration::from_millis(100)).await;
            continue;
        };
        if open.len() >= CONNECTIONS
            && let Some(oldest) = open.pop_front()
        {
            oldest.abort();
        }
        let service = TowerToHyperService::new(service.clone());
        let task = tokio::spawn(async move {
            let connection = Builder::new()
                .timer(TokioTimer::new())
                .header_read_timeout(REQUEST_TIMEOUT)
                .serve_connection(TokioIo::new(stream), service);
            let mut connection = pin!(connection);
            // A client of the administration may leave early.
            if timeout(LIFE, connection.as_mut()).await.is_err() {
                connection.as_mut().graceful_shutdown();
                let _ = timeout(REQUEST_TIMEOUT, connection).await;
            }
        });
        open.push_back(task.abort_handle());
    }
}

/// Sets a field of every answer.
fn always(name: HeaderName, value: &'static str) -> SetResponseHeaderLayer<HeaderValue> {
    SetResponseHeaderLayer::overriding(name, HeaderValue::from_static(value))
}
