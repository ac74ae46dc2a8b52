//! How the copies of a shadow look: rewritten, with its Host, marked. The primary's request stays as it is.

use super::rewrite::Rewriting;
use crate::{
    config::{self, HostHeader},
    http::{Known, Marks, RequestHead, Version},
};

/// How the copies of a shadow look, for one worker.
#[derive(Clone)]
pub(super) struct CopyHeadWriter {
    name: String,
    /// What `Host` says, where it is not what the client said.
    host: Option<String>,
    rewriting: Rewriting,
    marks: Marks,
}

impl CopyHeadWriter {
    /// With the `Authorization` that was read, where the configuration has one.
    pub(super) fn new(
        settings: &config::Shadow,
        marks: &Marks,
        authorization: Option<String>,
    ) -> Self {
        let host = match &settings.host {
            HostHeader::Client => None,
            HostHeader::Fixed(host) => Some(String::from_utf8_lossy(host.as_bytes()).into_owned()),
            HostHeader::Address => Some(settings.address.authority()),
        };
        Self {
            name: settings.name.to_string(),
            host,
            rewriting: Rewriting::new(&settings.rewrite, authorization),
            marks: marks.clone(),
        }
    }

    /// Writes a request's head as this shadow gets it.
    pub(super) fn write_head(&self, head: &RequestHead, out: &mut Vec<u8>) {
        // Without a Host it can only be a message of HTTP/1.0, which has to stay one.
        let version = if head.headers.has(Known::Host) || self.host.is_some() {
            Version::Http11
        } else {
            Version::Http10
        };
        let has_mark = head
            .headers
            .iter()
            .any(|(name, _)| self.marks.is_mark(name));
        if self.host.is_none() && !has_mark && self.rewriting.is_empty() {
            head.write(version, out);
        } else {
            let mut head = head.clone();
            self.rewriting.apply(&mut head);
            head.headers.remove_named(|name| self.marks.is_mark(name));
            if let Some(host) = &self.host {
                head.set_host(host.as_bytes());
            }
            head.write(version, out);
        }
        self.marks.write(&self.name, out);
        out.extend_from_slice(b"\r\n");
    }
}
