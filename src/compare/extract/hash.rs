//! Hashes of what is compared. They are the same on every machine and in every run, since learned state is kept in files.

use std::hash::{BuildHasherDefault, Hasher};

use twox_hash::XxHash3_64;

/// The hash of some bytes.
pub(crate) fn hash_of(bytes: &[u8]) -> u64 {
    XxHash3_64::oneshot(bytes)
}

/// One hash of two, in this order.
pub(crate) fn mix(first: u64, second: u64) -> u64 {
    let left = first ^ 0x9e37_79b9_7f4a_7c15;
    let right = second ^ 0xd6e8_feb8_6659_fd93;
    let product = u128::from(left) * u128::from(right);
    // Folding keeps what the upper half knows; adding the order of both keeps a zero factor from hiding the other.
    u64::try_from(product >> 64).unwrap_or(0)
        ^ u64::try_from(product & u128::from(u64::MAX)).unwrap_or(0)
        ^ first.rotate_left(23)
        ^ second.rotate_left(41)
}

/// A shorter one, where few are held against each other: two of 48 are alike once in four million such lists.
pub(crate) fn short(hash: u64) -> u32 {
    #[expect(clippy::cast_possible_truncation, reason = "half of the hash")]
    let short = (hash ^ (hash >> 32)) as u32;
    short
}

/// A hasher for keys that are hashes already.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Hashed(u64);

impl Hasher for Hashed {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        self.0 = mix(self.0, hash_of(bytes));
    }

    fn write_u64(&mut self, key: u64) {
        self.0 = key;
    }
}

pub(crate) type HashedKeys = BuildHasherDefault<Hashed>;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hashes_are_the_same_in_every_run() {
        assert_eq!(hash_of(b"shadow"), 10_372_071_813_765_119_061);
    }

    #[test]
    fn the_order_of_two_hashes_matters() {
        assert_ne!(mix(1, 2), mix(2, 1));
        assert_ne!(mix(0, 7), mix(0, 8));
    }
}
