//! Tables of a page: a first row of headings names the columns, other rows are rows.

use super::{
    super::{
        hash::{hash_of, mix},
        place::{Step, cut},
        tokens::Tokens,
        tree::{Class, NodeKind},
        value::Scalar,
    },
    page::{Element, HEADING, Page},
    tag::Tag,
};

/// A table that is open.
#[derive(Default)]
pub(super) struct Table {
    pub(super) headings: Vec<(u64, String)>,
    pub(super) column: usize,
    pub(super) in_first_row: bool,
    /// The rows' list, from the second row on.
    pub(super) rows: Option<u32>,
    pub(super) has_rows: bool,
    pub(super) first: FirstRow,
}

/// What the first row of a table is made of.
#[derive(Default)]
pub(super) struct FirstRow {
    pub(super) begin: u32,
    pub(super) headings: usize,
    pub(super) cells: usize,
}

impl Page<'_> {
    pub(super) fn table(&mut self, element: &mut Element) {
        element.scope = self.builder.below(element.scope, Step::Word("table"));
        element.text = element.scope;
        element.group = Some(self.group(NodeKind::Table, element.scope, Class::Content, 0));
        self.tables.push(Table::default());
    }

    pub(super) fn row(&mut self, element: &mut Element, tokens: &Tokens<'_>) {
        let Some(table) = self.tables.last_mut() else {
            return;
        };
        table.column = 0;
        table.in_first_row = !table.has_rows;
        table.has_rows = true;
        if table.in_first_row {
            table.first.begin = self.builder.len();
        }
        let kind = if table.headings.is_empty() {
            NodeKind::Flow
        } else {
            NodeKind::Object
        };
        element.scope = self.builder.below(element.scope, Step::Word("tr"));
        element.text = element.scope;
        element.is_fixed = true;
        let key = identity(tokens);
        element.group = Some(self.group(kind, element.scope, Class::Content, key));
    }

    pub(super) fn cell(&mut self, element: &mut Element, tokens: &Tokens<'_>) {
        let Some(table) = self.tables.last_mut() else {
            return;
        };
        let column = table.column;
        let span = tokens
            .attribute("colspan")
            .and_then(|span| span.parse().ok());
        table.column += usize::min(span.unwrap_or(1), 1000).max(1);
        if table.in_first_row {
            table.first.cells += 1;
            table.first.headings += usize::from(element.tag == Tag::HeaderCell);
        }
        let (key, step) = match table.headings.get(column) {
            Some((key, heading)) => (*key, Step::Named("td", heading)),
            None => (0, Step::Word("td")),
        };
        element.scope = self.builder.below(element.scope, step);
        element.text = element.scope;
        element.group = Some(self.group(NodeKind::Flow, element.scope, Class::Content, key));
    }

    /// A first row of headings is the table's columns; a table without one is a list of rows.
    pub(super) fn end_first_row(&mut self, row: u32) {
        let Some(table) = self.tables.last_mut() else {
            return;
        };
        let first = std::mem::take(&mut table.first);
        table.in_first_row = false;
        if first.cells == 0 || first.headings < first.cells {
            return;
        }
        let cells: Vec<u32> = self.builder.tree().children(row).collect();
        let headings = cells.iter().map(|cell| {
            let texts = self.builder.tree().leaves(*cell);
            let texts = texts.filter(|at| {
                self.builder.tree().node(*at).class != Class::Action || {
                    !matches!(
                        self.builder.tree().node(*at).kind,
                        NodeKind::Leaf(Scalar::Url)
                    )
                }
            });
            let texts: Vec<&str> = texts.map(|at| self.builder.tree().text(at)).collect();
            texts.join(" ")
        });
        let headings: Vec<String> = headings.collect();
        self.builder.take_back(first.begin);
        self.cards.forget_from(first.begin);
        let scope = self.scope();
        let columns = self.group(NodeKind::Array, scope, Class::Content, 1);
        let mut known = Vec::with_capacity(headings.len());
        for heading in headings {
            let name = cut(&heading, HEADING).to_owned();
            let doubles = known.iter().filter(|(_, other)| *other == name).count();
            let key = mix(hash_of(heading.as_bytes()), doubles as u64) | 1;
            let place = self.builder.below(scope, Step::Named("th", &name));
            self.leaf(place, Class::Content, key, Scalar::Text, &heading);
            known.push((key, name));
        }
        self.builder.close(columns);
        let rows = self.group(NodeKind::Array, scope, Class::Content, 2);
        if let Some(table) = self.tables.last_mut() {
            table.headings = known;
            table.rows = Some(rows);
        }
    }

    pub(super) fn end_table(&mut self, group: u32, is_cut: bool) {
        let Some(table) = self.tables.pop() else {
            return;
        };
        match table.rows {
            Some(rows) => {
                if is_cut {
                    self.builder.set_cut(rows);
                }
                self.builder.close(rows);
            }
            None => self.builder.set_kind(group, NodeKind::Array),
        }
    }
}

/// The hash of an element's own id, by which a row is recognised.
pub(super) fn identity(tokens: &Tokens<'_>) -> u64 {
    let id = tokens
        .attribute("id")
        .or_else(|| tokens.attribute("data-id"));
    id.filter(|id| !id.is_empty())
        .map_or(0, |id| hash_of(id.as_bytes()) | 1)
}
