//! Long lists in pages.

use std::ops::Range;

use maud::{Markup, html};

use super::query::Query;
use crate::compare::words::number;

/// Where one is in a long list.
pub(super) struct Pager<'a> {
    query: &'a Query,
    /// From zero.
    page: usize,
    all: usize,
    size: usize,
}

impl<'a> Pager<'a> {
    pub(super) fn new(query: &'a Query, all: usize, size: usize) -> Self {
        let last = all.saturating_sub(1) / size;
        Self {
            query,
            page: (query.page() - 1).min(last),
            all,
            size,
        }
    }

    /// How many stand before this page.
    pub(super) fn first(&self) -> usize {
        self.page * self.size
    }

    pub(super) fn range(&self) -> Range<usize> {
        self.first()..self.all.min(self.first() + self.size)
    }

    /// The ways to other pages of the view at `path`.
    pub(super) fn links(&self, path: &str, what: &str) -> Markup {
        let to = |page: usize| self.query.with(path, "page", Some(&(page + 1).to_string()));
        let Range { start, end } = self.range();
        html! {
            @if self.all > self.size {
                nav.pager aria-label={ "Pages of " (what) } {
                    @if self.page > 0 { a href=(to(self.page - 1)) rel="prev" { "Before" } }
                    span { (number(start as u64 + 1)) " to " (number(end as u64)) " of " (number(self.all as u64)) " " (what) }
                    @if end < self.all { a href=(to(self.page + 1)) rel="next" { "Next" } }
                }
            }
        }
    }
}
