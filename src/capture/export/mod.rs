//! What others read: HAR for browsers and their tools, a script of curl commands. Written, never read.

mod curl;
mod har;
mod message;

pub(crate) use curl::Script;
pub(crate) use har::Har;
