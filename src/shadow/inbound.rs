//! What comes in on one thread of the shadow side: the messages of all workers, taken to the copies that they are for.

use std::{
    cell::Cell,
    collections::{HashMap, VecDeque, hash_map::Entry},
    rc::Rc,
    sync::{Arc, mpsc},
    time::{Duration, Instant},
};

use tokio::{task::yield_now, time::sleep};

use super::{
    Shadow,
    copy::{CopySource, ShadowCopy},
    delivery::Delivery,
    intake::{HeldBack, Intake},
    pair::{Attention, Pair, Primary},
    priority::Workload,
    probe::{self, Example, Probe},
};
use crate::{
    compare::NotResent,
    http::now,
    tee::{Budget, Message, Mirrored, Outlet, Part, RecordedResponse, Sleeper, UnopenedOutlet},
};

/// What a thread is sent beside what comes through valves.
pub(super) enum Mail {
    /// The way from one worker to a shadow.
    Open(Arc<Shadow>, UnopenedOutlet),
    /// A shadow is to be asked once more.
    Probe(Probe),
    /// So it is with the request of an example.
    Example(Example),
}

/// What comes in on one thread.
pub(super) struct Inbound<'a> {
    mail: &'a mpsc::Receiver<Mail>,
    budget: &'a Arc<Budget>,
    given: Rc<Workload>,
    attention: Rc<Attention>,
    lines: Vec<Line>,
    /// Of shadows without a line, as long as they have something to send.
    retired: Vec<Rc<Delivery>>,
}

/// What there is to do after what came was taken.
pub(super) struct Round {
    /// No more lines can come.
    no_more: bool,
    /// There may be more messages.
    is_more: bool,
}

/// The way from one worker to one shadow.
struct Line {
    intake: Rc<Intake>,
    /// Where an order is kept, the place of the next request; the lines of one shadow share it.
    next: Rc<Cell<u64>>,
    outlet: Outlet,
    attention: Rc<Attention>,
    /// Requests of which more may come, by their number.
    known: HashMap<u64, Known>,
    /// Requests of which it will turn out whose they are, in their order, and since when that is waited for.
    unknown: VecDeque<(u64, Instant)>,
}

/// What is known of a request until nothing more comes of it.
struct Known {
    pair: Rc<Pair>,
    body: Option<CopySource>,
    held_back: Option<HeldBack>,
    undecided: Option<Undecided>,
}

/// A copy of which it will turn out whose it is.
struct Undecided {
    copy: ShadowCopy,
    /// What the last message said, where it came before that.
    over: Option<Last>,
}

/// What the last message of a request says: the primary's response, where it was wanted.
struct Last(Option<Arc<RecordedResponse>>);

/// How often it is looked at whose requests are.
const GLANCE: Duration = Duration::from_millis(5);
/// How many messages of one line are taken at a time.
const MESSAGES: usize = 256;
/// How often a delivery is looked at that is to end, and pairs for which nothing is woken.
const LOOK: Duration = Duration::from_millis(100);
/// Nothing is waited for but messages.
const LONG: Duration = Duration::from_secs(3600);

impl<'a> Inbound<'a> {
    /// `mail` brings lines, and is closed when no more come.
    pub(super) fn new(mail: &'a mpsc::Receiver<Mail>, budget: &'a Arc<Budget>) -> Self {
        Self {
            mail,
            budget,
            given: Rc::default(),
            attention: Rc::default(),
            lines: Vec::new(),
            retired: Vec::new(),
        }
    }

    /// What came, as it goes on.
    pub(super) fn given(&self) -> Rc<Workload> {
        Rc::clone(&self.given)
    }

    /// Takes messages until no more can come and all that came is done, or `is_over` when it is woken.
    pub(super) async fn run(&mut self, sleeper: &mut Sleeper, is_over: impl Fn() -> bool) {
        while !is_over() {
            let Round { no_more, is_more } = self.round();
            if is_more {
                yield_now().await;
            } else if no_more && self.lines.is_empty() && self.retired.is_empty() {
                return;
            } else {
                let lines = &self.lines;
                let is_something = || {
                    is_over()
                        || lines
                            .iter()
                            .any(|line| line.has_next() || line.outlet.is_over())
                };
                let is_calm = self.retired.is_empty() && self.attention.is_calm();
                let limit = if self.lines.iter().any(|line| !line.unknown.is_empty()) {
                    GLANCE
                } else if is_calm {
                    LONG
                } else {
                    LOOK
                };
                let is_deep = self.attention.is_idle();
                tokio::select! {
                    () = sleeper.sleep(is_deep, is_something) => {}
                    () = self.attention.called() => {}
                    () = sleep(limit) => {}
                }
            }
        }
    }

    /// Takes what came.
    pub(super) fn round(&mut self) -> Round {
        let no_more = self.open();
        let mut is_more = false;
        for line in &mut self.lines {
            is_more |= line.take(&self.given.copies);
        }
        for line in &mut self.lines {
            line.ask_whose();
        }
        self.close();
        Round { no_more, is_more }
    }

    /// Opens new lines. Returns whether no more can come.
    fn open(&mut self) -> bool {
        loop {
            match self.mail.try_recv() {
                Ok(Mail::Open(shadow, ends)) => self.open_line(shadow, ends),
                Ok(Mail::Probe(probe)) => self.probe(probe),
                Ok(Mail::Example(example)) => self.example(example),
                Err(mpsc::TryRecvError::Empty) => return false,
                Err(mpsc::TryRecvError::Disconnected) => return true,
            }
        }
    }

    fn probe(&self, probe: Probe) {
        let mut intakes = self.lines.iter().map(|line| &line.intake);
        if let Some(intake) = intakes.find(|intake| intake.shadow().name() == probe.shadow) {
            probe::send(intake.delivery(), probe);
        }
    }

    fn example(&self, example: Example) {
        let mut intakes = self.lines.iter().map(|line| &line.intake);
        match intakes.find(|intake| Arc::ptr_eq(intake.shadow(), &example.shadow)) {
            Some(intake) => probe::send_example(intake.delivery(), example),
            None => drop(example.answer.send(Err(NotResent::Removed))),
        }
    }

    fn open_line(&mut self, shadow: Arc<Shadow>, ends: UnopenedOutlet) {
        let mut lines = self.lines.iter();
        let known = lines.find(|line| Arc::ptr_eq(line.intake.shadow(), &shadow));
        let (intake, next) = if let Some(line) = known {
            (Rc::clone(&line.intake), Rc::clone(&line.next))
        } else {
            self.given.shadows.borrow_mut().push(Arc::clone(&shadow));
            (Intake::new(shadow, self.budget), Rc::default())
        };
        self.lines.push(Line {
            intake,
            next,
            outlet: ends.open(),
            attention: Rc::clone(&self.attention),
            known: HashMap::new(),
            unknown: VecDeque::new(),
        });
    }

    /// Closes lines on which nothing more comes. A shadow without any gets no more copies.
    fn close(&mut self) {
        let over = |line: &mut Line| line.outlet.is_over();
        let over: Vec<_> = self.lines.extract_if(.., over).collect();
        for Line { intake, .. } in over {
            let mut others = self.lines.iter();
            let is_used = others.any(|other| Rc::ptr_eq(&other.intake, &intake));
            let mut retired = self.retired.iter();
            if !is_used && !retired.any(|known| Rc::ptr_eq(known, intake.delivery())) {
                let mut shadows = self.given.shadows.borrow_mut();
                shadows.retain(|shadow| !Arc::ptr_eq(shadow, intake.shadow()));
                self.retired.push(Rc::clone(intake.delivery()));
            }
        }
        // Whatever it has under way holds it.
        self.retired
            .retain(|delivery| Rc::strong_count(delivery) > 1);
    }
}

impl Line {
    /// Whether its next message is there, and its turn has come.
    fn has_next(&self) -> bool {
        self.outlet
            .peek()
            .is_some_and(|message| self.is_next(message))
    }

    /// Whether it is this message's turn: requests of which an order is kept come in by several ways.
    fn is_next(&self, message: &Message) -> bool {
        match message {
            Message::Request(request) => request
                .sequence
                .is_none_or(|place| place == self.next.get()),
            _ => true,
        }
    }

    /// Takes what came. Returns whether there may be more of it.
    fn take(&mut self, copies: &Cell<u64>) -> bool {
        for _ in 0..MESSAGES {
            if !self.has_next() {
                return false;
            }
            match self.outlet.next() {
                None => return false,
                Some(Message::Request(request)) => {
                    copies.set(copies.get() + 1);
                    self.request(request);
                }
                Some(Message::Part(number, part)) => self.part(number, part),
                Some(Message::Answered(number, answer)) => {
                    if let Some(known) = self.known.get_mut(&number) {
                        known.pair.answered(answer);
                        known.let_go(&self.intake);
                    }
                }
                Some(Message::Over(number, told)) => self.over(number, told),
            }
        }
        true
    }

    fn request(&mut self, request: Mirrored) {
        let Mirrored {
            number,
            sequence,
            exchange,
            entry,
            flow,
            held,
        } = request;
        if let Some(sequence) = sequence {
            self.next.set(sequence + 1);
        }
        let spent = self.outlet.spent();
        let pair = Pair::new(self.intake.shadow(), exchange, &self.attention, spent);
        let pair = Rc::new(pair);
        let (copy, body) = ShadowCopy::new(Rc::clone(&pair), entry, flow, held);
        let mut known = Known {
            pair,
            body,
            held_back: None,
            undecided: None,
        };
        if known.pair.whose_within().is_some() {
            self.unknown.push_back((number, now()));
            known.undecided = Some(Undecided { copy, over: None });
        } else {
            known.held_back = self.intake.offer(copy);
        }
        self.known.insert(number, known);
    }

    fn over(&mut self, number: u64, told: Option<Arc<RecordedResponse>>) {
        let Entry::Occupied(mut known) = self.known.entry(number) else {
            return;
        };
        if let Some(undecided) = &mut known.get_mut().undecided {
            undecided.over = Some(Last(told));
            return;
        }
        let mut known = known.remove();
        known.pair.over(told);
        known.let_go(&self.intake);
    }

    /// Takes those of which it is known now whose they are, or will not be any more, in their order.
    fn ask_whose(&mut self) {
        while let Some((number, since)) = self.unknown.front().copied() {
            if let Some(known) = self.known.get_mut(&number) {
                let within = known.pair.whose_within();
                if within.is_some_and(|within| now() - since < within) {
                    return;
                }
                if let Some(Undecided { copy, over }) = known.undecided.take() {
                    known.held_back = self.intake.offer(copy);
                    known.let_go(&self.intake);
                    if let Some(Last(told)) = over {
                        self.over(number, told);
                    }
                }
            }
            self.unknown.pop_front();
        }
    }

    fn part(&mut self, number: u64, part: Part) {
        let known = self.known.get(&number);
        if let Some(body) = known.and_then(|known| known.body.as_ref()) {
            let fails = matches!(part, Part::Failed(_));
            body.push(part);
            if fails {
                self.intake.delivery().clear_out();
            }
        }
    }
}

impl Known {
    /// Sends what waited for the primary's response, where that is known.
    fn let_go(&mut self, intake: &Intake) {
        if let Primary::Known(answer) = self.pair.primary()
            && let Some(held) = self.held_back.take()
        {
            self.held_back = intake.let_go(held, answer);
        }
    }
}
