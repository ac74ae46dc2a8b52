//! The last stage of copies to one shadow: each waits for its turn and for a place among those on their way, and is sent
//! by a lane.

use std::{
    cell::{Cell, RefCell},
    rc::Rc,
    sync::Arc,
};

use tokio::task::spawn_local;

use super::{
    Shadow,
    copy::ShadowCopy,
    copying::Tools,
    lane::{Hand, Lanes},
    nap::UnderWay,
    order::{Keys, Order},
    queue::{Place, Queue},
    sample,
    sender::Sender,
    sending::send,
    stage::Stage,
};
use crate::{
    compare::NotResent,
    config::{Key, OrderBy},
    ledger::Outcome,
    tee::Budget,
};

/// Where the copies to one shadow wait, and what sends them.
pub(super) struct Delivery {
    sender: Sender,
    queue: Queue<ShadowCopy>,
    /// Where copies keep the order of their requests.
    order: Option<Order<ShadowCopy>>,
    /// What a lane is given keeps the delivery alive, also when its shadow is gone meanwhile.
    lanes: Lanes<(Rc<Self>, Job)>,
    /// Somebody looks after those that wait.
    runs: Cell<bool>,
    keys: RefCell<Keys>,
}

/// A copy that has a place among those on their way.
type Job = (ShadowCopy, Place);

impl Delivery {
    pub(super) fn new(shadow: &Arc<Shadow>, budget: &Arc<Budget>) -> Rc<Self> {
        let settings = &shadow.settings;
        Rc::new(Self {
            sender: Sender::new(shadow, budget),
            queue: Queue::new(Arc::clone(&shadow.places), |copy: &ShadowCopy| {
                !copy.body.is_lost()
            }),
            order: shadow.keeps_order().then(|| {
                // Of all copies, all may wait; of one session, a part.
                let most = match settings.order_by {
                    Some(OrderBy::All) => settings.queue,
                    _ => settings.queue / 4,
                };
                Order::new(most, Arc::clone(&shadow.tickets))
            }),
            lanes: Lanes::default(),
            runs: Cell::new(false),
            keys: RefCell::default(),
        })
    }

    pub(super) fn sender(&self) -> &Sender {
        &self.sender
    }

    /// Whether copies leave room for anything else.
    pub(super) fn has_time(&self) -> bool {
        self.queue.is_empty() && !self.sender.shadow.places.are_full()
    }

    /// A place for a request that is no copy.
    ///
    /// # Errors
    /// Where the shadow gets nothing now, or copies need its places.
    pub(super) fn place_for_other(&self) -> Result<Place, NotResent> {
        let shadow = &self.sender.shadow;
        if shadow.control.is_paused() {
            return Err(NotResent::Paused);
        }
        if shadow.breaker.is_open() {
            return Err(NotResent::BreakerOpen);
        }
        let place = self.queue.is_empty().then(|| shadow.places.take());
        place.flatten().ok_or(NotResent::NoLane)
    }

    /// The body of a copy failed: one that waits gives up its seat.
    pub(super) fn clear_out(&self) {
        self.queue.clear_out();
    }

    /// Gives a copy its turn behind those with the same key, and a seat for as long as it has not come.
    ///
    /// # Errors
    /// Where no seat is free.
    pub(super) fn line_up(&self, copy: &mut ShadowCopy) -> Result<(), Outcome> {
        let shadow = &self.sender.shadow;
        let Some(order) = &self.order else {
            return Ok(());
        };
        let exchange = copy.pair.exchange();
        let place = match &shadow.settings.order_by {
            Some(OrderBy::Key(key)) => {
                let place = sample::place(key, shadow.seen(&exchange.head, exchange.peer));
                self.watch(key, place);
                place
            }
            Some(OrderBy::All) => Some(0),
            Some(OrderBy::Session) | None => copy.pair.session(),
        };
        let Some(place) = place else {
            return Ok(());
        };
        let seat = self.queue.sit().ok_or(Outcome::QueueFull)?;
        copy.turn = Some(order.join(place).ok_or(Outcome::QueueFull)?);
        copy.seat = Some(seat);
        Ok(())
    }

    /// Tells of an order that orders nothing.
    fn watch(&self, key: &Key, place: Option<u64>) {
        if let (Key::Cookie(_), Some(place)) = (key, place)
            && self.keys.borrow_mut().is_changing(place)
        {
            tracing::warn!(
                shadow = self.sender.shadow.name(),
                order_by = %key,
                "hardly any two requests have the same value of it, so that it orders nothing; order_by = \"session\" follows a cookie that changes in every response"
            );
        }
    }

    fn has_waiting(&self) -> bool {
        !self.queue.is_empty() || self.order.as_ref().is_some_and(|order| !order.is_empty())
    }

    /// Gives places that are free to those that wait, for as long as any does.
    async fn run(self: Rc<Self>) {
        loop {
            self.queue_those_called();
            while let Some(job) = self.queue.next() {
                self.launch(job);
            }
            if !self.has_waiting() {
                self.runs.set(false);
                // Another waits for the same places behind a reload: a call that came here may have been for it.
                return self.queue.call();
            }
            self.queue.freed().await;
        }
    }

    /// Has those wait for a place whose turn has come.
    fn queue_those_called(&self) {
        if let Some(order) = &self.order {
            for (copy, seat) in order.called() {
                self.queue.push(copy, seat);
            }
        }
    }

    /// Gives a copy to a lane that has none, or to a new one.
    fn launch(self: &Rc<Self>, job: Job) {
        if let Some((delivery, job)) = self.lanes.give((Rc::clone(self), job)) {
            spawn_local(run_lane(delivery, job));
        }
    }
}

impl Stage for Delivery {
    /// Sends it at once, or has it wait for its turn or for a place.
    fn take(self: Rc<Self>, mut copy: ShadowCopy) {
        let Ok(permit) = self.sender.shadow.limit.enter() else {
            return copy.settle(Outcome::RateLimited);
        };
        copy.permit = permit;
        match (copy.seat.take(), &copy.turn, &self.order) {
            (Some(seat), Some(turn), Some(order)) if !turn.has_come() => {
                order.wait(turn.ticket(), copy, seat);
            }
            (Some(seat), ..) => self.queue.push(copy, seat),
            (None, ..) => match self.queue.enter(copy) {
                Ok(Some(job)) => return self.launch(job),
                Ok(None) => {}
                Err(copy) => return copy.settle(Outcome::QueueFull),
            },
        }
        if let Some(job) = self.queue.next() {
            self.launch(job);
        }
        if self.has_waiting() && !self.runs.replace(true) {
            spawn_local(self.run());
        }
    }
}

/// Sends one copy after the other, for as long as there are some, or there may be.
async fn run_lane(mut delivery: Rc<Delivery>, first: Job) {
    let (mut job, mut tools, hand) = (first, Tools::default(), Rc::new(Hand::default()));
    loop {
        let (copy, place) = job;
        let under_way = UnderWay::begin();
        send(&delivery.sender, copy, &mut tools).await;
        drop(under_way);
        drop(place);
        delivery.queue_those_called();
        job = match delivery.queue.next() {
            Some(next) => next,
            None if delivery.lanes.rest(&hand) => {
                drop(delivery);
                let Some((again, next)) = hand.filled().await else {
                    return;
                };
                delivery = again;
                next
            }
            None => return,
        };
    }
}
