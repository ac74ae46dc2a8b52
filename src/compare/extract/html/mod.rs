//! HTML as a person sees it. What is read and done on a page (texts, rows, links, forms and their fields) is a flow of
//! leaves and groups; how the page is built and looks is a hash beside each of them, so that an upgrade that changes markup
//! everywhere changes one thing. There is no tree of elements: wrappers vanish.

mod cards;
mod dress;
mod fields;
mod head;
mod page;
mod parts;
mod table;
mod tag;
#[cfg(test)]
mod tests;
mod texts;

use super::{
    Limits,
    tree::{Builder, Class, NodeKind, Stop},
};

pub(crate) use fields::is_token;

/// Adds a page. `host` is what the request was sent to.
pub(crate) fn html(
    builder: &mut Builder,
    text: &str,
    host: &[u8],
    is_cut: bool,
    limits: &Limits,
) -> Result<(), Stop> {
    let place = builder.root("page");
    let root = builder.open(NodeKind::Flow, place, Class::Content, 0);
    let result = page::Page::new(builder, host, limits).read(root, text, is_cut);
    builder.close_read(root, is_cut, result)
}
