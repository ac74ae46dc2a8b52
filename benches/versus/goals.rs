//! What shadowtee is to reach, and whether it did.

use std::fmt::Write as _;

use crate::figures::{Figure, Key, Spread};
use crate::machine::Machine;
use crate::rounds::Outcome;

/// One line of the table.
struct Goal {
    title: String,
    bound: Bound,
    measured: Option<Spread>,
    /// Why it is not judged here, if it is not.
    excuse: Option<&'static str>,
}

enum Bound {
    Most(f64),
    Least(f64),
}

/// What a shadow may do, and no client should notice.
const FAULTS: [(&str, &str); 4] = [
    (
        "p99 at half of nginx `mirror`'s full rate with a hung shadow, to a healthy one",
        "tee-hung",
    ),
    ("the same with a dead one", "tee-dead"),
    ("the same with a slow one", "tee-slow"),
    ("the same with a dripping one", "tee-dripping"),
];

/// What a shadow may send, and no client should notice: its name in titles, and its row.
const FLOODS: [(&str, &str); 6] = [
    ("that floods", "tee-flooding"),
    ("that floods over tcp", "tee-flooding-tcp"),
    ("that sends interim answers", "tee-interim"),
    ("that sends chunks of one byte", "tee-chunks"),
    ("that closes after each answer under TLS", "tee-tls-closing"),
    ("that answers 2 MB", "tee-large"),
];

/// From so many cores on, two threads of a proxy, a load program and two servers do not take time from one another.
const ROOM: usize = 6;

pub(crate) fn markdown(machine: &Machine, outcome: &Outcome) -> String {
    let mut text = String::from("| goal | bound | measured | |\n|---|---|---|---|\n");
    for goal in goals(machine, outcome) {
        let bound = match goal.bound {
            Bound::Most(most) => format!("≤ {most}"),
            Bound::Least(least) => format!("≥ {least}"),
        };
        let measured = goal.measured.map_or("–".to_owned(), |spread| spread.text());
        // Writing to a string does not fail.
        let _ = writeln!(
            text,
            "| {} | {bound} | {measured} | {} |",
            goal.title,
            goal.verdict()
        );
    }
    text
}

impl Goal {
    fn verdict(&self) -> &'static str {
        let Some(measured) = self.measured else {
            return "not measured";
        };
        if let Some(excuse) = self.excuse {
            return excuse;
        }
        let holds = |value: f64| match self.bound {
            Bound::Most(most) => value <= most,
            Bound::Least(least) => value >= least,
        };
        let every = holds(measured.least) == holds(measured.most);
        match (holds(measured.median), every) {
            (true, true) => "met",
            (true, false) => "met, but not in every round",
            (false, true) => "not met",
            (false, false) => "not met, but in some rounds",
        }
    }
}

fn goals(machine: &Machine, outcome: &Outcome) -> Vec<Goal> {
    use Bound::{Least, Most};
    let key = |load, contender| Key {
        threads: 1,
        load,
        contender,
    };
    let ratio = |figure, load, one, other| {
        outcome
            .samples
            .ratio(&key(load, one), &key(load, other), figure)
    };
    let goal = |title: &str, bound, measured| Goal {
        title: title.to_owned(),
        bound,
        measured,
        excuse: None,
    };
    let two = Key {
        threads: 2,
        load: "get-32",
        contender: "tee-0",
    };
    let mut goals = vec![
        goal(
            "CPU for a mirrored small request, to nginx `mirror`",
            Most(0.5),
            ratio(Figure::Cpu, "get-32", "tee-1", "nginx-mirror"),
        ),
        goal(
            "CPU for a mirrored small request, to the floor",
            Most(1.35),
            ratio(Figure::Cpu, "get-32", "tee-1", "floor-mirror"),
        ),
        goal(
            "CPU for a small request with no shadow, to plain nginx",
            Most(1.0),
            ratio(Figure::Cpu, "get-32", "tee-0", "nginx"),
        ),
        goal(
            "CPU for a small request of which 10 rules select nothing, to no shadow",
            Most(1.05),
            ratio(Figure::Cpu, "get-32", "tee-filtered", "tee-0"),
        ),
        goal(
            "CPU for a captured small request, to the same without capture",
            Most(1.15),
            ratio(Figure::Cpu, "get-32", "tee-capture", "tee-0"),
        ),
        goal(
            "throughput with one shadow at full rate, to nginx `mirror`",
            Least(2.0),
            ratio(Figure::Rate, "get-32", "tee-1", "nginx-mirror"),
        ),
        goal(
            "p99 at half of nginx `mirror`'s full rate, one shadow, to plain nginx",
            Most(1.0),
            ratio(Figure::P99, "rate-half", "tee-1", "nginx"),
        ),
        goal(
            "CPU for 1 MB bodies both ways with one shadow, to nginx `mirror` as it is installed",
            Most(0.7),
            megabytes(outcome, "nginx-as-is"),
        ),
        goal(
            "the same, to nginx `mirror` with buffers that hold such bodies",
            Most(0.7),
            megabytes(outcome, "nginx-mirror"),
        ),
        goal(
            "KiB of memory for an idle keep-alive connection, one shadow",
            Most(12.0),
            outcome.samples.spread(&key("idle", "tee-1"), Figure::Idle),
        ),
        Goal {
            excuse: (machine.cores < ROOM).then_some("not judged: too few cores"),
            ..goal(
                "throughput of two threads with no shadow, to one thread",
                Least(1.8),
                outcome
                    .samples
                    .ratio(&two, &key("get-32", "tee-0"), Figure::Rate),
            )
        },
        goal(
            "system calls for a mirrored small request at full rate, to the floor",
            Most(1.2),
            ratio(Figure::Syscalls, "syscalls", "tee-1", "floor-mirror"),
        ),
    ];
    goals.extend(of_hand_over(outcome));
    goals.extend(of_comparing(outcome));
    goals.extend(of_shadows(outcome));
    goals
}

/// What it costs that copies are sent by other threads than those that serve clients.
fn of_hand_over(outcome: &Outcome) -> [Goal; 3] {
    let goal = |title: &str, most, figure, load, other| Goal {
        title: title.to_owned(),
        bound: Bound::Most(most),
        measured: one_thread(outcome, figure, load, ["tee-1", other]),
        excuse: None,
    };
    [
        goal(
            "CPU for a mirrored small request, to shadowtee as it was",
            1.05,
            Figure::Cpu,
            "get-32",
            "tee-before",
        ),
        goal(
            "the same at 13,000 a second",
            1.15,
            Figure::Cpu,
            "rate-13k",
            "tee-before",
        ),
        goal(
            "of it, what threads take that serve clients, to no shadow",
            1.15,
            Figure::Production,
            "rate-13k",
            "tee-0",
        ),
    ]
}

/// What comparing responses costs production.
fn of_comparing(outcome: &Outcome) -> [Goal; 2] {
    let goal = |title: &str, figure, load| Goal {
        title: title.to_owned(),
        bound: Bound::Most(1.02),
        measured: one_thread(outcome, figure, load, ["tee-compared", "tee-1"]),
        excuse: None,
    };
    [
        goal(
            "CPU of threads that serve clients at 13,000 a second, responses compared, to not",
            Figure::Production,
            "rate-13k",
        ),
        goal(
            "p99 at half of nginx `mirror`'s full rate, responses compared, to not",
            Figure::P99,
            "rate-half",
        ),
    ]
}

/// What one contender has, to what another has.
fn one_thread(
    outcome: &Outcome,
    figure: Figure,
    load: &'static str,
    contenders: [&'static str; 2],
) -> Option<Spread> {
    let [one, other] = contenders.map(|contender| Key {
        threads: 1,
        load,
        contender,
    });
    outcome.samples.ratio(&one, &other, figure)
}

/// What a faulty shadow may cost clients.
fn of_shadows(outcome: &Outcome) -> Vec<Goal> {
    let to = |other, title: String, bound, figure, load, contender| Goal {
        title,
        bound,
        measured: one_thread(outcome, figure, load, [contender, other]),
        excuse: None,
    };
    let faults = FAULTS.map(|(title, fault)| {
        let title = title.to_owned();
        to(
            "tee-1",
            title,
            Bound::Most(1.05),
            Figure::P99,
            "rate-half",
            fault,
        )
    });
    let floods = FLOODS.iter().flat_map(|(what, flood)| {
        let rate = format!("requests a second with a shadow {what}, to a dead one");
        let late = "p99 at half of nginx `mirror`'s full rate with a shadow";
        let late = format!("{late} {what}, to a dead one");
        let (least, most) = (Bound::Least(0.9), Bound::Most(1.25));
        [
            to("tee-dead", rate, least, Figure::Rate, "get-32", flood),
            to("tee-dead", late, most, Figure::P99, "rate-half", flood),
        ]
    });
    faults.into_iter().chain(floods).collect()
}

/// A megabyte up and a megabyte down, together.
fn megabytes(outcome: &Outcome, other: &'static str) -> Option<Spread> {
    let cpu = |load, contender| {
        let key = Key {
            threads: 1,
            load,
            contender,
        };
        outcome.samples.rounds(&key, Figure::Cpu)
    };
    let both = |contender| {
        let pairs = cpu("post-1m", contender)
            .into_iter()
            .zip(cpu("answer-1m", contender));
        pairs.map(|(up, down)| Some(up? + down?)).collect()
    };
    Spread::of_ratios(both("tee-1"), both(other))
}
