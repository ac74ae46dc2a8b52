//! The headers by which a copy is known: the mark for the application, the instance for shadowtee itself.

use http::{HeaderMap, HeaderName, HeaderValue};

use super::hop_by_hop::without;
use crate::config::Mark;

/// Every tee that a request went through as a copy.
const INSTANCE: HeaderName = HeaderName::from_static("x-shadowtee-instance");

/// What is known of marks: how they are called and who this instance is.
#[derive(Clone, Debug)]
pub(crate) struct Marks {
    header: HeaderName,
    keep: bool,
    instance: HeaderValue,
}

impl Marks {
    /// With a new random name for this instance.
    pub(crate) fn new(mark: &Mark) -> Self {
        let id = format!("{:032x}", fastrand::u128(..));
        let instance =
            HeaderValue::try_from(id).unwrap_or_else(|_| unreachable!("hex digits are a value"));
        Self {
            header: mark.header.name().clone(),
            keep: mark.keep,
            instance,
        }
    }

    /// Whether this instance sent the request itself, as a copy.
    pub(crate) fn is_own_copy(&self, headers: &HeaderMap) -> bool {
        headers
            .get_all(INSTANCE)
            .iter()
            .any(|value| *value == self.instance)
    }

    /// Takes a mark off that the client sent, before the primary sees it.
    pub(crate) fn strip(&self, headers: &mut HeaderMap) {
        if !self.keep && headers.contains_key(&self.header) {
            *headers = without(std::mem::take(headers), std::slice::from_ref(&self.header));
        }
    }

    /// Marks a copy for the shadow called `name`.
    pub(crate) fn put(&self, headers: &mut HeaderMap, name: &HeaderValue) {
        headers.insert(&self.header, name.clone());
        headers.append(INSTANCE, self.instance.clone());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn marks(keep: bool) -> Marks {
        Marks {
            header: HeaderName::from_static("x-shadow-request"),
            keep,
            instance: HeaderValue::from_static("me"),
        }
    }

    #[test]
    fn a_copy_that_comes_back_is_known_even_through_other_tees() {
        let mut headers = HeaderMap::new();
        let name = HeaderValue::from_static("next");
        marks(false).put(&mut headers, &name);
        headers.append(INSTANCE, HeaderValue::from_static("another"));
        assert!(marks(false).is_own_copy(&headers));
        headers.remove(INSTANCE);
        assert!(!marks(false).is_own_copy(&headers));
    }

    #[test]
    fn a_forged_mark_is_taken_off_unless_it_is_kept() {
        let mut headers = HeaderMap::new();
        headers.append("x-shadow-request", HeaderValue::from_static("a"));
        headers.append("x-shadow-request", HeaderValue::from_static("b"));
        marks(true).strip(&mut headers);
        assert_eq!(headers.len(), 2);
        marks(false).strip(&mut headers);
        assert!(headers.is_empty());
    }
}
