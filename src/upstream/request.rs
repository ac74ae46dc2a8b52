//! A request as its caller hands it over, before any wire has encoded it.

use std::borrow::Cow;

use bytes::Bytes;

use crate::http::RequestHead;

/// A request that is to be sent.
pub(crate) struct Request<'a> {
    pub(crate) head: SentHead<'a>,
    pub(crate) body: RequestBody<'a>,
    /// Behind the response another protocol may be spoken.
    pub(crate) is_upgrade: bool,
}

/// The head of a request that is to be sent.
pub(crate) enum SentHead<'a> {
    Fields {
        head: Cow<'a, RequestHead>,
        /// More of them, as lines.
        added: &'a [u8],
    },
    /// Lines that are sent as they are, without the empty one.
    Lines(&'a [u8]),
}

impl SentHead<'_> {
    pub(crate) fn method(&self) -> &[u8] {
        match self {
            Self::Fields { head, .. } => head.method(),
            Self::Lines(lines) => lines.split(|byte| *byte == b' ').next().unwrap_or_default(),
        }
    }
}

/// How the body of a request comes.
#[derive(Clone, Copy, Debug)]
pub(crate) enum RequestBody<'a> {
    None,
    /// It is there, framed as the head says, and can be sent again.
    Whole(&'a Bytes),
    /// Part by part, and it can't come again.
    Parts {
        chunked: bool,
    },
}
