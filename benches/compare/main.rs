//! How well differences are told from noise: a toy shop in two instances, with all the noise that real ones have, and one
//! fault at a time. Everything is deterministic.
//!
//!     cargo bench --bench compare                   # the table
//!     cargo bench --bench compare -- faults         # each fault and what became of it
//!     cargo bench --bench compare -- fault NAME     # one fault, with the report
//!     cargo bench --bench compare -- equal          # two equal instances, with the report
//!     cargo bench --bench compare -- calm           # two equal instances: sizes, seeds, ways of traffic
//!     cargo bench --bench compare -- special        # lost sessions and slower routes
//!     cargo bench --bench compare -- speed          # pairs a second
//!     cargo bench --bench compare -- report         # how long a report takes

#![allow(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::cast_precision_loss,
    clippy::cast_possible_wrap,
    clippy::too_many_lines,
    clippy::format_collect,
    clippy::format_push_string,
    clippy::unused_self,
    clippy::type_complexity,
    clippy::semicolon_if_nothing_returned,
    missing_docs,
    reason = "small numbers, lists of faults, and no interface"
)]

// The comparer is no part of the library's interface; here it is built by itself.
#[allow(dead_code, unused_imports, reason = "the bench uses a part of it")]
mod below;
#[allow(dead_code, unused_imports, reason = "the bench uses a part of it")]
mod compare;

use below::{capture, config, http};

mod app;
mod calm;
mod desk;
mod faults;
mod fleet;
mod random;
mod report;
mod run;
mod special;
mod speed;
mod table;
mod traffic;
mod wire;

fn main() {
    let words: Vec<String> = std::env::args()
        .skip(1)
        .filter(|word| !word.starts_with("--"))
        .collect();
    match words
        .iter()
        .map(String::as_str)
        .collect::<Vec<_>>()
        .as_slice()
    {
        ["faults", rest @ ..] => table::each_fault(rest.first().copied()),
        ["fault", name, rest @ ..] => table::one_fault(name, rest.first().copied()),
        ["equal", rest @ ..] => table::equal(rest.first().copied()),
        ["calm", rest @ ..] => calm::calm(rest.first().copied()),
        ["special"] => special::special(),
        ["speed"] => speed::speed(),
        ["report"] => report::report(),
        rest => table::table(rest.first().copied()),
    }
}
