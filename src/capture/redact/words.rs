//! Names of what is a secret wherever it stands, though nobody configured it.

/// Parts of names, without what stands between their words.
const PARTS: &[&str] = &[
    "password",
    "passwd",
    "passphrase",
    "secret",
    "token",
    "apikey",
    "accesskey",
    "privatekey",
    "credential",
    "authorization",
    "signature",
    "sessionid",
    "csrf",
    "xsrf",
];

/// Whole words of names.
const WORDS: &[&str] = &[
    "pwd", "pass", "pin", "otp", "cvv", "cvc", "ssn", "sid", "auth", "jwt", "sig", "session",
    "sess", "cookie", "cookies",
];

/// What is a secret as a parameter of a query or a form, and an ordinary name elsewhere.
const PARAMETERS: &[&str] = &[
    "code",
    "key",
    "ticket",
    "assertion",
    "samlrequest",
    "samlresponse",
];

const LONGEST: usize = 200;

/// Whether a header, a member or a field of this name holds a secret.
pub(crate) fn is_secret(name: &str) -> bool {
    let name = crate::http::decoded(name.as_bytes(), true);
    let name = String::from_utf8_lossy(&name[..name.len().min(LONGEST)]);
    let plain: String = name
        .chars()
        .filter(char::is_ascii_alphanumeric)
        .map(|c| c.to_ascii_lowercase())
        .collect();
    PARTS.iter().any(|part| plain.contains(part))
        || words(&name).any(|word| WORDS.iter().any(|known| word.eq_ignore_ascii_case(known)))
}

/// Whether a parameter of a query or a form holds a secret.
pub(crate) fn is_secret_parameter(name: &str) -> bool {
    is_secret(name)
        || PARAMETERS
            .iter()
            .any(|known| name.eq_ignore_ascii_case(known))
}

/// The words of `userPin`, `user_pin`, `user[pin]`.
fn words(name: &str) -> impl Iterator<Item = &str> {
    let parts = name.split(|c: char| !c.is_ascii_alphanumeric());
    parts.flat_map(|part| {
        let mut begins = vec![0];
        let bytes = part.as_bytes();
        for at in 1..bytes.len() {
            if bytes[at].is_ascii_uppercase() && bytes[at - 1].is_ascii_lowercase() {
                begins.push(at);
            }
        }
        begins.push(bytes.len());
        let words: Vec<&str> = begins.windows(2).map(|of| &part[of[0]..of[1]]).collect();
        words
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_secrets_are_known_in_every_spelling() {
        for name in [
            "password",
            "user[password]",
            "user%5Bpassword%5D",
            "X-Api-Key",
            "api_key",
            "apiKey",
            "accessToken",
            "ACCESS_TOKEN",
            "userPin",
            "pin",
            "card.cvv",
            "session",
            "__Host-sid",
        ] {
            assert!(is_secret(name), "{name}");
        }
        for name in [
            "author", "shipping", "passage", "email", "code", "key", "side", "total", "",
        ] {
            assert!(!is_secret(name), "{name}");
        }
        assert!(is_secret_parameter("code") && !is_secret_parameter("page"));
    }
}
