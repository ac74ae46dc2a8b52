//! One exchange as it is stored, whatever the format of the file.

/// One exchange as it is stored; its bytes are those of whoever read or collected it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Record<'a> {
    /// When the request came, in nanoseconds since 1970.
    pub(crate) time: u64,
    /// The request's id.
    pub(crate) id: &'a [u8],
    /// Who sent it, as far as it was told; empty where it was not.
    pub(crate) client: &'a [u8],
    /// The message as the primary got it.
    pub(crate) request: &'a [u8],
    /// `None`: the primary gave none.
    pub(crate) answer: Option<Answered<'a>>,
}

/// The primary's answer, as far as it was stored.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Answered<'a> {
    pub(crate) status: u16,
    /// From the request to the answer's header, in nanoseconds.
    pub(crate) after: u64,
    /// The message; empty where it was not asked for.
    pub(crate) message: &'a [u8],
    /// Something is missing at the message's end: it was larger than what is kept, or not asked for.
    pub(crate) cut: bool,
}

/// The head of a message, with its empty line, and what follows. A message without an empty line is all head.
pub(crate) fn split_head(message: &[u8]) -> (&[u8], &[u8]) {
    let end = memchr::memmem::find(message, b"\r\n\r\n").map_or(message.len(), |at| at + 4);
    message.split_at(end)
}
