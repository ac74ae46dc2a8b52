//! Sends what is due on as many connections as it takes, up to the limit.

use std::{
    cell::{Cell, RefCell},
    collections::VecDeque,
    rc::Rc,
    sync::{Arc, atomic::Ordering::Relaxed},
    time::{Duration, Instant},
};

use tokio::{
    runtime::{Builder, LocalOptions},
    sync::{Notify, mpsc::Receiver},
    task::spawn_local,
    time::{interval, sleep},
};

use super::{
    Options, ReplayError, Report, Speed,
    comparing::{Broken, Comparing},
    feed::{Feed, Progress},
    finish::Finish,
    job::Job,
    lane::{KeptResponse, Lane},
    order::Order,
    progress::Moment,
    scripting::{Dropped, Scripting},
    sessions::Sessions,
    tally::{LATE, Tally},
};
use crate::{
    compare::{self, Captured, Counterpart},
    http::Marks,
    identity::RESPONSE_BYTES,
    net::Connector,
    tee::Recording,
    upstream::{Pool, PoolSettings, Reading},
};

/// More wait for a connection than this only where they are read no further.
const BACKLOG: usize = 4096;
const BACKLOG_BYTES: usize = 32 << 20;
/// How often it is told how far it is.
const TELL: Duration = Duration::from_millis(200);
/// How often it is looked whether a script has room.
const SCRIPT_LOOK: Duration = Duration::from_millis(1);
/// A connection may be idle for as long as a paced replay has nothing to send.
const IDLE: Duration = Duration::from_secs(24 * 3600);
/// What no answer's header needs.
const READING: Reading = Reading {
    header_bytes: 1 << 20,
    header_count: 1000,
};

/// What came of a replay.
pub(crate) struct Done {
    pub(crate) report: Report,
    /// In what the responses differ from those captured, where they were compared.
    pub(crate) causes: Option<compare::Report>,
}

/// Replays, and says how far it is now and then.
///
/// # Errors
/// Where it can't begin; what fails later is in the report.
pub(crate) fn run(
    options: &Options,
    tell: impl Fn(&Moment) + 'static,
) -> Result<Done, ReplayError> {
    let connector = Connector::new(options.to.clone(), &options.tls, options.connect_timeout)?;
    let marks = options.mark.as_ref().map_or_else(Vec::new, |mark| {
        let mut lines = Vec::new();
        Marks::new(mark).write("replay", &mut lines);
        lines
    });
    let finish = Finish::new(options.edit.clone(), marks);
    let finish = Arc::new(if options.identity.is_some() {
        finish.put_off()
    } else {
        finish
    });
    let script = options.script.as_ref().filter(|_| !options.dry_run);
    let script = script.map(|script| Scripting::start(script, Arc::clone(&finish)));
    let script = script.transpose()?;
    let compare = options.compare.clone().filter(|_| !options.dry_run);
    let comparing = compare.map(|settings| Comparing::start(settings, options.concurrency));
    let comparing = comparing.transpose()?;
    let mut feed = Feed::start(options, Arc::clone(&finish))?;
    let runtime = Builder::new_current_thread()
        .enable_all()
        .build_local(LocalOptions::default())?;
    let (engine, took, interrupted) = runtime.block_on(async {
        let parts = Parts {
            finish,
            script,
            comparing,
        };
        let engine = Engine::new(connector, options, feed.start, parts);
        let telling = spawn_local(tell_progress(
            Rc::clone(&engine),
            Arc::clone(&feed.progress),
            tell,
        ));
        let interrupted = tokio::select! {
            () = engine.run(&mut feed.jobs) => false,
            // Whoever interrupts gets the report of what was sent.
            _ = tokio::signal::ctrl_c() => true,
        };
        telling.abort();
        if let Some(script) = &engine.script {
            script.end();
        }
        let took = engine.start.elapsed();
        (engine, took, interrupted)
    });
    let read = feed.end();
    let tally = engine.tally.take();
    let sums = engine.sessions.as_ref().map(Sessions::sums);
    // Lanes that were interrupted hold the engine until the runtime is gone.
    drop(runtime);
    let causes = match Rc::into_inner(engine) {
        Some(engine) => engine.comparing.map(Comparing::end).transpose(),
        None => Err(Broken),
    };
    Ok(Done {
        report: Report::new(&tally, &read, took, interrupted).with_sessions(sums),
        causes: causes.map_err(|Broken| ReplayError::Uncompared)?,
    })
}

async fn tell_progress(engine: Rc<Engine>, progress: Arc<Progress>, tell: impl Fn(&Moment)) {
    let mut ticks = interval(TELL);
    loop {
        ticks.tick().await;
        let tally = engine.tally.borrow();
        tell(&Moment {
            answered: tally.answered,
            errors: tally.all_errors(),
            lag: tally.lag,
            elapsed: engine.start.elapsed(),
            position: progress.position.load(Relaxed),
            total: progress.total,
        });
    }
}

/// What all lanes share.
struct Engine {
    pool: Rc<Pool>,
    start: Instant,
    timeout: Duration,
    concurrency: usize,
    is_paced: bool,
    ready: RefCell<VecDeque<Job>>,
    order: RefCell<Order>,
    /// Requests that are not answered yet, and their bytes.
    open: Cell<usize>,
    open_bytes: Cell<usize>,
    /// Requests that the script has.
    scripted: Cell<usize>,
    /// There was no room for more, and what came since was late for it.
    held_up: Cell<bool>,
    lanes: Cell<usize>,
    idle: Cell<usize>,
    work: Notify,
    room: Notify,
    tally: RefCell<Tally>,
    /// What requests go through first.
    script: Option<Scripting>,
    /// What compares responses with those captured.
    comparing: Option<Comparing>,
    finish: Arc<Finish>,
    /// Sessions of production on the target.
    sessions: Option<Sessions>,
}

/// What requests go through, and what becomes of responses.
struct Parts {
    finish: Arc<Finish>,
    script: Option<Scripting>,
    comparing: Option<Comparing>,
}

impl Engine {
    fn new(connector: Connector, options: &Options, start: Instant, parts: Parts) -> Rc<Self> {
        let sessions = options.identity.clone();
        let orders = options.ordered_by.is_none();
        let pool = Pool::new(
            connector,
            PoolSettings {
                idle_connections: options.concurrency,
                idle_timeout: IDLE,
                connections: None,
                is_careful: true,
                reading: READING,
                metrics: Arc::default(),
            },
        );
        Rc::new(Self {
            pool,
            start,
            timeout: options.timeout,
            concurrency: options.concurrency,
            is_paced: options.speed != Speed::Max,
            ready: RefCell::default(),
            order: RefCell::default(),
            open: Cell::new(0),
            open_bytes: Cell::new(0),
            scripted: Cell::new(0),
            held_up: Cell::new(false),
            lanes: Cell::new(0),
            idle: Cell::new(0),
            work: Notify::new(),
            room: Notify::new(),
            tally: RefCell::default(),
            script: parts.script,
            comparing: parts.comparing,
            finish: parts.finish,
            sessions: sessions.map(|settings| Sessions::new(settings, options.concurrency, orders)),
        })
    }

    /// Until everything is answered.
    async fn run(self: &Rc<Self>, jobs: &mut Receiver<Vec<Job>>) {
        if self.script.is_some() {
            spawn_local(Rc::clone(self).take_scripted());
        }
        while let Some(batch) = jobs.recv().await {
            let late = self.lateness(&batch);
            for mut job in batch {
                job.late = late;
                if let Some(sessions) = &self.sessions {
                    sessions.enter(&mut job);
                }
                match &self.script {
                    None => self.enter(job),
                    Some(script) => {
                        while !script.has_room() {
                            sleep(SCRIPT_LOOK).await;
                        }
                        self.scripted.set(self.scripted.get() + 1);
                        if let Err(dropped) = script.give(job) {
                            self.end_scripted(Err(dropped));
                        }
                    }
                }
            }
            while self.open.get() >= BACKLOG + self.concurrency
                || self.open_bytes.get() >= BACKLOG_BYTES
            {
                self.held_up.set(true);
                self.room.notified().await;
            }
        }
        while self.open.get() > 0 || self.scripted.get() > 0 {
            self.room.notified().await;
        }
    }

    /// A request goes as soon as it is its turn.
    fn enter(self: &Rc<Self>, job: Job) {
        self.open.set(self.open.get() + 1);
        self.open_bytes.set(self.open_bytes.get() + job.size());
        let ready = self.order.borrow_mut().enter(job);
        if let Some(job) = ready {
            self.ready.borrow_mut().push_back(job);
            self.call();
        }
    }

    /// Sends, or gives up, what the script has made up its mind about.
    async fn take_scripted(self: Rc<Self>) {
        let Some(script) = &self.script else { return };
        loop {
            script.inbox.called().await;
            for result in script.replies() {
                self.end_scripted(result);
            }
        }
    }

    fn end_scripted(self: &Rc<Self>, result: Result<Job, Dropped>) {
        self.scripted.set(self.scripted.get() - 1);
        match result {
            Ok(job) => self.enter(job),
            Err(Dropped { mut job, why }) => {
                self.tally.borrow_mut().leaves_out(why);
                let original = job.original.take();
                self.learn(&job, original.as_deref(), None);
            }
        }
        self.room.notify_one();
    }

    /// Whether these requests come too late from who reads them, and not for want of room here.
    fn lateness(&self, batch: &[Job]) -> bool {
        let Some(last) = batch.last().filter(|_| self.is_paced) else {
            return false;
        };
        let is_late = self.start.elapsed().saturating_sub(last.due) > LATE;
        if !is_late {
            self.held_up.set(false);
        }
        is_late && !self.held_up.get()
    }

    /// Somebody is to take what is ready.
    fn call(self: &Rc<Self>) {
        if self.idle.get() > 0 {
            self.idle.set(self.idle.get() - 1);
            self.work.notify_one();
        } else if self.lanes.get() < self.concurrency {
            self.lanes.set(self.lanes.get() + 1);
            spawn_local(Rc::clone(self).lane());
        }
    }

    async fn lane(self: Rc<Self>) {
        let mut lane = Lane::new(Rc::clone(&self.pool), self.timeout);
        let mut was_idle = true;
        loop {
            let Some(mut job) = self.ready.borrow_mut().pop_front() else {
                self.idle.set(self.idle.get() + 1);
                was_idle = true;
                self.work.notified().await;
                continue;
            };
            let size = job.size();
            let original = job.original.take();
            if let Some(sessions) = &self.sessions
                && let Err(why) = sessions.put_in(&mut job, &self.finish)
            {
                self.tally.borrow_mut().leaves_out(why);
                self.learn(&job, original.as_deref(), None);
                self.done(job.key, size);
                continue;
            }
            let waited = self.send(&mut lane, &job, original, !was_idle).await;
            // What waited for the comparing is not late because of the target.
            was_idle = waited;
            self.done(job.key, size);
        }
    }

    /// Sends a request, and returns whether its response had to wait before it was compared.
    async fn send(
        &self,
        lane: &mut Lane,
        job: &Job,
        original: Option<Box<Captured>>,
        busy: bool,
    ) -> bool {
        let started = Instant::now();
        let due = if self.is_paced {
            self.start + job.due
        } else {
            started
        };
        let behind = started.saturating_duration_since(due);
        self.tally.borrow_mut().goes(behind, busy && !job.late);
        let result = lane
            .send(job, started, self.recording(job, original.is_some()))
            .await;
        let ended = Instant::now();
        let (outcome, kept) = match result {
            Ok(result) => result,
            Err(why) => {
                self.tally.borrow_mut().failed(why);
                self.learn(job, original.as_deref(), None);
                return false;
            }
        };
        self.tally.borrow_mut().answered(
            job,
            &outcome,
            ended.saturating_duration_since(due),
            ended - started,
        );
        let counterparts = self.learn(job, original.as_deref(), kept.as_ref());
        let Some(kept) = kept else {
            return false;
        };
        if let (Some(script), Some(ticket)) = (&self.script, job.ticket) {
            script.tell(ticket, &kept.response, ended - started);
        }
        match (&self.comparing, original) {
            (Some(comparing), Some(original)) if job.is_compared => {
                comparing.take(original, kept, counterparts).await
            }
            _ => false,
        }
    }

    /// Both sides answered, or the target did not: what that teaches is known to the session's next request.
    /// Returns ids in it that are different on the target.
    fn learn(
        &self,
        job: &Job,
        original: Option<&Captured>,
        response: Option<&KeptResponse>,
    ) -> Vec<Counterpart> {
        match (&self.sessions, original) {
            (Some(_), Some(original)) => Sessions::learn(job, original, response),
            _ => Vec::new(),
        }
    }

    /// What keeps the response, for the comparing, for the sessions or for the script.
    fn recording(&self, job: &Job, has_original: bool) -> Option<Recording> {
        let script = self.script.as_ref();
        let wanted = script.and_then(Scripting::wanted).unwrap_or(0);
        match (&self.comparing, &self.sessions) {
            (Some(comparing), sessions) if has_original && job.is_compared => {
                let learned = sessions.as_ref().map_or(0, |_| RESPONSE_BYTES as u64);
                Some(comparing.recording(wanted.max(learned)))
            }
            (_, Some(sessions)) if has_original => Some(sessions.recording(wanted)),
            _ => script.and_then(Scripting::recording),
        }
    }

    fn done(self: &Rc<Self>, key: Option<u64>, size: usize) {
        self.open.set(self.open.get() - 1);
        self.open_bytes.set(self.open_bytes.get() - size);
        if let Some(next) = self.order.borrow_mut().leave(key) {
            self.ready.borrow_mut().push_front(next);
        }
        // Whoever waits for room is woken now and then only.
        let bytes = self.open_bytes.get();
        let has_room = bytes < BACKLOG_BYTES && bytes + size >= BACKLOG_BYTES;
        if has_room || self.open.get().is_multiple_of(64) {
            self.room.notify_one();
        }
    }
}
