//! Values that a shadow can't be given its own of, as no response gives them out: told by their names.

use super::values::snake;

/// What only help from outside can bring.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Help {
    OneTimeCode,
    Captcha,
}

impl Help {
    /// What a field's value is of these.
    pub(super) fn of(name: &str, value: &str) -> Option<Self> {
        const LONGEST: usize = 200;
        if value.is_empty() || name.len() > LONGEST {
            return None;
        }
        let lower = name.to_ascii_lowercase();
        if lower.contains("captcha") || lower.contains("turnstile") {
            return Some(Self::Captcha);
        }
        let own = name.trim_end_matches(']').rsplit(['[', '.']).next();
        let own = snake(own.unwrap_or(name));
        let words: Vec<&str> = own.split('_').filter(|word| !word.is_empty()).collect();
        is_one_time_code(&words, value).then_some(Self::OneTimeCode)
    }
}

/// `code` may be that of a country, a coupon or a door: digits say what it is, and so does the word before it.
fn is_one_time_code(words: &[&str], value: &str) -> bool {
    const CODES: &[&str] = &["otp", "totp", "hotp", "onetime", "2fa", "mfa"];
    const BEFORE: &[&str] = &[
        "verification",
        "confirmation",
        "authentication",
        "auth",
        "login",
        "factor",
        "sms",
    ];
    if words.iter().any(|word| CODES.contains(word))
        || words.windows(2).any(|two| two == ["one", "time"])
    {
        return true;
    }
    let is_of_digits = (4..=10).contains(&value.len()) && value.bytes().all(|c| c.is_ascii_digit());
    match words {
        ["code"] => is_of_digits,
        [.., before, "code"] => is_of_digits && BEFORE.contains(before),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_and_captchas_are_known_by_their_names() {
        for name in [
            "otp",
            "user[otp_attempt]",
            "totpCode",
            "one_time_password",
            "oneTimeCode",
            "code",
            "verification_code",
        ] {
            assert_eq!(Help::of(name, "123456"), Some(Help::OneTimeCode), "{name}");
        }
        for name in [
            "captcha",
            "g-recaptcha-response",
            "h-captcha-response",
            "cf-turnstile-response",
        ] {
            assert_eq!(Help::of(name, "x"), Some(Help::Captcha), "{name}");
        }
        for (name, value) in [
            ("postal_code", "12345"),
            ("code", "DE"),
            ("country[code]", "DE"),
            ("code", "SplxlOBeZQQYbYS6WxSbIA"),
            ("phone_time", "1200"),
            ("otp", ""),
            ("title", "123456"),
        ] {
            assert_eq!(Help::of(name, value), None, "{name}");
        }
    }
}
