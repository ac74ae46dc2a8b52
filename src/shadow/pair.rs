//! The two responses to one request, as they come: the primary's from the other side, the shadow's from here.

use std::{
    cell::{Cell, RefCell},
    rc::Rc,
    sync::Arc,
    time::Duration,
};

use tokio::sync::Notify;

use super::{Shadow, difference};
use crate::{
    exchange::{Exchange, PrimaryResponse},
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
    /// What the script is told once all is over.
    script: RefCell<ForScript>,
    /// Something of this waits for the primary.
    waits: Cell<bool>,
    attention: Rc<Attention>,
    spent: HeadReturn,
}

/// What a thread has to look at, beside what its bell rings for.
#[derive(Default)]
pub(super) struct Attention {
    /// Pairs of which something waits for the primary.
    waiting: Cell<usize>,
    called: Notify,
}

impl Attention {
    /// Whether nothing waits for the primary.
    pub(super) fn is_idle(&self) -> bool {
        self.waiting.get() == 0
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
struct ForScript {
    /// What the script knows the request by, until the primary's response is told.
    ticket: Option<Ticket>,
    theirs: Option<Arc<RecordedResponse>>,
    /// The shadow's response, and how long after its request it ended.
    ours: Option<(Ticket, RecordedResponse, Duration)>,
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
            attention: Rc::clone(attention),
            shadow: Arc::clone(shadow),
            exchange: Some(exchange),
            primary: Cell::new(Primary::Awaited),
            ours: Cell::new(None),
            is_over: Cell::new(false),
            script: RefCell::default(),
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
        if told.is_some() {
            self.script.borrow_mut().theirs = told;
            self.tell();
        }
        let ours = self.script.borrow_mut().ours.take();
        if let Some((ticket, response, took)) = ours {
            self.tell_ours(ticket, &response, took);
        }
    }

    /// The primary's response goes to the script, where both are known.
    fn tell(&self) {
        let mut known = self.script.borrow_mut();
        if let (Some(script), Some(ticket), Some(told)) =
            (&self.shadow.script, known.ticket, &known.theirs)
        {
            script.tell(ticket, Kind::Answer, told, Duration::ZERO);
            known.theirs = None;
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

    fn note(&self, primary: Option<PrimaryResponse>, (status, took): (u16, Duration)) {
        let pair = difference::Pair {
            exchange: self.exchange(),
            primary,
            status,
            took,
        };
        self.shadow.note(&pair);
    }

    /// The script was given the request, and is to be told the primary's response where it comes to it yet.
    pub(super) fn given(&self, ticket: Ticket) {
        self.script.borrow_mut().ticket = Some(ticket);
        self.tell();
        if self.shadow.wants_answers() {
            self.wait();
        }
    }

    /// The script is to be told the shadow's response, behind the primary's.
    pub(super) fn replayed(&self, ticket: Ticket, response: RecordedResponse, took: Duration) {
        if self.is_over.get() {
            self.tell_ours(ticket, &response, took);
        } else {
            self.script.borrow_mut().ours = Some((ticket, response, took));
            self.wait();
        }
    }

    fn tell_ours(&self, ticket: Ticket, response: &RecordedResponse, took: Duration) {
        if let Some(script) = &self.shadow.script {
            script.tell(ticket, Kind::Replayed, response, took);
        }
    }
}

impl Drop for Pair {
    fn drop(&mut self) {
        self.wait_no_more();
        if let Some(exchange) = self.exchange.take() {
            self.spent.give_back(exchange);
        }
    }
}
