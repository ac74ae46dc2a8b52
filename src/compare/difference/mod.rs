//! Compares two extracts. What is higher in a response decides first: status, content type, target of a redirect, body;
//! where a higher one differs, lower ones are not reported.

mod align;
mod asset;
mod change;
mod change_of;
mod error_page;
mod kind;
mod leaves;
mod likeness;
mod members;
mod moved;
mod response;
mod table;
mod texts;
mod walk;

use super::extract::{Class, Extract, Place, Value};

pub(crate) use asset::asset_title;
pub(crate) use change::Change;
pub(crate) use kind::Kind;

/// One difference between two responses.
#[derive(Clone, Debug)]
pub(crate) struct Difference {
    pub(crate) place: Place,
    pub(crate) class: Class,
    pub(crate) kind: Kind,
    pub(crate) change: Change,
    pub(crate) primary: Option<Value>,
    pub(crate) shadow: Option<Value>,
}

/// What is different by itself, and needs no learning to be known as harmless.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Explained {
    /// 304 and 200 on a conditional request.
    Revalidation,
    /// The same asset with another fingerprint in its name.
    AssetFingerprint,
}

/// All that is different between two responses.
#[derive(Clone, Debug, Default)]
pub(crate) struct Differences {
    /// In the order of the responses, at most `MOST`.
    pub(crate) found: Vec<Difference>,
    /// Differences beyond that.
    pub(crate) left_out: usize,
    pub(crate) explained: Vec<Explained>,
}

impl Differences {
    /// Differences of one pair that are kept; more are counted.
    pub(crate) const MOST: usize = 2000;

    pub(crate) fn is_empty(&self) -> bool {
        self.found.is_empty() && self.left_out == 0
    }

    fn add(&mut self, difference: Difference) {
        if self.found.len() < Self::MOST {
            self.found.push(difference);
        } else {
            self.left_out += 1;
        }
    }
}

/// What is different in the shadow's response. Also between two responses of one side to the same request.
pub(crate) fn differences(primary: &Extract, shadow: &Extract) -> Differences {
    let mut differences = Differences::default();
    if primary.digest != shadow.digest {
        response::compare(primary, shadow, &mut differences);
    }
    differences
}
