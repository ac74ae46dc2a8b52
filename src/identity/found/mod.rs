//! What an answer gives out that its client may send again, and which of it belongs together in the answers of both sides.

mod html;
mod json;

use std::collections::HashMap;

use super::{
    address::{Address, What, collection},
    ids::Scope,
    values::Key,
};
use crate::compare::{Answer, Limits, Media, decode, text_of};

/// Something that an answer gives out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Found {
    /// What it stands in: the same on both sides.
    pub(super) around: u64,
    /// The same where its own ids and times differ in the texts around it.
    pub(super) loosely: u64,
    pub(super) kind: Kind,
    pub(super) text: String,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// A token; where a field is named as one, its name, and where its form leads to.
    Token(Option<Field>),
    /// A path with its query.
    Link,
    Id(Scope),
}

/// A field that carries a token, as its name says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Field {
    pub(super) name: String,
    pub(super) form: String,
}

/// Where an answer is from.
#[derive(Clone, Copy)]
pub(super) struct Origin<'a> {
    pub(super) key: Key,
    /// The request's path and query.
    pub(super) target: &'a str,
    pub(super) host: &'a str,
}

/// Things that are looked at in one answer.
const MOST: usize = 5_000;

/// All that the body of an answer gives out.
pub(super) fn found(origin: Origin<'_>, answer: &Answer<'_>) -> Vec<Found> {
    let decoded = decode(answer, &Limits::default());
    let Some(bytes) = &decoded.bytes else {
        return Vec::new();
    };
    let content_type = answer.header("content-type").unwrap_or_default();
    match Media::of(content_type, bytes) {
        Media::Html => html::found(origin, &text_of(bytes)),
        Media::Json => json::found(origin, bytes),
        Media::Script => html::in_script(origin, &text_of(bytes)),
        _ => Vec::new(),
    }
}

/// What a member of a JSON text is an id of, where the request leads to a path with this skeleton.
pub(super) fn json_scope(place: &[&str], skeleton: &str) -> Scope {
    json::scope(place, &collection(skeleton))
}

/// An id that the request's answer gave out, with the shadow's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Both<'a> {
    pub(super) kind: &'a Kind,
    pub(super) primary: &'a str,
    pub(super) shadow: &'a str,
}

/// What belongs together: what stands in the same surroundings on both sides, as often on the one as on the other.
pub(super) fn together<'a>(primary: &'a [Found], shadow: &'a [Found]) -> Vec<Both<'a>> {
    let mut both = Vec::new();
    let mut rest = (Vec::new(), Vec::new());
    let exactly = |found: &Found| found.around;
    let loosely = |found: &Found| found.loosely;
    match_up(
        (primary.iter().collect(), shadow.iter().collect()),
        exactly,
        &mut both,
        &mut rest,
    );
    match_up(rest, loosely, &mut both, &mut (Vec::new(), Vec::new()));
    both
}

type Sides<'a> = (Vec<&'a Found>, Vec<&'a Found>);

fn match_up<'a>(
    (primary, shadow): Sides<'a>,
    by: impl Fn(&Found) -> u64,
    both: &mut Vec<Both<'a>>,
    rest: &mut Sides<'a>,
) {
    let mut groups: HashMap<u64, Sides<'a>> = HashMap::new();
    for found in primary {
        groups.entry(by(found)).or_default().0.push(found);
    }
    for found in shadow {
        groups.entry(by(found)).or_default().1.push(found);
    }
    for (_, (ours, theirs)) in groups {
        // One of several rows that say the same may be any of them.
        let is_named = |found: &&Found| matches!(found.kind, Kind::Token(Some(_)));
        if ours.len() == theirs.len() && (ours.len() == 1 || ours.iter().all(is_named)) {
            both.extend(ours.iter().zip(theirs).map(|(primary, shadow)| Both {
                kind: &primary.kind,
                primary: &primary.text,
                shadow: &shadow.text,
            }));
        } else {
            rest.0.extend(ours);
            rest.1.extend(theirs);
        }
    }
}

/// A text without these numbers, and without times: what is left has to be the same where two things are.
fn masked(text: &str, own: &[&str]) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(begin) = rest.find(|c: char| c.is_ascii_digit()) {
        out.push_str(&rest[..begin]);
        let number = &rest[begin..];
        let length = number.bytes().take_while(u8::is_ascii_digit).count();
        let (number, after) = number.split_at(length);
        let is_time = out.ends_with(':') || after.starts_with(':') || is_age(after);
        if is_time || own.contains(&number) {
            out.push('#');
        } else {
            out.push_str(number);
        }
        rest = after;
    }
    out.push_str(rest);
    out
}

/// Whether a number before this text says how long ago something was.
fn is_age(after: &str) -> bool {
    let after = after.trim_start().trim_start_matches('\u{a0}');
    ["second", "minute", "hour", "day", "sec", "min"]
        .iter()
        .any(|unit| after.starts_with(unit))
}

impl Origin<'_> {
    /// What the ids in the answer are of, where their names don't say it.
    fn collection(&self) -> Scope {
        collection(&Address::of(self.target).skeleton)
    }

    fn found(&self, place: &[&str], context: &str, kind: Kind, text: &str) -> Found {
        let around = |context: &str| {
            let mut texts = place.to_vec();
            texts.push(context);
            self.key.of(&texts)
        };
        let address = matches!(kind, Kind::Link).then(|| Address::of(text));
        let own: Vec<&str> = match &address {
            Some(address) => {
                let parts = address.parts.iter();
                parts.map(|part| &text[part.at.clone()]).collect()
            }
            None => vec![text],
        };
        Found {
            around: around(context),
            loosely: around(&masked(context, &own)) ^ 1,
            kind,
            text: text.to_owned(),
        }
    }
}

/// Whether there is anything in a link that may be another on the other side.
fn has_parts(address: &Address) -> bool {
    address
        .parts
        .iter()
        .any(|part| matches!(part.what, What::Id(_) | What::Token))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn origin(target: &str) -> Origin<'_> {
        Origin {
            key: Key(1, 2),
            target,
            host: "app.example",
        }
    }

    fn pairs(target: &str, primary: &str, shadow: &str) -> Vec<String> {
        let read = |text: &str| {
            if text.starts_with('{') || text.starts_with('[') {
                json::found(origin(target), text.as_bytes())
            } else {
                html::found(origin(target), text)
            }
        };
        let (primary, shadow) = (read(primary), read(shadow));
        let both = together(&primary, &shadow);
        let mut all: Vec<_> = both
            .iter()
            .map(|both| format!("{} = {}", both.primary, both.shadow))
            .collect();
        all.sort();
        all
    }

    #[test]
    fn tokens_of_forms_and_pages_belong_together_by_name() {
        let page = |token: &str, id: &str| {
            format!(
                r#"<meta name="csrf-token" content="{token}"><form action="/orders/{id}"><input type=hidden name="_token" value="{token}2"><input type=hidden name=order_id value={id}></form>"#
            )
        };
        let primary = page("x7Kq2mB9zR4tYw1p", "7");
        let shadow = page("Qw8eRt2yUi5oPa9s", "5");
        assert_eq!(
            pairs("/orders/7/edit", &primary, &shadow),
            [
                "/orders/7 = /orders/5",
                "7 = 5",
                "x7Kq2mB9zR4tYw1p = Qw8eRt2yUi5oPa9s",
                "x7Kq2mB9zR4tYw1p2 = Qw8eRt2yUi5oPa9s2",
            ]
        );
    }

    #[test]
    fn rows_belong_together_by_what_they_say() {
        let row = |id: u32, name: &str| {
            format!(
                "<tr><td>#{id}</td><td>{name}</td><td><a href=/orders/{id}/edit>Edit</a></td></tr>"
            )
        };
        let table = |rows: &[String]| format!("<table>{}</table>", rows.concat());
        let primary = table(&[row(7, "tea"), row(8, "coffee"), row(9, "milk")]);
        let shadow = table(&[row(6, "milk"), row(5, "tea")]);
        assert_eq!(
            pairs("/orders", &primary, &shadow),
            [
                "/orders/7/edit = /orders/5/edit",
                "/orders/9/edit = /orders/6/edit"
            ]
        );
    }

    #[test]
    fn rows_that_say_the_same_are_not_told_apart() {
        let item = |id: u32| format!("<li>tea <a href=/orders/{id}>show</a></li>");
        let two = format!("{}{}", item(7), item(8));
        let shadow = format!("{}{}", item(4), item(5));
        assert_eq!(pairs("/", &two, &shadow), <[&str; 0]>::default());
        assert_eq!(pairs("/", &two, &item(4)), <[&str; 0]>::default());
    }

    #[test]
    fn options_belong_together_by_their_texts() {
        let page = |tea: u32, milk: u32| {
            format!(
                "<form action=/lines><select name='line[product_id]'><option value=''>choose<option value={tea}>tea<option value={milk}>milk</select></form>"
            )
        };
        assert_eq!(
            pairs("/lines/new", &page(7, 8), &page(6, 5)),
            ["7 = 6", "8 = 5"]
        );
    }

    #[test]
    fn members_of_json_belong_together_by_their_names_and_what_the_rest_says() {
        assert_eq!(
            pairs(
                "/api/orders",
                r#"[{"id":7,"name":"tea","user_id":3},{"id":8,"name":"milk","user_id":3}]"#,
                r#"[{"id":6,"name":"milk","user_id":2},{"id":5,"name":"tea","user_id":2}]"#
            ),
            ["3 = 2", "3 = 2", "7 = 5", "8 = 6"]
        );
        assert_eq!(
            pairs(
                "/api/login",
                r#"{"token":"x7Kq2mB9zR4tYw1p","user":{"id":"7"},"self":"/api/users/7"}"#,
                r#"{"user":{"id":"5"},"token":"Qw8eRt2yUi5oPa9s","self":"/api/users/5"}"#
            ),
            [
                "/api/users/7 = /api/users/5",
                "7 = 5",
                "x7Kq2mB9zR4tYw1p = Qw8eRt2yUi5oPa9s"
            ]
        );
    }
}
