//! Which share of the requests a shadow gets: at random, or by a key, so that a session is copied whole or not
//! at all.
//!
//! A key's place is a number that depends on its bytes alone: the same on every instance, after a restart and in
//! every version. A session is copied where its place is below the percentage, so that raising it only adds
//! sessions.

use std::net::IpAddr;

use super::request_view::RequestView;
use crate::config::{By, Key, Percent, Sample, WithoutKey};

/// Why a request is in the sample, or is not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Drawn {
    /// By its key's place.
    ByKey(bool),
    /// It has no key.
    WithoutKey(bool),
    /// By chance; with nothing to choose, that is certain.
    ByChance(bool),
}

impl Drawn {
    pub(super) fn is_in(self) -> bool {
        let (Self::ByKey(is_in) | Self::WithoutKey(is_in) | Self::ByChance(is_in)) = self;
        is_in
    }
}

/// Whether a request is in the sample of this share.
pub(super) fn draw(sample: &Sample, percent: Percent, seen: RequestView<'_>) -> Drawn {
    let by_chance = || Drawn::ByChance(is_below(fastrand::u64(..), percent));
    let By::Key(key) = &sample.by else {
        return by_chance();
    };
    match place(key, seen) {
        Some(place) => Drawn::ByKey(is_below(place, percent)),
        None => match sample.without_key {
            WithoutKey::LeaveOut => Drawn::WithoutKey(false),
            // Nothing is nothing.
            WithoutKey::Copy => Drawn::WithoutKey(percent.millionths() > 0),
            WithoutKey::Random => by_chance(),
        },
    }
}

fn is_below(place: u64, percent: Percent) -> bool {
    (u128::from(place) * 1_000_000) >> 64 < u128::from(percent.millionths())
}

/// The place of a request's key; `None` where it has none, or an empty one.
pub(super) fn place(key: &Key, seen: RequestView<'_>) -> Option<u64> {
    let of = |value: &[u8]| (!value.is_empty()).then(|| hash(value));
    match key {
        Key::Cookie(name) => seen.cookie(name).and_then(of),
        Key::Header(name) => {
            let mut values = seen.head.headers.named(name.spelling().as_bytes());
            values.next().and_then(of)
        }
        Key::Query(name) => of(&seen.query(name).next()?),
        Key::Client => match seen.client()? {
            IpAddr::V4(address) => of(&address.octets()),
            IpAddr::V6(address) => of(&address.octets()),
        },
        Key::Path(number) => seen.segment(*number, of)?,
    }
}

/// FNV-1a of 64 bits, and the finalizer of `MurmurHash3`, which spreads what FNV leaves in the low bits.
///
/// It is part of what users rely on, and never changes.
fn hash(bytes: &[u8]) -> u64 {
    let mut hash = bytes.iter().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3)
    });
    hash = (hash ^ hash >> 33).wrapping_mul(0xff51_afd7_ed55_8ccd);
    hash = (hash ^ hash >> 33).wrapping_mul(0xc4ce_b9fe_1a85_ec53);
    hash ^ hash >> 33
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_place_of_a_key_is_the_same_for_ever() {
        assert_eq!(hash(b""), 0xefd0_1f60_ba99_2926);
        assert_eq!(hash(b"session-1"), 0xf267_abb3_2d45_0b1f);
    }

    #[test]
    fn a_hundred_thousand_keys_are_spread_as_the_percentage_says() {
        for (name, keys) in [
            (
                "counted",
                &(|n: u32| n.to_string()) as &dyn Fn(u32) -> String,
            ),
            ("hex", &|n| format!("{:032x}", u128::from(n) << 64 | 7)),
            ("long", &|n| {
                format!("_session=eyJhbGciOiJIUzI1NiJ9.{n:08}.sig")
            }),
        ] {
            for percent in [1_u32, 10, 50, 90] {
                let share = Percent::of_millionths(percent * 10_000);
                let taken = (0..100_000)
                    .filter(|n| is_below(hash(keys(*n).as_bytes()), share))
                    .count();
                let off = i64::try_from(taken).unwrap() - i64::from(percent) * 1000;
                assert!(off.abs() < 1000, "{name}: {taken} of 100000 at {percent} %");
            }
        }
    }

    #[test]
    fn raising_the_percentage_only_adds_keys() {
        for n in 0..10_000_u32 {
            let place = hash(&n.to_be_bytes());
            let mut was_in = false;
            for percent in 0..=100 {
                let is_in = is_below(place, Percent::of_millionths(percent * 10_000));
                assert!(is_in || !was_in, "{n} falls out at {percent} %");
                was_in = is_in;
            }
            assert!(was_in);
        }
    }
}
