//! An answer's body, which gives its connection back when it was read to the end.

use std::{
    pin::Pin,
    rc::Rc,
    task::{Context, Poll},
};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use hyper::body::Incoming;

use super::{connection::Connection, pool::Pool};
use crate::http::BoxError;

/// An answer's body. Dropped before its end, it closes its connection.
pub(crate) struct AnswerBody<B>
where
    B: Body + Default + 'static,
    B::Data: Send,
    B::Error: Into<BoxError>,
{
    body: Incoming,
    lease: Option<(Rc<Pool<B>>, Connection<B>)>,
}

impl<B> AnswerBody<B>
where
    B: Body + Default + 'static,
    B::Data: Send,
    B::Error: Into<BoxError>,
{
    pub(super) fn new(body: Incoming, pool: Rc<Pool<B>>, connection: Connection<B>) -> Self {
        Self {
            body,
            lease: Some((pool, connection)),
        }
    }

    fn give_back(&mut self) {
        if let Some((pool, connection)) = self.lease.take() {
            pool.give_back(connection);
        }
    }
}

impl<B> Body for AnswerBody<B>
where
    B: Body + Default + 'static,
    B::Data: Send,
    B::Error: Into<BoxError>,
{
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        let frame = std::task::ready!(Pin::new(&mut self.body).poll_frame(cx));
        match &frame {
            None => self.give_back(),
            Some(Err(_)) => self.lease = None,
            Some(Ok(_)) => {}
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

impl<B> Drop for AnswerBody<B>
where
    B: Body + Default + 'static,
    B::Data: Send,
    B::Error: Into<BoxError>,
{
    /// A body of a known length is dropped with its last byte, before it says that it ended.
    fn drop(&mut self) {
        if self.body.is_end_stream() {
            self.give_back();
        }
    }
}
