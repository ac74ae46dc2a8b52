//! What a JSON text gives out: ids by the names of their members, tokens, links.

use serde_json::Value;

use super::{
    super::{
        address::{Address, field_of, resolved},
        ids::Scope,
        values::{is_opaque, is_token, names_id, names_token},
    },
    Field, Found, Kind, MOST, Origin, has_parts,
};

/// Members that only wrap others.
const WRAPPERS: &[&str] = &[
    "data",
    "attributes",
    "result",
    "results",
    "items",
    "records",
    "record",
    "payload",
    "response",
    "object",
    "objects",
    "rows",
    "row",
    "list",
    "content",
    "variables",
    "input",
    "params",
    "body",
    "_embedded",
    "edges",
    "node",
    "nodes",
    "entities",
];

pub(super) fn found(origin: Origin<'_>, bytes: &[u8]) -> Vec<Found> {
    let Ok(value) = serde_json::from_slice::<Value>(bytes) else {
        return Vec::new();
    };
    let mut walk = Walk {
        origin,
        collection: origin.collection(),
        place: Vec::new(),
        found: Vec::new(),
    };
    walk.value(&value, "");
    walk.found
}

struct Walk<'a, 'b> {
    origin: Origin<'a>,
    collection: Scope,
    place: Vec<&'b str>,
    found: Vec<Found>,
}

impl<'b> Walk<'_, 'b> {
    fn value(&mut self, value: &'b Value, row: &str) {
        if self.found.len() >= MOST {
            return;
        }
        match value {
            Value::Object(members) => {
                for (name, member) in members {
                    self.place.push(name);
                    self.value(member, row);
                    self.place.pop();
                }
            }
            Value::Array(elements) => {
                self.place.push("[]");
                for element in elements {
                    let mut says = row.to_owned();
                    says_of(element, &mut says);
                    self.value(element, &says);
                }
                self.place.pop();
            }
            Value::String(text) => self.scalar(text, row),
            Value::Number(number) => self.scalar(&number.to_string(), row),
            Value::Bool(_) | Value::Null => {}
        }
    }

    fn scalar(&mut self, text: &str, row: &str) {
        let name = self.name();
        let kind = if is_token(text) || names_token(name) && text.len() >= 8 {
            Kind::Token(names_token(name).then(|| Field {
                name: name.to_owned(),
                form: String::new(),
            }))
        } else if names_id(name) && is_short_id(text) {
            Kind::Id(scope(&self.place, &self.collection))
        } else if text.starts_with('/') || text.starts_with("http") {
            let Some(link) = resolved(text, self.origin.target, self.origin.host) else {
                return;
            };
            let address = Address::of(&link);
            if !has_parts(&address) {
                return;
            }
            let mut place = self.place.clone();
            place.push(&address.skeleton);
            let found = self.origin.found(&place, row, Kind::Link, &link);
            return self.found.push(found);
        } else {
            return;
        };
        let found = self.origin.found(&self.place, row, kind, text);
        self.found.push(found);
    }

    /// The member that the value is of, or is in a list of.
    fn name(&self) -> &'b str {
        let mut names = self.place.iter().rev();
        names.find(|name| **name != "[]").copied().unwrap_or("")
    }
}

fn is_short_id(text: &str) -> bool {
    text.len() <= 20
        && text.bytes().any(|c| c.is_ascii_digit())
        && text
            .bytes()
            .all(|c| c.is_ascii_alphanumeric() || matches!(c, b'-' | b'_'))
}

/// What a member at this place is an id of.
pub(in super::super) fn scope(place: &[&str], collection: &Scope) -> Scope {
    let mut names = place
        .iter()
        .rev()
        .filter(|name| **name != "[]" && !WRAPPERS.contains(name));
    let name = names.next().copied().unwrap_or("id");
    match field_of(name, "") {
        Scope::Field(field) => Scope::Field(field),
        Scope::Path(_) => match names.next() {
            Some(above) => Scope::Field((*above).to_owned()),
            None => collection.clone(),
        },
    }
}

/// What an element of a list says, beside its ids, tokens and links.
fn says_of(value: &Value, says: &mut String) {
    const LONGEST: usize = 1_000;
    if says.len() > LONGEST {
        return;
    }
    match value {
        Value::Object(members) => {
            for (name, member) in members {
                let is_scalar = !member.is_object() && !member.is_array();
                if is_scalar && (names_id(name) || names_token(name) || names_time(name)) {
                    continue;
                }
                says.push_str(name);
                says_of(member, says);
            }
        }
        Value::Array(elements) => {
            for element in elements {
                says_of(element, says);
            }
        }
        Value::String(text) => {
            let is_data = is_opaque(text)
                || text.starts_with('/')
                || text.starts_with("http")
                || crate::compare::time_of(text).is_some();
            if !is_data {
                says.push_str(text);
            }
        }
        Value::Number(number) => says.push_str(&number.to_string()),
        Value::Bool(is) => says.push(if *is { 't' } else { 'f' }),
        Value::Null => {}
    }
}

fn names_time(name: &str) -> bool {
    ["_at", "At", "time", "date"]
        .iter()
        .any(|ending| name.ends_with(ending))
}
