//! What is gone at one place of a page and new at another has moved: how the page is built is markup, and nothing was lost.

use std::collections::HashMap;

use super::{Difference, change::Change, kind::Kind};
use crate::compare::extract::{Class, HashedKeys, Place, Value, hash::hash_of, hash_mix};

/// Steps of places that say what a thing means: in another form, cell or part of the head it is another thing.
const MEANING: [&str; 8] = [
    "form[",
    "td[",
    "dd[",
    "input[",
    "select[",
    "textarea[",
    "button[",
    "submit[",
];
const HEAD: [&str; 5] = ["title", "meta[", "link[", "script[", "html"];

/// Puts what has moved, among the differences from an index on, into one difference of the page's markup.
pub(super) fn moved(found: &mut Vec<Difference>, from: usize) {
    let mut gone: HashMap<u64, Vec<usize>, HashedKeys> = HashMap::default();
    for (at, difference) in found.iter().enumerate().skip(from) {
        if difference.kind == Kind::Missing
            && difference.change == Change::Gone
            && let Some(key) = movable(difference, difference.primary.as_ref())
        {
            gone.entry(key).or_default().push(at);
        }
    }
    if gone.is_empty() {
        return;
    }
    let mut first = None;
    let mut has_moved = vec![false; found.len()];
    for (at, difference) in found.iter().enumerate().skip(from) {
        if difference.kind == Kind::Extra
            && let Some(key) = movable(difference, difference.shadow.as_ref())
            && let Some(partner) = gone.get_mut(&key).and_then(Vec::pop)
        {
            (has_moved[partner], has_moved[at]) = (true, true);
            first.get_or_insert((partner, at));
        }
    }
    let Some((gone, new)) = first else {
        return;
    };
    let markup = Difference {
        place: Place::new("markup"),
        class: Class::Markup,
        kind: Kind::Value,
        change: Change::Markup,
        primary: stands(&found[gone], found[gone].primary.as_ref()),
        shadow: stands(&found[new], found[new].shadow.as_ref()),
    };
    let mut has_moved = has_moved.into_iter();
    found.retain(|_| !has_moved.next().unwrap_or(false));
    found.push(markup);
}

/// By what it would be known again elsewhere, where it is something that a person reads or follows.
fn movable(difference: &Difference, value: Option<&Value>) -> Option<u64> {
    let place = difference.place.as_str();
    let value = value?;
    let attribute = place.rsplit_once('@').map_or("", |(_, name)| name);
    let is_read = match difference.class {
        Class::Content => true,
        Class::Action => matches!(attribute, "" | "href"),
        _ => false,
    };
    let is_of_page = !HEAD.iter().any(|begin| place.starts_with(begin))
        && !MEANING.iter().any(|step| place.contains(step));
    let letters = value.text().chars().filter(|c| c.is_alphabetic()).take(3);
    let key = hash_mix(hash_mix(value.hash(), hash_of(attribute.as_bytes())), {
        u64::from(difference.class == Class::Action)
    });
    (is_read && is_of_page && letters.count() > 2).then_some(key)
}

/// Where it stands on one side.
fn stands(difference: &Difference, value: Option<&Value>) -> Option<Value> {
    let text = value?.text();
    // What has moved is an example: that it is another thing each time makes no other markup.
    Some(Value::of_part(
        &format!("“{text}” at {}", difference.place),
        1,
    ))
}

#[cfg(test)]
mod tests {
    use super::super::super::kit::{html, shown, values};

    #[test]
    fn a_link_that_stands_elsewhere_is_markup() {
        let help = "<a href=\"/help\">Help me</a>";
        let with = |inside: &str, outside: &str| {
            html(&format!(
                "<ul><li id=one>First thing {inside}</li><li id=two>Second thing</li></ul><div id=main><p>Hello you</p>{outside}</div>"
            ))
        };
        let (one, other) = (with(help, ""), with("", help));
        assert_eq!(shown(&one, &other), ["value markup: markup"]);
        assert_eq!(
            values(&one, &other),
            (
                "“/help Help me” at ul li a[/help]".to_owned(),
                "“/help Help me” at #main a[/help]".to_owned()
            )
        );
    }

    #[test]
    fn a_text_that_is_gone_and_another_that_is_new_have_not_moved() {
        let one = html("<div id=a><p>Hello you</p></div><div id=b><h2>One</h2></div>");
        let other = html("<div id=a></div><div id=b><h2>One</h2><p>Hello them</p></div>");
        assert_eq!(
            shown(&one, &other),
            ["missing #a p: gone", "extra #b p: added"]
        );
    }

    #[test]
    fn what_belongs_to_another_form_or_another_attribute_has_not_moved() {
        let forms = |one: &str, other: &str| {
            html(&format!(
                "<form action=/a><h2>First</h2>{one}</form><form action=/b><h2>Second</h2>{other}</form>"
            ))
        };
        let text = "<p>This can't be undone</p>";
        assert_eq!(
            shown(&forms(text, ""), &forms("", text)),
            ["missing form[/a] p: gone", "extra form[/b] p: added"]
        );
        let link = |attribute: &str| {
            html(&format!(
                "<a href=\"/logout\" {attribute}=\"post\">Log out</a>"
            ))
        };
        assert_eq!(shown(&link("data-method"), &link("data-confirm")).len(), 2);
    }

    #[test]
    fn a_tooltip_that_repeats_the_text_is_markup_and_any_other_is_content() {
        let link = |title: &str| {
            html(&format!(
                "<ul><li><a href=\"?\"{title}>All of them</a></li></ul>"
            ))
        };
        let plain = link("");
        assert_eq!(
            shown(&link(" title=\"All of them\""), &plain),
            ["value markup: markup"]
        );
        assert_eq!(
            shown(&link(" title=\"Every book\""), &plain),
            ["missing ul li a[]@title: gone"]
        );
    }
}
