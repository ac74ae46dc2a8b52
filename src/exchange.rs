//! One request with the primary's answer to it, as the rooms hand it to each other.

use std::{
    borrow::Cow,
    cell::{Cell, RefCell},
    rc::Rc,
    time::{Duration, Instant},
};

use crate::http::RequestHead;

/// What an answer was like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    /// From the request's arrival to the answer's header.
    pub(crate) after: Duration,
}

/// What is to be done once the primary's answer is known; `None` where it never came.
type OnPrimary = Box<dyn FnOnce(&Exchange, Option<Answer>)>;

/// One request with the primary's answer to it. It lives on the worker that received it.
pub(crate) struct Exchange {
    /// As it goes to the primary.
    pub(crate) head: RequestHead,
    pub(crate) received: Instant,
    /// The name of the field with the request's id.
    id_field: Rc<str>,
    primary: Cell<Option<Answer>>,
    waiting: RefCell<Vec<OnPrimary>>,
}

impl Exchange {
    pub(crate) fn new(head: RequestHead, id_field: &Rc<str>, received: Instant) -> Rc<Self> {
        Rc::new(Self {
            head,
            received,
            id_field: Rc::clone(id_field),
            primary: Cell::new(None),
            waiting: RefCell::default(),
        })
    }

    /// The primary's answer is there.
    pub(crate) fn answered(&self, answer: Answer) {
        self.primary.set(Some(answer));
        for waiting in self.waiting.take() {
            waiting(self, Some(answer));
        }
    }

    /// The primary's answer, where it is there.
    pub(crate) fn answer(&self) -> Option<Answer> {
        self.primary.get()
    }

    /// Calls `then` with the primary's answer, now or when it comes.
    pub(crate) fn with_primary(&self, then: impl FnOnce(&Self, Option<Answer>) + 'static) {
        match self.primary.get() {
            Some(answer) => then(self, Some(answer)),
            None => self.waiting.borrow_mut().push(Box::new(then)),
        }
    }

    /// The request's id.
    pub(crate) fn id(&self) -> &[u8] {
        let mut ids = self.head.fields.named(self.id_field.as_bytes());
        ids.next().unwrap_or_default()
    }

    /// The request's id as text, for logs.
    pub(crate) fn id_text(&self) -> Cow<'_, str> {
        String::from_utf8_lossy(self.id())
    }

    /// The method as text, for logs.
    pub(crate) fn method_text(&self) -> Cow<'_, str> {
        String::from_utf8_lossy(self.head.method())
    }

    /// The target's path without its query, for logs.
    pub(crate) fn path_text(&self) -> Cow<'_, str> {
        String::from_utf8_lossy(self.head.path())
    }

    /// The head, to be filled anew, where no copy needs it any more.
    pub(crate) fn into_head(self: Rc<Self>) -> Option<RequestHead> {
        let mut exchange = Rc::into_inner(self)?;
        exchange.end();
        Some(std::mem::take(&mut exchange.head))
    }

    fn end(&mut self) {
        let answer = self.primary.get();
        for waiting in self.waiting.take() {
            waiting(self, answer);
        }
    }
}

impl Drop for Exchange {
    fn drop(&mut self) {
        self.end();
    }
}
