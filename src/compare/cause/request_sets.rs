//! Which of the logged pairs a difference touches, as a set of bits, so that differences of the same requests find each
//! other.

/// A set of pairs by their number in the log.
#[derive(Clone, Debug, Default)]
pub(crate) struct RequestSet {
    words: Vec<u64>,
    count: u32,
}

impl RequestSet {
    pub(crate) fn insert(&mut self, at: usize) {
        let (word, bit) = (at / 64, 1_u64 << (at % 64));
        if self.words.len() <= word {
            self.words.resize(word + 1, 0);
        }
        self.count += u32::from(self.words[word] & bit == 0);
        self.words[word] |= bit;
    }

    pub(crate) fn len(&self) -> u32 {
        self.count
    }

    pub(crate) fn unite(&mut self, other: &Self) {
        if self.words.len() < other.words.len() {
            self.words.resize(other.words.len(), 0);
        }
        for (word, more) in self.words.iter_mut().zip(&other.words) {
            *word |= more;
        }
        self.count = self.words.iter().map(|word| word.count_ones()).sum();
    }

    fn shared(&self, other: &Self) -> u32 {
        let both = self.words.iter().zip(&other.words);
        both.map(|(one, other)| (one & other).count_ones()).sum()
    }

    /// Whether all but a twentieth of it is in another.
    pub(crate) fn is_within(&self, other: &Self) -> bool {
        self.count > 0 && u64::from(self.shared(other)) * 20 >= u64::from(self.count) * 19
    }

    /// Whether two sets are the same but for a tenth.
    pub(crate) fn is_nearly(&self, other: &Self) -> bool {
        let (less, more) = (self.count.min(other.count), self.count.max(other.count));
        // Sets of very different sizes need no look.
        if u64::from(less) * 10 < u64::from(more) * 9 {
            return false;
        }
        // So many of its own may be missing there; with more, there is no need to look at the rest.
        let all = u64::from(self.count) + u64::from(other.count);
        let Some(mut spare) = u64::from(self.count).checked_sub((all * 9).div_ceil(19)) else {
            return false;
        };
        let others = other.words.iter().copied().chain(std::iter::repeat(0));
        self.words.iter().zip(others).all(|(one, other)| {
            let missing = u64::from((one & !other).count_ones());
            let is_spared = missing <= spare;
            spare = spare.saturating_sub(missing);
            is_spared
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(range: std::ops::Range<usize>) -> RequestSet {
        let mut set = RequestSet::default();
        range.for_each(|at| set.insert(at));
        set
    }

    #[test]
    fn sets_are_nearly_the_same_up_to_a_tenth() {
        assert!(set(0..100).is_nearly(&set(0..100)));
        assert!(set(0..100).is_nearly(&set(5..100)));
        assert!(!set(0..100).is_nearly(&set(20..120)));
        assert!(!set(0..100).is_nearly(&set(0..1000)));
        assert!(set(10..20).is_within(&set(0..100)));
        assert!(!set(10..20).is_within(&set(15..100)));
        let mut all = set(0..10);
        all.unite(&set(5..90));
        assert_eq!(all.len(), 90);
    }
}
