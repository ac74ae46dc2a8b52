//! Values that noise does not excuse, apart from those that it does: one that production never gives at a place where it
//! gives several, and a token that is given to somebody else again. Each direction is counted, so that chance is seen to go
//! both ways.

use super::{
    Learned, Observed,
    cell::{
        CellKey, NEW_VALUE, NEW_VALUE_OF_PRIMARY, OTHER_ROUTE, TOKEN_AGAIN, TOKEN_AGAIN_OF_PRIMARY,
        differ_by_tokens,
    },
};
use crate::compare::{
    difference::{Change, Difference, Kind},
    extract::Value,
};

impl Learned {
    /// The key of a difference, by what is known of its place.
    pub(super) fn refined(
        &mut self,
        observed: &Observed<'_>,
        difference: &Difference,
        key: &CellKey,
    ) -> CellKey {
        let (Some(primary), Some(shadow)) = (&difference.primary, &difference.shadow) else {
            return key.clone();
        };
        let is_plain = key.kind == Kind::Value
            && difference.change == Change::Other
            && key.change != OTHER_ROUTE;
        if !is_plain {
            return key.clone();
        }
        let change = if differ_by_tokens(primary, shadow) {
            self.token_again(observed, key, primary, shadow)
        } else {
            self.new_value(observed, key, primary, shadow)
        };
        match change {
            Some(change) => CellKey {
                change: change.to_owned(),
                ..key.clone()
            },
            None => key.clone(),
        }
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

    fn new_value(
        &mut self,
        observed: &Observed<'_>,
        key: &CellKey,
        primary: &Value,
        shadow: &Value,
    ) -> Option<&'static str> {
        let route = self.routes.get_mut(&observed.route)?;
        let spot = route.spot_mut(key.place, observed.status)?;
        let of_primary = spot.is_foreign(primary);
        let of_shadow = spot.is_foreign(shadow);
        if of_primary {
            spot.learn_foreign(primary);
        }
        match (of_primary, of_shadow) {
            (false, true) => Some(NEW_VALUE),
            (true, false) => Some(NEW_VALUE_OF_PRIMARY),
            _ => None,
        }
    }
}
