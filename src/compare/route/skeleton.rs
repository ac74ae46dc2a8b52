//! The skeleton of a response: which places it has, in few bytes. Two pages that one handler makes have nearly the same.

use serde::{Deserialize, Serialize};

const SAMPLES: usize = 12;

/// The least hashes of a set of places, by as many hash functions (`MinHash`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Skeleton([u32; SAMPLES]);

impl Skeleton {
    /// Of the hashes of places, where there are any.
    pub(crate) fn of(places: impl Iterator<Item = u64>) -> Option<Self> {
        let mut least = [u32::MAX; SAMPLES];
        let mut is_empty = true;
        for place in places {
            is_empty = false;
            let mut state = place;
            for slot in &mut least {
                state = next(state);
                *slot = (*slot).min((state >> 32) as u32);
            }
        }
        (!is_empty).then_some(Self(least))
    }

    /// Whether two sets share about half of their places or more.
    pub(crate) fn is_like(&self, other: &Self) -> bool {
        let same = self.0.iter().zip(&other.0).filter(|(a, b)| a == b).count();
        same * 2 >= SAMPLES
    }
}

/// One step of splitmix64.
fn next(state: u64) -> u64 {
    let state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let state = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let state = (state ^ (state >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    state ^ (state >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_that_share_most_places_are_alike() {
        let of = |range: std::ops::Range<u64>| Skeleton::of(range.map(|at| at * 7919)).unwrap();
        assert!(of(0..50).is_like(&of(0..50)));
        assert!(of(0..50).is_like(&of(0..46)));
        assert!(!of(0..50).is_like(&of(60..110)));
        assert!(Skeleton::of(std::iter::empty()).is_none());
    }
}
