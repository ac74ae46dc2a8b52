//! Regions of a page: what changes while it is open. The page's script asks for the same address with a header, gets them
//! by their ids, and puts them in the place of those that differ. What a person may have under the hand (forms, what was
//! opened) stands in no region.

use std::cell::RefCell;

use http::HeaderMap;
use maud::{Markup, html};

use super::text::visible;

/// Whoever sends this wants regions only. No form and no link can.
const HEADER: &str = "x-shadowtee-live";

/// The regions of one page.
#[derive(Default)]
pub(super) struct Regions(RefCell<Vec<(String, String)>>);

impl Regions {
    /// Makes this a region of the page, with an id that stays the same as long as it is about the same thing.
    pub(super) fn region(&self, id: &str, inner: Markup) -> Markup {
        let inner = visible(inner.into_string());
        let placed = html! { div id=(id) data-region { (maud::PreEscaped(&inner)) } };
        self.0.borrow_mut().push((id.to_owned(), inner));
        placed
    }

    pub(super) fn are_asked_for(headers: &HeaderMap) -> bool {
        headers.contains_key(HEADER)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.borrow().is_empty()
    }

    /// Each region's text by its id.
    pub(super) fn json(&self) -> String {
        let regions = self.0.borrow();
        let map = regions
            .iter()
            .map(|(id, inner)| (id.clone(), inner.as_str().into()))
            .collect::<serde_json::Map<_, _>>();
        serde_json::Value::Object(map).to_string()
    }
}
