//! Compares the two responses to one request: each becomes places and values (`extract`), and two of them become
//! differences with a kind and a transformation (`difference`). All but `live`, which runs it in the program, is pure
//! code: no I/O, and no clock but for the time that an example may take to be laid out. Whatever a response holds, time and memory are bounded.

mod answer;
mod captured;
mod cause;
mod comparer;
mod counts;
mod difference;
mod extract;
#[cfg(fuzzing)]
pub mod fuzzing;
#[cfg(all(test, not(fuzzing)))]
mod fuzzing;
#[cfg(test)]
mod kit;
mod learn;
mod live;
#[cfg(test)]
mod properties;
mod report;
mod route;
mod rules;
mod secrets;
#[cfg(test)]
mod speed;

pub(crate) use answer::{Answer, Asked, Counterpart, PairIn};
pub(crate) use captured::{Captured, Extent, ResponseOf, captured_pair, captured_pair_of_two};
pub(crate) use comparer::{
    Comparer, NoExample, NotResent, Now, Replayed, Resend, Resent, ResentBody, Settings,
    WholeExample,
};
pub(crate) use comparer::{LeftOut as ExampleLeftOut, Line, Mark, Row, Segment, inner};
#[cfg(test)]
pub(crate) use comparer::{Responses, SideBySide};
#[cfg(test)]
pub(crate) use difference::{Difference, Differences, Kind, differences};
#[cfg(test)]
pub(crate) use extract::{Class, Extract, Looks, Value, extract};
pub(crate) use extract::{
    Language, Limits, Media, Token, Tokens, Url, decode, opaque, text_of, time_of, unescaped,
};
pub(crate) use live::{
    CompareThread, Compared, ComparedRequest, Comparison, LivePair, LiveResponse, Probes,
    REQUEST_BODY, Role, SentCopy, file, replace_users, state_file,
};
pub(crate) use report::{
    Break, Cause, Coverage, FollowsSessions, Kept, NeedsHelp, PutIn, Report, Requests, RouteCount,
    RouteTime, RuleUse, SessionsReport, Since, Slot, Status, Style, TimeVerdict, Totals, When,
    html, junit, markdown, text, words,
};
pub(crate) use route::{Pattern, read_inventory};
pub(crate) use rules::{InForce, Parts, RemoveError, Rule, Rules, with_rule, without_rule};
pub(crate) use secrets::Secrets;
