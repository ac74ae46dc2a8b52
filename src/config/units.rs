//! Values with a unit, as users write them: byte sizes, spans of time, shares, header names, secrets.

use std::{cell::Cell, fmt, str::FromStr, time::Duration};

use http::HeaderName;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use serde_with::{DeserializeFromStr, SerializeDisplay};

/// A number of bytes, written `"64KiB"`, `"1MB"` or as a plain number.
#[derive(Clone, Copy, Debug, SerializeDisplay, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Size(pub(crate) u64);

impl Size {
    pub(crate) const fn kib(n: u64) -> Self {
        Self(n << 10)
    }

    pub(crate) const fn mib(n: u64) -> Self {
        Self(n << 20)
    }

    /// As a length in memory; what is larger than the address space is cut to it.
    pub(crate) fn bytes(self) -> usize {
        usize::try_from(self.0).unwrap_or(usize::MAX)
    }
}

impl fmt::Display for Size {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (shift, unit) in [(30, "GiB"), (20, "MiB"), (10, "KiB")] {
            if self.0 != 0 && self.0.trailing_zeros() >= shift {
                return write!(f, "{}{unit}", self.0 >> shift);
            }
        }
        write!(f, "{}", self.0)
    }
}

impl<'de> Deserialize<'de> for Size {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match TextOr::deserialize(deserializer)? {
            TextOr::Number(bytes) => Ok(Self(bytes)),
            TextOr::Text(text) => match text.parse::<bytesize::ByteSize>() {
                Ok(size) => Ok(Self(size.as_u64())),
                Err(_) => Err(de::Error::custom(format_args!(
                    "{text:?} is not a size; write for example \"64KiB\", \"10MB\" or a number of bytes"
                ))),
            },
        }
    }
}

/// Whether nothing was said.
pub(crate) fn is_default<T: Default + PartialEq>(settings: &T) -> bool {
    *settings == T::default()
}

/// A value that may be written as a text or as a plain number.
#[derive(Deserialize)]
#[serde(
    untagged,
    expecting = "has to be a text such as \"64KiB\", \"5s\", \"10%\" or \"2xx\", or a number"
)]
pub(super) enum TextOr<N> {
    Number(N),
    Text(String),
}

/// A span of time, written `"5s"`, `"250ms"` or `"1m 30s"`.
#[derive(Clone, Copy, Debug, SerializeDisplay, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Span(pub(crate) Duration);

impl Span {
    /// What comes later than this is no limit, and no clock can count so far.
    const LONGEST: Duration = Duration::from_secs(366 * 24 * 60 * 60);

    pub(crate) const fn seconds(n: u64) -> Self {
        Self(Duration::from_secs(n))
    }

    pub(crate) const fn milliseconds(n: u64) -> Self {
        Self(Duration::from_millis(n))
    }
}

impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        humantime::format_duration(self.0).fmt(f)
    }
}

impl<'de> Deserialize<'de> for Span {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let wrong = |what: &dyn fmt::Display| {
            de::Error::custom(format_args!(
                "{what} is not a span of time; write it with its unit, for example \"5s\" or \"250ms\""
            ))
        };
        match TextOr::<f64>::deserialize(deserializer)? {
            TextOr::Text(text) => match humantime::parse_duration(&text) {
                Ok(span) if span <= Self::LONGEST => Ok(Self(span)),
                Ok(_) => Err(de::Error::custom(format_args!(
                    "{text:?} is longer than a year; write a year at most"
                ))),
                Err(_) => Err(wrong(&format_args!("{text:?}"))),
            },
            TextOr::Number(number) => Err(wrong(&number)),
        }
    }
}

/// A share, written `"10%"` or `"0.5%"`.
#[derive(Clone, Copy, Debug, SerializeDisplay, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Percent(u32);

impl Percent {
    /// In millionths.
    const WHOLE: u32 = 1_000_000;
    pub(crate) const ALL: Self = Self(Self::WHOLE);

    pub(crate) const fn millionths(self) -> u32 {
        self.0
    }

    /// What is more than all is all.
    pub(crate) fn of_millionths(millionths: u32) -> Self {
        Self(millionths.min(Self::WHOLE))
    }
}

impl FromStr for Percent {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || {
            format!(
                "{text:?} is not a share; write for example \"10%\" or \"0.5%\", with at most four digits behind the point"
            )
        };
        let number = text.strip_suffix('%').ok_or_else(wrong)?.trim_end();
        let (whole, part) = number.split_once('.').unwrap_or((number, "0"));
        let are_digits = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
        if !are_digits(whole) || !are_digits(part) || part.len() > 4 {
            return Err(wrong());
        }
        let part: u64 = format!("{part:0<4}").parse().map_err(|_| wrong())?;
        let whole: u64 = whole.parse().map_err(|_| wrong())?;
        let millionths = whole.saturating_mul(10_000).saturating_add(part);
        match u32::try_from(millionths) {
            Ok(millionths) if millionths <= Self::WHOLE => Ok(Self(millionths)),
            _ => Err(format!("{text:?} is more than 100%")),
        }
    }
}

impl fmt::Display for Percent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (whole, part) = (self.0 / 10_000, self.0 % 10_000);
        if part == 0 {
            return write!(f, "{whole}%");
        }
        let part = format!("{part:04}");
        write!(f, "{whole}.{}%", part.trim_end_matches('0'))
    }
}

impl<'de> Deserialize<'de> for Percent {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match TextOr::<f64>::deserialize(deserializer)? {
            TextOr::Text(text) => text.parse().map_err(de::Error::custom),
            TextOr::Number(number) => Err(de::Error::custom(format_args!(
                "{number} has no unit; write \"{number}%\""
            ))),
        }
    }
}

/// The name of a header field (RFC 9110, 5.1), kept in the spelling the user chose.
#[derive(Clone, Debug, DeserializeFromStr, Serialize, PartialEq, Eq)]
pub(crate) struct FieldName(String);

impl FromStr for FieldName {
    type Err = String;

    fn from_str(spelling: &str) -> Result<Self, String> {
        if HeaderName::try_from(spelling).is_ok() {
            return Ok(Self(spelling.into()));
        }
        let name = before_value(spelling);
        let more = if name == spelling {
            ""
        } else {
            " with what follows it"
        };
        Err(format!(
            "{name:?}{more} is not a header name; letters, digits and '-' make one"
        ))
    }
}

impl FieldName {
    /// As the user spelt it.
    pub(crate) fn spelling(&self) -> &str {
        &self.0
    }

    /// Whether it is this name, in whatever case.
    pub(crate) fn is(&self, name: &str) -> bool {
        self.0.eq_ignore_ascii_case(name)
    }

    /// Whether messages can't do without it, or with another value.
    pub(crate) fn is_needed(&self) -> bool {
        let needed = [
            "content-type",
            "cookie",
            "authorization",
            "forwarded",
            "host",
            "set-cookie",
            "via",
        ];
        self.is_framing() || needed.iter().any(|name| self.is(name))
    }

    /// Whether it says where a message ends, or belongs to one connection, or to shadowtee.
    pub(crate) fn is_framing(&self) -> bool {
        [
            "connection",
            "content-length",
            "expect",
            "keep-alive",
            "proxy-connection",
            "te",
            "trailer",
            "transfer-encoding",
            "upgrade",
            "x-shadowtee-instance",
        ]
        .iter()
        .any(|name| self.is(name))
    }

    /// For defaults only: `spelling` has to be a field name.
    pub(crate) fn known(spelling: &'static str) -> Self {
        debug_assert!(HeaderName::try_from(spelling).is_ok());
        Self(spelling.into())
    }
}

impl AsRef<str> for FieldName {
    fn as_ref(&self) -> &str {
        self.spelling()
    }
}

/// Something that no log and no output may show.
#[derive(Clone, Deserialize, PartialEq, Eq)]
#[serde(transparent)]
pub(crate) struct Secret(String);

impl Secret {
    /// Whether it can be sent as it is (RFC 6750, 2.1).
    pub(crate) fn fits(&self) -> bool {
        !self.0.is_empty() && self.0.bytes().all(|byte| byte.is_ascii_graphic())
    }

    /// The secret itself, to be compared and never to be shown.
    pub(crate) fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(MASK)
    }
}

impl Serialize for Secret {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        Masked::text(&self.0).serialize(serializer)
    }
}

/// Whether what bears this name, be it a key of the configuration, a header or a parameter, may be a secret.
pub(crate) fn is_secret_name(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    [
        "jwt",
        "auth",
        "cookie",
        "token",
        "secret",
        "passw",
        "key",
        "session",
        "credential",
        "signature",
    ]
    .iter()
    .any(|part| name.contains(part))
}

/// What stands in the place of a secret.
pub(crate) const MASK: &str = "********";

thread_local! {
    static COMPARES: Cell<bool> = const { Cell::new(false) };
}

/// What `shown` makes of settings where secrets stand in it as they are: to be compared, and never to leave the process.
pub(super) fn unmasked<T>(shown: impl FnOnce() -> T) -> T {
    /// Also where what is shown panics.
    struct Ends;
    impl Drop for Ends {
        fn drop(&mut self) {
            COMPARES.set(false);
        }
    }
    COMPARES.set(true);
    let _ends = Ends;
    shown()
}

/// The part of a wrong name that may be shown: behind a colon there may be a value, and that may be a secret.
pub(super) fn before_value(name: &str) -> &str {
    name.split([':', '=']).next().unwrap_or_default()
}

/// A value that is shown as a mask, where it has one.
pub(super) struct Masked<T> {
    value: T,
    mask: Option<&'static str>,
}

impl<T> Masked<T> {
    pub(super) fn text(value: T) -> Self {
        Self::text_if(true, value)
    }

    pub(super) fn text_if(is_secret: bool, value: T) -> Self {
        let mask = is_secret.then_some(MASK);
        Self { value, mask }
    }

    /// Where a regular expression stands, so does one in its place.
    pub(super) fn regex_if(is_secret: bool, value: T) -> Self {
        let mask = is_secret.then_some("\\*{8}");
        Self { value, mask }
    }
}

impl<T: Serialize> Serialize for Masked<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.mask {
            Some(mask) if !COMPARES.get() => mask.serialize(serializer),
            _ => self.value.serialize(serializer),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_shown_in_the_largest_unit_that_is_exact() {
        assert_eq!(Size::mib(128).to_string(), "128MiB");
        assert_eq!(Size(1 << 30).to_string(), "1GiB");
        assert_eq!(Size(1000).to_string(), "1000");
        assert_eq!(Size(0).to_string(), "0");
    }

    #[test]
    fn a_share_is_read_and_shown_as_it_was_written() {
        for text in ["0%", "10%", "0.5%", "99.9999%", "100%"] {
            assert_eq!(text.parse::<Percent>().unwrap().to_string(), text);
        }
        assert_eq!("2.50 %".parse::<Percent>().unwrap().to_string(), "2.5%");
        for wrong in [
            "10",
            "-1%",
            "1.%",
            ".5%",
            "0.00001%",
            "%",
            "100.0001%",
            "1e2%",
        ] {
            assert!(wrong.parse::<Percent>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn secrets_are_masked_again_after_a_comparison_that_panicked() {
        let panicked = std::panic::catch_unwind(|| unmasked(|| panic!("as a test")));
        assert!(panicked.is_err());
        a_secret_is_never_shown();
    }

    #[test]
    fn a_secret_is_never_shown() {
        let secret = Secret("hunter2".into());
        assert_eq!(format!("{secret:?}"), "********");
        assert_eq!(serde_json::to_string(&secret).unwrap(), "\"********\"");
    }
}
