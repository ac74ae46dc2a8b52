//! The copies of one exchange: what it passes on to the shadow side while it is under way.

use std::{net::IpAddr, rc::Rc, sync::Arc};

use bytes::Bytes;
use smallvec::SmallVec;

use super::{
    Budget, RecordedResponse,
    message::{Flow, Message, Mirrored, Part},
    piece::Charges,
    valve::Valve,
};
use crate::{
    exchange::{Exchange, PrimaryResponse},
    http::{Buffer, Headers, RequestHead, Tap},
    ledger::{Entry, Outcome},
};

/// Somebody who gets copies, as one worker sees it. Nothing here may block.
pub(crate) trait Recipient {
    /// Counts the request, and says whether a copy of it is wanted: `None` where it was settled already.
    fn select(&self, head: &RequestHead, peer: Option<IpAddr>) -> Option<Entry>;
    /// Counts a request that is not copied, for a reason that has nothing to do with this recipient.
    fn leave_out(&self, outcome: Outcome);
    /// How many bytes of a body are kept for one copy until they are sent.
    fn body_buffer(&self) -> usize;
    /// How many bytes of the primary's response are wanted with its head; `None` where it is not.
    fn wants_answer(&self) -> Option<u64>;
    /// The way to it.
    fn valve(&self) -> Rc<Valve>;
    /// The next place in the order of its requests, where it keeps an order.
    fn sequence(&self) -> Option<u64>;
    /// Who is told at once which cookies the primary gives out, where that matters to it.
    fn listener(&self) -> Option<Arc<dyn Listener>> {
        None
    }
}

/// Somebody who has to know of a response before its client may go on. Nothing here may block.
pub(crate) trait Listener {
    /// The exchange with this number is responded to with these fields.
    fn responds(&self, exchange: u64, headers: &Headers);
}

/// What a copy costs beside its head and its body: the exchange, the entry, its messages, a place in a queue.
const COPY: usize = 512;

/// An exchange's way to those who get copies of it. Dropped before its end, it says that the body was cut and that no
/// more comes.
#[derive(Default)]
pub(crate) struct Copies {
    branches: SmallVec<[Branch; 1]>,
    budget: Option<Arc<Budget>>,
    charges: Charges,
    /// How many bytes of the body of the primary's response are wanted.
    wanted: Option<u64>,
    listeners: SmallVec<[Arc<dyn Listener>; 1]>,
    /// The exchange's number, for these.
    exchange: u64,
}

/// The way to one of them.
struct Branch {
    valve: Rc<Valve>,
    number: u64,
    /// As long as it takes the body.
    body: Option<Body>,
}

struct Body {
    flow: Arc<Flow>,
    limit: usize,
}

impl Branch {
    fn put(&self, part: Part) {
        self.valve.put(Message::Part(self.number, part));
    }
}

impl Copies {
    /// Counts a request of which no copy is made, for a reason that has nothing to do with its recipients.
    pub(crate) fn leave_out(recipients: &[Rc<dyn Recipient>], outcome: Outcome) {
        for recipient in recipients {
            recipient.leave_out(outcome);
        }
    }

    /// Makes a copy for each recipient that wants one.
    pub(crate) fn open(
        exchange: &Arc<Exchange>,
        has_body: bool,
        recipients: &[Rc<dyn Recipient>],
        budget: &Arc<Budget>,
    ) -> Self {
        let mut copies = Self::default();
        for recipient in recipients {
            let Some(entry) = recipient.select(&exchange.head, exchange.peer) else {
                continue;
            };
            // The first copy keeps the head alive for all of them; each is charged, since each may be the last.
            let Some(held) = budget.hold(exchange.head.size() + COPY) else {
                entry.settle(Outcome::OverBudget);
                continue;
            };
            let valve = recipient.valve();
            if !valve.has_room() {
                entry.settle(Outcome::QueueFull);
                continue;
            }
            let number = valve.number();
            let flow = has_body.then(Arc::<Flow>::default);
            valve.put(Message::Request(Mirrored {
                number,
                sequence: recipient.sequence(),
                exchange: Arc::clone(exchange),
                entry,
                flow: flow.clone(),
                held,
            }));
            copies.wanted = copies.wanted.max(recipient.wants_answer());
            if let Some(listener) = recipient.listener() {
                copies.exchange = exchange.number();
                copies.listeners.push(listener);
            }
            copies.branches.push(Branch {
                valve,
                number,
                body: flow.map(|flow| Body {
                    flow,
                    limit: recipient.body_buffer(),
                }),
            });
        }
        if has_body && !copies.branches.is_empty() {
            copies.budget = Some(Arc::clone(budget));
        }
        copies
    }

    /// The body will never be whole.
    pub(crate) fn fail(&mut self, outcome: Outcome) {
        for copy in &mut self.branches {
            if copy.body.take().is_some() {
                copy.put(Part::Failed(outcome));
            }
        }
    }

    /// How many bytes of the body of the primary's response are wanted with its head; `None` where it is not.
    pub(crate) fn wanted(&self) -> Option<u64> {
        self.wanted
    }

    /// The head of the primary's response is there.
    pub(crate) fn answered(&self, answer: PrimaryResponse, headers: &Headers) {
        for listener in &self.listeners {
            listener.responds(self.exchange, headers);
        }
        for copy in &self.branches {
            copy.valve.put(Message::Answered(copy.number, answer));
        }
    }

    /// All that comes of the primary has come: its response, where it was wanted.
    pub(crate) fn over(&mut self, told: Option<RecordedResponse>) {
        let told = told.map(Arc::new);
        self.fail(Outcome::BodyCut);
        for copy in self.branches.drain(..) {
            let told = told.clone();
            copy.valve.put(Message::Over(copy.number, told));
        }
    }
}

impl Tap for Copies {
    /// Whether any copy takes pieces of the body.
    fn notice(&mut self, _: &[u8]) -> bool {
        let mut takes = false;
        for copy in &mut self.branches {
            if copy.body.as_ref().is_some_and(|body| body.flow.is_closed()) {
                copy.body = None;
            }
            takes |= copy.body.is_some();
        }
        takes
    }

    fn share(&mut self, bytes: &Bytes, buffer: Buffer) {
        let Some(budget) = &self.budget else { return };
        let Some(piece) = self.charges.charge(bytes, buffer, budget) else {
            return self.fail(Outcome::OverBudget);
        };
        for copy in &mut self.branches {
            let Some(body) = &copy.body else { continue };
            if body.flow.pass(bytes.len()) > body.limit {
                copy.put(Part::Failed(Outcome::BodyOverrun));
                copy.body = None;
            } else {
                copy.put(Part::Piece(piece.clone()));
            }
        }
    }

    fn end(&mut self, trailers: Option<&Headers>) {
        for copy in &mut self.branches {
            if copy.body.take().is_some() {
                copy.put(Part::End(trailers.map(|trailers| trailers.clone().into())));
            }
        }
    }
}

impl Drop for Copies {
    fn drop(&mut self) {
        self.over(None);
    }
}

#[cfg(test)]
mod tests {
    use std::{collections::HashMap, time::Instant};

    use proptest::prelude::*;
    use tokio::{
        runtime::{Builder, LocalOptions},
        task::yield_now,
    };

    use super::{
        super::{Doorbell, Outlet, Piece},
        *,
    };
    use crate::ledger::{Account, Ledger};

    struct Next {
        account: Arc<Account>,
        valve: Rc<Valve>,
    }

    /// Bytes of a body that are kept for one copy.
    const BODY: usize = 40;

    impl Recipient for Next {
        fn select(&self, _: &RequestHead, _: Option<IpAddr>) -> Option<Entry> {
            Some(self.account.open())
        }
        fn body_buffer(&self) -> usize {
            BODY
        }
        fn wants_answer(&self) -> Option<u64> {
            None
        }
        fn valve(&self) -> Rc<Valve> {
            Rc::clone(&self.valve)
        }
        fn sequence(&self) -> Option<u64> {
            None
        }
        fn leave_out(&self, outcome: Outcome) {
            self.account.pass(outcome);
        }
    }

    /// What production does with one of its exchanges, or what the shadow side does.
    #[derive(Clone, Debug)]
    enum Step {
        Open(bool),
        Push(usize, Vec<u8>),
        End(usize),
        Fail(usize),
        Answer(usize),
        Over(usize),
        Drop(usize),
        /// A worker's turn ends.
        Turn,
        /// Messages are taken, up to this many.
        Take(usize),
        /// The shadow side takes no more of a body.
        Close(usize),
    }

    fn steps() -> impl Strategy<Value = Vec<Step>> {
        let which = 0_usize..4;
        let step = prop_oneof![
            3 => any::<bool>().prop_map(Step::Open),
            6 => (which.clone(), proptest::collection::vec(any::<u8>(), 1..20))
                .prop_map(|(which, bytes)| Step::Push(which, bytes)),
            2 => which.clone().prop_map(Step::End),
            1 => which.clone().prop_map(Step::Fail),
            2 => which.clone().prop_map(Step::Answer),
            2 => which.clone().prop_map(Step::Over),
            1 => which.clone().prop_map(Step::Drop),
            2 => Just(Step::Turn),
            4 => (0_usize..6).prop_map(Step::Take),
            1 => which.prop_map(Step::Close),
        ];
        proptest::collection::vec(step, 0..80)
    }

    /// An exchange, and what was pushed into it.
    struct Open {
        tap: Copies,
        /// Its number, where it has a copy.
        number: Option<u64>,
        pushed: Vec<u8>,
    }

    /// What the shadow side knows of a copy.
    struct Known {
        entry: Option<Entry>,
        _held: super::super::Held,
        flow: Option<Arc<Flow>>,
        pieces: Vec<Piece>,
        bytes: Vec<u8>,
        /// How its body ended.
        ended: Option<Result<(), Outcome>>,
        is_over: bool,
    }

    #[derive(Default)]
    struct Shadow {
        known: HashMap<u64, Known>,
    }

    impl Shadow {
        fn take(&mut self, message: Message) {
            match message {
                Message::Request(request) => {
                    let known = Known {
                        entry: Some(request.entry),
                        _held: request.held,
                        ended: request.flow.is_none().then_some(Ok(())),
                        flow: request.flow,
                        pieces: Vec::new(),
                        bytes: Vec::new(),
                        is_over: false,
                    };
                    assert!(self.known.insert(request.number, known).is_none());
                }
                Message::Part(number, part) => {
                    let known = self.known.get_mut(&number).unwrap();
                    assert!(known.ended.is_none() && !known.is_over);
                    match part {
                        Part::Piece(piece) => {
                            known.flow.as_ref().unwrap().take(piece.bytes.len());
                            known.bytes.extend_from_slice(&piece.bytes);
                            known.pieces.push(piece);
                        }
                        Part::End(_) => known.ended = Some(Ok(())),
                        Part::Failed(outcome) => known.ended = Some(Err(outcome)),
                    }
                }
                Message::Answered(number, _) => assert!(!self.known[&number].is_over),
                Message::Over(number, _) => {
                    let known = self.known.get_mut(&number).unwrap();
                    assert!(!known.is_over);
                    known.is_over = true;
                    known.pieces.clear();
                    let closed = known.flow.as_ref().is_some_and(|flow| flow.is_closed());
                    let outcome = match known.ended {
                        Some(Ok(())) => Outcome::Answered,
                        Some(Err(outcome)) => outcome,
                        // Production may have seen that nobody takes it any more.
                        None => {
                            assert!(closed);
                            Outcome::Answered
                        }
                    };
                    known.entry.take().unwrap().settle(outcome);
                }
            }
        }
    }

    /// Both sides of one valve.
    struct Both {
        recipients: Vec<Rc<dyn Recipient>>,
        budget: Arc<Budget>,
        open: Vec<Open>,
        opened: u64,
        /// What was pushed of the copies that are over for production, by their number.
        pushed: HashMap<u64, Vec<u8>>,
        /// How many copies and pieces there were.
        numbers: u64,
        buffers: u64,
        outlet: Outlet,
        shadow: Shadow,
    }

    impl Both {
        fn open(&mut self, has_body: bool) {
            let head = RequestHead::default();
            let exchange = Exchange::new(head, None, &"x-id".into(), Instant::now());
            let tap = Copies::open(&exchange, has_body, &self.recipients, &self.budget);
            self.opened += 1;
            let number = (!tap.branches.is_empty()).then_some(self.numbers);
            self.numbers += u64::from(number.is_some());
            self.open.push(Open {
                tap,
                number,
                pushed: Vec::new(),
            });
        }

        fn push(&mut self, which: usize, bytes: Vec<u8>) {
            if let Some(open) = self.open.get_mut(which)
                && open.tap.notice(&bytes)
            {
                self.buffers += 1;
                open.pushed.extend_from_slice(&bytes);
                open.tap.share(&Bytes::from(bytes), (self.buffers, 32));
            }
        }

        fn over(&mut self, which: usize, in_order: bool) {
            if which < self.open.len() {
                let mut open = self.open.swap_remove(which);
                if in_order {
                    open.tap.over(None);
                }
                let number = open.number.map(|number| (number, open.pushed));
                self.pushed.extend(number);
            }
        }

        fn take(&mut self, many: usize) {
            for _ in 0..many {
                let Some(message) = self.outlet.next() else {
                    return;
                };
                self.shadow.take(message);
            }
        }

        fn close(&self, which: usize) {
            let number = self.open.get(which).and_then(|open| open.number);
            let known = number.and_then(|number| self.shadow.known.get(&number));
            if let Some(flow) = known.and_then(|known| known.flow.as_ref()) {
                flow.close();
            }
        }

        async fn play(&mut self, step: Step) {
            let answer = PrimaryResponse {
                status: 200,
                after: std::time::Duration::ZERO,
            };
            match step {
                Step::Open(has_body) if self.open.len() < 4 => self.open(has_body),
                Step::Open(_) => {}
                Step::Push(which, bytes) => self.push(which, bytes),
                Step::End(which) => self.each(which, |tap| tap.end(None)),
                Step::Fail(which) => self.each(which, |tap| tap.fail(Outcome::ClientAborted)),
                Step::Answer(which) => {
                    self.each(which, |tap| tap.answered(answer, &Headers::default()));
                }
                Step::Over(which) => self.over(which, true),
                Step::Drop(which) => self.over(which, false),
                Step::Turn => yield_now().await,
                Step::Take(many) => self.take(many),
                Step::Close(which) => self.close(which),
            }
        }

        fn each(&mut self, which: usize, what: impl FnOnce(&mut Copies)) {
            if let Some(open) = self.open.get_mut(which) {
                what(&mut open.tap);
            }
        }
    }

    async fn play(steps: Vec<Step>, budget: usize) {
        let ledger = Ledger::new(1);
        let account = ledger.account("next");
        let budget = Budget::new(budget);
        let (door, _hears) = Doorbell::new().unwrap();
        let (valve, unopened) = Valve::open(&door);
        let next = Next {
            account: Arc::clone(&account),
            valve: Rc::new(valve),
        };
        let mut both = Both {
            recipients: vec![Rc::new(next)],
            budget: Arc::clone(&budget),
            open: Vec::new(),
            opened: 0,
            pushed: HashMap::new(),
            numbers: 0,
            buffers: 0,
            outlet: unopened.open(),
            shadow: Shadow::default(),
        };
        for step in steps {
            both.play(step).await;
        }
        while !both.open.is_empty() {
            both.over(0, false);
        }
        both.recipients.clear();
        while !both.outlet.is_over() {
            both.take(usize::MAX);
            yield_now().await;
        }
        for (number, known) in &both.shadow.known {
            let pushed = &both.pushed[number];
            assert!(known.is_over && pushed.starts_with(&known.bytes));
            if known.ended == Some(Ok(())) {
                assert_eq!(&known.bytes, pushed);
            }
        }
        assert_eq!(both.shadow.known.len() as u64, both.numbers);
        let opened = both.opened;
        drop(both);
        assert_eq!(account.in_flight(), 0);
        let outcomes: u64 = account.outcomes().map(|(_, count)| count).sum();
        assert_eq!((outcomes, budget.used()), (opened, 0));
    }

    proptest! {
        #[test]
        fn however_both_sides_interleave_bytes_arrive_whole_and_the_ledger_balances(
            steps in steps(),
            budget in prop_oneof![Just(1_usize << 20), 500_usize..3000],
        ) {
            let runtime = Builder::new_current_thread()
                .enable_all()
                .build_local(LocalOptions::default())
                .unwrap();
            runtime.block_on(play(steps, budget));
        }
    }
}
