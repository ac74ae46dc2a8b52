//! What a mirrored request costs, in counts that another machine or a busy one does not change.
//!
//! The program is run twice, with so many requests and with twice as many, one after the other on one connection. The
//! difference is what the requests cost; what starting and stopping cost falls out of it. Time is not measured here:
//! `cargo bench --bench versus` does that.
//!
//! The build of the tests is counted, without optimisation: to build another would take longer than all the tests.
//! Allocations and system calls are nearly the same in both builds. Instructions are not, but work that is added shows.

use std::collections::BTreeSet;
use std::fs;
use std::sync::{Mutex, PoisonError};

use rustix::process::Signal;

use crate::kit::{OK, Server, Tee, answers, eventually, need};

/// The most that one small GET with one shadow may cost. The copy is sent by another thread: how often that is woken for
/// requests that come one after the other depends on how long it is awake for each.
///
/// To record it again, after work that made it cheaper or a price that is worth it: run
/// `cargo test --test integration cost:: -- --nocapture`, and write a tenth more than what it prints.
const CEILING: Cost = Cost {
    allocations: 2.6,
    instructions: 305_000.0,
    production_syscalls: 9.5,
    moves: 12.0,
};

struct Cost {
    allocations: f64,
    instructions: f64,
    /// Those of the thread that serves clients.
    production_syscalls: f64,
    /// Those of all threads that read or write. How often the others ask for events and for the time depends on how long it
    /// all takes.
    moves: f64,
}

/// So many requests, and twice as many.
const REQUESTS: u32 = 500;

/// Who gets copies.
#[derive(Clone, Copy)]
enum Shadow {
    None,
    All,
    /// Its rules select nothing.
    Nothing,
}

const NOTHING: &str = "[shadow.select]
    deny = [\"prefix:/payments/\", { header = { User-Agent = \"regex:(?i)pingdom\" } }]
    allow = [
        { method = [\"PUT\", \"PATCH\"] }, { method = \"GET\", path = \"/orders\" }, \"glob:/shop/*/cart\",
        \"regex:^/v[0-9]+/users$\", { host = \"glob:*.next.example\" }, { query = { preview = true } },
        { header = { X-Preview = true } }, { min_body = 1 },
    ]";

/// Sends requests through a tee under a program that counts in a file, and returns what is in it at the end.
#[track_caller]
fn counted(
    requests: u32,
    copies: Shadow,
    command: &[&str],
    is_whole: impl Fn(&str) -> bool,
) -> String {
    need(command[0]);
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("counts");
    let into = file.to_str().unwrap();
    let command: Vec<_> = command
        .iter()
        .map(|word| word.replace("FILE", into))
        .collect();
    let command: Vec<_> = command.iter().map(String::as_str).collect();
    let primary = Server::unix(answers(OK));
    let shadow = Server::unix(answers(OK));
    let setup = Tee::with_primary(&primary).top("workers = 1");
    let setup = match copies {
        Shadow::None => setup,
        Shadow::All => setup.shadow("next", &shadow),
        Shadow::Nothing => setup.shadow_with("next", &shadow, NOTHING),
    };
    let mut tee = setup
        .toml("[log]\nlevel = \"error\"\n[stop]\nlinger = \"0s\"")
        .under(&command)
        .start();
    let mut client = tee.client();
    for n in 1..=requests as usize {
        assert_eq!(client.get("/").raw, OK.as_bytes());
        // A copy that was left out would cost nothing, and many at a time other things than one.
        if matches!(copies, Shadow::All) {
            eventually("the copy", || (shadow.many() >= n).then_some(()));
        }
    }
    drop(client);
    tee.signal(Signal::TERM);
    assert!(tee.wait_for_exit().success());
    eventually("the counts", || {
        fs::read_to_string(&file).ok().filter(|text| is_whole(text))
    })
}

/// What one request adds to a count.
#[track_caller]
fn each(count: impl Fn(&str) -> u64, one: &str, twice: &str) -> f64 {
    let more = count(twice)
        .checked_sub(count(one))
        .expect("more for more requests");
    f64::from(u32::try_from(more).unwrap()) / f64::from(REQUESTS)
}

#[track_caller]
fn hold(what: &str, cost: f64, ceiling: f64) {
    println!("{what} for a mirrored request: {cost:.1}, at most {ceiling}");
    assert!(
        cost <= ceiling,
        "{what} for a mirrored request: {cost:.1}, and at most {ceiling} are allowed"
    );
    assert!(
        cost > ceiling / 3.0,
        "{what} for a mirrored request: {cost:.1}. The ceiling of {ceiling} is too high to notice anything: \
         record it again"
    );
}

#[test]
#[cfg_attr(
    not(debug_assertions),
    ignore = "calls of the allocator are inlined in optimised builds"
)]
fn a_mirrored_request_allocates_and_computes_no_more_than_before() {
    let (one, twice) = (
        callgrind(REQUESTS, Shadow::All),
        callgrind(2 * REQUESTS, Shadow::All),
    );
    hold(
        "allocations",
        each(allocations, &one, &twice),
        CEILING.allocations,
    );
    hold(
        "instructions",
        each(instructions, &one, &twice),
        CEILING.instructions,
    );
}

/// One at a time: two take longer than one after the other.
static TURN: Mutex<()> = Mutex::new(());

fn callgrind(requests: u32, copies: Shadow) -> String {
    let _turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    let command = [
        "valgrind",
        "--quiet",
        // Threads have their turns as they wake each other, not in long slices.
        "--fair-sched=yes",
        "--tool=callgrind",
        "--callgrind-out-file=FILE",
    ];
    counted(requests, copies, &command, |text| {
        text.contains("\ntotals: ")
    })
}

#[test]
#[cfg_attr(
    not(debug_assertions),
    ignore = "calls of the allocator are inlined in optimised builds"
)]
fn a_request_that_no_rule_selects_allocates_no_more_than_one_without_any_shadow() {
    let [none, nothing] = [Shadow::None, Shadow::Nothing].map(|copies| {
        let (one, twice) = (callgrind(REQUESTS, copies), callgrind(2 * REQUESTS, copies));
        println!(
            "instructions for a request: {:.0}",
            each(instructions, &one, &twice)
        );
        each(allocations, &one, &twice)
    });
    println!("allocations for a request: {nothing:.2}, and {none:.2} without any shadow");
    // What grows now and then is no part of a request.
    assert!(nothing < none + 0.3, "{nothing:.2} and not {none:.2}");
}

#[test]
fn a_mirrored_request_makes_no_more_system_calls_than_before() {
    // As a grandchild, strace leaves the child's place to the program.
    let command = ["strace", "-D", "-f", "-o", "FILE"];
    let run = |requests| counted(requests, Shadow::All, &command, has_ended);
    let (one, twice) = (run(REQUESTS), run(2 * REQUESTS));
    hold(
        "system calls of production",
        each(calls_of_the_worker, &one, &twice),
        CEILING.production_syscalls,
    );
    hold(
        "system calls that move bytes",
        each(moves, &one, &twice),
        CEILING.moves,
    );
}

fn instructions(callgrind: &str) -> u64 {
    let total = callgrind
        .lines()
        .find_map(|line| line.strip_prefix("totals: "));
    total.unwrap().trim().parse().unwrap()
}

/// The calls of Rust's allocating functions. A name stands beside its number once; calls stand below the number of the
/// function that is called.
fn allocations(callgrind: &str) -> u64 {
    let (mut allocating, mut called, mut calls) = (Vec::new(), "", Vec::new());
    for line in callgrind.lines() {
        if let Some(function) = line
            .strip_prefix("cfn=")
            .or_else(|| line.strip_prefix("fn="))
        {
            let (number, name) = function.split_once(' ').unwrap_or((function, ""));
            if name.contains("__rust_alloc") || name.contains("__rust_realloc") {
                allocating.push(number);
            }
            if line.starts_with("cfn=") {
                called = number;
            }
        } else if let Some(count) = line.strip_prefix("calls=") {
            let count = count.split(' ').next().unwrap();
            calls.push((called, count.parse::<u64>().unwrap()));
        }
    }
    let counts = calls
        .iter()
        .filter(|(function, _)| allocating.contains(function));
    counts.map(|(_, count)| count).sum()
}

/// The line of sums: share, seconds, microseconds a call, calls, perhaps errors.
/// The thread of each line that strace writes, and what it did.
fn traced(strace: &str) -> impl Iterator<Item = (&str, &str)> {
    let lines = strace.lines().filter_map(|line| line.split_once(' '));
    lines.map(|(thread, call)| (thread, call.trim_start()))
}

/// Whether every thread has ended.
fn has_ended(strace: &str) -> bool {
    let threads: BTreeSet<_> = traced(strace).map(|(thread, _)| thread).collect();
    let ended = traced(strace).filter(|(_, call)| call.starts_with("+++ exited"));
    !threads.is_empty() && ended.count() == threads.len()
}

/// Whether a call begins with this line: one that another thread's calls interrupt has a second line.
fn is_call(call: &str) -> bool {
    !call.starts_with("<...") && !call.starts_with("+++") && !call.starts_with("---")
}

fn moves(strace: &str) -> u64 {
    let names = ["read", "write", "send", "recv"];
    let moves = |call: &str| names.iter().any(|name| call.starts_with(name));
    traced(strace).filter(|(_, call)| moves(call)).count() as u64
}

fn calls_of_the_worker(strace: &str) -> u64 {
    let (worker, _) = traced(strace)
        .find(|(_, call)| call.contains("PR_SET_NAME, \"worker-0\""))
        .expect("a worker");
    let calls = traced(strace).filter(|(thread, call)| *thread == worker && is_call(call));
    calls.count() as u64
}
