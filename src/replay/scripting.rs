//! Requests of a replay that go through a script before they are sent.

use std::{
    cell::{Cell, RefCell},
    collections::HashMap,
    io,
    sync::Arc,
    time::{Duration, Instant},
};

use bytes::Bytes;

use super::{finish::Finish, job::Job};
use crate::{
    config,
    http::{MOST_FIELDS, whole_response},
    script::{Inbox, Kind, Limits, ProcessPool, Script, Ticket, Unscripted, write_answer},
    tee::{Budget, RecordedResponse, Recording},
};

/// The script of a replay, and what it has not made up its mind about.
pub(super) struct Scripting {
    script: Arc<Script>,
    crew: ProcessPool,
    pub(super) inbox: Arc<Inbox>,
    waiting: RefCell<HashMap<u64, Job>>,
    /// What those that wait hold to be compared later.
    waiting_bytes: Cell<usize>,
    finish: Arc<Finish>,
}

/// A request that is not sent for what a script did, or did not, and the word for it.
pub(super) struct Dropped {
    pub(super) job: Box<Job>,
    pub(super) why: &'static str,
}

impl Dropped {
    fn new(job: Job, why: Unscripted) -> Self {
        Self {
            job: Box::new(job),
            why: why.as_str(),
        }
    }
}

/// What a request may be that a script writes.
const LIMITS: Limits = Limits {
    header_bytes: 1 << 20,
    header_count: MOST_FIELDS,
    target_bytes: 65_534,
};
/// What all messages may take. Requests wait in their files as long as a script is busy.
const MEMORY: usize = 512 << 20;
/// So many may wait, most of which a script has dropped then.
const MOST: usize = 100_000;
/// What those may hold to be compared later.
const MOST_BYTES: usize = 64 << 20;

impl Scripting {
    /// # Errors
    /// Where the system refuses what the script's thread needs.
    pub(super) fn start(settings: &config::Script, finish: Arc<Finish>) -> io::Result<Self> {
        let crew = ProcessPool::default();
        crew.begin();
        let budget = Budget::new(MEMORY);
        let script = Script::start("script".into(), settings.clone(), LIMITS, &budget, &crew)?;
        Ok(Self {
            script,
            crew,
            inbox: Arc::default(),
            waiting: RefCell::default(),
            waiting_bytes: Cell::new(0),
            finish,
        })
    }

    /// Whether the script has room for another request.
    pub(super) fn has_room(&self) -> bool {
        self.waiting.borrow().len() < MOST
            && self.waiting_bytes.get() < MOST_BYTES
            && self.script.queued() == 0
    }

    /// Gives a request to the script; the job comes back by [`Scripting::replies`].
    pub(super) fn give(&self, job: Job) -> Result<(), Dropped> {
        let now = Instant::now();
        let given = self.script.give(&self.inbox, job.key, now, |out| {
            out.extend_from_slice(&job.head);
        });
        let ticket = match given {
            Ok(ticket) => ticket,
            Err(why) => return Err(Dropped::new(job, why)),
        };
        if let Some((head, body)) = whole_response(&job.answer) {
            let kept = &body[..body.len().min(self.limit())];
            self.script
                .answer(ticket, Kind::Answer, Duration::ZERO, |out| {
                    write_answer(&head, kept, kept.len() == body.len(), out);
                });
        }
        let job = Job {
            ticket: Some(ticket),
            answer: Bytes::new(),
            ..job
        };
        self.waiting_bytes
            .set(self.waiting_bytes.get() + job.compared_bytes());
        self.waiting.borrow_mut().insert(ticket.token, job);
        Ok(())
    }

    /// What the script has made up its mind about: requests to be sent, or the word for why one is not.
    pub(super) fn replies(&self) -> Vec<Result<Job, Dropped>> {
        let replies = self.inbox.take().into_iter();
        let of_job = replies.filter_map(|reply| {
            let mut job = self.waiting.borrow_mut().remove(&reply.token)?;
            self.waiting_bytes
                .set(self.waiting_bytes.get() - job.compared_bytes());
            let (mut edited, _held) = match reply.result {
                Ok(edited) => edited,
                Err(why) => return Some(Err(Dropped::new(job, why))),
            };
            let mut text = Vec::new();
            (job.method, job.target) = self.finish.write(&mut edited.head, None, &mut text);
            job.head = text.into();
            job.body = edited.body;
            Some(Ok(job))
        });
        of_job.collect()
    }

    /// What keeps the target's response for the script, where it wants responses.
    pub(super) fn recording(&self) -> Option<Recording> {
        self.script.recording()
    }

    /// How many bytes of a response's body the script wants, where it wants responses.
    pub(super) fn wanted(&self) -> Option<u64> {
        self.script.wanted()
    }

    fn limit(&self) -> usize {
        self.script.settings().answer_bytes.bytes()
    }

    /// The target's response to a request that it wrote.
    pub(super) fn tell(&self, ticket: Ticket, response: &RecordedResponse, took: Duration) {
        self.script.tell(ticket, Kind::Replayed, response, took);
    }

    /// Ends its processes.
    pub(super) fn end(&self) {
        self.crew.end();
    }
}
