//! The way of copies to one shadow: from a request that is to be copied to the copy's outcome.

use std::{
    cell::Cell,
    future::{Future, poll_fn},
    pin::pin,
    rc::Rc,
    sync::Arc,
    task::{Context, Poll, Waker},
};

use tokio::{
    sync::{Notify, Semaphore},
    task::spawn_local,
};

use super::{
    Shadow,
    allowance::Allowance,
    copy::ShadowCopy,
    copy_head::CopyHeadWriter,
    copying::{Copying, Means, READ, ToKeep, Tools, Unanswered},
    failure::{Failure, lesson},
    lane::{Hand, Lanes},
    limit::Permit,
    nap::UnderWay,
    order::{Order, Queued, Turn},
    pair::{Ours, Pair, Primary},
    queue::{Place, Queue},
    sample,
    script_stage::{Next, ScriptStage},
    select::{self, Selection, Verdict},
    stream::Waited,
};
use crate::{
    compare::REQUEST_BODY,
    config::SendWhen,
    exchange::{Exchange, PrimaryResponse},
    http::{Outbox, RequestHead, asks_for_upgrade, now},
    ledger::Outcome,
    script::Ticket,
    tee::{Budget, Recording},
    upstream::{Call, Caller, Connection, Pool, PoolSettings, Request, Uncalled, call},
};

/// The way of copies to one shadow.
pub(super) struct Sender {
    shadow: Arc<Shadow>,
    pool: Rc<Pool>,
    queue: Queue<Offered>,
    /// Where copies keep the order of their requests.
    order: Option<Order<Offered>>,
    /// What a lane is given keeps the sender alive, also when it is retired meanwhile.
    lanes: Lanes<(Rc<Self>, Job)>,
    selection: Selection,
    head_writer: CopyHeadWriter,
    /// Of this thread's processor time.
    allowance: Rc<Allowance>,
    /// Connections that are being made.
    connecting: Semaphore,
    budget: Arc<Budget>,
    /// Where copies go through a script.
    stage: Option<ScriptStage>,
    /// It gets no more copies, and ends when those that wait are sent.
    retired: Cell<bool>,
    retiring: Notify,
    /// Somebody looks after those that wait.
    runs: Cell<bool>,
}

/// A copy with all that it has to give back when it has ended.
struct Offered {
    copy: ShadowCopy,
    turn: Option<Turn>,
    permit: Option<Permit>,
    /// As the script knows it.
    ticket: Option<Ticket>,
}

/// How many connections are opened at the same time. Where there is little time for them, more would only take longer than
/// they may, and that would look like the shadow's fault. A copy that waits may get one that another no longer needs.
const CONNECTING: usize = 8;

/// Bytes that the kernel holds for each connection, of what a shadow sent and was not read.
const UNREAD: usize = 128 * 1024;

/// A copy that has a place among those on their way.
type Job = (Offered, Place);

/// A copy that waits for the primary's response.
pub(super) enum HeldBack {
    /// It asks for another protocol.
    Upgrade(ShadowCopy),
    /// It is sent when the primary has answered.
    Unanswered(ShadowCopy, Option<Queued>),
}

impl HeldBack {
    fn pair(&self) -> &Pair {
        let (Self::Upgrade(copy) | Self::Unanswered(copy, _)) = self;
        &copy.pair
    }
}

impl Sender {
    /// On the shadow's thread, in its runtime.
    pub(super) fn start(shadow: Arc<Shadow>, budget: &Arc<Budget>) -> Rc<Self> {
        let pool = Pool::new(
            shadow.connector.clone(),
            PoolSettings {
                idle_connections: shadow.settings.max_connections,
                idle_timeout: shadow.settings.idle_timeout.0,
                connections: Some(Arc::clone(&shadow.connections)),
                is_careful: false,
                reading: shadow.common.reading,
                metrics: Arc::clone(&shadow.metrics.pool),
            },
        );
        let places = || Arc::clone(&shadow.places);
        let queue = Queue::new(places(), |offered: &Offered| !offered.copy.body.is_lost());
        let settings = &shadow.settings;
        let order = settings.order_by.as_ref();
        let order = order.map(|_| Order::new(settings.queue, places()));
        let sender = Rc::new(Self {
            pool,
            queue,
            order,
            lanes: Lanes::default(),
            selection: shadow.selection.clone(),
            head_writer: shadow.head_writer.clone(),
            allowance: Allowance::new(),
            connecting: Semaphore::new(CONNECTING),
            budget: Arc::clone(budget),
            stage: shadow.script.clone().map(ScriptStage::new),
            shadow,
            retired: Cell::new(false),
            retiring: Notify::new(),
            runs: Cell::new(true),
        });
        spawn_local(Rc::clone(&sender).run());
        sender
    }

    /// Sends what waits for a place, until it is retired.
    async fn run(self: Rc<Self>) {
        self.runs.set(true);
        loop {
            self.queue_those_called();
            while let Some(job) = self.queue.next() {
                self.launch(job);
            }
            let nobody_waits = self.order.as_ref().is_none_or(Order::is_empty);
            if self.retired.get() && self.queue.is_empty() && nobody_waits {
                self.runs.set(false);
                // Its successor waits for the same places: a call that came here was for it.
                return self.queue.call();
            }
            tokio::select! {
                () = self.queue.freed() => {}
                () = self.retiring.notified() => {}
            }
        }
    }

    /// Ends it, once the copies that wait are sent: a reload put another in its place, or none.
    pub(super) fn retire(&self) {
        self.retired.set(true);
        self.retiring.notify_one();
        if let Some(stage) = &self.stage {
            stage.call();
        }
    }

    /// The body of a copy failed: one that waits gives up its seat.
    pub(super) fn clear_out(&self) {
        self.queue.clear_out();
    }

    /// Whether copies leave room for anything else.
    pub(super) fn has_time(&self) -> bool {
        self.queue.is_empty() && !self.shadow.places.are_full() && !self.retired.get()
    }

    pub(super) fn pool(&self) -> &Rc<Pool> {
        &self.pool
    }

    pub(super) fn budget(&self) -> &Arc<Budget> {
        &self.budget
    }

    /// Writes a head as the shadow gets it.
    pub(super) fn write_head(&self, head: &RequestHead, out: &mut Outbox) {
        self.head_writer.write_head(head, out.text());
    }

    /// The shadow that it sends to.
    pub(super) fn shadow(&self) -> &Arc<Shadow> {
        &self.shadow
    }

    /// Gives a copy to a lane that has none, or to a new one.
    fn launch(self: &Rc<Self>, job: Job) {
        if let Some((sender, job)) = self.lanes.give((Rc::clone(self), job)) {
            spawn_local(run_lane(sender, job));
        }
    }

    /// Has those wait for a place whose turn has come.
    fn queue_those_called(&self) {
        if let Some(order) = &self.order {
            for (offered, seat) in order.called() {
                self.queue.push(offered, seat);
            }
        }
    }

    /// Takes a copy. Returns it where the primary's response has to be known first.
    pub(super) fn offer(self: &Rc<Self>, copy: ShadowCopy) -> Option<HeldBack> {
        if asks_for_upgrade(&copy.pair.exchange().head.headers) {
            // What is spoken after a switch is nobody's request. Where there is none, it is a request like any other.
            return self.hold_back(HeldBack::Upgrade(copy));
        }
        self.offer_now(copy)
    }

    /// Takes a copy that is to be sent, now or when the primary has answered.
    fn offer_now(self: &Rc<Self>, copy: ShadowCopy) -> Option<HeldBack> {
        let queued = match self.line_up(copy.pair.exchange()) {
            Ok(queued) => queued,
            Err(outcome) => {
                copy.settle(outcome);
                return None;
            }
        };
        match self.shadow.settings.send {
            SendWhen::WithRequest => {
                self.go_on(copy, queued);
                None
            }
            SendWhen::AfterAnswer => self.hold_back(HeldBack::Unanswered(copy, queued)),
        }
    }

    fn hold_back(self: &Rc<Self>, held: HeldBack) -> Option<HeldBack> {
        match held.pair().primary() {
            Primary::Awaited => {
                held.pair().wait();
                Some(held)
            }
            Primary::Known(answer) => self.let_go(held, answer),
        }
    }

    /// The primary's response is known, or that there is none.
    pub(super) fn let_go(
        self: &Rc<Self>,
        held: HeldBack,
        answer: Option<PrimaryResponse>,
    ) -> Option<HeldBack> {
        match (held, answer) {
            (HeldBack::Upgrade(copy), Some(PrimaryResponse { status: 101, .. })) => {
                copy.settle(Outcome::Upgrade);
            }
            (HeldBack::Upgrade(copy), _) => return self.offer_now(copy),
            (HeldBack::Unanswered(copy, queued), _) => self.offer_answered(copy, queued, answer),
        }
        None
    }

    /// The primary's answer is there, or never will be.
    fn offer_answered(
        self: &Rc<Self>,
        copy: ShadowCopy,
        turn: Option<Queued>,
        answer: Option<PrimaryResponse>,
    ) {
        if copy.body.is_lost() {
            return;
        }
        let exchange = copy.pair.exchange();
        let seen = self.shadow.seen(&exchange.head, exchange.peer);
        let answered = select::Answered::With(answer.map(|answer| answer.status));
        if self.selection.judge(seen, answered).0 == Verdict::Filtered {
            copy.settle(Outcome::Filtered);
        } else if self.shadow.control.is_paused() {
            copy.settle(Outcome::Paused);
        } else if !self.shadow.limit.admits() {
            copy.settle(Outcome::RateLimited);
        } else {
            self.go_on(copy, turn);
        }
    }

    /// Sends a copy, once its script has written it where there is one.
    fn go_on(self: &Rc<Self>, copy: ShadowCopy, queued: Option<Queued>) {
        match &self.stage {
            Some(stage) => stage.take(self, copy, queued),
            None => self.enter(copy, queued, None),
        }
    }

    /// A turn behind the copies with the same key, and a seat for as long as it has not come.
    fn line_up(&self, exchange: &Exchange) -> Result<Option<Queued>, Outcome> {
        let (Some(order), Some(key)) = (&self.order, &self.shadow.settings.order_by) else {
            return Ok(None);
        };
        let seen = self.shadow.seen(&exchange.head, exchange.peer);
        let Some(place) = sample::place(key, seen) else {
            return Ok(None);
        };
        let seat = self.queue.sit().ok_or(Outcome::QueueFull)?;
        let turn = order.join(place).ok_or(Outcome::QueueFull)?;
        Ok(Some((turn, seat)))
    }

    /// From the queue to the outcome.
    async fn send(
        &self,
        mut copy: ShadowCopy,
        turn: Option<Turn>,
        ticket: Option<Ticket>,
        tools: &mut Tools,
    ) {
        if let Some(outcome) = copy.body.failure(&Context::from_waker(Waker::noop())) {
            return copy.settle(outcome);
        }
        if self.shadow.control.is_paused() {
            return copy.settle(Outcome::Paused);
        }
        let Some(admitted) = self.shadow.breaker.admit() else {
            return copy.settle(Outcome::BreakerOpen);
        };
        let mut waited = Waited {
            admitted: Some(admitted),
            turn,
        };
        let ended = self.call(&mut copy, tools, ticket, &mut waited).await;
        let outcome = ended
            .as_ref()
            .map_or_else(Failure::outcome, |_| Outcome::Answered);
        waited.learn(&self.shadow, lesson(&ended));
        match ended {
            Ok(Some(ours)) => copy.pair.responded(ours),
            Err(error) if outcome.is_fault() => {
                self.report(copy.pair.exchange(), outcome, &error);
            }
            _ => {}
        }
        copy.settle(outcome);
    }

    /// Sends a copy, and reads its answer away.
    async fn call(
        &self,
        copy: &mut ShadowCopy,
        tools: &mut Tools,
        ticket: Option<Ticket>,
        waited: &mut Waited<'_>,
    ) -> Result<Option<Ours>, Failure> {
        let kept = self.to_keep(ticket);
        let started = now();
        let mut sending = Sending {
            sender: self,
            copying: Copying::new(self.means(), copy, tools, kept, waited, started),
        };
        match call(&mut sending, &self.pool, started).await {
            Ok(((), call)) => {
                let last = sending.copying.last();
                let is_whole = call.response().is_done();
                call.end(&self.pool, last);
                Ok(sending.copying.into_ours(ticket, is_whole))
            }
            Err(Uncalled::GivenUp(why)) => Err(why),
            Err(Uncalled::Failed(error)) => Err(Failure::Unanswered(Unanswered::Broken(error))),
        }
    }

    /// What is to be kept for the script, where one wrote the request, and for comparing.
    fn to_keep(&self, ticket: Option<Ticket>) -> ToKeep {
        let record = |limit| Recording::new(limit, &self.budget);
        let compared = self.shadow.compared.as_ref();
        let script = ticket.and(self.shadow.script.as_ref());
        let for_script = script.and_then(|script| script.wanted());
        let response = for_script.max(compared.map(|compared| compared.bytes));
        ToKeep {
            request_body: compared.map(|_| record(REQUEST_BODY)),
            response_body: response.map(record),
        }
    }

    fn means(&self) -> Means<'_> {
        Means {
            shadow: &self.shadow,
            head_writer: &self.head_writer,
            allowance: &self.allowance,
            budget: &self.budget,
        }
    }

    /// A new connection, unless the copy is given up before it is there. It is made in turns: handshakes with a shadow
    /// that closes after each answer cost more than all else.
    async fn connect(&self, copying: &mut Copying<'_, '_>) -> Result<Box<Connection>, Failure> {
        let mut free = pin!(async {
            self.allowance.calm().await;
            self.connecting.acquire().await
        });
        let _permit = poll_fn(|cx| match free.as_mut().poll(cx) {
            Poll::Ready(permit) => Poll::Ready(Ok(permit)),
            Poll::Pending => lost(copying, cx),
        })
        .await?;
        if let Some(connection) = self.pool.take_idle(now()) {
            return Ok(connection);
        }
        let mut connecting = pin!(self.pool.open());
        let mut connection = poll_fn(|cx| {
            if let Poll::Ready(turn) = copying.poll_turn(cx) {
                let connection = connecting.as_mut().poll(cx);
                drop(turn);
                if let Poll::Ready(connection) = connection {
                    return Poll::Ready(connection.map_err(Failure::NoConnection));
                }
            }
            lost(copying, cx)
        })
        .await?;
        connection.take_in(READ, UNREAD);
        Ok(connection)
    }

    #[cold]
    fn report(&self, exchange: &Exchange, outcome: Outcome, failure: &Failure) {
        if let Some(left_out) = self.shadow.failures.allow() {
            tracing::warn!(
                request_id = %exchange.id_text(),
                shadow = self.shadow.name(),
                address = %self.shadow.connector.address(),
                outcome = outcome.as_str(),
                error = %failure.chain(),
                left_out,
                "a copy failed; the client's answer is not touched by it"
            );
        }
    }
}

/// A copy that is being sent.
struct Sending<'a, 'b> {
    sender: &'a Sender,
    copying: Copying<'a, 'b>,
}

impl Caller for Sending<'_, '_> {
    type End = ();
    type GivenUp = Failure;

    fn request(&self) -> Request {
        self.copying.request()
    }

    fn write(&self, out: &mut Outbox) {
        self.copying.write_head(out);
    }

    async fn connect(&mut self) -> Result<Box<Connection>, Failure> {
        self.sender.connect(&mut self.copying).await
    }

    fn poll(
        &mut self,
        cx: &mut Context<'_>,
        call: &mut Call,
    ) -> Poll<Result<(), Uncalled<Failure>>> {
        self.copying
            .poll(cx, call)
            .map_err(|uncalled| match uncalled {
                Uncalled::GivenUp(why) => Uncalled::GivenUp(Failure::Unanswered(why)),
                Uncalled::Failed(error) => Uncalled::Failed(error),
            })
    }
}

/// Ready where the copy can't be sent any more.
fn lost<T>(copying: &mut Copying<'_, '_>, cx: &mut Context<'_>) -> Poll<Result<T, Failure>> {
    let lost = copying.poll_lost(cx);
    lost.map(|why| Err(Failure::Unanswered(why)))
}

/// Sends one copy after the other, for as long as there are some, or there may be.
async fn run_lane(mut sender: Rc<Sender>, first: Job) {
    let (mut job, mut tools, hand) = (first, Tools::default(), Rc::new(Hand::default()));
    loop {
        let (offered, place) = job;
        let Offered {
            copy,
            turn,
            permit,
            ticket,
        } = offered;
        let under_way = UnderWay::begin();
        sender.send(copy, turn, ticket, &mut tools).await;
        drop(under_way);
        drop((permit, place));
        sender.queue_those_called();
        job = match sender.queue.next() {
            Some(next) => next,
            None if sender.lanes.rest(&hand) => {
                drop(sender);
                let Some((again, next)) = hand.filled().await else {
                    return;
                };
                sender = again;
                next
            }
            None => return,
        };
    }
}

impl Next for Sender {
    fn stage(&self) -> Option<&ScriptStage> {
        self.stage.as_ref()
    }

    fn is_retired(&self) -> bool {
        self.retired.get()
    }

    /// Sends it at once, or has it wait for its turn or for a place.
    fn enter(self: &Rc<Self>, copy: ShadowCopy, queued: Option<Queued>, ticket: Option<Ticket>) {
        // A copy that waited for the primary's answer may come after a reload.
        if !self.runs.replace(true) {
            spawn_local(Rc::clone(self).run());
        }
        let Ok(permit) = self.shadow.limit.enter() else {
            return copy.settle(Outcome::RateLimited);
        };
        let Some((turn, seat)) = queued else {
            let offered = Offered {
                copy,
                turn: None,
                permit,
                ticket,
            };
            return match self.queue.enter(offered) {
                Ok(Some(job)) => self.launch(job),
                Ok(None) => {}
                Err(offered) => offered.copy.settle(Outcome::QueueFull),
            };
        };
        let has_come = turn.has_come();
        let number = turn.ticket();
        let offered = Offered {
            copy,
            turn: Some(turn),
            permit,
            ticket,
        };
        match &self.order {
            Some(order) if !has_come => order.wait(number, offered, seat),
            _ => self.queue.push(offered, seat),
        }
        if let Some(job) = self.queue.next() {
            self.launch(job);
        }
    }
}
