//! What a cause consisted of when a rule was made for it: a hash of each of its changes. A rule that has them goes on to hold
//! when the cause is told under another id, and never holds for what was not part of it.

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// The hash of one change: the same on each route, in each run and on each machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Part(u64);

/// Twelve digits: short enough to be read over, and long enough that no two changes have one by chance.
const DIGITS: usize = 12;

impl Part {
    /// Of a hash of 64 bits.
    pub(crate) fn of_hash(hash: u64) -> Self {
        Self(hash >> 16)
    }

    fn parse(text: &str) -> Option<Self> {
        let is_hexadecimal = text.len() == DIGITS && text.bytes().all(|b| b.is_ascii_hexdigit());
        let number = u64::from_str_radix(text, 16).ok();
        number.filter(|_| is_hexadecimal).map(Self)
    }

    pub(super) fn text(self) -> String {
        format!("{:0DIGITS$x}", self.0)
    }
}

/// Parts in their order, each once.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Parts(Vec<Part>);

impl Parts {
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(crate) fn contains(&self, part: Part) -> bool {
        self.0.binary_search(&part).is_ok()
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = Part> {
        self.0.iter().copied()
    }
}

impl IntoIterator for Parts {
    type Item = Part;
    type IntoIter = std::vec::IntoIter<Part>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}

impl FromIterator<Part> for Parts {
    fn from_iter<I: IntoIterator<Item = Part>>(parts: I) -> Self {
        let mut parts: Vec<Part> = parts.into_iter().collect();
        parts.sort_unstable();
        parts.dedup();
        Self(parts)
    }
}

impl Serialize for Parts {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.iter().map(Part::text))
    }
}

impl<'de> Deserialize<'de> for Parts {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let texts = Vec::<String>::deserialize(deserializer)?;
        let parts = texts.iter().map(|text| {
            Part::parse(text).ok_or_else(|| {
                de::Error::custom(format!(
                    "`{text}` is no part of a cause: these are written by shadowtee, with {DIGITS} digits"
                ))
            })
        });
        parts.collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_read_as_they_are_written() {
        let parts: Parts = [7 << 16, u64::MAX, 7 << 16]
            .map(Part::of_hash)
            .into_iter()
            .collect();
        let text = serde_json::to_string(&parts).unwrap();
        assert_eq!(text, r#"["000000000007","ffffffffffff"]"#);
        assert_eq!(serde_json::from_str::<Parts>(&text).unwrap(), parts);
        assert!(parts.contains(Part::of_hash(7 << 16)) && !parts.contains(Part::of_hash(0)));
        for wrong in ["", "7", "+00000000007", "0000000000071", "00000000000g"] {
            let text = format!("[{wrong:?}]");
            assert!(serde_json::from_str::<Parts>(&text).is_err(), "{wrong}");
        }
    }
}
