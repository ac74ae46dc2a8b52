//! One request with the primary's answer to it, as the rooms hand it to each other.

use std::{
    any::Any,
    borrow::Cow,
    cell::{Cell, OnceCell, RefCell},
    net::IpAddr,
    rc::Rc,
    time::{Duration, Instant},
};

use crate::{
    http::{AnswerHead, RequestHead},
    telemetry::text::shown,
};

/// What an answer was like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    /// From the request's arrival to the answer's header.
    pub(crate) after: Duration,
}

/// The primary's answer as a message, as far as somebody wanted it.
pub(crate) struct Told {
    pub(crate) head: AnswerHead,
    pub(crate) body: Vec<u8>,
    /// All of it is there.
    pub(crate) whole: bool,
    /// What the body costs, as long as it is kept.
    pub(crate) _cost: Box<dyn Any>,
}

/// What is to be done once all is over; `None` where no message was wanted, or none came.
type OnTold = Box<dyn FnOnce(Option<&Told>)>;

/// What is to be done once the primary's answer is known; `None` where it never came.
type OnPrimary = Box<dyn FnOnce(&Exchange, Option<Answer>)>;

/// One request with the primary's answer to it. It lives on the worker that received it.
pub(crate) struct Exchange {
    /// As it goes to the primary.
    pub(crate) head: RequestHead,
    /// Who sent it, where the connection tells.
    pub(crate) peer: Option<IpAddr>,
    pub(crate) received: Instant,
    /// The name of the field with the request's id.
    id_field: Rc<str>,
    primary: Cell<Option<Answer>>,
    /// Nothing more is to come of the primary.
    is_over: Cell<bool>,
    waiting: RefCell<Vec<OnPrimary>>,
    /// So much of its body is wanted.
    wanted: Cell<Option<u64>>,
    told: OnceCell<Box<Told>>,
    waiting_for_told: RefCell<Vec<OnTold>>,
}

impl Exchange {
    pub(crate) fn new(
        head: RequestHead,
        peer: Option<IpAddr>,
        id_field: &Rc<str>,
        received: Instant,
    ) -> Rc<Self> {
        Rc::new(Self {
            head,
            peer,
            received,
            id_field: Rc::clone(id_field),
            primary: Cell::new(None),
            is_over: Cell::new(false),
            waiting: RefCell::default(),
            wanted: Cell::new(None),
            told: OnceCell::new(),
            waiting_for_told: RefCell::default(),
        })
    }

    /// The primary's answer is there.
    pub(crate) fn answered(&self, answer: Answer) {
        self.primary.set(Some(answer));
        self.tell();
    }

    /// Calls `then` with the primary's answer, now or when it comes, or when it can't come any more.
    pub(crate) fn with_primary(&self, then: impl FnOnce(&Self, Option<Answer>) + 'static) {
        match self.primary.get() {
            None if !self.is_over.get() => self.waiting.borrow_mut().push(Box::new(then)),
            answer => then(self, answer),
        }
    }

    /// Somebody wants the answer as a message, with so much of its body.
    pub(crate) fn want_answer(&self, bytes: u64) {
        self.wanted.set(self.wanted.get().max(Some(bytes)));
    }

    /// So much of the answer's body is wanted.
    pub(crate) fn wanted_answer(&self) -> Option<u64> {
        self.wanted.get()
    }

    /// The answer as a message: it is passed on when all is over.
    pub(crate) fn keep_answer(&self, told: Told) {
        let _ = self.told.set(Box::new(told));
    }

    /// Calls `then` with the answer's message once all is over, in the order of these calls.
    pub(crate) fn with_message(&self, then: impl FnOnce(Option<&Told>) + 'static) {
        if self.is_over.get() {
            then(self.told.get().map(Box::as_ref));
        } else {
            self.waiting_for_told.borrow_mut().push(Box::new(then));
        }
    }

    /// The primary's answer, where it is there.
    pub(crate) fn answer(&self) -> Option<Answer> {
        self.primary.get()
    }

    /// Whether nothing more comes of the primary, or its client has left.
    pub(crate) fn is_over(&self) -> bool {
        self.is_over.get()
    }

    fn tell(&self) {
        for waiting in self.waiting.take() {
            waiting(self, self.primary.get());
        }
        if self.is_over.get() {
            for waiting in self.waiting_for_told.take() {
                waiting(self.told.get().map(Box::as_ref));
            }
        }
    }

    /// The request's id.
    pub(crate) fn id(&self) -> &[u8] {
        let mut ids = self.head.fields.named(self.id_field.as_bytes());
        ids.next().unwrap_or_default()
    }

    /// Gives a head that somebody wrote the id of this exchange.
    pub(crate) fn name(&self, head: &mut RequestHead) {
        let field = self.id_field.as_bytes();
        let is_named = {
            let mut ids = head.fields.named(field);
            ids.next().unwrap_or_default() == self.id() && ids.next().is_none()
        };
        if !is_named && !self.id().is_empty() {
            head.fields.set(field, self.id());
        }
    }

    /// The request's id as text, for logs.
    pub(crate) fn id_text(&self) -> Cow<'_, str> {
        shown(self.id())
    }

    /// The method as text, for logs.
    pub(crate) fn method_text(&self) -> Cow<'_, str> {
        shown(self.head.method())
    }

    /// The target's path without its query, for logs.
    pub(crate) fn path_text(&self) -> Cow<'_, str> {
        shown(self.head.path())
    }
}

impl Drop for Exchange {
    fn drop(&mut self) {
        std::mem::take(&mut self.head).reuse();
    }
}

/// The primary's side of an exchange. It has to end: whoever waits for the answer may be what keeps the
/// exchange alive.
pub(crate) struct Primary<'a>(pub(crate) &'a Exchange);

impl Primary<'_> {
    /// All that comes of the primary has come.
    pub(crate) fn end(self) {
        self.0.is_over.set(true);
        self.0.tell();
    }
}

impl Drop for Primary<'_> {
    fn drop(&mut self) {
        // Broken off, as when the worker stops: there is nothing left to tell it to.
        self.0.is_over.set(true);
        self.0.waiting.take();
        self.0.waiting_for_told.take();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whoever_waits_is_told_once_even_where_no_answer_comes() {
        let exchange = Exchange::new(
            RequestHead::default(),
            None,
            &"X-Request-Id".into(),
            Instant::now(),
        );
        let told = Rc::new(RefCell::new(Vec::new()));
        let wait = |told: &Rc<RefCell<Vec<_>>>| {
            let told = Rc::clone(told);
            let kept_alive = Rc::clone(&exchange);
            exchange.with_primary(move |_, answer| {
                told.borrow_mut().push(answer);
                drop(kept_alive);
            });
        };
        let primary = Primary(&exchange);
        wait(&told);
        assert!(told.borrow().is_empty());
        primary.end();
        wait(&told);
        assert_eq!(*told.borrow(), [None, None]);
        assert_eq!(Rc::strong_count(&exchange), 1);
    }
}
