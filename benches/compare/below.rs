//! What the comparer stands on, as far as it takes secrets out of what it shows.

#[path = "../../src/http/escapes.rs"]
mod escapes;
#[path = "../../src/capture/redact/mod.rs"]
mod redact;
#[path = "../../src/http/same_name.rs"]
mod same_name;

pub(crate) mod capture {
    pub(crate) use super::redact::{MARK, Redact, is_redacted};
}

pub(crate) mod http {
    pub(crate) use super::{escapes::decoded, same_name::is_same_name};

    /// Nothing is sent here once more.
    #[derive(Clone, Debug, Default)]
    pub(crate) struct RequestHead {
        pub(crate) headers: NoHeaders,
    }

    #[derive(Clone, Debug, Default)]
    pub(crate) struct NoHeaders(Vec<(Vec<u8>, Vec<u8>)>);

    impl NoHeaders {
        pub(crate) fn iter(&self) -> impl Iterator<Item = (&[u8], &[u8])> {
            self.0.iter().map(|(name, value)| (&name[..], &value[..]))
        }
    }

    impl RequestHead {
        pub(crate) fn method(&self) -> &[u8] {
            b"GET"
        }

        pub(crate) fn target(&self) -> &[u8] {
            b"/"
        }

        pub(crate) fn size(&self) -> usize {
            size_of_val(&self.headers)
        }
    }
}

/// Nothing is configured here.
pub(crate) mod config {
    #[derive(Clone, Debug, Default)]
    pub(crate) struct Redact {
        pub(crate) headers: Vec<FieldName>,
        pub(crate) cookies: Vec<String>,
        pub(crate) query: Vec<String>,
        pub(crate) json: Vec<String>,
        pub(crate) key: Option<Secret>,
    }

    #[derive(Clone, Debug)]
    pub(crate) struct FieldName(String);

    impl std::str::FromStr for FieldName {
        type Err = std::convert::Infallible;

        fn from_str(name: &str) -> Result<Self, Self::Err> {
            Ok(Self(name.to_owned()))
        }
    }

    impl FieldName {
        pub(crate) fn spelling(&self) -> &str {
            &self.0
        }
    }

    #[derive(Clone, Debug)]
    pub(crate) struct Secret(String);

    impl Secret {
        pub(crate) fn reveal(&self) -> &str {
            &self.0
        }
    }
}
