//! JWTs: their header and their claims are leaves; the signature, which follows from both, is not.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};

use super::{
    Limits,
    json::{Json, json},
    place::{PlaceId, Step},
    tree::{Builder, Class, NodeKind},
};

const LONGEST: usize = 16 * 1024;

/// Adds the leaves of a JWT below a place, if the text is one.
pub(crate) fn jwt(
    builder: &mut Builder,
    place: PlaceId,
    class: Class,
    key: u64,
    text: &str,
    limits: &Limits,
) -> bool {
    // `{"` in base64.
    if !text.starts_with("eyJ") || text.len() > LONGEST {
        return false;
    }
    let mut parts = text.split('.');
    let (Some(head), Some(claims), Some(_), None) =
        (parts.next(), parts.next(), parts.next(), parts.next())
    else {
        return false;
    };
    let (Some(head), Some(claims)) = (decoded(head), decoded(claims)) else {
        return false;
    };
    let before = builder.len();
    let root = builder.open(NodeKind::Object, place, class, key);
    let mut all = true;
    for (key, name, text) in [(1, "jwt-header", head), (2, "jwt", claims)] {
        let place = builder.below(place, Step::Word(name));
        let part = Json {
            place,
            class,
            key,
            text: &text,
            is_cut: false,
        };
        all &= json(builder, &part, limits).is_ok();
    }
    if !all {
        builder.take_back(before);
        return false;
    }
    builder.close(root);
    true
}

fn decoded(part: &str) -> Option<String> {
    let bytes = URL_SAFE_NO_PAD.decode(part.trim_end_matches('=')).ok()?;
    String::from_utf8(bytes).ok()
}
