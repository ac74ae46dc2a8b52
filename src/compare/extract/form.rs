//! `application/x-www-form-urlencoded`: an object with a member for each name.

use super::{
    hash::hash_of,
    html::is_token,
    place::Step,
    redirect::decoded,
    tree::{Builder, Class, NewLeaf, NodeKind, Stop},
    value::Scalar,
};

pub(crate) fn form(builder: &mut Builder, text: &str, is_cut: bool) -> Result<(), Stop> {
    let place = builder.root("form");
    let root = builder.open(NodeKind::Object, place, Class::Content, 0);
    let mut result = Ok(());
    let mut pairs = text
        .trim()
        .split('&')
        .filter(|pair| !pair.is_empty())
        .peekable();
    while let Some(pair) = pairs.next() {
        if is_cut && pairs.peek().is_none() {
            break;
        }
        if builder.is_full() {
            result = Err(Stop::Full);
            break;
        }
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        let name = decoded(name);
        let below = builder.below(place, Step::Member(&name));
        builder.leaf(NewLeaf {
            place: below,
            class: Class::Content,
            key: hash_of(name.as_bytes()),
            scalar: if is_token(&name) {
                Scalar::Token
            } else {
                Scalar::Text
            },
            text: &decoded(value),
        });
    }
    builder.close_read(root, is_cut, result)
}

#[cfg(test)]
mod tests {
    use crate::compare::kit::{of_type, shown};

    #[test]
    fn each_name_is_a_place() {
        let form = |text: &str| of_type("application/x-www-form-urlencoded", text);
        let one = form("access_token=x7k2m9q4x7k2m9q4&scope=a+b&expires_in=3600");
        assert_eq!(
            shown(
                &one,
                &form("scope=a%20b&expires_in=3600&access_token=x7k2m9q4x7k2m9q4")
            ),
            <[&str; 0]>::default()
        );
        assert_eq!(
            shown(
                &one,
                &form("access_token=x7k2m9q4x7k2m9q4&scope=a+b&expires_in=60")
            ),
            ["value form.expires_in: factor 1/60"]
        );
        assert_eq!(
            shown(&one, &form("access_token=x7k2m9q4x7k2m9q4&expires_in=3600")),
            ["missing form.scope: gone"]
        );
    }
}
