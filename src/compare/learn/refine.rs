//! Values that noise does not excuse, apart from those that it does: one that production never gives at a place where it
//! gives several, and a token that is given to somebody else again. Each direction is counted, so that chance is seen to go
//! both ways.

use super::{
    Learned, Observed,
    cell::{
        CellKey, NEW_VALUE, NEW_VALUE_OF_PRIMARY, OTHER_ROUTE, TOKEN_AGAIN, TOKEN_AGAIN_OF_PRIMARY,
        differ_by_tokens,
    },
    verdict::is_duration,
};
use crate::compare::{
    difference::{Change, Difference, Kind},
    extract::{Looks, Value},
};

impl Learned {
    /// The key of a pair's differences at one place, by what is known of it, and the one of them that gives it.
    pub(super) fn refined<'d>(
        &mut self,
        observed: &Observed<'_>,
        differences: &[&'d Difference],
        key: &CellKey,
    ) -> (&'d Difference, CellKey) {
        let first = differences[0];
        let (Some(primary), Some(shadow)) = (&first.primary, &first.shadow) else {
            return (first, key.clone());
        };
        if !is_plain(first, key) {
            return (first, key.clone());
        }
        let change = if differ_by_tokens(primary, shadow) {
            let change = self.token_again(observed, key, primary, shadow);
            change.map(|change| (first, change))
        } else {
            self.new_value(observed, differences, key)
        };
        match change {
            Some((difference, change)) => (difference, changed(key, change)),
            None => (first, key.clone()),
        }
    }

    /// The key of how the shadow itself varied: to or from what production never gives is something else than between
    /// values that it gives.
    pub(super) fn refined_of_shadow(
        &self,
        observed: &Observed<'_>,
        differences: &[&Difference],
        key: &CellKey,
    ) -> CellKey {
        let route = self.routes.get(&observed.route);
        let spot = route.and_then(|route| route.spot(key.place, observed.status));
        let is_foreign = |difference: &&Difference| {
            let sides = [&difference.primary, &difference.shadow];
            let mut values = sides.into_iter().flatten();
            values.any(|value| spot.is_some_and(|spot| spot.is_foreign(value)))
        };
        if is_plain(differences[0], key) && differences.iter().any(is_foreign) {
            return changed(key, NEW_VALUE);
        }
        key.clone()
    }

    fn token_again(
        &mut self,
        observed: &Observed<'_>,
        key: &CellKey,
        primary: &Value,
        shadow: &Value,
    ) -> Option<&'static str> {
        let id = self.routes.get(&observed.route)?.cells.get(key)?;
        let cell = self.cells.get_mut(id)?;
        let session = observed.session;
        let of_primary = cell.primary_tokens.is_of_another(primary.hash(), session);
        let of_shadow = cell.shadow_tokens.is_of_another(shadow.hash(), session);
        // Where both come again it is no token of one session, and one cell has to know of it.
        if of_primary == of_shadow {
            return None;
        }
        cell.primary_tokens.touch(primary.hash(), session);
        cell.shadow_tokens.touch(shadow.hash(), session);
        Some(if of_shadow {
            TOKEN_AGAIN
        } else {
            TOKEN_AGAIN_OF_PRIMARY
        })
    }

    /// Of several values at one place, each has to be one that production gives.
    fn new_value<'d>(
        &mut self,
        observed: &Observed<'_>,
        differences: &[&'d Difference],
        key: &CellKey,
    ) -> Option<(&'d Difference, &'static str)> {
        let first = differences[0];
        let route = self.routes.get_mut(&observed.route)?;
        let is_looked_at = route.is_looked_at();
        let spot = route.spot_mut(key.place, observed.status)?;
        let is_foreign = |value: &Option<Value>| {
            let is_foreign = |value: &Value| !took_long(first, value) && spot.is_foreign(value);
            value.as_ref().is_some_and(is_foreign)
        };
        let of_shadow = differences.iter().find(|one| is_foreign(&one.shadow));
        let of_primary = differences.iter().find(|one| is_foreign(&one.primary));
        let foreign = of_primary.and_then(|one| one.primary.as_ref());
        if let Some(value) = foreign {
            spot.learn_foreign(value);
        }
        let values = differences.iter().filter_map(|one| one.primary.as_ref());
        if !is_looked_at {
            values.for_each(|value| spot.learn(value));
        }
        match (of_primary, of_shadow) {
            (None, Some(one)) => Some((one, NEW_VALUE)),
            (Some(one), None) => Some((one, NEW_VALUE_OF_PRIMARY)),
            _ => None,
        }
    }
}

/// Whether nothing is known of a change but that it is another value.
fn is_plain(difference: &Difference, key: &CellKey) -> bool {
    key.kind == Kind::Value && difference.change == Change::Other && key.change != OTHER_ROUTE
}

/// How long something took: any such number is one of the machine's.
fn took_long(difference: &Difference, value: &Value) -> bool {
    matches!(value.looks, Looks::Number)
        && !value.text().starts_with('-')
        && is_duration(difference.place.as_str())
}

fn changed(key: &CellKey, change: &str) -> CellKey {
    CellKey {
        change: change.to_owned(),
        ..key.clone()
    }
}
