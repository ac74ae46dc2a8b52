//! Places: where a leaf stands, in a form that means the same in each answer of a route. Indexes are left out, names that
//! are data (ids, dates, tokens) are masked.

use std::{
    collections::HashMap,
    fmt::{self, Display, Write},
    hash::{Hash, Hasher},
    sync::Arc,
};

use super::{
    hash::{HashedKeys, hash_of, mix},
    mask::mask_name,
};

/// Where a leaf stands: `$.items[].price`, `header vary`, `#cart form[/orders] input[qty]@value`. Cheap to clone and to
/// hash.
#[derive(Clone, Debug)]
pub(crate) struct Place {
    hash: u64,
    text: Arc<str>,
}

impl Place {
    pub(crate) fn new(text: &str) -> Self {
        Self {
            hash: hash_of(text.as_bytes()),
            text: text.into(),
        }
    }

    /// The same on every machine and in every run.
    pub(crate) fn hash(&self) -> u64 {
        self.hash
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.text
    }
}

impl PartialEq for Place {
    fn eq(&self, other: &Self) -> bool {
        self.hash == other.hash && self.text == other.text
    }
}

impl Eq for Place {}

impl Hash for Place {
    fn hash<H: Hasher>(&self, state: &mut H) {
        state.write_u64(self.hash);
    }
}

impl Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// A place of one extract.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct PlaceId(u32);

/// How a place goes on from the one above it.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Step<'a> {
    /// A member of an object: `.name`.
    Member(&'a str),
    /// Any element of a list: `[]`.
    Items,
    /// A word of its own: ` name`, not masked.
    Word(&'a str),
    /// A word with a name: ` input[qty]`, not masked.
    Named(&'a str, &'a str),
    /// A part of a header or a cookie: `; name`.
    Part(&'a str),
    /// An attribute: `@name`.
    Attribute(&'a str),
}

impl Step<'_> {
    fn key(self) -> u64 {
        let (kind, name) = match self {
            Self::Member(name) => (1, name),
            Self::Items => (2, ""),
            Self::Word(name) => (3, name),
            Self::Part(name) => (4, name),
            Self::Attribute(name) => (5, name),
            Self::Named(word, name) => (hash_of(word.as_bytes()), name),
        };
        mix(kind, hash_of(name.as_bytes()))
    }

    fn write(self, text: &mut String) {
        match self {
            Self::Member(name) => {
                let name = mask_name(name);
                if is_plain(&name) {
                    text.push('.');
                    text.push_str(&name);
                } else {
                    text.push('[');
                    let _ = write!(text, "{:?}", cut(&name, NAME));
                    text.push(']');
                }
            }
            Self::Items => text.push_str("[]"),
            Self::Word(name) => {
                if !text.is_empty() {
                    text.push(' ');
                }
                text.push_str(cut(name, NAME));
            }
            Self::Named(word, name) => {
                Self::Word(word).write(text);
                text.push('[');
                text.push_str(cut(name, NAME));
                text.push(']');
            }
            Self::Part(name) => {
                text.push_str("; ");
                text.push_str(cut(name, NAME));
            }
            Self::Attribute(name) => {
                text.push('@');
                text.push_str(cut(name, NAME));
            }
        }
    }
}

/// Characters that are kept of one name, and bytes of a whole place. What is longer is told apart by its hash.
const NAME: usize = 80;
const WHOLE: usize = 400;

fn is_plain(name: &str) -> bool {
    !name.is_empty()
        && name.len() <= NAME
        && name
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"_-{}$@:".contains(&byte))
}

/// At most so many characters of a text.
pub(crate) fn cut(text: &str, characters: usize) -> &str {
    if text.len() <= characters {
        return text;
    }
    match text.char_indices().nth(characters) {
        Some((end, _)) => &text[..end],
        None => text,
    }
}

/// The places of one extract, each made once.
#[derive(Clone, Debug, Default)]
pub(crate) struct Places {
    all: Vec<Place>,
    known: HashMap<u64, PlaceId, HashedKeys>,
}

impl Places {
    /// A place that stands below none.
    pub(crate) fn root(&mut self, text: &str) -> PlaceId {
        let key = hash_of(text.as_bytes());
        if let Some(id) = self.known.get(&key) {
            return *id;
        }
        self.add(key, Place::new(text))
    }

    /// The place that is one step below another.
    pub(crate) fn below(&mut self, parent: PlaceId, step: Step<'_>) -> PlaceId {
        let key = mix(u64::from(parent.0), step.key());
        if let Some(id) = self.known.get(&key) {
            return *id;
        }
        let above = self.at(parent).as_str();
        let mut text = String::with_capacity(above.len() + 24);
        text.push_str(above);
        step.write(&mut text);
        if text.len() > WHOLE {
            let hash = hash_of(text.as_bytes());
            text = format!("{}…{hash:016x}", cut(&text, WHOLE / 4));
        }
        self.add(key, Place::new(&text))
    }

    fn add(&mut self, key: u64, place: Place) -> PlaceId {
        // There are fewer places than leaves, which are limited.
        let id = PlaceId(u32::try_from(self.all.len()).unwrap_or(u32::MAX));
        self.all.push(place);
        self.known.insert(key, id);
        id
    }

    /// About how many bytes they take.
    #[cfg(any(test, fuzzing))]
    pub(crate) fn bytes(&self) -> usize {
        const EACH: usize = 80;
        let texts: usize = self.all.iter().map(|place| place.as_str().len()).sum();
        texts + EACH * self.all.len()
    }

    pub(crate) fn at(&self, id: PlaceId) -> &Place {
        &self.all[id.0 as usize]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_reads_as_people_write_it_and_masks_names_that_are_data() {
        let mut places = Places::default();
        let root = places.root("$");
        let items = places.below(root, Step::Member("items"));
        let item = places.below(items, Step::Items);
        let price = places.below(item, Step::Member("price"));
        assert_eq!(places.at(price).as_str(), "$.items[].price");
        let odd = places.below(root, Step::Member("a b"));
        assert_eq!(places.at(odd).as_str(), "$[\"a b\"]");
        let one = places.below(root, Step::Member("1407"));
        let other = places.below(root, Step::Member("1408"));
        assert_eq!(places.at(one), places.at(other));
        assert_eq!(places.at(one).as_str(), "$.{n}");
    }

    #[test]
    fn a_place_made_twice_is_one() {
        let mut places = Places::default();
        let root = places.root("$");
        let first = places.below(root, Step::Member("a"));
        assert_eq!(first, places.below(root, Step::Member("a")));
        assert_ne!(first, places.below(root, Step::Attribute("a")));
    }

    #[test]
    fn a_place_is_bounded_however_deep_it_is() {
        let mut places = Places::default();
        let mut place = places.root("$");
        for _ in 0..1000 {
            place = places.below(place, Step::Member(&"x".repeat(500)));
        }
        assert!(places.at(place).as_str().len() < 2 * WHOLE);
    }
}
