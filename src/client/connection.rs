//! One HTTP connection: opened, driven by a task of its own, lent to one request at a time.

use http::{Request, Response};
use http_body::Body;
use hyper::{
    body::Incoming,
    client::conn::http1::{Builder, SendRequest},
};
use hyper_util::rt::TokioIo;
use tokio::sync::OwnedSemaphorePermit;

use crate::{http::BoxError, net::Stream};

/// How answers are read.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Reading {
    pub(crate) header_bytes: usize,
    pub(crate) header_count: usize,
    pub(crate) buffer: usize,
}

/// The sending side of a connection.
pub(super) struct Connection<B> {
    sender: SendRequest<B>,
}

/// Why a connection gave no answer.
pub(super) struct Failed<B> {
    pub(super) error: hyper::Error,
    /// The request, where not a byte of it was written.
    pub(super) unsent: Option<Request<B>>,
}

impl<B> Connection<B>
where
    B: Body + 'static,
    B::Data: Send,
    B::Error: Into<BoxError>,
{
    /// Speaks HTTP on `stream`; `permit` is kept as long as the connection is open.
    pub(super) async fn open(
        stream: Stream,
        reading: Reading,
        permit: Option<OwnedSemaphorePermit>,
    ) -> Result<Self, hyper::Error> {
        let mut builder = Builder::new();
        builder
            .preserve_header_case(true)
            .max_header_size(reading.header_bytes)
            .max_buf_size(reading.buffer);
        if reading.header_count != 100 {
            builder.max_headers(reading.header_count);
        }
        let (sender, connection) = builder.handshake(TokioIo::new(stream)).await?;
        tokio::task::spawn_local(async move {
            // How it ended is told to whoever waits for an answer.
            let _ = connection.with_upgrades().await;
            drop(permit);
        });
        Ok(Self { sender })
    }

    /// Sends one request.
    pub(super) async fn send(
        &mut self,
        request: Request<B>,
    ) -> Result<Response<Incoming>, Failed<B>> {
        self.sender
            .try_send_request(request)
            .await
            .map_err(|mut error| Failed {
                unsent: error.take_message(),
                error: error.into_error(),
            })
    }
}

impl<B> Connection<B> {
    /// Whether a request can be sent at once.
    pub(super) fn is_ready(&self) -> bool {
        self.sender.is_ready()
    }

    /// Whether no request can be sent ever again.
    pub(super) fn is_closed(&self) -> bool {
        self.sender.is_closed()
    }

    /// Waits until a request can be sent; false where that never comes.
    pub(super) async fn ready(&mut self) -> bool {
        self.sender.ready().await.is_ok()
    }
}
