//! Offers copies to the shadows, and makes the body clone itself into them on its way to the primary.

use std::{rc::Rc, sync::Arc};

use http::{
    Request, Response,
    header::{EXPECT, UPGRADE},
};
use hyper::upgrade::OnUpgrade;
use tower::layer::{Layer, layer_fn};

use super::{
    body::{ClientBody, RequestBody},
    call::{Call, Handle, Path, Teed},
    refusal::Refusal,
};
use crate::{
    exchange::Exchange,
    http::Marks,
    tee::{Budget, Gate, Inbound, InboundLimits, Recipient, split},
};

/// Offers copies, and makes the body clone itself into them.
pub(crate) struct Tee<H> {
    inner: H,
    recipients: Rc<[Rc<dyn Recipient>]>,
    budget: Arc<Budget>,
    limits: InboundLimits,
    marks: Rc<Marks>,
}

impl<H> Tee<H> {
    pub(super) fn layer(path: &Path) -> impl Layer<H, Service = Self> + use<H> {
        let (recipients, budget) = (Rc::clone(&path.recipients), Arc::clone(&path.budget));
        let marks = Rc::clone(&path.marks);
        let limits = InboundLimits {
            idle: path.timeouts.idle.0,
            bytes: path.limits.body_bytes.map(|limit| limit.0),
        };
        layer_fn(move |inner| Self {
            inner,
            recipients: Rc::clone(&recipients),
            budget: Arc::clone(&budget),
            limits,
            marks: Rc::clone(&marks),
        })
    }
}

impl<H: Handle<Teed, Error = Refusal>> Handle<Call> for Tee<H> {
    type Error = Refusal;

    async fn handle(&self, call: Call) -> Result<Response<ClientBody>, Refusal> {
        let Call {
            mut head,
            body,
            arrived,
            id,
            ..
        } = call;
        let asks = head.headers.contains_key(UPGRADE);
        let upgrade = head.extensions.remove::<OnUpgrade>().filter(|_| asks);
        let exchange = Exchange::new(id, &head, arrived);
        let has_body = !http_body::Body::is_end_stream(&body);
        let copies = split(&exchange, &head, has_body, &self.recipients, &self.budget);
        let teed = if has_body {
            let waits = head
                .headers
                .get(EXPECT)
                .is_some_and(|expect| expect.as_bytes().eq_ignore_ascii_case(b"100-continue"));
            let gate = waits.then(Arc::<Gate>::default);
            let mut inbound = Inbound::new(
                body,
                &exchange,
                self.limits,
                copies,
                &self.budget,
                &self.marks,
            );
            if let Some(gate) = &gate {
                inbound = inbound.behind(Arc::clone(gate));
            }
            let last_piece = Some(inbound.last_piece());
            let request = Request::from_parts(head, RequestBody::Inbound(Box::new(inbound)));
            Teed {
                request,
                exchange,
                last_piece,
                gate,
                upgrade,
            }
        } else {
            let request = Request::from_parts(head, RequestBody::Empty);
            Teed {
                request,
                exchange,
                last_piece: None,
                gate: None,
                upgrade,
            }
        };
        self.inner.handle(teed).await
    }
}
