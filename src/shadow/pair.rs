//! The two responses to one request, as they come: the primary's from the other side, the shadow's from here.

use std::{
    cell::{Cell, RefCell},
    rc::Rc,
    sync::Arc,
    time::{Duration, Instant},
};

use tokio::sync::Notify;

use super::{Shadow, order::Turn, request_view::RequestView, sessions::wait};
use crate::{
    compare::{ComparedRequest, Counterpart, LivePair, LiveResponse, SentCopy},
    exchange::{Exchange, PrimaryResponse},
    identity::{SessionId, Whose},
    script::{Kind, Ticket},
    tee::{HeadReturn, RecordedResponse},
};

/// The two responses to one request.
pub(super) struct Pair {
    shadow: Arc<Shadow>,
    /// There until this is dropped.
    exchange: Option<Arc<Exchange>>,
    primary: Cell<Primary>,
    /// The shadow's, until both are there: its status, and how long after the copy was sent its header came.
    ours: Cell<Option<(u16, Duration)>>,
    /// Nothing more is to come of the primary.
    is_over: Cell<bool>,
    /// Both responses, where somebody wants them, and who they are for.
    responses: RefCell<Responses>,
    /// Something of this waits for the primary.
    waits: Cell<bool>,
    lingers: Cell<bool>,
    /// Whose the request is, where sessions live on the shadow, from when that was asked for.
    session: Cell<Option<SessionId>>,
    /// That of the copy, which the next one of its session waits for, until this is learned.
    turn: RefCell<Option<Turn>>,
    /// No more is to be learned of it.
    is_learned: Cell<bool>,
    /// Ids that were put into the copy.
    put_in: RefCell<Vec<Counterpart>>,
    /// The copy ended without a response.
    is_unanswered: Cell<bool>,
    attention: Rc<Attention>,
    spent: HeadReturn,
}

/// What a thread has to look at, beside what its bell rings for.
#[derive(Default)]
pub(super) struct Attention {
    /// Pairs of which something waits for the primary.
    waiting: Cell<usize>,
    /// Pairs that are looked at again before long, and for which nothing is woken.
    lingering: Cell<usize>,
    called: Notify,
}

impl Attention {
    /// Whether nothing waits for the primary.
    pub(super) fn is_idle(&self) -> bool {
        self.waiting.get() == 0
    }

    /// Whether no pair is to be looked at again before long.
    pub(super) fn is_calm(&self) -> bool {
        self.lingering.get() == 0
    }

    /// Waits until something waits for the primary that did not before: it may have come already.
    pub(super) async fn called(&self) {
        self.called.notified().await;
    }
}

/// What is known of the primary's response.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Primary {
    Awaited,
    /// `None`: it never came.
    Known(Option<PrimaryResponse>),
}

#[derive(Default)]
struct Responses {
    /// What the script knows the request by, until the primary's response is told.
    untold: Option<Ticket>,
    theirs: Option<Arc<RecordedResponse>>,
    ours: Option<Ours>,
}

/// The shadow's response to a copy.
pub(super) struct Ours {
    /// What the script knows the request by, where one wrote it.
    pub(super) ticket: Option<Ticket>,
    pub(super) response: RecordedResponse,
    /// The copy, as much of it as was wanted.
    pub(super) sent: SentCopy,
    /// When its head came.
    pub(super) at: Instant,
    /// From the sending of the copy to that.
    pub(super) took: Duration,
}

impl Pair {
    pub(super) fn new(
        shadow: &Arc<Shadow>,
        exchange: Arc<Exchange>,
        attention: &Rc<Attention>,
        spent: HeadReturn,
    ) -> Self {
        Self {
            waits: Cell::new(false),
            lingers: Cell::new(false),
            attention: Rc::clone(attention),
            shadow: Arc::clone(shadow),
            primary: Cell::new(Primary::Awaited),
            ours: Cell::new(None),
            is_over: Cell::new(false),
            session: Cell::new(None),
            turn: RefCell::default(),
            is_learned: Cell::new(shadow.settings.identity.is_none()),
            put_in: RefCell::default(),
            is_unanswered: Cell::new(false),
            responses: RefCell::default(),
            exchange: Some(exchange),
            spent,
        }
    }

    pub(super) fn exchange(&self) -> &Exchange {
        self.exchange.as_ref().expect("it is taken by drop alone")
    }

    pub(super) fn shadow(&self) -> &Arc<Shadow> {
        &self.shadow
    }

    /// The primary's response, as far as it is known.
    pub(super) fn primary(&self) -> Primary {
        self.primary.get()
    }

    /// Whether nothing more comes of the primary, or its client has left.
    pub(super) fn is_over(&self) -> bool {
        self.is_over.get()
    }

    /// From now on something waits for what comes of the primary.
    pub(super) fn wait(&self) {
        if !self.is_over.get() && !self.waits.replace(true) {
            let waiting = &self.attention.waiting;
            waiting.set(waiting.get() + 1);
            self.attention.called.notify_one();
        }
    }

    fn wait_no_more(&self) {
        if self.lingers.replace(false) {
            let lingering = &self.attention.lingering;
            lingering.set(lingering.get() - 1);
        }
        if self.waits.replace(false) {
            let waiting = &self.attention.waiting;
            waiting.set(waiting.get() - 1);
        }
    }

    /// The primary answered.
    pub(super) fn answered(&self, answer: PrimaryResponse) {
        self.know(Some(answer));
    }

    /// All that comes of the primary has come.
    pub(super) fn over(&self, told: Option<Arc<RecordedResponse>>) {
        self.is_over.set(true);
        self.wait_no_more();
        if self.primary.get() == Primary::Awaited {
            self.know(None);
        }
        self.responses.borrow_mut().theirs = told;
        self.issued();
        self.tell();
        let ours = self.responses.borrow_mut().ours.take();
        if let Some(ours) = ours {
            self.end(ours);
        } else if self.is_unanswered.get() {
            self.learn(None);
        }
    }

    /// Whose the request is, where sessions live on the shadow. What is not known by now is a session of its own.
    pub(super) fn session(&self) -> Option<SessionId> {
        let sessions = self.shadow.sessions.as_ref()?;
        if self.session.get().is_none() {
            self.session
                .set(Some(sessions.session(self.seen(), self.exchange())));
        }
        self.session.get()
    }

    /// How long to wait until it turns out whose the request is; `None` where nothing more would.
    pub(super) fn whose_within(&self) -> Option<Duration> {
        /// The body of a response is known when its last byte is sent.
        const GRACE: Duration = Duration::from_millis(100);
        let sessions = self.shadow.sessions.as_ref()?;
        if self.session.get().is_some() {
            return None;
        }
        match sessions.whose(self.seen(), self.exchange()) {
            Whose::Known(session) => {
                self.session.set(Some(session));
                None
            }
            Whose::Nobody => None,
            Whose::Perhaps => Some(GRACE),
            Whose::Soon => Some(wait(&self.shadow.settings)),
        }
    }

    fn seen(&self) -> RequestView<'_> {
        let exchange = self.exchange();
        self.shadow.seen(&exchange.head, exchange.peer)
    }

    /// What production gave out names the session from now on.
    fn issued(&self) {
        if let (Some(sessions), Some(session), Some(primary)) = (
            &self.shadow.sessions,
            self.session(),
            self.primary_response(),
        ) {
            sessions.issued(session, self.exchange(), &primary);
        }
    }

    /// The primary's response, where it is there and is still wanted.
    fn primary_response(&self) -> Option<LiveResponse> {
        let Primary::Known(Some(answer)) = self.primary() else {
            return None;
        };
        let response = Arc::clone(self.responses.borrow().theirs.as_ref()?);
        Some(LiveResponse {
            response,
            at: self.exchange().received + answer.after,
            took: answer.after,
        })
    }

    /// All is known that the next copy of the session needs. Returns ids that are different on the shadow.
    fn learn(&self, shadow: Option<&LiveResponse>) -> Vec<Counterpart> {
        let mut counterparts = Vec::new();
        if self.is_learned.replace(true) {
            return counterparts;
        }
        if let (Some(sessions), Some(session), Some(primary)) = (
            &self.shadow.sessions,
            self.session(),
            self.primary_response(),
        ) {
            counterparts = sessions.learn(session, self.exchange(), &primary, shadow);
        }
        self.release();
        counterparts
    }

    /// These ids were put into the copy.
    pub(super) fn put_in(&self, ids: Vec<Counterpart>) {
        *self.put_in.borrow_mut() = ids;
    }

    fn release(&self) {
        self.turn.take();
    }

    /// Lets the next copy of the session go, whatever is known.
    pub(super) fn give_up(&self) {
        if let (Some(sessions), false) = (&self.shadow.sessions, self.is_learned.get()) {
            sessions.give_up();
            self.release();
        }
    }

    /// The copy has ended. Its turn is the next one's when what it teaches is learned; returns whether that is not so yet.
    pub(super) fn hold(&self, turn: Option<Turn>) -> bool {
        if self.is_learned.get() || turn.is_none() {
            return false;
        }
        *self.turn.borrow_mut() = turn;
        true
    }

    /// There is no copy any more.
    pub(super) fn copy_is_gone(&self) {
        let has_response = self.responses.borrow().ours.is_some();
        if has_response || self.is_learned.get() {
            return;
        }
        self.is_unanswered.set(true);
        if self.is_over.get() {
            self.learn(None);
        } else {
            self.wait();
        }
    }

    /// The primary's response goes to the script, where both are known.
    fn tell(&self) {
        let mut known = self.responses.borrow_mut();
        if let Some(told) = &known.theirs
            && let (Some(script), Some(ticket)) = (&self.shadow.script, known.untold)
        {
            script.tell(ticket, Kind::Answer, told, Duration::ZERO);
            known.untold = None;
            if self.shadow.compared.is_none() && self.shadow.sessions.is_none() {
                known.theirs = None;
            }
        }
    }

    fn know(&self, answer: Option<PrimaryResponse>) {
        self.primary.set(Primary::Known(answer));
        if let Some(ours) = self.ours.take() {
            self.note(answer, ours);
        }
    }

    /// The shadow answered with this status. `took`: from the sending of the copy to the header of its response.
    pub(super) fn ours(&self, status: u16, took: Duration) {
        match self.primary.get() {
            Primary::Awaited => {
                self.ours.set(Some((status, took)));
                self.wait();
            }
            Primary::Known(answer) => self.note(answer, (status, took)),
        }
    }

    fn note(&self, primary: Option<PrimaryResponse>, ours: (u16, Duration)) {
        let shadow = &*self.shadow;
        shadow
            .differences
            .note(shadow, self.exchange(), primary, ours);
    }

    /// The script was given the request, and is to be told the primary's response where it comes to it yet.
    pub(super) fn given(&self, ticket: Ticket) {
        self.responses.borrow_mut().untold = Some(ticket);
        self.tell();
        if self.shadow.wants_answers() {
            self.wait();
        }
    }

    /// The shadow responded, and its response was to be kept.
    pub(super) fn responded(&self, ours: Ours) {
        if self.is_over.get() {
            return self.end(ours);
        }
        let is_told = ours.ticket.is_some();
        self.responses.borrow_mut().ours = Some(ours);
        if is_told || self.shadow.sessions.is_some() {
            self.wait();
        } else {
            self.linger();
        }
    }

    /// Nobody waits for what comes of the primary, but it is not to be left for long either.
    fn linger(&self) {
        let lingering = &self.attention.lingering;
        if !self.lingers.replace(true) {
            lingering.set(lingering.get() + 1);
        }
        if lingering.get() == 1 {
            self.attention.called.notify_one();
        }
    }

    /// All is known of both responses: the script is told the shadow's, behind the primary's, and they are compared.
    fn end(&self, ours: Ours) {
        if let (Some(script), Some(ticket)) = (&self.shadow.script, ours.ticket) {
            script.tell(ticket, Kind::Replayed, &ours.response, ours.took);
        }
        let shadow = LiveResponse {
            response: Arc::new(ours.response),
            at: ours.at,
            took: ours.took,
        };
        let mut counterparts = self.learn(Some(&shadow));
        counterparts.append(&mut self.put_in.borrow_mut());
        let primary = self.primary_response();
        self.responses.borrow_mut().theirs = None;
        let Some(compared) = &self.shadow.compared else {
            return;
        };
        let Some(primary) = primary else {
            return compared.without_primary();
        };
        compared.take(LivePair {
            request: ComparedRequest::new(self.exchange(), ours.sent),
            primary,
            shadow,
            counterparts,
        });
    }
}

impl Drop for Pair {
    fn drop(&mut self) {
        self.wait_no_more();
        // Nothing more comes of production: it ends.
        if let (Some(compared), Some(_)) = (&self.shadow.compared, &self.responses.get_mut().ours) {
            compared.without_primary();
        }
        if let Some(exchange) = self.exchange.take() {
            self.spent.give_back(exchange);
        }
    }
}
