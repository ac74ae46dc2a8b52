//! Sessions of production on the target: whose a request is, what it is sent with there, and what both responses to it
//! teach.

use std::{
    cell::RefCell,
    net::IpAddr,
    sync::Arc,
    time::{Duration, SystemTime},
};

use parking_lot::Mutex;
use serde::Serialize;

use super::{
    comparing::response_of,
    finish::Finish,
    job::Job,
    lane::{KeptResponse, Times},
};
use crate::{
    compare::Captured,
    config,
    http::{Framing, Known, MOST_FIELDS, RequestHead, unchunked},
    identity::{Ends, Identity, IdentityCounts, Learning, RESPONSE_BYTES, SessionId, looks_into},
    tee::{Budget, Recording},
    telemetry::text::unix_millis,
};

/// Memory for the responses of all connections, however many there are.
const MEMORY: usize = 1 << 30;

/// What is known of production's sessions on the target.
pub(super) struct Sessions {
    settings: config::Identity,
    /// Requests of one session go one after the other; false where something else orders them.
    orders: bool,
    budget: Arc<Budget>,
    round: RefCell<Round>,
    /// Of the rounds before.
    before: RefCell<Sums>,
}

/// Each time that all is sent again, the target gives out everything anew.
struct Round {
    number: u64,
    known: Arc<Mutex<Identity>>,
}

/// Whose a request is.
#[derive(Debug)]
pub(super) struct Whose {
    known: Arc<Mutex<Identity>>,
    session: SessionId,
    /// As its client sent it.
    head: Box<RequestHead>,
}

impl Whose {
    /// What it holds in memory.
    pub(super) fn size(&self) -> usize {
        self.head.size() + size_of::<RequestHead>()
    }
}

/// What was learned and put in, in all.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub(super) struct Sums {
    pub(super) sessions: u64,
    pub(super) alike: u64,
    pub(super) otherwise: u64,
    pub(super) learned: u64,
    pub(super) cookies: u64,
    pub(super) tokens: u64,
    pub(super) ids: u64,
    pub(super) conditions: u64,
    pub(super) unpaired: u64,
}

impl Sums {
    fn add(&mut self, known: &Identity) {
        let Ends { alive, lost } = known.ends();
        let IdentityCounts {
            pairs,
            cookies,
            tokens,
            newest,
            ids,
            conditions,
            unpaired,
            ..
        } = known.counts();
        self.sessions += known.sessions() as u64;
        self.alike += alive as u64;
        self.otherwise += lost as u64;
        self.learned += pairs;
        self.cookies += cookies;
        self.tokens += tokens + newest;
        self.ids += ids;
        self.conditions += conditions;
        self.unpaired += unpaired;
    }
}

impl Sessions {
    pub(super) fn new(settings: config::Identity, concurrency: usize, orders: bool) -> Self {
        let memory = concurrency.saturating_mul(RESPONSE_BYTES);
        let round = Round {
            number: 0,
            known: Arc::new(Mutex::new(Identity::new(settings.memory.bytes()))),
        };
        Self {
            settings,
            orders,
            budget: Budget::new(memory.clamp(4 * RESPONSE_BYTES, MEMORY)),
            round: RefCell::new(round),
            before: RefCell::default(),
        }
    }

    /// A request is read, in the order of the capture. What production gave out for it names its session at once: nobody
    /// sends a cookie before it was given out, so that no request between the two is told another session by that.
    pub(super) fn enter(&self, job: &mut Job) {
        self.begin(job.round);
        let Some(original) = &job.original else {
            return;
        };
        let mut head = Box::new(RequestHead::default());
        let Ok(Some(_)) = head.parse(&original.request, MOST_FIELDS) else {
            return;
        };
        let known = Arc::clone(&self.round.borrow().known);
        let session = {
            let mut known = known.lock();
            let session = known.session(&head, job.client);
            original.answered(head.method(), |primary| {
                known.issued(session, &head, primary);
            });
            session
        };
        if self.orders {
            job.key = Some(session.wrapping_add(job.round << 48));
        }
        job.whose = Some(Whose {
            known,
            session,
            head,
        });
    }

    /// Requests of a new round have sessions of their own; those of the round before, that are under way, keep theirs.
    fn begin(&self, number: u64) {
        let mut round = self.round.borrow_mut();
        if round.number == number {
            return;
        }
        self.before.borrow_mut().add(&round.known.lock());
        *round = Round {
            number,
            known: Arc::new(Mutex::new(Identity::new(self.settings.memory.bytes()))),
        };
    }

    /// Puts the target's cookies, tokens and ids in place of production's, and makes the request ready to be sent.
    ///
    /// # Errors
    /// With the word for the report, where it can't be sent.
    pub(super) fn put_in(&self, job: &mut Job, finish: &Finish) -> Result<(), &'static str> {
        let mut head = RequestHead::default();
        let text = [&job.head[..], b"\r\n"].concat();
        let Ok(Some(_)) = head.parse(&text, MOST_FIELDS) else {
            return Err("malformed");
        };
        if let Some(whose) = &job.whose {
            let is_chunked = Framing::of_request(&head) == Ok(Framing::Chunked);
            let most = self.settings.body_bytes.bytes();
            let is_looked_into = job.body.len() <= most && looks_into(&head, most as u64);
            let body = is_looked_into.then(|| unchunked(is_chunked, &job.body));
            let mut known = whose.known.lock();
            let substituted = known.substitute(whose.session, &head, body.as_deref());
            let substituted = substituted.map_err(|_| "unpaired")?;
            if let Some(written) = substituted.head {
                head = *written;
            }
            if let Some(body) = substituted.body {
                if is_chunked {
                    head.headers.remove(Known::TransferEncoding);
                    head.headers
                        .remove_named(|name| name.eq_ignore_ascii_case(b"trailer"));
                    let length = body.len().to_string();
                    head.headers.set(b"Content-Length", length.as_bytes());
                }
                job.body = body.into();
            }
        }
        let mut out = Vec::with_capacity(job.head.len() + 128);
        (job.method, job.target) = finish.last(&mut head, &mut out);
        job.head = out.into();
        Ok(())
    }

    /// What keeps the target's response, of which somebody else wants so many bytes.
    pub(super) fn recording(&self, wanted: u64) -> Recording {
        Recording::new(wanted.max(RESPONSE_BYTES as u64), &self.budget)
    }

    /// The request was sent, and answered by the target where there is a response.
    pub(super) fn learn(job: &Job, original: &Captured, response: Option<&KeptResponse>) {
        let Some(whose) = &job.whose else { return };
        let learn = |shadow: Option<&_>| {
            original.answered(whose.head.method(), |primary| {
                whose.known.lock().learn(&Learning {
                    session: whose.session,
                    head: &whose.head,
                    primary,
                    shadow,
                });
            });
        };
        let Some(KeptResponse { response, times }) = response else {
            return learn(None);
        };
        let body = response.body.bytes(RESPONSE_BYTES);
        let theirs = response_of(response, &body, at(*times), took(*times));
        learn(Some(&theirs.answer()));
    }

    /// What was learned and put in so far.
    pub(super) fn sums(&self) -> Sums {
        let mut sums = *self.before.borrow();
        sums.add(&self.round.borrow().known.lock());
        sums
    }
}

fn at(times: Times) -> i64 {
    unix_millis(SystemTime::now() - times.head.elapsed())
}

fn took(times: Times) -> Duration {
    times.head.saturating_duration_since(times.began)
}

/// A client's address as a record has it, where that is one.
pub(super) fn address(client: &[u8]) -> Option<IpAddr> {
    std::str::from_utf8(client).ok()?.parse().ok()
}
