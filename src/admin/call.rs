//! A request that may be answered, and its answers as text and as JSON.

use bytes::Bytes;
use http::{HeaderValue, Request, Response, StatusCode, header::CONTENT_TYPE};
use http_body_util::Full;
use serde::Serialize;

use super::Administration;

/// A request that may be answered.
pub(super) struct Call<'a> {
    pub(super) source: &'a dyn Administration,
    pub(super) request: &'a Request<Bytes>,
    /// The shadow that its path names.
    pub(super) name: &'a str,
}

/// An answer of the interface.
pub(super) type Reply = Response<Full<Bytes>>;

pub(super) fn json(value: &impl Serialize) -> Reply {
    match serde_json::to_string(value) {
        Ok(text) => content(StatusCode::OK, "application/json", text + "\n"),
        Err(error) => text(StatusCode::INTERNAL_SERVER_ERROR, format!("{error}\n")),
    }
}

pub(super) fn text(status: StatusCode, text: impl Into<String>) -> Reply {
    content(status, "text/plain; charset=utf-8", text.into())
}

pub(super) fn content(status: StatusCode, kind: &'static str, text: String) -> Reply {
    let mut reply = Response::new(Full::from(text));
    *reply.status_mut() = status;
    let kind = HeaderValue::from_static(kind);
    reply.headers_mut().insert(CONTENT_TYPE, kind);
    reply
}
