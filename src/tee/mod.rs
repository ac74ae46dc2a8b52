//! The tee: what an exchange passes on to the shadow side, within the budget.
//!
//! Production puts into a valve and never waits: a copy that can't take more is given up, with its outcome.

mod budget;
mod copies;
mod doorbell;
mod message;
mod piece;
mod recording;
mod valve;

pub(crate) use budget::{Budget, Held};
pub(crate) use copies::{Copies, Listener, Recipient};
pub(crate) use doorbell::{Doorbell, Sleeper};
pub(crate) use message::{Flow, Message, Mirrored, Part};
pub(crate) use piece::Piece;
pub(crate) use recording::{Kept, RecordedResponse, Recording};
pub(crate) use valve::{HeadReturn, Outlet, UnopenedOutlet, Valve};
