//! One client's connection, from its first byte to its end.

use std::{
    convert::Infallible,
    future::poll_fn,
    net::IpAddr,
    pin::{Pin, pin},
    rc::Rc,
    sync::Arc,
    time::Instant,
};

use http::{
    HeaderValue, Request, Response, StatusCode, Version,
    header::{CONNECTION, CONTENT_LENGTH},
};
use http_body::Body;
use hyper::{body::Incoming, server::conn::http1::Builder, service::Service};
use hyper_util::rt::TokioIo;
use tokio::io::AsyncWriteExt;

use super::{
    body::{ClientBody, Watch},
    call::{Call, Handle, Path, Peer},
    client_io::{ClientIo, Explainer, Times, Unread},
    identify::new_id,
    line::Line,
    refusal::Refusal,
    stack::Stack,
};
use crate::{net::Stream, telemetry::metrics::ProxyCount};

/// A client that was accepted.
pub(crate) struct Client {
    pub(crate) stream: Stream,
    /// Its address, where its socket has one.
    pub(crate) address: Option<IpAddr>,
    pub(crate) tls: bool,
}

/// The read and write buffer of a connection grows up to this, or to the header's limit.
const BUFFER: usize = 128 * 1024;

/// Serves one client until its connection ends.
pub(crate) async fn serve(path: &Path, stack: &Rc<Stack>, client: Client) {
    let line = Arc::new(Line::default());
    let peer = Peer {
        address: client.address,
        tls: client.tls,
    };
    let io = ClientIo::new(
        client.stream,
        Arc::clone(&line),
        Times::from(&path.timeouts),
        explainer(path),
    );
    let limits = &path.limits;
    let mut builder = Builder::new();
    builder
        .preserve_header_case(true)
        .auto_date_header(false)
        .max_header_size(limits.header_bytes.bytes())
        .max_buf_size(limits.header_bytes.bytes().max(BUFFER));
    if limits.header_count != 100 {
        builder.max_headers(limits.header_count);
    }
    let front = Front {
        stack: Rc::clone(stack),
        line,
        peer,
    };
    let mut connection = pin!(
        builder
            .serve_connection(TokioIo::new(io), front)
            .with_upgrades()
    );
    let (mut entered, mut closing) = (None, false);
    let ended = poll_fn(|cx| {
        if entered.is_none() {
            entered = Some(Entered {
                path,
                key: path.drain.enter(cx.waker().clone()),
            });
        }
        if !closing && path.drain.is_closing() {
            closing = true;
            connection.as_mut().graceful_shutdown();
        }
        connection.as_mut().poll(cx)
    })
    .await;
    if let Err(error) = ended {
        tracing::debug!(%error, cause = error.source_text(), "a client's connection ended early");
    }
}

/// Tells a client that there are too many, in a hurry.
pub(crate) async fn refuse(path: &Path, mut stream: Stream) {
    path.metrics.count(ProxyCount::ClientsRefused, 1);
    let id = new_id();
    let text = format!(
        "503 Service Unavailable: there are too many connections (limits.connections)\nrequest {}\n",
        String::from_utf8_lossy(id.as_bytes())
    );
    let answer = format!(
        "HTTP/1.1 503 Service Unavailable\r\ncontent-type: text/plain; charset=utf-8\r\ncontent-length: {}\r\n\
         {}: {}\r\nretry-after: 1\r\nconnection: close\r\n\r\n{text}",
        text.len(),
        path.request_id,
        String::from_utf8_lossy(id.as_bytes()),
    );
    let hurry = async {
        stream.write_all(answer.as_bytes()).await?;
        stream.shutdown().await?;
        // Its request is read away: a reset would take the answer with it.
        tokio::io::copy(&mut stream, &mut tokio::io::sink()).await
    };
    let _ = tokio::time::timeout(std::time::Duration::from_millis(500), hurry).await;
}

/// Makes answers, counted and logged, of what hyper could not read.
fn explainer(path: &Path) -> Explainer {
    let (metrics, id_header) = (Arc::clone(&path.metrics), path.request_id.clone());
    let ledger = Arc::clone(&path.ledger);
    Box::new(move |unread| {
        let refusal = match unread {
            Unread::Malformed => Refusal::Malformed(
                "the request is no HTTP/1.x message, or could be read in two ways",
            ),
            Unread::HeaderTooLarge => Refusal::HeaderTooLarge,
            Unread::TargetTooLong => Refusal::TargetTooLong,
            Unread::HeaderTimeout => Refusal::HeaderTimeout,
        };
        let id = new_id();
        ledger.unreadable_request();
        metrics.error(refusal.reason());
        metrics.answer(refusal.status());
        let request_id = String::from_utf8_lossy(id.as_bytes());
        tracing::debug!(%request_id, status = refusal.status().as_u16(), error = refusal.chain(), "refused a request");
        refusal.bytes(&id_header, &id)
    })
}

struct Entered<'a> {
    path: &'a Path,
    key: u64,
}

impl Drop for Entered<'_> {
    fn drop(&mut self) {
        self.path.drain.leave(self.key);
    }
}

/// Where hyper hands requests in.
struct Front {
    stack: Rc<Stack>,
    line: Arc<Line>,
    peer: Peer,
}

impl Service<Request<Incoming>> for Front {
    type Response = Response<ClientBody>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Infallible>>>>;

    fn call(&self, request: Request<Incoming>) -> Self::Future {
        let has_body = !request.body().is_end_stream();
        let old = request.version() == Version::HTTP_10;
        self.line.begin(has_body);
        let (stack, line) = (Rc::clone(&self.stack), Arc::clone(&self.line));
        let (head, body) = request.into_parts();
        let call = Call {
            head,
            body,
            peer: self.peer,
            arrived: Instant::now(),
            has_fragment: self.line.take_fragment(),
            id: HeaderValue::from_static(""),
        };
        Box::pin(async move {
            let mut response = stack.handle(call).await?;
            if response.status() == StatusCode::SWITCHING_PROTOCOLS {
                line.switch();
            } else {
                // To HTTP/1.0 an answer without a length ends with its connection: cut off, it would look whole.
                let has_length = response.headers().contains_key(CONTENT_LENGTH);
                let open_end = old && !has_length && !response.body().is_end_stream();
                if open_end {
                    let close = HeaderValue::from_static("close");
                    response.headers_mut().insert(CONNECTION, close);
                }
                response
                    .body_mut()
                    .watch(Watch::new(move |_, whole| line.finish(open_end && !whole)));
            }
            Ok(response)
        })
    }
}

/// The cause of an error, for a log line.
trait SourceText {
    fn source_text(&self) -> Option<String>;
}

impl SourceText for hyper::Error {
    fn source_text(&self) -> Option<String> {
        std::error::Error::source(self).map(ToString::to_string)
    }
}
