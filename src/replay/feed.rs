//! The thread that reads, merges and paces: it hands each request over when it is due, and sends none itself.

use std::{
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    thread,
    time::{Duration, Instant},
};

use tokio::sync::mpsc::{Receiver, Sender, channel};

use super::{
    Options, ReplayError, Speed,
    finish::Finish,
    fitness::Fitness,
    job::{Job, Maker, Wanted},
    merge::{Intake, LeftOut, Merge, total},
    pace::Pace,
};
use crate::{net::raise_limit, telemetry::logs::with_causes};

/// Requests as they become due.
pub(super) struct Feed {
    pub(super) jobs: Receiver<Vec<Job>>,
    /// The times at which requests are due count from here.
    pub(super) start: Instant,
    pub(super) progress: Arc<Progress>,
    thread: thread::JoinHandle<Fed>,
}

/// How far the reading is.
#[derive(Debug, Default)]
pub(super) struct Progress {
    pub(super) position: AtomicU64,
    /// Of all files and rounds; 0: unknown.
    pub(super) total: u64,
}

/// What was read in the end.
#[derive(Debug, Default)]
pub(super) struct Fed {
    pub(super) requests: u64,
    pub(super) left_out: LeftOut,
    /// How long it takes as it is paced.
    pub(super) span: Duration,
    pub(super) damaged: u64,
    pub(super) skipped: u64,
    /// What the capture could teach, where sessions were kept alive.
    pub(super) fitness: Option<Fitness>,
    /// Lines that say what is damaged.
    pub(super) troubles: Vec<String>,
}

/// Limits of the requests, and of their bytes, that are handed over at a time.
const MANY: usize = 64;
const LARGE: usize = 256 * 1024;
/// How often the feed checks whether requests are still wanted.
const LOOK: Duration = Duration::from_millis(100);

impl Feed {
    pub(super) fn start(options: &Options, finish: Arc<Finish>) -> Result<Self, ReplayError> {
        raise_limit();
        let mut merge = open(&options.files, options.rounds)?;
        let progress = Arc::new(Progress {
            position: AtomicU64::new(0),
            total: total(&options.files).unwrap_or(0) * options.rounds,
        });
        let (sender, jobs) = channel(16);
        // What is not sent needs no script.
        let script = options.script.as_ref().filter(|_| !options.dry_run);
        let script = script.map(|script| script.answers);
        let compares = options.compare.as_ref().filter(|_| !options.dry_run);
        let mut feeder = Feeder {
            intake: Intake {
                maker: Maker::new(
                    finish,
                    Wanted {
                        key: options.ordered_by.clone(),
                        script,
                        compares: compares.map(|settings| settings.limits.bytes),
                        has_sessions: options.identity.is_some(),
                    },
                ),
                window: options.from..options.until,
                left_out: LeftOut::default(),
            },
            files: options.files.clone(),
            rounds: options.rounds,
            limit: options.limit.unwrap_or(u64::MAX),
            is_paced: options.speed != Speed::Max && !options.dry_run,
            is_dry: options.dry_run,
            pace: Pace::new(options.speed, options.max_gap),
            sender,
            progress: Arc::clone(&progress),
            start: Instant::now(),
            pending: Vec::with_capacity(MANY),
            size: 0,
            fed: Fed::default(),
        };
        // The time that this takes makes no request late.
        merge.look_ahead(&mut feeder.intake);
        if let Some(fitness) = &feeder.intake.maker.fitness {
            // Before anything is sent that would hit what it was not meant for.
            fitness.check()?;
        }
        let start = Instant::now();
        feeder.start = start;
        let thread = thread::Builder::new().name("feed".into()).spawn(move || {
            feeder.run(merge);
            Fed {
                left_out: feeder.intake.left_out,
                fitness: feeder.intake.maker.fitness,
                ..feeder.fed
            }
        })?;
        Ok(Self {
            jobs,
            start,
            progress,
            thread,
        })
    }

    /// What was read, once nothing more is to come.
    pub(super) fn end(self) -> Fed {
        drop(self.jobs);
        self.thread.join().unwrap_or_default()
    }
}

fn open(files: &[PathBuf], rounds: u64) -> Result<Merge, ReplayError> {
    if rounds > 1
        && let Some(pipe) = files.iter().find(|file| is_read_once(file))
    {
        return Err(ReplayError::Once(pipe.clone()));
    }
    Merge::open(files).map_err(|(path, error)| ReplayError::Unreadable(path, error))
}

/// A pipe, or standard input.
fn is_read_once(file: &Path) -> bool {
    file.as_os_str() == "-" || (file.exists() && !file.is_file() && !file.is_dir())
}

struct Feeder {
    intake: Intake,
    files: Vec<PathBuf>,
    rounds: u64,
    limit: u64,
    is_paced: bool,
    is_dry: bool,
    pace: Pace,
    sender: Sender<Vec<Job>>,
    progress: Arc<Progress>,
    start: Instant,
    pending: Vec<Job>,
    size: usize,
    fed: Fed,
}

impl Feeder {
    fn run(&mut self, first: Merge) {
        let mut merge = Some(first);
        let mut before = 0;
        for _ in 0..self.rounds {
            let files = merge.take().map_or_else(|| open(&self.files, 1), Ok);
            let mut files = match files {
                Ok(files) => files,
                Err(error) => {
                    self.fed.damaged += 1;
                    let line = with_causes(&error);
                    self.fed.troubles.push(line);
                    break;
                }
            };
            let goes_on = self.round(&mut files, before);
            before += files.position();
            for troubles in files.troubles() {
                self.fed.damaged += troubles.count;
                self.fed.skipped += troubles.skipped;
                let lines = troubles.take().into_iter();
                self.fed
                    .troubles
                    .extend(lines.map(|trouble| trouble.to_string()));
            }
            // Each damage is reported once.
            self.fed.troubles.dedup();
            if !goes_on {
                break;
            }
            self.pace.again();
            self.intake.maker.again();
        }
        self.pass_on();
    }

    /// Once through all files; false where nothing more is wanted.
    fn round(&mut self, files: &mut Merge, before: u64) -> bool {
        while self.fed.requests < self.limit {
            let Some((time, mut job)) = files.next(&mut self.intake) else {
                return true;
            };
            job.due = self.pace.due(time);
            self.fed.requests += 1;
            self.fed.span = job.due;
            if self.is_dry {
                continue;
            }
            if self.is_paced && !self.wait(job.due) {
                return false;
            }
            self.progress
                .position
                .store(before + files.position(), Relaxed);
            self.size += job.size();
            self.pending.push(job);
            if (self.pending.len() >= MANY || self.size >= LARGE) && !self.pass_on() {
                return false;
            }
        }
        false
    }

    /// Sleeps until a request is due; what was due before is handed over first.
    fn wait(&mut self, due: Duration) -> bool {
        loop {
            let left = due.saturating_sub(self.start.elapsed());
            if left.is_zero() {
                return true;
            }
            if !self.pass_on() || self.sender.is_closed() {
                return false;
            }
            thread::sleep(left.min(LOOK));
        }
    }

    fn pass_on(&mut self) -> bool {
        if self.pending.is_empty() {
            return true;
        }
        self.size = 0;
        let batch = std::mem::replace(&mut self.pending, Vec::with_capacity(MANY));
        self.sender.blocking_send(batch).is_ok()
    }
}
