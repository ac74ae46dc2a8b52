//! The fields by which a copy is known: the mark for the application, the instance for shadowtee itself.

use super::{Headers, same_name::is_same_name};
use crate::config::Mark;

/// Every tee that a request went through as a copy.
const INSTANCE: &[u8] = b"X-Shadowtee-Instance";

/// What is known of marks: how they are called and who this instance is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Marks {
    /// The mark's name as the configuration spells it.
    name: String,
    keep: bool,
    instance: String,
}

impl Marks {
    /// With a new random name for this instance.
    pub(crate) fn new(mark: &Mark) -> Self {
        Self {
            name: mark.header.spelling().to_owned(),
            keep: mark.keep,
            instance: format!("{:032x}", fastrand::u128(..)),
        }
    }

    /// The same instance, with other settings.
    pub(crate) fn changed(&self, mark: &Mark) -> Self {
        Self {
            name: mark.header.spelling().to_owned(),
            keep: mark.keep,
            instance: self.instance.clone(),
        }
    }

    /// Whether this instance sent the request itself, as a copy.
    pub(crate) fn is_own_copy(&self, headers: &Headers) -> bool {
        headers
            .named(INSTANCE)
            .any(|value| value == self.instance.as_bytes())
    }

    /// Takes a mark off that the client sent, before the primary sees it.
    pub(crate) fn strip(&self, headers: &mut Headers) {
        if !self.keep {
            headers.remove_named(|name| self.is_mark(name));
        }
    }

    /// Writes the lines that make a request a copy for the shadow called `name`.
    pub(crate) fn write(&self, name: &str, out: &mut Vec<u8>) {
        for part in [
            self.name.as_bytes(),
            b": ",
            name.as_bytes(),
            b"\r\n",
            INSTANCE,
            b": ",
            self.instance.as_bytes(),
            b"\r\n",
        ] {
            out.extend_from_slice(part);
        }
    }

    /// Whether a field of a request is a mark of somebody else's, which has no place in a copy.
    pub(crate) fn is_mark(&self, name: &[u8]) -> bool {
        is_same_name(name, self.name.as_bytes())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn marks(keep: bool) -> Marks {
        Marks {
            name: "X-Shadow-Request".into(),
            keep,
            instance: "me".into(),
        }
    }

    fn headers(text: &[u8]) -> Headers {
        Headers::parse(text, 10).unwrap()
    }

    #[test]
    fn a_copy_that_comes_back_is_known_even_through_other_tees() {
        let mut out = Vec::new();
        marks(false).write("next", &mut out);
        out.extend_from_slice(b"x-shadowtee-instance: another\r\n\r\n");
        assert!(marks(false).is_own_copy(&headers(&out)));
        assert!(!marks(false).is_own_copy(&headers(b"X-Shadowtee-Instance: other\r\n\r\n")));
    }

    #[test]
    fn a_forged_mark_is_taken_off_unless_it_is_kept() {
        let mut forged = headers(
            b"x-shadow-request: a\r\nX-Shadow-Request: b\r\nX_Shadow_Request: c\r\nx-Shadow_request: d\r\n\r\n",
        );
        marks(true).strip(&mut forged);
        assert_eq!(forged.iter().count(), 4);
        marks(false).strip(&mut forged);
        assert_eq!(forged.iter().count(), 0);
    }
}
