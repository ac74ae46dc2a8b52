//! The steps that a request's head goes through before anybody else sees it, each with one reason.

use super::{forwarded, identify, peer::Peer, refusal::Refusal, vet};
use crate::{
    config::Limits,
    http::{
        Framing, Known, Marks, RequestHead, Version, asks_for_upgrade, has_option, strip_request,
    },
};

/// What the steps have to know.
#[derive(Clone, Copy)]
pub(crate) struct Preparation<'a> {
    pub(crate) marks: &'a Marks,
    pub(crate) limits: &'a Limits,
    /// The name of the field with a request's id.
    pub(crate) request_id: &'a str,
    pub(crate) add_forwarded: bool,
}

/// What the head says of the message.
#[derive(Clone, Copy, Debug)]
pub(super) struct Prepared {
    pub(super) framing: Framing,
    pub(super) upgrade: bool,
    /// The client's connection ends behind the answer.
    pub(super) closes: bool,
    /// The client waits for `100 Continue` before it sends its body (RFC 9110, 10.1.1).
    pub(super) waits: bool,
}

/// Makes a client's head that of the next hop.
///
/// # Errors
/// Where the request goes no further, and how its body is framed where that is clear.
pub(super) fn prepare(
    head: &mut RequestHead,
    known: Preparation<'_>,
    peer: Peer,
) -> Result<Prepared, (Refusal, Option<Framing>)> {
    let closes = asks_to_close(head);
    let is_own_copy = known.marks.is_own_copy(&head.headers);
    // Takes the fields of one hop off.
    let upgrade = asks_for_upgrade(&head.headers);
    strip_request(&mut head.headers, upgrade);
    // Gives it an id, unless nginx did: a refusal carries it, too.
    identify::identify(head, known.request_id);
    // Refuses what is not one clear message.
    let framing = vet::vet(head, known.limits).map_err(|refusal| (refusal, None))?;
    // Refuses what came back as a copy; takes forged marks off.
    if is_own_copy {
        return Err((Refusal::Loop, Some(framing)));
    }
    known.marks.strip(&mut head.headers);
    // Says who the client is where no nginx did.
    if known.add_forwarded {
        forwarded::add(&mut head.headers, peer);
    }
    let expects = head.headers.get(Known::Expect).unwrap_or_default();
    Ok(Prepared {
        framing,
        upgrade,
        closes,
        waits: head.version == Version::Http11 && expects.eq_ignore_ascii_case(b"100-continue"),
    })
}

/// As [`prepare`], for a request that nobody sent: what stops it is told as a text.
pub(crate) fn rehearse(
    head: &mut RequestHead,
    known: Preparation<'_>,
    peer: Option<std::net::IpAddr>,
) -> Result<(), String> {
    let peer = Peer {
        address: peer,
        tls: false,
    };
    match prepare(head, known, peer) {
        Ok(_) => Ok(()),
        Err((refusal, _)) => Err(format!("{} {}", refusal.status(), refusal.chain())),
    }
}

/// Whether a client's connection ends behind the answer to this request (RFC 9112, 9.3).
pub(super) fn asks_to_close(head: &RequestHead) -> bool {
    match head.version {
        Version::Http11 => has_option(&head.headers, b"close"),
        Version::Http10 => !has_option(&head.headers, b"keep-alive"),
    }
}
