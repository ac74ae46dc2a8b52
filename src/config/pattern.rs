//! What a text has to be like: exactly so, beginning so, or as a glob or a regular expression says.

use std::{fmt, str::FromStr};

use regex::bytes::{Regex, RegexBuilder};
use serde::{
    Deserialize, Deserializer, Serialize, Serializer,
    de::{self, IntoDeserializer, value::SeqAccessDeserializer},
};
use serde_with::DeserializeFromStr;

/// What a text has to be like; with `FOLD`, in whatever case.
#[derive(Clone, Debug, DeserializeFromStr, Serialize)]
#[serde(transparent)]
pub(crate) struct Pattern<const FOLD: bool = false> {
    /// As the user wrote it.
    text: String,
    #[serde(skip)]
    kind: Kind,
}

impl<const FOLD: bool> PartialEq for Pattern<FOLD> {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

#[derive(Clone, Debug)]
enum Kind {
    Exact(String),
    Prefix(String),
    Regex(Regex),
}

impl<const FOLD: bool> Pattern<FOLD> {
    pub(crate) fn matches(&self, text: &[u8]) -> bool {
        match &self.kind {
            Kind::Exact(exact) => same::<FOLD>(text, exact.as_bytes()),
            Kind::Prefix(prefix) => text
                .get(..prefix.len())
                .is_some_and(|start| same::<FOLD>(start, prefix.as_bytes())),
            Kind::Regex(regex) => regex.is_match(text),
        }
    }

    /// Whether it matches everything that `other` matches, as far as that can be known.
    pub(super) fn covers(&self, other: &Self) -> bool {
        match (&self.kind, &other.kind) {
            (_, Kind::Exact(exact)) => self.matches(exact.as_bytes()),
            (Kind::Prefix(_), Kind::Prefix(prefix)) => self.matches(prefix.as_bytes()),
            (Kind::Regex(_), Kind::Regex(_)) => self.text == other.text,
            _ => false,
        }
    }

    /// The text that a value has to equal or to begin with; `None` for globs and regular expressions.
    pub(super) fn literal(&self) -> Option<&str> {
        match &self.kind {
            Kind::Exact(text) | Kind::Prefix(text) => Some(text),
            Kind::Regex(_) => None,
        }
    }

    /// The regular expression, where the user wrote one.
    pub(super) fn regex(&self) -> Option<&str> {
        self.text.strip_prefix("regex:")
    }

    pub(crate) fn is_exact(&self) -> bool {
        matches!(self.kind, Kind::Exact(_))
    }

    /// As it is compared with hosts, which have no dot at their end.
    pub(super) fn of_host(mut self) -> Self {
        if let Kind::Exact(host) = &mut self.kind
            && host.ends_with('.')
        {
            host.pop();
        }
        self
    }
}

impl<const FOLD: bool> FromStr for Pattern<FOLD> {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let kind = match text.split_once(':') {
            Some(("exact", exact)) => Kind::Exact(exact.into()),
            Some(("prefix", prefix)) => Kind::Prefix(prefix.into()),
            Some(("regex", regex)) => Kind::Regex(compile(regex, FOLD)?),
            Some(("glob", glob)) => Kind::Regex(compile(&regex_of_glob(glob), FOLD)?),
            _ => Kind::Exact(text.into()),
        };
        Ok(Self {
            text: text.into(),
            kind,
        })
    }
}

fn same<const FOLD: bool>(one: &[u8], other: &[u8]) -> bool {
    if FOLD {
        one.eq_ignore_ascii_case(other)
    } else {
        one == other
    }
}

/// Compiles a regular expression; an error is one line.
pub(super) fn compile(regex: &str, fold: bool) -> Result<Regex, String> {
    let built = RegexBuilder::new(regex).case_insensitive(fold).build();
    built.map_err(|error| {
        let why = error.to_string();
        let last = why.lines().last().unwrap_or_default();
        let last = last.trim_start_matches("error: ");
        format!("{regex:?} is not a regular expression: {last}")
    })
}

/// `*` is any characters but `/`, `**` any at all, `?` one but `/`.
fn regex_of_glob(glob: &str) -> String {
    let mut regex = String::from("(?s)\\A");
    let mut characters = glob.chars().peekable();
    while let Some(character) = characters.next() {
        match character {
            '*' if characters.next_if_eq(&'*').is_some() => regex.push_str(".*"),
            '*' => regex.push_str("[^/]*"),
            '?' => regex.push_str("[^/]"),
            other => regex.push_str(&regex::escape(other.encode_utf8(&mut [0; 4]))),
        }
    }
    regex + "\\z"
}

/// What is wanted of something that may be there: that it is, that it isn't, or what it is like.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Wanted {
    Present,
    Absent,
    /// Any of these.
    Like(Vec<Pattern>),
}

impl Wanted {
    /// Whether the values that are there are as wanted.
    pub(crate) fn holds<V: AsRef<[u8]>>(&self, mut values: impl Iterator<Item = V>) -> bool {
        match self {
            Self::Present => values.next().is_some(),
            Self::Absent => values.next().is_none(),
            Self::Like(patterns) => values.any(|value| {
                let value = value.as_ref();
                patterns.iter().any(|pattern| pattern.matches(value))
            }),
        }
    }

    pub(super) fn covers(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Present, Self::Present | Self::Like(_)) | (Self::Absent, Self::Absent) => true,
            (Self::Like(mine), Self::Like(theirs)) => all_covered(mine, theirs, Pattern::covers),
            _ => false,
        }
    }
}

/// Whether each of `theirs` is covered by one of `mine`.
pub(super) fn all_covered<T>(mine: &[T], theirs: &[T], covers: impl Fn(&T, &T) -> bool) -> bool {
    theirs
        .iter()
        .all(|their| mine.iter().any(|my| covers(my, their)))
}

impl Serialize for Wanted {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Present => serializer.serialize_bool(true),
            Self::Absent => serializer.serialize_bool(false),
            Self::Like(patterns) => patterns.serialize(serializer),
        }
    }
}

impl<'de> Deserialize<'de> for Wanted {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(WantedVisitor)
    }
}

struct WantedVisitor;

impl<'de> de::Visitor<'de> for WantedVisitor {
    type Value = Wanted;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("true, false, a text in quotes or a list of them")
    }

    fn visit_bool<E: de::Error>(self, present: bool) -> Result<Wanted, E> {
        Ok(if present {
            Wanted::Present
        } else {
            Wanted::Absent
        })
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Wanted, E> {
        Pattern::deserialize(text.into_deserializer()).map(|one| Wanted::Like(vec![one]))
    }

    fn visit_seq<A: de::SeqAccess<'de>>(self, list: A) -> Result<Wanted, A::Error> {
        let patterns = Vec::deserialize(SeqAccessDeserializer::new(list))?;
        if patterns.is_empty() {
            return Err(de::Error::custom(
                "is empty, so that the rule can never match; write true where any value will do",
            ));
        }
        Ok(Wanted::Like(patterns))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn matches(pattern: &str, text: &str) -> bool {
        pattern.parse::<Pattern>().unwrap().matches(text.as_bytes())
    }

    #[test]
    fn every_kind_of_pattern_matches_what_it_says() {
        for (pattern, hits, misses) in [
            ("/a", vec!["/a"], vec!["/a/", "/A", "/"]),
            ("exact:glob:x", vec!["glob:x"], vec!["x"]),
            ("prefix:/a/", vec!["/a/", "/a/b/c"], vec!["/a", "/b/a/"]),
            (
                "glob:/a/*/c",
                vec!["/a/b/c", "/a//c"],
                vec!["/a/b/b/c", "/a/b/cd", "x/a/b/c"],
            ),
            ("glob:/a/**/c", vec!["/a/b/b/c"], vec!["/a/c"]),
            ("glob:/v?/x.y", vec!["/v1/x.y"], vec!["/v12/x.y", "/v1/xzy"]),
            ("regex:^/o/\\d+$", vec!["/o/12"], vec!["/o/x", "/o/12/x"]),
        ] {
            for hit in hits {
                assert!(matches(pattern, hit), "{pattern} on {hit}");
            }
            for miss in misses {
                assert!(!matches(pattern, miss), "{pattern} on {miss}");
            }
        }
        let folded = "glob:*.Example".parse::<Pattern<true>>().unwrap();
        assert!(folded.matches(b"SHOP.example"));
    }

    #[test]
    fn a_wrong_regex_is_told_in_a_line() {
        let why = "regex:^/(a".parse::<Pattern>().unwrap_err();
        assert_eq!(why, "\"^/(a\" is not a regular expression: unclosed group");
    }

    #[test]
    fn what_covers_another_pattern_is_known() {
        let covers = |one: &str, other: &str| {
            let parse = |text: &str| text.parse::<Pattern>().unwrap();
            parse(one).covers(&parse(other))
        };
        assert!(covers("prefix:/a", "/a/b") && covers("prefix:/a", "prefix:/a/b"));
        assert!(covers("regex:a", "/a") && covers("regex:a", "regex:a"));
        assert!(!covers("/a", "prefix:/a") && !covers("prefix:/a/b", "prefix:/a"));
    }
}
