//! A shadow as one worker sees it: which requests it gets, decided when they come, and the way to its thread.

use std::{
    cell::RefCell,
    net::IpAddr,
    rc::Rc,
    sync::{Arc, atomic::Ordering::Relaxed},
};

use super::{
    Shadow, Threads, sample,
    select::{Answered, Selection, Verdict},
    threads::ShadowLink,
};
use crate::{
    config::SendWhen,
    http::RequestHead,
    ledger::{Entry, Outcome},
    tee::{Listener, Recipient, Valve},
};

/// A shadow as one worker sees it.
struct Selector {
    shadow: Arc<Shadow>,
    selection: Selection,
    threads: Arc<Threads>,
    link: RefCell<ShadowLink>,
}

/// A shadow as the worker sees it in whose runtime this is called.
pub(crate) fn recipient(shadow: &Arc<Shadow>, threads: &Arc<Threads>) -> Rc<dyn Recipient> {
    Rc::new(Selector {
        shadow: Arc::clone(shadow),
        selection: shadow.selection.clone(),
        link: threads.connect(shadow).into(),
        threads: Arc::clone(threads),
    })
}

impl Selector {
    /// Why a request is not copied, as far as that is known when it comes.
    fn refuses(&self, head: &RequestHead, peer: Option<IpAddr>) -> Option<Outcome> {
        let Shadow {
            control,
            settings,
            breaker,
            limit,
            places,
            script,
            ..
        } = &*self.shadow;
        let seen = self.shadow.seen(head, peer);
        if self.selection.judge(seen, Answered::NotYet).0 == Verdict::Filtered {
            Some(Outcome::Filtered)
        } else if !sample::draw(&settings.sample, control.sample(), seen).is_in() {
            Some(Outcome::SampledOut)
        } else if control.is_paused() {
            Some(Outcome::Paused)
        } else if breaker.is_open() {
            Some(Outcome::BreakerOpen)
        } else if settings.send == SendWhen::WithRequest && !limit.admits() {
            Some(Outcome::RateLimited)
        } else if settings.send == SendWhen::WithRequest && script.is_none() && places.are_full() {
            // To find that out on the shadow's thread would cost more.
            Some(Outcome::QueueFull)
        } else {
            None
        }
    }
}

impl Recipient for Selector {
    fn select(&self, head: &RequestHead, peer: Option<IpAddr>) -> Option<Entry> {
        match self.refuses(head, peer) {
            None => Some(self.shadow.account.open()),
            Some(outcome) => {
                self.leave_out(outcome);
                None
            }
        }
    }

    fn body_buffer(&self) -> usize {
        let settings = &self.shadow.settings;
        let script = self.shadow.script.as_ref();
        let most = script.map(|script| script.settings().request_bytes);
        let buffer = settings.body_buffer;
        most.map_or(buffer, |most| most.min(buffer)).bytes()
    }

    fn wants_answer(&self) -> Option<u64> {
        let script = self.shadow.script.as_ref();
        self.shadow
            .wanted_bytes(script.and_then(|script| script.wanted()))
    }

    fn valve(&self) -> Rc<Valve> {
        let mut link = self.link.borrow_mut();
        if !self.threads.is_current(&self.shadow, &link) {
            *link = self.threads.connect(&self.shadow);
        }
        Rc::clone(&link.valve)
    }

    fn sequence(&self) -> Option<u64> {
        let link = self.link.borrow();
        link.sequence
            .as_ref()
            .map(|sequence| sequence.fetch_add(1, Relaxed))
    }

    fn listener(&self) -> Option<Arc<dyn Listener>> {
        let sessions = self.shadow.sessions.as_ref()?;
        Some(sessions.listener())
    }

    fn leave_out(&self, outcome: Outcome) {
        self.shadow.account.pass(outcome);
    }
}
