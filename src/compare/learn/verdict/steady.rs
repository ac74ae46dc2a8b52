//! What production always has, never has, or always has of one form: there the shadow's difference is its own.

use super::{Evidence, Judged, STEADY, UNLIKELY, confirmed, is_no_chance};
use crate::compare::{
    difference::Kind,
    learn::{cell::OTHER_ROUTE, stats::sign_test},
};

impl Evidence<'_> {
    /// What production always has, or never has, or always has of one type.
    pub(super) fn constant(&self) -> Option<Judged> {
        let parsed = self.parsed();
        let is_noisy = self.primary_varied() > 0;
        if !is_noisy && self.refuses() {
            return self.refused();
        }
        if parsed < STEADY || is_noisy {
            return None;
        }
        let seen = self.spot.map_or(0, |spot| spot.seen);
        let is_often = self.differing() * 2 >= parsed;
        if self.is_named_by_data() && !is_often {
            return None;
        }
        match self.cell.key.kind {
            Kind::Status => self.constant_status(),
            Kind::Missing if seen >= parsed => Some(confirmed(format!(
                "production always had it, in all of {parsed} answers that were looked at"
            ))),
            Kind::Extra if seen == 0 => Some(confirmed(format!(
                "production never had it, in none of {parsed} answers that were looked at"
            ))),
            Kind::Value if self.cell.key.change == OTHER_ROUTE && self.differing() >= 2 => {
                Some(confirmed(format!(
                    "it leads to something else in {} pairs",
                    self.differing()
                )))
            }
            // A random token looks like another kind of token now and then, on either side.
            Kind::Format if self.cell.key.change == "other shape" => {
                let is_steady = self
                    .spot
                    .is_some_and(|spot| spot.has_one_shape() && spot.seen >= 4 * STEADY);
                (is_steady && self.differing() >= STEADY).then(|| {
                    confirmed(format!(
                        "production's were all of one shape in {seen} answers"
                    ))
                })
            }
            Kind::Type | Kind::Format
                if self
                    .spot
                    .is_some_and(|spot| spot.has_one_look() && spot.seen >= STEADY) =>
            {
                Some(confirmed(format!(
                    "production's were all of one form in {seen} answers"
                )))
            }
            Kind::Value | Kind::Length | Kind::Items | Kind::Order => {
                let spot = self.spot?;
                let is_constant = spot.values.is_constant() && spot.seen >= STEADY;
                // Each time it was the shadow that had another value: no chance, if either side could have had it.
                let is_always = self.cell.primary.peak() >= self.differing();
                let is_sure = self.differing() >= STEADY
                    && is_always
                    && is_no_chance(self.differing(), self.pairs(), spot.seen);
                (is_constant && is_sure).then(|| {
                    confirmed(format!(
                        "production gave the same value {} of {} times",
                        spot.seen, spot.seen
                    ))
                })
            }
            _ => None,
        }
    }

    /// Whether the shadow refuses what the route is asked for, in a way that neither data nor a session can make.
    fn refuses(&self) -> bool {
        const REFUSALS: [&str; 4] = ["405", "406", "415", "501"];
        let change = &self.cell.key.change;
        let to = change
            .split_once(" to ")
            .and_then(|(_, to)| to.split(' ').next());
        self.cell.key.kind == Kind::Status && to.is_some_and(|to| REFUSALS.contains(&to))
    }

    fn refused(&self) -> Option<Judged> {
        (self.differing() >= 2 && self.inverted() == 0).then(|| {
            confirmed(format!(
                "{} of {} pairs, and it depends on nothing but the request",
                self.differing(),
                self.route.pairs
            ))
        })
    }

    /// Whether the member that is gone or new has a name that is data: an entry of a table, that may come a moment later.
    fn is_named_by_data(&self) -> bool {
        let name = self.cell.place.rsplit('.').next().unwrap_or_default();
        matches!(self.cell.key.kind, Kind::Missing | Kind::Extra) && name.contains('{')
    }

    /// Another status is the new version's, unless it goes both ways.
    fn constant_status(&self) -> Option<Judged> {
        let cell = self.cell;
        if self.route.pairs < STEADY {
            return None;
        }
        let back = self.inverted();
        if back > 0 && sign_test(cell.differing, cell.differing + back) > UNLIKELY {
            return None;
        }
        Some(confirmed(format!(
            "{} of {} pairs, and never the other way round",
            cell.differing, self.route.pairs
        )))
    }
}
