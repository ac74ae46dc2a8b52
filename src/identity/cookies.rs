//! `Cookie` and `Set-Cookie` (RFC 6265, 4.1 and 4.2), as far as sessions need them.

/// The cookies of a `Cookie` header's value, as they are written.
pub(crate) fn sent(line: &str) -> impl Iterator<Item = (&str, &str)> {
    line.split(';').filter_map(|pair| {
        let (name, value) = pair.split_once('=')?;
        Some((name.trim(), value.trim()))
    })
}

/// The name and the value in a `Set-Cookie` header's value.
pub(super) fn pair_of(line: &[u8]) -> Option<(&[u8], &[u8])> {
    let pair = line.split(|c| *c == b';').next()?;
    let at = pair.iter().position(|c| *c == b'=')?;
    Some((pair[..at].trim_ascii(), pair[at + 1..].trim_ascii()))
}

/// A cookie that a response sets, or deletes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct SetCookie<'a> {
    pub(super) name: &'a str,
    pub(super) value: &'a str,
    pub(super) is_deleted: bool,
}

impl<'a> SetCookie<'a> {
    /// What a `Set-Cookie` header's value says; `now` in milliseconds since 1970.
    pub(super) fn read(line: &'a str, now: i64) -> Option<Self> {
        let mut parts = line.split(';');
        let (name, value) = parts.next()?.split_once('=')?;
        let (name, value) = (name.trim(), value.trim());
        let (mut age, mut expires) = (None, None);
        for part in parts {
            let (attribute, value) = part.split_once('=').unwrap_or((part, ""));
            let (attribute, value) = (attribute.trim(), value.trim());
            if attribute.eq_ignore_ascii_case("max-age") {
                age = value.parse::<i64>().ok();
            } else if attribute.eq_ignore_ascii_case("expires") {
                expires = httpdate(value);
            }
        }
        let is_over = match (age, expires) {
            (Some(age), _) => age <= 0,
            (None, Some(at)) => at <= now,
            (None, None) => false,
        };
        Some(Self {
            name,
            value,
            is_deleted: is_over || value.trim_matches('"').is_empty(),
        })
    }
}

fn httpdate(text: &str) -> Option<i64> {
    crate::compare::time_of(text).map(|time| time.unix_ms)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cookie_that_is_over_is_deleted() {
        let deleted = |line| SetCookie::read(line, 1_700_000_000_000).map(|set| set.is_deleted);
        assert_eq!(deleted("sid=a; Path=/; HttpOnly"), Some(false));
        assert_eq!(deleted("sid=a; Max-Age=0"), Some(true));
        assert_eq!(
            deleted("sid=a; expires=Thu, 01 Jan 1970 00:00:00 GMT"),
            Some(true)
        );
        assert_eq!(
            deleted("sid=a; max-age=60; expires=Thu, 01 Jan 1970 00:00:00 GMT"),
            Some(false)
        );
        assert_eq!(deleted("sid=\"\""), Some(true));
        assert_eq!(deleted("sid"), None);
    }

    #[test]
    fn a_request_names_its_cookies() {
        let cookies: Vec<_> = sent("a=1; b=x=y;c=; broken").collect();
        assert_eq!(cookies, [("a", "1"), ("b", "x=y"), ("c", "")]);
    }
}
