//! Where a copy waits until all of its body is there, where values in it are to become the shadow's.

use std::{future::poll_fn, rc::Rc};

use tokio::task::spawn_local;

use super::{super::copy::ShadowCopy, Stage};
use crate::{config, identity::looks_into};

/// Where copies wait for their bodies.
pub(super) struct SessionStage {
    /// Bytes of a body that is looked into.
    most: u64,
    next: Rc<dyn Stage>,
}

impl SessionStage {
    pub(super) fn new(settings: &config::Identity, next: Rc<dyn Stage>) -> Rc<Self> {
        Rc::new(Self {
            most: settings.body_bytes.bytes() as u64,
            next,
        })
    }
}

impl Stage for SessionStage {
    fn take(self: Rc<Self>, copy: ShadowCopy) {
        let next = Rc::clone(&self.next);
        if !copy.body.is_coming() || !looks_into(copy.head(), self.most) {
            return next.take(copy);
        }
        spawn_local(async move {
            poll_fn(|cx| copy.body.poll_whole(cx)).await;
            // One whose body failed is settled already.
            if !copy.body.is_lost() {
                next.take(copy);
            }
        });
    }
}
