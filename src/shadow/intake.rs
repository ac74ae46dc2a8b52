//! What becomes of a request that is to be copied: it takes its place in its session, may wait for the primary's
//! response, and goes on to the stages before the queue.

use std::{rc::Rc, sync::Arc};

use super::{
    Shadow,
    copy::ShadowCopy,
    delivery::Delivery,
    pair::Primary,
    select::{Answered, Selection, Verdict},
    stage::{self, Stage},
};
use crate::{
    config::SendWhen, exchange::PrimaryResponse, http::asks_for_upgrade, ledger::Outcome,
    tee::Budget,
};

/// Where the copies to one shadow begin.
pub(super) struct Intake {
    shadow: Arc<Shadow>,
    selection: Selection,
    first: Rc<dyn Stage>,
    delivery: Rc<Delivery>,
}

/// A copy that waits for the primary's response.
pub(super) enum HeldBack {
    /// It asks for another protocol.
    Upgrade(ShadowCopy),
    /// It is sent when the primary has answered.
    Unanswered(ShadowCopy),
}

impl Intake {
    /// On the shadow's thread, in its runtime.
    pub(super) fn new(shadow: Arc<Shadow>, budget: &Arc<Budget>) -> Rc<Self> {
        let delivery = Delivery::new(&shadow, budget);
        let last: Rc<dyn Stage> = Rc::clone(&delivery) as _;
        Rc::new(Self {
            selection: shadow.selection.clone(),
            first: stage::before(last, &shadow),
            delivery,
            shadow,
        })
    }

    /// Where its copies come from.
    pub(super) fn shadow(&self) -> &Arc<Shadow> {
        &self.shadow
    }

    pub(super) fn delivery(&self) -> &Rc<Delivery> {
        &self.delivery
    }

    /// Takes a copy. Returns it where the primary's response has to be known first.
    pub(super) fn offer(&self, copy: ShadowCopy) -> Option<HeldBack> {
        if asks_for_upgrade(&copy.pair.exchange().head.headers) {
            // What is spoken after a switch is nobody's request. Where there is none, it is a request like any other.
            return self.hold_back(HeldBack::Upgrade(copy));
        }
        self.offer_now(copy)
    }

    /// Takes a copy that is to be sent, now or when the primary has answered.
    fn offer_now(&self, mut copy: ShadowCopy) -> Option<HeldBack> {
        if let Err(outcome) = self.delivery.line_up(&mut copy) {
            copy.settle(outcome);
            return None;
        }
        match self.shadow.settings.send {
            SendWhen::WithRequest => {
                self.go_on(copy);
                None
            }
            SendWhen::AfterAnswer => self.hold_back(HeldBack::Unanswered(copy)),
        }
    }

    fn hold_back(&self, held: HeldBack) -> Option<HeldBack> {
        let (HeldBack::Upgrade(copy) | HeldBack::Unanswered(copy)) = &held;
        match copy.pair.primary() {
            Primary::Awaited => {
                copy.pair.wait();
                Some(held)
            }
            Primary::Known(answer) => self.let_go(held, answer),
        }
    }

    /// The primary's response is known, or that there is none.
    pub(super) fn let_go(
        &self,
        held: HeldBack,
        answer: Option<PrimaryResponse>,
    ) -> Option<HeldBack> {
        match (held, answer) {
            (HeldBack::Upgrade(copy), Some(PrimaryResponse { status: 101, .. })) => {
                copy.settle(Outcome::Upgrade);
            }
            (HeldBack::Upgrade(copy), _) => return self.offer_now(copy),
            // One whose body failed is settled already.
            (HeldBack::Unanswered(copy), _) if copy.body.is_lost() => {}
            (HeldBack::Unanswered(copy), _) => match self.refuses(&copy, answer) {
                Some(outcome) => copy.settle(outcome),
                None => self.go_on(copy),
            },
        }
        None
    }

    /// Why a copy is not sent after all, now that the primary's response is known.
    fn refuses(&self, copy: &ShadowCopy, answer: Option<PrimaryResponse>) -> Option<Outcome> {
        let exchange = copy.pair.exchange();
        let seen = self.shadow.seen(&exchange.head, exchange.peer);
        let answered = Answered::With(answer.map(|answer| answer.status));
        if self.selection.judge(seen, answered).0 == Verdict::Filtered {
            Some(Outcome::Filtered)
        } else if self.shadow.control.is_paused() {
            Some(Outcome::Paused)
        } else if !self.shadow.limit.admits() {
            Some(Outcome::RateLimited)
        } else {
            None
        }
    }

    fn go_on(&self, copy: ShadowCopy) {
        Rc::clone(&self.first).take(copy);
    }
}
