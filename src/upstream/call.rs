//! A call: one request to a server and its response. Primary, shadows and replay send in this way and no other.

use std::{
    future::poll_fn,
    task::{Context, Poll},
    time::Instant,
};

use super::{BadResponse, Call, Connection, Pool, Request};
use crate::http::{Framing, Headers};

/// Somebody who sends a request, and does something with its response.
pub(crate) trait Caller {
    /// What comes of a call that does not fail.
    type End;
    /// Why the caller gave it up, or had no connection for it.
    type GivenUp;

    /// What is sent; asked for once for each connection that is tried.
    fn request(&self) -> Request<'_>;

    /// A new connection.
    async fn connect(&mut self) -> Result<Box<Connection>, Self::GivenUp>;

    /// Passes on what can be passed on, both ways, until the call has ended.
    fn poll(
        &mut self,
        cx: &mut Context<'_>,
        call: &mut Call,
    ) -> Poll<Result<Self::End, Uncalled<Self::GivenUp>>>;
}

/// Why nothing came of a call.
#[derive(Debug)]
pub(crate) enum Uncalled<G> {
    /// By its caller.
    GivenUp(G),
    /// No response came, or nothing that is one.
    Failed(BadResponse),
}

impl<G> From<BadResponse> for Uncalled<G> {
    fn from(error: BadResponse) -> Self {
        Self::Failed(error)
    }
}

/// What is next in a response.
pub(crate) enum Next {
    /// The head of an interim response (RFC 9110, 15.2).
    Interim,
    /// The head of the response.
    Head(Framing),
    /// This many bytes of its body are there, for one of [`Call::body`], [`Call::skip`], [`Call::show`].
    Piece(usize),
    /// The fields behind its last chunk; it has ended.
    Trailers(Headers),
    End,
    /// More has to come first.
    More,
}

/// Sends a request on an idle connection or on a new one. The other side may close an idle one just as the request is
/// written to it: then it is sent once more, where that is safe. It is where not a byte of it was written, or where its
/// method is idempotent and all of it is there to be written again (RFC 9110, 9.2.2).
///
/// # Errors
/// Where nothing came of it.
pub(crate) async fn call<C: Caller>(
    caller: &mut C,
    pool: &Pool,
    now: Instant,
) -> Result<(C::End, Call), Uncalled<C::GivenUp>> {
    let mut unsent = None;
    loop {
        let connection = match pool.take_idle(now) {
            Some(connection) => connection,
            // Rare, and large: in a box, it takes no room in what is always run.
            None => Box::pin(caller.connect())
                .await
                .map_err(Uncalled::GivenUp)?,
        };
        let mut call = Call::begin(connection, &caller.request(), unsent.take(), pool);
        match poll_fn(|cx| caller.poll(cx, &mut call)).await {
            Ok(end) => return Ok((end, call)),
            Err(Uncalled::Failed(error)) if call.may_go_again(&error) => unsent = call.unsent(),
            Err(uncalled) => return Err(uncalled),
        }
    }
}
