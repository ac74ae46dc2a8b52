//! The tee: what an exchange passes on to the shadow side, within the budget.
//!
//! Production puts into a valve and never waits: a copy that can't take more is given up, with its outcome.

mod budget;
mod doorbell;
mod message;
mod piece;
mod tap;
mod valve;

pub(crate) use budget::{Budget, Held};
pub(crate) use doorbell::{Doorbell, Sleeper};
pub(crate) use message::{Flow, Message, Mirrored, Part};
pub(crate) use piece::Piece;
pub(crate) use tap::{Recipient, Tap};
pub(crate) use valve::{HeadReturn, Outlet, UnopenedOutlet, Valve};
