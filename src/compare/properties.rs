//! One change somewhere in any document is one difference, at its place.

use std::fmt::Write;

use proptest::{collection::vec, prelude::*, sample::Index};

use super::{
    Class, Difference, Kind,
    kit::{between, html, json},
};

#[derive(Clone, Debug, PartialEq)]
enum Json {
    Null,
    Bool(bool),
    Number(i32),
    Text(String),
    List(Vec<Json>),
    Object(Vec<(String, Json)>),
}

impl Json {
    fn write(&self, out: &mut String) {
        match self {
            Self::Null => out.push_str("null"),
            Self::Bool(value) => write!(out, "{value}").unwrap(),
            Self::Number(number) => write!(out, "{number}").unwrap(),
            Self::Text(text) => write!(out, "{text:?}").unwrap(),
            Self::List(items) => {
                out.push('[');
                for (number, item) in items.iter().enumerate() {
                    out.push_str(if number > 0 { "," } else { "" });
                    item.write(out);
                }
                out.push(']');
            }
            Self::Object(members) => {
                out.push('{');
                for (number, (name, value)) in members.iter().enumerate() {
                    out.push_str(if number > 0 { "," } else { "" });
                    write!(out, "{name:?}:").unwrap();
                    value.write(out);
                }
                out.push('}');
            }
        }
    }

    /// The leaves, with their places.
    fn leaves<'a>(&'a mut self, place: &str, found: &mut Vec<(String, &'a mut Json)>) {
        match self {
            Self::List(items) => {
                for item in items {
                    item.leaves(&format!("{place}[]"), found);
                }
            }
            Self::Object(members) => {
                for (name, value) in members {
                    value.leaves(&format!("{place}.{name}"), found);
                }
            }
            _ => found.push((place.to_owned(), self)),
        }
    }

    /// The lists with more than one element, with their places.
    fn lists<'a>(&'a mut self, place: &str, found: &mut Vec<(String, &'a mut Vec<Json>)>) {
        match self {
            Self::List(items) => {
                if items
                    .iter()
                    .all(|item| !matches!(item, Self::List(_) | Self::Object(_)))
                {
                    found.push((place.to_owned(), items));
                    return;
                }
                for item in items {
                    item.lists(&format!("{place}[]"), found);
                }
            }
            Self::Object(members) => {
                for (name, value) in members {
                    value.lists(&format!("{place}.{name}"), found);
                }
            }
            _ => {}
        }
    }

    /// The objects that aren't below a list, with their places.
    fn objects<'a>(
        &'a mut self,
        place: &str,
        found: &mut Vec<(String, &'a mut Vec<(String, Json)>)>,
    ) {
        if let Self::Object(members) = self {
            let has_object = members
                .iter()
                .any(|(_, value)| matches!(value, Self::Object(_)));
            if !has_object {
                found.push((place.to_owned(), members));
                return;
            }
            for (name, value) in members {
                value.objects(&format!("{place}.{name}"), found);
            }
        }
    }
}

fn document() -> impl Strategy<Value = Json> {
    let leaf = prop_oneof![
        Just(Json::Null),
        any::<bool>().prop_map(Json::Bool),
        any::<i32>().prop_map(Json::Number),
        "[a-z]{0,6}( [a-z]{1,6}){0,3}".prop_map(Json::Text),
    ];
    let inner = leaf.prop_recursive(4, 60, 6, |inner| {
        let names = proptest::collection::btree_map("[a-z]{1,5}", inner.clone(), 0..6);
        prop_oneof![
            vec(inner, 0..6).prop_map(Json::List),
            names.prop_map(|members| Json::Object(members.into_iter().collect())),
        ]
    });
    proptest::collection::btree_map("[a-z]{1,5}", inner, 1..6)
        .prop_map(|members| Json::Object(members.into_iter().collect()))
}

fn between_documents(one: &Json, other: &Json) -> Vec<Difference> {
    let text = |json: &Json| {
        let mut text = String::new();
        json.write(&mut text);
        text
    };
    between(&json(&text(one)), &json(&text(other))).found
}

fn only(found: &[Difference]) -> (Kind, String) {
    assert_eq!(found.len(), 1, "{found:#?}");
    (found[0].kind, found[0].place.to_string())
}

/// Is nowhere else in a document.
const NEW: &str = "QUITE NEW";

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, max_global_rejects: 100_000, ..ProptestConfig::default() })]

    #[test]
    fn a_value_that_changes_is_one_difference_at_its_place(document in document(), which: Index) {
        let mut other = document.clone();
        let mut leaves = Vec::new();
        other.leaves("$", &mut leaves);
        prop_assume!(!leaves.is_empty());
        let at = which.index(leaves.len());
        let (place, leaf) = leaves.remove(at);
        *leaf = match leaf {
            Json::Number(number) => Json::Number(number.wrapping_add(77_777)),
            Json::Bool(value) => Json::Bool(!*value),
            _ => Json::Text(NEW.to_owned()),
        };
        let found = between_documents(&document, &other);
        prop_assert_eq!(found.len(), 1, "{:#?}", found);
        let told = found[0].place.to_string();
        // Of an element of which less than half is left it is told that it is another one.
        let is_other_element = found[0].kind == Kind::Items && place.starts_with(&format!("{told}[]"));
        let is_moved = found[0].kind == Kind::Order && place.starts_with(&told);
        prop_assert!(told == place || is_other_element || is_moved, "{} at {}", told, place);
    }

    #[test]
    fn a_member_that_is_gone_or_new_is_one_difference(document in document(), which: Index, member: Index) {
        let mut other = document.clone();
        let mut objects = Vec::new();
        other.objects("$", &mut objects);
        let at = which.index(objects.len());
        let (place, members) = objects.remove(at);
        prop_assume!(!members.is_empty());
        let (name, _) = members.remove(member.index(members.len()));
        let place = format!("{place}.{name}");
        prop_assert_eq!(only(&between_documents(&document, &other)), (Kind::Missing, place.clone()));
        prop_assert_eq!(only(&between_documents(&other, &document)), (Kind::Extra, place));
    }

    #[test]
    fn an_element_more_or_less_is_one_difference_of_its_list(document in document(), which: Index, element: Index) {
        let mut other = document.clone();
        let mut lists = Vec::new();
        other.lists("$", &mut lists);
        prop_assume!(!lists.is_empty());
        let at = which.index(lists.len());
        let (place, items) = lists.remove(at);
        items.insert(element.index(items.len() + 1), Json::Text(NEW.to_owned()));
        let found = between_documents(&document, &other);
        prop_assert_eq!(found.len(), 1, "{:#?}", found);
        let told = found[0].place.to_string();
        prop_assert!(found[0].kind == Kind::Items || found[0].kind == Kind::Value, "{:#?}", found);
        prop_assert!(place.starts_with(&told) || told.starts_with(&place), "{} at {}", told, place);
    }

    #[test]
    fn documents_that_are_different_are_never_equal(one in document(), other in document()) {
        prop_assume!(one != other);
        let found = between_documents(&one, &other);
        prop_assert!(!found.is_empty());
        prop_assert!(found.iter().all(|difference| difference.place.as_str() != "body"), "{:#?}", found);
    }

    #[test]
    fn the_order_of_members_says_nothing(document in document()) {
        let mut other = document.clone();
        reverse(&mut other);
        prop_assert!(between_documents(&document, &other).is_empty());
    }
}

fn reverse(json: &mut Json) {
    match json {
        Json::Object(members) => {
            members.reverse();
            for (_, value) in members {
                reverse(value);
            }
        }
        Json::List(items) => items.iter_mut().for_each(reverse),
        _ => {}
    }
}

/// A part of a page.
#[derive(Clone, Debug)]
enum Block {
    Heading(String),
    Text(String),
    Link(u16, String),
    List(Vec<String>),
    Table(Vec<(u16, String, String)>),
    Form(u8, Vec<(String, String)>),
    Wrapper(u8, Vec<Block>),
}

impl Block {
    fn text(&self, class: &str) -> String {
        match self {
            Self::Heading(text) => format!("<h2>{text}</h2>\n"),
            Self::Text(text) => format!("<p class=\"t{class}\">{text}</p>"),
            Self::Link(n, text) => format!("<div><a href=\"/items/{n}\">{text}</a></div>"),
            Self::List(items) => {
                let item = |item: &String| format!("<li class='i{class}'>{item}</li>");
                format!("<ul>{}</ul>\n", joined(items, item))
            }
            Self::Table(rows) => {
                let row = |(n, name, state): &(u16, String, String)| {
                    format!(
                        "<tr><td>{n}</td><td><a href=\"/rows/{n}\">{name}</a></td><td>{state}</td></tr>"
                    )
                };
                format!(
                    "<table><tr><th>Number<th>Name<th>State</tr>{}</table>",
                    joined(rows, row)
                )
            }
            Self::Form(n, fields) => {
                let field = |(name, value): &(String, String)| {
                    format!("<label>{name}</label><input name=\"{name}\" value=\"{value}\">")
                };
                let fields = joined(fields, field);
                format!(
                    "<form action=\"/save{n}\" method=\"post\">{fields}<button>Save</button></form>"
                )
            }
            Self::Wrapper(n, blocks) => {
                format!(
                    "<div class=\"w{n}\">{}</div>",
                    joined(blocks, |block| block.text(class))
                )
            }
        }
    }

    /// All texts that a person reads or changes.
    fn texts<'a>(&'a mut self, found: &mut Vec<&'a mut String>) {
        match self {
            Self::Heading(text) | Self::Text(text) | Self::Link(_, text) => found.push(text),
            Self::List(items) => found.extend(items),
            Self::Table(rows) => {
                found.extend(rows.iter_mut().flat_map(|(_, name, state)| [name, state]));
            }
            Self::Form(_, fields) => found.extend(fields.iter_mut().map(|(_, value)| value)),
            Self::Wrapper(_, blocks) => blocks.iter_mut().for_each(|block| block.texts(found)),
        }
    }
}

fn joined<T>(parts: &[T], text: impl Fn(&T) -> String) -> String {
    parts.iter().map(text).collect::<Vec<_>>().concat()
}

fn blocks() -> impl Strategy<Value = Vec<Block>> {
    let text = || "[a-z]{2,8}( [a-z]{2,8}){0,4}";
    let block = prop_oneof![
        text().prop_map(Block::Heading),
        text().prop_map(Block::Text),
        (any::<u16>(), text()).prop_map(|(n, text)| Block::Link(n, text)),
        vec(text(), 2..6).prop_map(Block::List),
        vec((any::<u16>(), text(), "new|open|done"), 2..8).prop_map(Block::Table),
        (
            any::<u8>(),
            proptest::collection::btree_map("[a-z]{2,6}", text(), 1..5)
        )
            .prop_map(|(n, fields)| Block::Form(n, fields.into_iter().collect())),
    ];
    let block = block.prop_recursive(3, 30, 5, |inner| {
        (any::<u8>(), vec(inner, 1..5)).prop_map(|(n, blocks)| Block::Wrapper(n, blocks))
    });
    vec(block, 1..10)
}

fn page(blocks: &[Block], class: &str) -> String {
    let blocks = joined(blocks, |block| block.text(class));
    format!(
        "<!doctype html><html><head><title>Page</title></head><body><main id=content>{blocks}</main></body></html>"
    )
}

fn between_pages(one: &str, other: &str) -> Vec<Difference> {
    between(&html(one), &html(other)).found
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, max_global_rejects: 100_000, ..ProptestConfig::default() })]

    #[test]
    fn a_text_that_changes_on_a_page_is_one_difference(blocks in blocks(), which: Index) {
        let mut other = blocks.clone();
        let mut texts: Vec<&mut String> = Vec::new();
        for block in &mut other {
            block.texts(&mut texts);
        }
        let at = which.index(texts.len());
        let before = texts[at].clone();
        texts[at].push_str(NEW);
        let found = between_pages(&page(&blocks, ""), &page(&other, ""));
        prop_assert_eq!(found.len(), 1, "{:#?}", found);
        let shown = |value: &Option<super::Value>| value.as_ref().unwrap().text().to_owned();
        prop_assert_eq!(found[0].kind, Kind::Value);
        prop_assert_eq!(shown(&found[0].primary), before.clone());
        prop_assert_eq!(shown(&found[0].shadow), format!("{before}{NEW}"));
        prop_assert!(found[0].place.as_str().starts_with("#content"), "{}", found[0].place);
    }

    #[test]
    fn a_block_that_is_gone_or_new_on_a_page_is_one_difference(blocks in blocks(), which: Index) {
        let mut other = blocks.clone();
        other.insert(which.index(blocks.len() + 1), Block::Text(NEW.to_owned()));
        let (less, more) = (page(&blocks, ""), page(&other, ""));
        prop_assert_eq!(only(&between_pages(&less, &more)), (Kind::Extra, "#content p".to_owned()));
        prop_assert_eq!(only(&between_pages(&more, &less)), (Kind::Missing, "#content p".to_owned()));
    }

    #[test]
    fn other_markup_on_a_page_is_one_difference(blocks in blocks()) {
        let wrapped = [Block::Wrapper(0, blocks.clone())];
        let found = between_pages(&page(&blocks, ""), &page(&wrapped, "x"));
        prop_assert_eq!(found.len(), 1, "{:#?}", found);
        prop_assert_eq!(found[0].class, Class::Markup);
    }

    #[test]
    fn pages_that_say_different_things_are_never_equal(one in blocks(), other in blocks()) {
        let (one, other) = (page(&one, ""), page(&other, ""));
        prop_assume!(one != other);
        let found = between_pages(&one, &other);
        prop_assert!(!found.is_empty());
        prop_assert!(found.iter().all(|difference| difference.place.as_str() != "body"), "{:#?}", found);
    }
}
