//! What is never shown of a message, be it in a report, a log, a file or an answer: credentials, cookies, whatever is named
//! as a secret, and what the capture leaves out.

mod known;
mod messages;
mod text;

use std::{borrow::Cow, sync::Arc};

use crate::{
    capture::{MARK, Redact, is_redacted},
    compare::extract::{
        Class, Looks, Value,
        opaque::{Alphabet, opaque},
    },
    config,
};

pub(crate) use known::Known;

/// Bits from which on a token is worth to be guessed.
const BITS: u16 = 64;
const LONGEST_TARGET: usize = 500;

/// Tells what is a secret, and masks it.
#[derive(Clone, Debug)]
pub(crate) struct Secrets {
    redact: Arc<Redact>,
}

impl Default for Secrets {
    fn default() -> Self {
        Self::new(&config::Redact::default())
    }
}

impl Secrets {
    /// `configured`: what the capture leaves out.
    pub(crate) fn new(configured: &config::Redact) -> Self {
        Self {
            redact: Arc::new(Redact::new(configured).with_usual_secrets()),
        }
    }

    pub(crate) fn names_header(&self, name: &str) -> bool {
        self.redact.names_header(name.as_bytes())
    }

    /// Whether a parameter, a field or a member of this name holds a secret.
    pub(crate) fn names_value(&self, name: &str) -> bool {
        self.redact.names_parameter(name.as_bytes()) || self.redact.names_member(name)
    }

    /// Whether what stands at a place is a secret by the names in it.
    pub(crate) fn names_place(&self, place: &str) -> bool {
        if let Some(name) = place.strip_prefix("header ") {
            let name = name.split([';', ' ']).next().unwrap_or(name);
            return self.names_header(name);
        }
        if place.starts_with("cookie ") {
            // Attributes stand behind a semicolon.
            return !place.contains("; ");
        }
        if let Some(name) = place.strip_prefix("location ?") {
            return self.redact.names_parameter(name.as_bytes());
        }
        let data = place.find('$').or_else(|| place.find("form."));
        if let Some(at) = data {
            let mut names = place[at..].split(['.', '[', ']', '"', ' ']);
            return names.any(|name| self.redact.names_member(name));
        }
        let last = place.rsplit([' ', '@']).find(|word| word.contains('['));
        let named = last.and_then(|word| word.split_once('[')).map(|named| {
            let name = named.1;
            name.strip_suffix(']').unwrap_or(name)
        });
        let word = place.rsplit(' ').next().unwrap_or(place);
        named.is_some_and(|name| self.names_value(name)) || self.redact.names_member(word)
    }

    /// A value as it may be shown.
    pub(crate) fn value(&self, value: &Value, class: Class, place: &str, known: &Known) -> String {
        let text = value.text();
        let says_nothing = matches!(
            value.looks,
            Looks::Null | Looks::Bool | Looks::Time { .. } | Looks::Digest { .. }
        );
        if text.is_empty() || says_nothing {
            return text.to_owned();
        }
        if self.names_place(place) {
            return match class {
                Class::Cookie => format!("{MARK} ({} characters)", value.length()),
                _ => MARK.to_owned(),
            };
        }
        if let Looks::Opaque { bits, .. } = value.looks
            && bits >= BITS
        {
            return beginning(text, value.length());
        }
        let shown = self.text(text, known);
        if value.is_cut() {
            format!("{}…", known.without_cut_end(&shown))
        } else {
            shown
        }
    }

    /// A text as it may be shown.
    pub(crate) fn text(&self, text: &str, known: &Known) -> String {
        let text = known.masked(text);
        let text = self.without_assignments(&text);
        text::without_tokens(&text)
    }

    /// A request's target as it may be shown.
    pub(crate) fn target(&self, target: &str) -> String {
        let target: String = target.chars().take(LONGEST_TARGET).collect();
        let (path, query) = match target.split_once('?') {
            Some((path, query)) => (path, Some(query)),
            None => (&*target, None),
        };
        let mut shown = masked_path(path);
        if let Some(query) = query {
            shown.push('?');
            shown.push_str(&self.query(query));
        }
        shown
    }

    fn query(&self, query: &str) -> String {
        let mut out = Vec::with_capacity(query.len());
        let replace = |value: &[u8]| self.redact.replace(value);
        self.redact.parameters(query.as_bytes(), replace, &mut out);
        let query = String::from_utf8_lossy(&out);
        let pairs = query.split_inclusive(['&', ';']).map(|pair| {
            let (bare, end) = match pair.strip_suffix(['&', ';']) {
                Some(bare) => (bare, &pair[bare.len()..]),
                None => (pair, ""),
            };
            let (name, value) = bare.split_once('=').unwrap_or(("", bare));
            if !is_token(value) || is_redacted(value) {
                return pair.to_owned();
            }
            let value = beginning(value, value.len());
            if name.is_empty() {
                format!("{value}{end}")
            } else {
                format!("{name}={value}{end}")
            }
        });
        pairs.collect()
    }
}

/// Cookies that hold a setting, whose value says nothing of a person.
const SETTINGS: &[&str] = &[
    "theme", "locale", "lang", "language", "currency", "country", "region", "timezone", "tz",
];

/// Whether a cookie of this name holds a setting.
pub(crate) fn is_setting(cookie: &str) -> bool {
    SETTINGS
        .iter()
        .any(|known| cookie.eq_ignore_ascii_case(known))
}

/// A path without tokens in it: whoever has such an address may use it.
pub(crate) fn masked_path(path: &str) -> String {
    let masked = path.split('/').map(|segment| {
        if is_token(segment) {
            Cow::Owned(beginning(segment, segment.len()))
        } else {
            Cow::Borrowed(segment)
        }
    });
    masked.collect::<Vec<_>>().join("/")
}

/// Whether a word is a token that could be guessed by nobody. A uuid names a thing.
fn is_token(word: &str) -> bool {
    opaque(word).is_some_and(|token| token.bits >= BITS && token.shape.alphabet != Alphabet::Uuid)
}

/// How a token begins, and how long it is.
fn beginning(text: &str, length: usize) -> String {
    const LONG: usize = 16;
    let begin: String = text.chars().take(4).collect();
    if length < LONG {
        format!("… ({length} characters)")
    } else {
        format!("{begin}… ({length} characters)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn configured() -> Secrets {
        Secrets::new(&config::Redact {
            headers: vec!["X-Customer".parse().unwrap()],
            query: vec!["email".to_owned()],
            json: vec!["iban".to_owned()],
            ..config::Redact::default()
        })
    }

    #[test]
    fn places_are_secret_by_their_names() {
        let secrets = configured();
        for place in [
            "header x-api-key",
            "header x-customer",
            "cookie sid",
            "cookie sid jwt.sub",
            "location ?code",
            "location ?email",
            "$.user.password",
            "$.accounts[].iban.text",
            "form.access_token",
            "form[/login] input[user[password]]@value",
            "meta[csrf-token]@content",
            "table td[PIN]",
            "user password",
        ] {
            assert!(secrets.names_place(place), "{place}");
        }
        for place in [
            "header vary",
            "cookie sid; path",
            "location",
            "location ?page",
            "$.total",
            "form[/password/reset] input[mail]@value",
            "#cart tr td[Price]",
            "status",
        ] {
            assert!(!secrets.names_place(place), "{place}");
        }
    }

    #[test]
    fn a_target_has_no_secret_by_its_name_or_by_its_looks() {
        let secrets = configured();
        for (target, shown) in [
            (
                "/a?token=abc&page=2&api_key=1",
                "/a?token=redacted&page=2&api_key=redacted",
            ),
            ("/a?email=a@b.c;x=1", "/a?email=redacted;x=1"),
            ("/a", "/a"),
            (
                "/reset/9e107d9d372bb6826bd81d3542a419d6",
                "/reset/9e10… (32 characters)",
            ),
            (
                "/a?x=9e107d9d372bb6826bd81d3542a419d6&y=1",
                "/a?x=9e10… (32 characters)&y=1",
            ),
            (
                "/orders/2f1c3a52-9b1e-4c5d-8a77-0c1d2e3f4a5b",
                "/orders/2f1c3a52-9b1e-4c5d-8a77-0c1d2e3f4a5b",
            ),
        ] {
            assert_eq!(secrets.target(target), shown);
        }
    }
}
