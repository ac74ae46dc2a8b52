//! One request with the primary's answer to it, as the rooms hand it to each other.

use std::{
    cell::{Cell, RefCell},
    rc::Rc,
    time::{Duration, Instant},
};

use http::{HeaderValue, Method, StatusCode, Uri, request::Parts};

/// What an answer was like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    /// From the request's arrival to the answer's header.
    pub(crate) after: Duration,
}

/// What is to be done once the primary's answer is known; `None` where it never came.
type OnPrimary = Box<dyn FnOnce(&Exchange, Option<Answer>)>;

/// One request with the primary's answer to it. It lives on the worker that received it.
pub(crate) struct Exchange {
    pub(crate) id: HeaderValue,
    pub(crate) method: Method,
    pub(crate) target: Uri,
    pub(crate) received: Instant,
    primary: Cell<Option<Answer>>,
    waiting: RefCell<Vec<OnPrimary>>,
    body: Cell<BodyEnd>,
}

/// How the request's body ended, seen from the client's side.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum BodyEnd {
    /// It is still coming, or it came whole.
    Fine,
    /// The client went away or sent a body that is none.
    Broken,
    /// The client sent nothing for too long.
    TooSlow,
    /// It is larger than the limit.
    TooLarge,
}

impl Exchange {
    pub(crate) fn new(id: HeaderValue, head: &Parts, received: Instant) -> Rc<Self> {
        Rc::new(Self {
            id,
            method: head.method.clone(),
            target: head.uri.clone(),
            received,
            primary: Cell::new(None),
            waiting: RefCell::default(),
            body: Cell::new(BodyEnd::Fine),
        })
    }

    /// The primary's answer is there.
    pub(crate) fn answered(&self, status: StatusCode) {
        let answer = Answer {
            status,
            after: self.received.elapsed(),
        };
        self.primary.set(Some(answer));
        for waiting in self.waiting.take() {
            waiting(self, Some(answer));
        }
    }

    /// Calls `then` with the primary's answer, now or when it comes.
    pub(crate) fn with_primary(&self, then: impl FnOnce(&Self, Option<Answer>) + 'static) {
        match self.primary.get() {
            Some(answer) => then(self, Some(answer)),
            None => self.waiting.borrow_mut().push(Box::new(then)),
        }
    }

    pub(crate) fn body_end(&self) -> BodyEnd {
        self.body.get()
    }

    pub(crate) fn set_body_end(&self, end: BodyEnd) {
        self.body.set(end);
    }

    /// The request's id as text, for logs.
    pub(crate) fn id_text(&self) -> std::borrow::Cow<'_, str> {
        String::from_utf8_lossy(self.id.as_bytes())
    }
}

impl Drop for Exchange {
    fn drop(&mut self) {
        for waiting in self.waiting.take() {
            waiting(self, None);
        }
    }
}
