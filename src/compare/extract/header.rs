//! How each header of a response is compared, by its name.

use super::{
    time::{TimeForm, time_of},
    tree::Class,
    value::is_number,
};

/// How a header is compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Header {
    /// Of the connection, or a part of its own: not a header like others.
    Elsewhere,
    /// Presence and format.
    Derived,
    /// A list whose order says nothing.
    List {
        class: Class,
        case: Case,
    },
    /// Directives with lists of sources.
    Policy,
    Plain(Class),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Case {
    Kept,
    Lower,
}

const HOP_BY_HOP: &[&str] = &[
    "connection",
    "keep-alive",
    "proxy-connection",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
];

/// These are parts of a response by themselves.
const PARTS: &[&str] = &["content-type", "location", "set-cookie"];

const DERIVED: &[&str] = &[
    "age",
    "alt-svc",
    "cf-ray",
    "content-length",
    "content-md5",
    "date",
    "digest",
    "etag",
    "expires",
    "last-modified",
    "nel",
    "repr-digest",
    "report-to",
    "retry-after",
    "server-timing",
    "traceparent",
    "tracestate",
    "via",
    "x-amz-cf-id",
    "x-amz-id-2",
    "x-cache-hits",
    "x-runtime",
    "x-served-by",
    "x-timer",
    "x-varnish",
];

/// Parts of names whose values are made anew in each response.
const DERIVED_PARTS: &[&str] = &[
    "request-id",
    "requestid",
    "trace-id",
    "traceid",
    "correlation-id",
    "response-time",
    "process-time",
    "x-b3-",
    "ratelimit",
    "rate-limit",
];

const LISTS: &[&str] = &[
    "accept-ranges",
    "cache-control",
    "clear-site-data",
    "content-encoding",
    "content-language",
    "pragma",
    "surrogate-control",
    "surrogate-key",
    "vary",
];

/// Lists in which the case says something.
const LISTS_OF_NAMES: &[&str] = &[
    "accept-patch",
    "accept-post",
    "allow",
    "link",
    "timing-allow-origin",
];

const SECURITY: &[&str] = &[
    "access-control-allow-credentials",
    "access-control-allow-origin",
    "cross-origin-embedder-policy",
    "cross-origin-opener-policy",
    "cross-origin-resource-policy",
    "expect-ct",
    "origin-agent-cluster",
    "permissions-policy",
    "referrer-policy",
    "strict-transport-security",
    "x-content-type-options",
    "x-download-options",
    "x-frame-options",
    "x-permitted-cross-domain-policies",
    "x-xss-protection",
];

const POLICIES: &[&str] = &[
    "content-security-policy",
    "content-security-policy-report-only",
];

impl Header {
    /// How a header of this name is compared, in any case.
    pub(crate) fn of(name: &[u8]) -> Self {
        match std::str::from_utf8(name) {
            Ok(name) if name.bytes().any(|c| c.is_ascii_uppercase()) => {
                Self::of_lower(&name.to_ascii_lowercase())
            }
            Ok(name) => Self::of_lower(name),
            Err(_) => Self::Plain(Class::Header),
        }
    }

    pub(crate) fn of_lower(name: &str) -> Self {
        if HOP_BY_HOP.contains(&name) || PARTS.contains(&name) {
            return Self::Elsewhere;
        }
        if LISTS.contains(&name) {
            return Self::List {
                class: Class::Header,
                case: Case::Lower,
            };
        }
        if SECURITY.contains(&name) {
            return Self::Plain(Class::SecurityHeader);
        }
        if POLICIES.contains(&name) {
            return Self::Policy;
        }
        if LISTS_OF_NAMES.contains(&name) {
            return Self::List {
                class: Class::Header,
                case: Case::Kept,
            };
        }
        if let Some(rest) = name.strip_prefix("access-control-") {
            return Self::List {
                class: Class::SecurityHeader,
                // Methods differ by case, names of headers don't.
                case: if rest.ends_with("headers") {
                    Case::Lower
                } else {
                    Case::Kept
                },
            };
        }
        if DERIVED.contains(&name) || DERIVED_PARTS.iter().any(|part| name.contains(part)) {
            return Self::Derived;
        }
        Self::Plain(Class::Header)
    }
}

/// How a value that is made anew in each response is written; nothing else of it is compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum DerivedForm {
    Empty,
    Number,
    Time(TimeForm),
    StrongTag,
    WeakTag,
    /// Whether a short token looks like one is chance.
    Other,
}

impl DerivedForm {
    pub(crate) fn of(value: &str) -> Self {
        let value = value.trim();
        if value.is_empty() {
            Self::Empty
        } else if value.starts_with("W/\"") {
            Self::WeakTag
        } else if value.starts_with('"') {
            Self::StrongTag
        } else if is_number(value) {
            Self::Number
        } else {
            time_of(value).map_or(Self::Other, |time| Self::Time(time.form))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_are_known_by_name_in_any_case() {
        assert_eq!(Header::of(b"ETag"), Header::Derived);
        assert_eq!(Header::of(b"X-Request-Id"), Header::Derived);
        assert_eq!(Header::of(b"Transfer-Encoding"), Header::Elsewhere);
        assert_eq!(
            Header::of(b"X-Frame-Options"),
            Header::Plain(Class::SecurityHeader)
        );
        assert!(matches!(Header::of(b"Vary"), Header::List { .. }));
        assert_eq!(Header::of(b"X-Powered-By"), Header::Plain(Class::Header));
    }
}
