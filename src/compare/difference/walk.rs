//! The walk through two responses, from the status to the last leaf.

use super::{Change, Difference, Differences, Kind};
use crate::compare::extract::{Class, Extract, Place, Value};

pub(super) fn compare(primary: &Extract, shadow: &Extract, differences: &mut Differences) {
    if primary.status != shadow.status {
        let value = |extract: &Extract| extract.leaves().next().map(|leaf| leaf.value);
        differences.add(Difference {
            place: Place::new("status"),
            class: Class::Status,
            kind: Kind::Status,
            change: Change::OtherStatus,
            primary: value(primary) as Option<Value>,
            shadow: value(shadow),
        });
    }
}
