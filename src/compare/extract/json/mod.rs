//! JSON as a tree. Numbers keep their text, which a parser into numbers would lose; a body that was cut keeps all that
//! came before; names that come twice stay two.

mod parser;
mod strings;
#[cfg(test)]
mod tests;

use super::{
    Limits,
    place::{PlaceId, Step},
    tree::{Builder, Class, NodeKind, Stop},
};
use parser::{Owner, Parser};

/// A text that is JSON, and what it is in the tree.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Json<'a> {
    pub(crate) place: PlaceId,
    pub(crate) class: Class,
    pub(crate) key: u64,
    pub(crate) text: &'a str,
    /// The text's end was cut off.
    pub(crate) is_cut: bool,
}

/// Adds a JSON text. Where it isn't JSON nothing is added; where the tree is full, or the text was cut, what was read
/// until then is.
pub(crate) fn json(builder: &mut Builder, json: &Json<'_>, limits: &Limits) -> Result<(), Stop> {
    let before = builder.len();
    let mut parser = Parser::new(builder, json, limits);
    let result = parser.only_value(json);
    match result {
        Ok(()) | Err(Stop::Full) => result,
        Err(Stop::End) if json.is_cut => result,
        Err(stop) => {
            builder.take_back(before);
            Err(stop)
        }
    }
}

/// Adds a list of JSON texts, one a line.
pub(crate) fn lines(builder: &mut Builder, json: &Json<'_>, limits: &Limits) -> Result<(), Stop> {
    let before = builder.len();
    let root = builder.open(NodeKind::Array, json.place, json.class, json.key);
    let place = builder.below(json.place, Step::Items);
    let mut parser = Parser::new(builder, json, limits);
    let mut result = Ok(());
    loop {
        parser.skip_space();
        if parser.at == parser.bytes.len() {
            break;
        }
        result = parser.value(place, Owner::Array);
        if result.is_err() {
            break;
        }
    }
    let result = builder.close_read(root, json.is_cut, result);
    match result {
        Err(Stop::End) if json.is_cut => result,
        Err(stop @ (Stop::Broken | Stop::End)) => {
            builder.take_back(before);
            Err(stop)
        }
        _ => result,
    }
}
