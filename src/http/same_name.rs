//! Names of fields that an application may take for one another.

/// Whether an application may take the two names for one: in whatever case, and with `_` for `-`, which are the same where
/// fields become variables (RFC 3875, 4.1.18; Rack, WSGI, PHP).
pub(crate) fn is_same_name(one: &[u8], other: &[u8]) -> bool {
    let folded = |byte: &u8| match byte {
        b'_' => b'-',
        other => other.to_ascii_lowercase(),
    };
    one.len() == other.len() && one.iter().map(folded).eq(other.iter().map(folded))
}
