//! docs/malformed-messages.md: what nginx, HAProxy and shadowtee make of messages that break a rule. The table is
//! written by this test with `WRITE_MALFORMED_MESSAGES=1`; without, shadowtee has to do what stands in it.

mod fronts;
mod random;
mod requests;
mod responses;
mod shown;
mod strict;

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use fronts::{Front, Fronts};
use shown::{cell, code, is_same};

/// A message that breaks a rule, and why shadowtee does with it what one of the others does not.
pub(crate) struct Case {
    /// Which rule it breaks.
    what: &'static str,
    /// What breaks it, as the table shows it.
    decisive: String,
    /// All of it.
    bytes: Vec<u8>,
    /// The field of which the table shows what arrived, or `target`, `status`.
    look: &'static str,
    why: &'static str,
}

impl Case {
    /// Each character of `text` is a byte.
    fn new(
        what: &'static str,
        decisive: &str,
        text: &str,
        look: &'static str,
        why: &'static str,
    ) -> Self {
        let bytes = |text: &str| -> Vec<u8> { text.chars().map(|c| c as u8).collect() };
        Self {
            what,
            decisive: code(&bytes(decisive)),
            bytes: bytes(text),
            look,
            why,
        }
    }
}

/// One row: what each front did, in their order.
struct Row {
    case: Case,
    did: [String; 3],
}

#[test]
fn the_table_of_malformed_messages_is_what_shadowtee_does() {
    let fronts = Fronts::start();
    let requests = rows(requests::cases(), shown::request, &fronts);
    let responses = rows(responses::cases(), shown::response, &fronts);
    assert!(requests.len() >= 60 && responses.len() >= 60);
    let text = document(&requests, &responses);
    let file = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("docs/malformed-messages.md");
    if std::env::var_os("WRITE_MALFORMED_MESSAGES").is_none() {
        return compare(&file, requests.iter().chain(&responses));
    }
    for row in requests.iter().chain(&responses) {
        let Case { what, why, .. } = row.case;
        let is_told = !row.differs() || !why.is_empty();
        assert!(is_told, "{what}: {:?} needs a reason", row.did);
    }
    fs::write(file, text).unwrap();
}

impl Row {
    /// Whether shadowtee does what one of the others does not.
    fn differs(&self) -> bool {
        let [nginx, haproxy, tee] = &self.did;
        !is_same(tee, nginx) || !is_same(tee, haproxy)
    }
}

fn rows(cases: Vec<Case>, does: fn(&Front, &Case) -> String, fronts: &Fronts) -> Vec<Row> {
    let did = |case: &Case| fronts.each().map(|front| does(front, case));
    cases
        .into_iter()
        .map(|case| Row {
            did: did(&case),
            case,
        })
        .collect()
}

/// Fails where the column of shadowtee in the file is another: those of the others depend on their versions.
#[track_caller]
fn compare<'a>(file: &Path, rows: impl Iterator<Item = &'a Row>) {
    let committed = fs::read_to_string(file).expect("docs/malformed-messages.md");
    let committed: Vec<Vec<&str>> = committed
        .lines()
        .filter(|line| line.starts_with("| ") && !line.contains("| nginx |"))
        .map(|line| line.split(" | ").collect())
        .collect();
    let mut wrong = Vec::new();
    let mut number = 0;
    for (number_now, row) in rows.enumerate() {
        number = number_now + 1;
        let columns = committed.get(number_now);
        let fresh = [
            cell(row.case.what),
            row.case.decisive.clone(),
            row.did[2].clone(),
        ];
        let known =
            columns.map(|columns| [columns[0].trim_start_matches("| "), columns[1], columns[4]]);
        if known.is_none_or(|known| known != fresh.each_ref().map(String::as_str)) {
            wrong.push(format!("{known:?} is now {fresh:?}"));
        }
    }
    assert!(
        wrong.is_empty() && number == committed.len(),
        "docs/malformed-messages.md is not what shadowtee does; WRITE_MALFORMED_MESSAGES=1 writes it anew:\n{}",
        wrong.join("\n")
    );
}

fn document(requests: &[Row], responses: &[Row]) -> String {
    let [nginx, haproxy] = Fronts::versions();
    let mut text = format!(
        "{BEFORE}\n\nThe figures are of {nginx} and {haproxy}, as Debian has them; only the limits of nginx for the header of a \
         response are raised (`proxy_buffer_size 1m`).\n"
    );
    for (heading, about, rows) in [
        ("Requests", ABOUT_REQUESTS, requests),
        ("Responses", ABOUT_RESPONSES, responses),
    ] {
        write!(text, "\n## {heading}\n\n{about}\n\n").unwrap();
        text.push_str("| what is wrong | sent | nginx | HAProxy | shadowtee | why it differs |\n|---|---|---|---|---|---|\n");
        for row in rows {
            let Row { case, did } = row;
            let why = if row.differs() { case.why } else { "" };
            let [nginx, haproxy, tee] = did;
            let (what, sent) = (cell(case.what), &case.decisive);
            writeln!(
                text,
                "| {what} | {sent} | {nginx} | {haproxy} | {tee} | {} |",
                cell(why)
            )
            .unwrap();
        }
    }
    text
}

const BEFORE: &str = "# Malformed messages

What nginx, HAProxy and shadowtee do with messages that break a rule of RFC 9110 or RFC 9112. A test runs all three and writes
these tables (`tests/integration/malformed_messages`); it fails where shadowtee does something else than stands here.

shadowtee follows three rules:

1. What could be read as two different messages is refused.
2. What breaks a rule and is one message all the same is repaired or passed: a page that works without shadowtee works with it.
3. What is written towards the other side is clean: lines end with CR LF, a field has a name, a colon, a space and its value, and the
   body is framed in one way.

A response that can't be saved gets the client a 502, or a connection that breaks where the header has gone out already. The log says at
level `warn` which line of the header, or which chunk, it was; never its value.";

const ABOUT_REQUESTS: &str =
    "Shown is what arrived at the server behind, or the status with which the request was refused.";

const ABOUT_RESPONSES: &str = "Shown is what arrived at the client. *whole*: the body came as it was sent, and its end could be told; *cut*: \
                               the client could tell that it was not whole.";
