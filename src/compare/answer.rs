//! What is compared: a request as production got it, and one side's response to it.

use std::time::Duration;

/// The request of a pair, as production got it.
#[derive(Clone, Debug)]
pub(crate) struct Asked<'a> {
    pub(crate) method: &'a [u8],
    pub(crate) target: &'a [u8],
    pub(crate) headers: Vec<(&'a [u8], &'a [u8])>,
    pub(crate) body: Option<&'a [u8]>,
}

impl<'a> Asked<'a> {
    /// The first header of this name, which is in lower case.
    pub(crate) fn header(&self, name: &str) -> Option<&'a [u8]> {
        first(&self.headers, name)
    }

    /// Whether the client said what it has already.
    pub(crate) fn is_conditional(&self) -> bool {
        ["if-none-match", "if-modified-since"]
            .iter()
            .any(|name| self.header(name).is_some())
    }
}

/// One side's response. The body is as it came over the wire, without chunking; it may be compressed.
#[derive(Clone, Debug)]
pub(crate) struct Answer<'a> {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(&'a [u8], &'a [u8])>,
    pub(crate) body: &'a [u8],
    /// Bytes of the body that came, also of what is not kept.
    pub(crate) length: u64,
    /// False where the body was cut at the limit.
    pub(crate) is_whole: bool,
    /// Milliseconds since 1970 when the response's head came.
    pub(crate) at: i64,
    pub(crate) took: Duration,
}

impl<'a> Answer<'a> {
    /// The first header of this name, which is in lower case.
    pub(crate) fn header(&self, name: &str) -> Option<&'a [u8]> {
        first(&self.headers, name)
    }
}

/// A request with both answers.
#[derive(Clone, Debug)]
pub(crate) struct PairIn<'a> {
    pub(crate) request_id: &'a str,
    pub(crate) asked: Asked<'a>,
    pub(crate) primary: Answer<'a>,
    pub(crate) shadow: Answer<'a>,
    /// Ids in it that are different on the shadow.
    pub(crate) counterparts: &'a [Counterpart],
}

/// An id that production gave out, and what the shadow gave out for the same thing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Counterpart {
    pub(crate) primary: Box<str>,
    pub(crate) shadow: Box<str>,
}

fn first<'a>(headers: &[(&'a [u8], &'a [u8])], name: &str) -> Option<&'a [u8]> {
    headers
        .iter()
        .find(|(known, _)| known.eq_ignore_ascii_case(name.as_bytes()))
        .map(|(_, value)| *value)
}
