//! The comparer by itself, without the part that runs in the program.

#[path = "../../src/compare/answer.rs"]
mod answer;
#[path = "../../src/compare/cause/mod.rs"]
mod cause;
#[path = "../../src/compare/comparer/mod.rs"]
mod comparer;
#[path = "../../src/compare/counts.rs"]
mod counts;
#[path = "../../src/compare/difference/mod.rs"]
mod difference;
#[path = "../../src/compare/extract/mod.rs"]
mod extract;
#[cfg(test)]
#[path = "../../src/compare/kit.rs"]
mod kit;
#[path = "../../src/compare/learn/mod.rs"]
mod learn;
#[path = "../../src/compare/report/mod.rs"]
mod report;
#[path = "../../src/compare/route/mod.rs"]
mod route;
#[path = "../../src/compare/rules/mod.rs"]
mod rules;
#[path = "../../src/compare/secrets/mod.rs"]
mod secrets;
#[cfg(test)]
#[path = "../../src/compare/speed.rs"]
mod speed;

pub(crate) use answer::{Answer, Asked, PairIn};
pub(crate) use comparer::{Comparer, Settings};
pub(crate) use difference::{Change, Difference, Differences, Kind, differences};
pub(crate) use extract::{
    Class, Extract, Limits, Looks, Media, NotCompared, Place, Value, digest, extract,
};
pub(crate) use report::{Report, Status, Style, html, junit, markdown, text};
pub(crate) use route::Pattern;
