//! How much a difference weighs, and in which order causes are told.

use crate::compare::{
    difference::Kind,
    extract::Class,
    learn::{cell::Cell, stats::Share},
    report::Status,
};

/// How bad it is, from 100 for an answer that failed to 3 for markup.
pub(crate) fn severity(cell: &Cell) -> u32 {
    let is_of_security = matches!(cell.class, Class::Cookie | Class::SecurityHeader);
    match (cell.class, cell.key.kind) {
        (_, Kind::Status) => {
            let fails = cell
                .key
                .change
                .split(" to ")
                .nth(1)
                .is_some_and(|to| to.starts_with('5'));
            if fails { 100 } else { 60 }
        }
        (Class::Redirect | Class::ContentType, _) => 60,
        (Class::Markup, _) => 3,
        (_, Kind::Extra) => 8,
        _ if is_of_security => 40,
        (_, Kind::Missing | Kind::Type) => 40,
        (_, Kind::Items) => match &*cell.key.change {
            "more items" => 8,
            "fewer items" => 40,
            _ => 25,
        },
        (_, Kind::Value | Kind::Length) => 25,
        (_, Kind::Format) => 15,
        (_, Kind::Order) => 8,
    }
}

/// What a cause is ranked by.
pub(crate) struct Weight {
    pub(crate) severity: u32,
    /// The route where the largest share differs.
    pub(crate) share: Share,
    pub(crate) sessions: u64,
    pub(crate) status: Status,
    pub(crate) is_one_entity: bool,
}

impl Weight {
    pub(crate) fn rank(&self) -> f64 {
        #[expect(clippy::cast_precision_loss, reason = "a rank")]
        let sessions = (1.0 + self.sessions.max(1) as f64).log2();
        let doubt = match self.status {
            Status::Confirmed => 1.0,
            Status::Unconfirmed => 0.2,
        };
        let entity = if self.is_one_entity { 0.5 } else { 1.0 };
        f64::from(self.severity) * self.share.lower_bound() * sessions * doubt * entity
    }
}
