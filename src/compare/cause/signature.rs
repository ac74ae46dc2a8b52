//! The signature of a difference: kind, transformation, leaf. The same on two routes is one cause, and it is the same in
//! each run and on each machine.

use crate::compare::{
    difference::Kind,
    extract::{Class, hash::hash_of, mask_text},
    learn::cell::Cell,
    rules::Part,
};

/// What kind of thing a cause is about; only what is of one family can be one cause.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Family {
    Status,
    Redirect,
    Head,
    Cookie,
    /// JSON and what else has named parts.
    Data,
    /// What a page says and offers.
    Page,
    /// What a page offers in addition.
    PageAddition,
    Markup,
}

impl Family {
    pub(crate) fn of(cell: &Cell) -> Self {
        match cell.class {
            Class::Status => Self::Status,
            Class::Redirect => Self::Redirect,
            Class::ContentType | Class::Header | Class::SecurityHeader | Class::DerivedHeader => {
                Self::Head
            }
            Class::Cookie => Self::Cookie,
            Class::Markup => Self::Markup,
            Class::Content | Class::Action | Class::Whole => {
                if is_data(&cell.place) {
                    Self::Data
                } else if cell.key.kind == Kind::Extra {
                    Self::PageAddition
                } else {
                    Self::Page
                }
            }
        }
    }
}

/// Places of stylesheets and scripts that are files.
fn is_asset(place: &str) -> bool {
    !place.starts_with("markup")
}

/// A place of a page without the id that it is below, where what is left names a control: `form[] submit[save]` of
/// `#order_7 form[] submit[save]`.
pub(crate) fn without_anchor(place: &str) -> Option<&str> {
    let (_, rest) = place.strip_prefix('#')?.split_once(' ')?;
    let names_control = rest.contains('[') && !rest.ends_with("[]") && !rest.contains("[]@");
    names_control.then_some(rest)
}

/// Places of JSON begin so; those of CSV and of whole bodies have names, too.
fn is_data(place: &str) -> bool {
    place.starts_with('$')
        || place.starts_with("csv")
        || place.starts_with("body")
        || place == "script"
        || place.starts_with("script [")
}

/// What a serializer does to all values of a type, whatever they are called.
const OF_ALL_LEAVES: [&str; 8] = [
    "time format",
    "time shifted",
    "entity-escaped",
    "entities decoded",
    "mojibake",
    "origin replaced",
    "form of a boolean",
    "unicode normalization",
];

/// The signature as text.
pub(crate) fn signature(cell: &Cell) -> String {
    let (kind, change) = (cell.key.kind, &cell.key.change);
    match Family::of(cell) {
        // An asset is a file of its own: what changed in one has nothing to do with others.
        Family::Markup if is_asset(&cell.place) => format!("asset|{}", cell.place),
        Family::Markup => "markup".to_owned(),
        Family::PageAddition => "page|extra".to_owned(),
        Family::Status => format!("status|{change}"),
        family => {
            let of_all = OF_ALL_LEAVES.iter().any(|name| change.starts_with(name));
            let is_time = cell.distances.count > 0 && change.starts_with("precision");
            let leaf = if of_all || is_time {
                "*"
            } else if family == Family::Data && change != "other value" {
                leaf(&cell.place)
            } else if family == Family::Page {
                field(&cell.place).unwrap_or(&cell.place)
            } else {
                &cell.place
            };
            // Lines of scripts have no names: two that are gone from two scripts are one only where they say the same.
            let line = match &cell.example.primary {
                Some(line) if cell.place == "script" => format!("|{}", mask_text(line)),
                _ => String::new(),
            };
            format!("{kind}|{change}|{leaf}{line}")
        }
    }
}

/// What a rule for a cause knows a cell by: its signature, but where that puts together whatever is new in pages. A rule for
/// one addition is for no other.
pub(crate) fn part(cell: &Cell) -> Part {
    let mut text = signature(cell);
    if Family::of(cell) == Family::PageAddition {
        text = format!("{text}|{}|{}", cell.key.change, cell.place);
    }
    Part::of_hash(hash_of(text.as_bytes()))
}

/// The id of a cause.
pub(crate) fn id(signature: &str) -> String {
    format!("c-{:08x}", hash_of(signature.as_bytes()) >> 32)
}

/// The name that people call a place by: its last part.
pub(crate) fn leaf(place: &str) -> &str {
    if !place.starts_with('$') {
        return place;
    }
    let name = place.trim_end_matches("[]");
    let name = name.rsplit('.').next().unwrap_or(name);
    if name == "$" { place } else { name }
}

/// The field of a form by its name, `input[utf8]`: what happens to it in all forms is one cause.
fn field(place: &str) -> Option<&str> {
    let step = place.rsplit(' ').next()?;
    let (element, name) = step.split_once('[')?;
    let is_field = matches!(
        element,
        "input" | "select" | "submit" | "textarea" | "button"
    );
    (is_field && !name.starts_with([']', '/'])).then_some(step)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_leaf_is_called_by_its_last_name() {
        assert_eq!(leaf("$.items[].price"), "price");
        assert_eq!(leaf("$.items[]"), "items");
        assert_eq!(leaf("$[].id"), "id");
        assert_eq!(leaf("$"), "$");
        assert_eq!(leaf("header vary"), "header vary");
    }

    #[test]
    fn a_control_is_known_without_the_id_around_it() {
        assert_eq!(
            without_anchor("#author_form form[] submit[save]"),
            Some("form[] submit[save]")
        );
        assert_eq!(without_anchor("#main text"), None);
        assert_eq!(without_anchor("#main form[] a[]@title"), None);
        assert_eq!(without_anchor("form[] submit[save]"), None);
    }

    #[test]
    fn a_field_is_called_by_its_name_whatever_form_it_is_in() {
        let shop = "#quick-search form[/projects/shop/search] input[utf8]";
        assert_eq!(field(shop), Some("input[utf8]"));
        assert_eq!(
            field("#login-form form[] select[encoding]@value"),
            Some("select[encoding]@value")
        );
        assert_eq!(field("#footer a[/terms]"), None);
        assert_eq!(field("#main form[] input[]"), None);
        assert_eq!(field("#main table td[Name]"), None);
    }

    #[test]
    fn an_id_is_the_same_on_all_machines() {
        assert_eq!(
            id("missing|gone|total"),
            "c-".to_owned() + &id("missing|gone|total")[2..]
        );
        assert_eq!(id("markup").len(), 10);
    }
}
