//! The threads of the shadow side. Each looks after some shadows, with a priority of its own.
//!
//! A thread that costs too much gets the lowest priority, and can't get a higher one back: that is for the privileged.
//! So when its shadows behave again, another takes its place, and it ends when its copies have.

use std::{
    io,
    os::fd::OwnedFd,
    rc::Rc,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering::Relaxed},
        mpsc,
    },
    thread::{self, JoinHandle},
    time::Duration,
};

use parking_lot::Mutex;
use tokio::{
    runtime::{Builder, LocalOptions},
    sync::{Notify, oneshot},
};

use super::{
    Shadow,
    inbound::{Inbound, Mail},
    nap,
    priority::{Priority, Step, Workload},
    probe::{Example, Probe},
};
use crate::{
    compare::{LiveResponse, NotResent, Probes, Resend},
    http::RequestHead,
    ledger::Ledger,
    tee::{Budget, Doorbell, Sleeper, Valve},
    telemetry::text::micros,
};

/// The threads of the shadow side.
pub(crate) struct Threads {
    places: Box<[Place]>,
    budget: Arc<Budget>,
    ledger: Arc<Ledger>,
    /// Processor time that all has taken that is done for shadows, in nanoseconds.
    spent: Arc<AtomicU64>,
    /// They end as soon as they are woken.
    ended: AtomicBool,
    handles: Mutex<Vec<JoinHandle<()>>>,
    /// Places whose thread is to be replaced. It would hand its priority down, so that another has to start the next.
    worn: Mutex<Vec<usize>>,
    wears: Notify,
}

/// What one thread after the other looks after.
struct Place {
    /// How many there have been.
    generation: AtomicUsize,
    /// The one that new connections go to.
    current: Mutex<Option<Mailbox>>,
}

/// Where a thread can be reached.
struct Mailbox {
    door: Arc<Doorbell>,
    mail: mpsc::Sender<Mail>,
    /// For each shadow that keeps an order, the next request's place in it.
    sequences: Vec<(Arc<Shadow>, Arc<AtomicU64>)>,
}

/// The way from one worker to a shadow.
pub(super) struct ShadowLink {
    pub(super) valve: Rc<Valve>,
    /// The next request's place in the order of all, where one is kept.
    pub(super) sequence: Option<Arc<AtomicU64>>,
    generation: usize,
}

impl Threads {
    /// This many threads, but at least one; none of them runs yet.
    pub(crate) fn new(
        threads: usize,
        budget: &Arc<Budget>,
        ledger: &Arc<Ledger>,
        spent: &Arc<AtomicU64>,
    ) -> Arc<Self> {
        let place = |_| Place {
            generation: AtomicUsize::new(0),
            current: Mutex::new(None),
        };
        Arc::new(Self {
            places: (0..threads.max(1)).map(place).collect(),
            budget: Arc::clone(budget),
            ledger: Arc::clone(ledger),
            spent: Arc::clone(spent),
            ended: AtomicBool::new(false),
            handles: Mutex::default(),
            worn: Mutex::default(),
            wears: Notify::new(),
        })
    }

    /// Starts them.
    ///
    /// # Errors
    /// Where the system refuses a thread, or what it needs.
    pub(crate) fn begin(self: &Arc<Self>) -> io::Result<()> {
        (0..self.places.len()).try_for_each(|index| self.start(index))
    }

    /// Replaces threads that lost their priority, on a thread that has its own; for ever.
    pub(crate) async fn replace_worn(self: Arc<Self>) {
        loop {
            self.wears.notified().await;
            let worn = std::mem::take(&mut *self.worn.lock());
            for index in worn {
                match self.start(index) {
                    Ok(()) => tracing::info!(
                        thread = index,
                        "shadows take no more processor time than production, and get their share of it again"
                    ),
                    Err(error) => tracing::error!(
                        %error,
                        thread = index,
                        "no other thread can be started for shadows; they keep the lowest priority"
                    ),
                }
            }
        }
    }

    /// Starts the next thread of this place.
    fn start(self: &Arc<Self>, index: usize) -> io::Result<()> {
        let (door, hears) = Doorbell::new()?;
        let (mail, receiver) = mpsc::channel();
        let mailbox = Mailbox {
            door: Arc::clone(&door),
            mail,
            sequences: Vec::new(),
        };
        let place = &self.places[index];
        let mut current = place.current.lock();
        let threads = Arc::clone(self);
        let handle = thread::Builder::new()
            .name(format!("shadow-{index}"))
            .spawn(move || {
                if let Err(error) = run(&threads, index, &door, hears, &receiver) {
                    tracing::error!(%error, "a thread for shadows could not start");
                }
            })?;
        let before = current.replace(mailbox);
        place.generation.fetch_add(1, Relaxed);
        drop(current);
        // It sees that nobody opens a way to it any more.
        let door = before.map(|before| before.door);
        if let Some(door) = door {
            door.ring();
        }
        let mut handles = self.handles.lock();
        handles.retain(|handle| !handle.is_finished());
        handles.push(handle);
        Ok(())
    }

    /// A way to the thread that looks after a shadow, for the worker in whose runtime this is called.
    pub(super) fn connect(&self, shadow: &Arc<Shadow>) -> ShadowLink {
        let place = self.place(shadow);
        let mut current = place.current.lock();
        let mailbox = current.as_mut().expect("threads begin before workers do");
        let (valve, ends) = Valve::open(&mailbox.door);
        // A thread that has ended takes no more.
        let _ = mailbox.mail.send(Mail::Open(Arc::clone(shadow), ends));
        mailbox.door.ring();
        ShadowLink {
            valve: Rc::new(valve),
            sequence: mailbox.sequence(shadow),
            generation: place.generation.load(Relaxed),
        }
    }

    /// Whether the way leads to the thread that looks after the shadow now.
    pub(super) fn is_current(&self, shadow: &Shadow, way: &ShadowLink) -> bool {
        self.place(shadow).generation.load(Relaxed) == way.generation
    }

    fn place(&self, shadow: &Shadow) -> &Place {
        &self.places[shadow.thread % self.places.len()]
    }

    /// Ends them, with what they have under way.
    pub(crate) fn end(&self) {
        self.ended.store(true, Relaxed);
        for place in &self.places {
            if let Some(mailbox) = place.current.lock().take() {
                mailbox.door.ring();
            }
        }
        let handles = std::mem::take(&mut *self.handles.lock());
        for handle in handles {
            if handle.join().is_err() {
                tracing::error!("a thread for shadows panicked");
            }
        }
    }
}

/// The administration answers within ten seconds.
const PATIENCE: Duration = Duration::from_secs(8);

impl Threads {
    /// Sends the request of an example to its shadow once more, and waits for what comes of it.
    ///
    /// # Errors
    /// Where the shadow gets nothing now, or does not answer.
    pub(crate) async fn resend(
        &self,
        shadow: &Arc<Shadow>,
        resend: Resend,
    ) -> Result<LiveResponse, NotResent> {
        let (answer, comes) = oneshot::channel();
        let example = Example {
            shadow: Arc::clone(shadow),
            resend,
            within: shadow.settings.answer_timeout.0.min(PATIENCE),
            answer,
        };
        if let Some(mailbox) = &*self.place(shadow).current.lock()
            && mailbox.mail.send(Mail::Example(example)).is_ok()
        {
            mailbox.door.ring();
        }
        // Where it was not taken it is dropped, and with it ends the wait.
        comes.await.unwrap_or(Err(NotResent::Stopping))
    }
}

impl Probes for Threads {
    fn probe(&self, shadow: &str, number: u64, head: RequestHead) {
        let places = self.places.iter().map(|place| place.current.lock());
        // The thread that does not look after the shadow leaves it alone.
        for current in places {
            let Some(mailbox) = &*current else { continue };
            let probe = Probe {
                shadow: shadow.to_owned(),
                number,
                head: head.clone(),
            };
            if mailbox.mail.send(Mail::Probe(probe)).is_ok() {
                mailbox.door.ring();
            }
        }
    }
}

impl Mailbox {
    /// The order of this shadow's requests.
    fn sequence(&mut self, shadow: &Arc<Shadow>) -> Option<Arc<AtomicU64>> {
        shadow.keeps_order().then_some(())?;
        let known = self
            .sequences
            .iter()
            .find(|(known, _)| Arc::ptr_eq(known, shadow));
        if let Some((_, sequence)) = known {
            return Some(Arc::clone(sequence));
        }
        // Those that a reload took away have no other holder.
        self.sequences
            .retain(|(known, _)| Arc::strong_count(known) > 1);
        let sequence = Arc::<AtomicU64>::default();
        self.sequences
            .push((Arc::clone(shadow), Arc::clone(&sequence)));
        Some(sequence)
    }
}

/// Runs a thread until it is replaced and done, or the process ends.
fn run(
    threads: &Arc<Threads>,
    index: usize,
    door: &Arc<Doorbell>,
    hears: OwnedFd,
    mail: &mpsc::Receiver<Mail>,
) -> io::Result<()> {
    let runtime = nap::rest(&mut Builder::new_current_thread())
        .enable_all()
        .build_local(LocalOptions::default())?;
    runtime.block_on(async {
        let mut sleeper = Sleeper::new(door, hears)?;
        let mut inbound = Inbound::new(mail, &threads.budget);
        let given = inbound.given();
        tokio::select! {
            () = inbound.run(&mut sleeper, || threads.ended.load(Relaxed)) => {}
            () = watch(threads, index, &given) => {}
        }
        Ok(())
    })
}

/// Watches what the thread costs, for as long as it runs.
async fn watch(threads: &Arc<Threads>, index: usize, given: &Rc<Workload>) {
    let mut priority = Priority::new(&threads.spent, &threads.ledger, Rc::clone(given));
    loop {
        match priority.next().await {
            Step::Stay => {}
            Step::Lower => lower(index, priority.costs(), given),
            Step::Replace => break,
        }
    }
    for shadow in &*given.shadows.borrow() {
        shadow.has_low_priority.store(false, Relaxed);
    }
    threads.worn.lock().push(index);
    threads.wears.notify_one();
    std::future::pending::<()>().await;
}

/// The lowest priority (nice(2)).
const LOWEST: i32 = 19;

/// Gives the calling thread the lowest priority.
fn lower(index: usize, (request, copy): (Duration, Duration), given: &Workload) {
    let shadows = given.names();
    match rustix::process::setpriority_process(None, LOWEST) {
        Ok(()) => {
            for shadow in &*given.shadows.borrow() {
                shadow.has_low_priority.store(true, Relaxed);
            }
            tracing::info!(
                thread = index,
                shadows,
                request_us = micros(request),
                copy_us = micros(copy),
                "shadows take more processor time than production; they get what is left over, for now"
            );
        }
        Err(error) => {
            tracing::warn!(%error, thread = index, shadows, "a thread for shadows can't be given a lower priority");
        }
    }
}
