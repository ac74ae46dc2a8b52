//! CSV and TSV as a table: columns by their names, rows of cells. The delimiter is found in the first line.

use std::borrow::Cow;

use super::{
    hash::{hash_of, mix},
    place::{PlaceId, Step, cut},
    tree::{Builder, Class, NewLeaf, NodeKind, Stop},
    value::{Scalar, is_number},
};

/// Characters of a column's name in a place.
const NAME: usize = 60;
/// Columns of a table; what a row has beyond is one cell.
const COLUMNS: usize = 1000;

/// Adds a text with a delimiter, or nothing where it isn't a table.
pub(crate) fn csv(builder: &mut Builder, text: &str, tabs: bool, is_cut: bool) -> Result<(), Stop> {
    let delimiter = if tabs { b'\t' } else { delimiter(text) };
    let mut records = Records {
        text,
        at: 0,
        delimiter,
        is_cut,
    };
    let Some(first) = records.next() else {
        return Err(Stop::Broken);
    };
    let has_names = has_names(&first);
    if !has_names && first.len() < 2 {
        return Err(Stop::Broken);
    }
    let place = builder.root("csv");
    let root = builder.open(NodeKind::Table, place, Class::Content, 0);
    let columns = Columns::add(builder, place, &first, has_names);
    let result = rows(
        builder,
        place,
        &columns,
        (!has_names).then_some(first),
        &mut records,
        is_cut,
    );
    builder.close(root);
    result
}

/// The delimiter that stands most often in the first line, outside of quotes.
fn delimiter(text: &str) -> u8 {
    let line = text.lines().next().unwrap_or_default();
    let mut in_quotes = false;
    let mut counts = [0_usize; 4];
    for byte in line.bytes() {
        in_quotes ^= byte == b'"';
        if let Some(at) = b",;\t|"
            .iter()
            .position(|known| *known == byte && !in_quotes)
        {
            counts[at] += 1;
        }
    }
    let most = (0..4).rev().max_by_key(|at| counts[*at]).unwrap_or(0);
    b",;\t|"[most]
}

/// A first line names columns where it holds no number and no name twice.
fn has_names(first: &[Cow<'_, str>]) -> bool {
    let mut names: Vec<&str> = first.iter().map(|name| &**name).collect();
    names.sort_unstable();
    let is_name = |name: &&str| !name.is_empty() && !is_number(name);
    names.windows(2).all(|two| two[0] != two[1])
        && names.iter().filter(|name| is_name(name)).count() * 2 > names.len()
        && !names.iter().any(|name| is_number(name))
}

/// The columns of a table, with the place of their cells.
struct Columns {
    cells: Vec<(u64, PlaceId)>,
}

impl Columns {
    fn add(builder: &mut Builder, place: PlaceId, first: &[Cow<'_, str>], has_names: bool) -> Self {
        let list = builder.open(NodeKind::Array, place, Class::Content, 1);
        let mut cells = Vec::new();
        for (number, cell) in first.iter().enumerate().take(COLUMNS) {
            let (name, key) = if has_names {
                (Cow::Borrowed(cut(cell, NAME)), hash_of(cell.as_bytes()))
            } else {
                // Without names a column is where it stands.
                let number = (number + 1).to_string();
                let key = hash_of(number.as_bytes());
                (Cow::Owned(number), key)
            };
            let below = builder.below(place, Step::Word(&format!("[{name}]")));
            builder.leaf(NewLeaf {
                place: below,
                class: Class::Content,
                key: key | 1,
                scalar: Scalar::Text,
                text: &name,
            });
            cells.push((key | 1, below));
        }
        builder.close(list);
        Self { cells }
    }
}

fn rows<'a>(
    builder: &mut Builder,
    place: PlaceId,
    columns: &Columns,
    first: Option<Vec<Cow<'a, str>>>,
    records: &mut Records<'a>,
    is_cut: bool,
) -> Result<(), Stop> {
    let place = builder.below(place, Step::Word("rows"));
    let rows = builder.open(NodeKind::Array, place, Class::Content, 2);
    let beyond = builder.below(place, Step::Word("beyond"));
    let mut result = Ok(());
    for record in first.into_iter().chain(records) {
        if builder.is_full() {
            result = Err(Stop::Full);
            break;
        }
        let row = builder.open(NodeKind::Object, place, Class::Content, 0);
        for (number, cell) in record.iter().enumerate() {
            let (key, place) = match columns.cells.get(number) {
                Some((key, place)) => (*key, *place),
                None => (mix(2, number as u64), beyond),
            };
            builder.leaf(NewLeaf {
                place,
                class: Class::Content,
                key,
                scalar: Scalar::Text,
                text: cell,
            });
        }
        builder.close(row);
    }
    if is_cut || result.is_err() {
        builder.set_cut(rows);
    }
    builder.close(rows);
    result
}

/// The records of a text; the last one is left out where the text was cut.
struct Records<'a> {
    text: &'a str,
    at: usize,
    delimiter: u8,
    is_cut: bool,
}

impl<'a> Records<'a> {
    /// One cell, and whether it is the last of its record.
    fn cell(&mut self) -> (Cow<'a, str>, bool) {
        let bytes = self.text.as_bytes();
        let mut begin = self.at;
        let mut quoted = String::new();
        if bytes.get(begin) == Some(&b'"') {
            begin = self.quoted(&mut quoted);
        }
        let rest = &bytes[begin..];
        let is_end = |byte: &u8| *byte == self.delimiter || *byte == b'\n';
        let length = rest.iter().position(is_end).unwrap_or(rest.len());
        let tail = &self.text[begin..begin + length];
        let is_last = rest.get(length) != Some(&self.delimiter);
        self.at = (begin + length + 1).min(bytes.len());
        let tail = if is_last {
            tail.strip_suffix('\r').unwrap_or(tail)
        } else {
            tail
        };
        let cell = if quoted.is_empty() {
            Cow::Borrowed(tail)
        } else {
            Cow::Owned(quoted + tail)
        };
        (cell, is_last)
    }

    /// Takes what is between quotes; where the cell goes on.
    fn quoted(&self, cell: &mut String) -> usize {
        let mut at = self.at + 1;
        loop {
            let rest = &self.text[at..];
            let Some(length) = memchr::memchr(b'"', rest.as_bytes()) else {
                cell.push_str(rest);
                return self.text.len();
            };
            cell.push_str(&rest[..length]);
            at += length + 1;
            if self.text.as_bytes().get(at) != Some(&b'"') {
                return at;
            }
            cell.push('"');
            at += 1;
        }
    }
}

impl<'a> Iterator for Records<'a> {
    type Item = Vec<Cow<'a, str>>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.at >= self.text.len() {
            return None;
        }
        let mut cells = Vec::new();
        loop {
            let (cell, is_last) = self.cell();
            if cells.len() < 2 * COLUMNS {
                cells.push(cell);
            }
            if is_last {
                break;
            }
            if self.at >= self.text.len() {
                cells.push(Cow::Borrowed(""));
                break;
            }
        }
        let is_whole = !self.is_cut || self.at < self.text.len();
        is_whole.then_some(cells)
    }
}

#[cfg(test)]
mod tests {
    use crate::compare::kit::{of_type, shown, values};

    const TABLE: &str = "#,Project,Status,Subject,Updated\r\n\
        1407,Shop,New,\"Cart, total \"\"wrong\"\"\",2024-03-05 14:22\r\n\
        1403,Shop,Assigned,Gift cards,2024-03-04 09:10\r\n\
        1399,Shop,New,\"Slow\nsearch\",2024-03-01 11:45\r\n";

    fn with(change: impl Fn(&str) -> String) -> Vec<String> {
        shown(
            &of_type("text/csv", TABLE),
            &of_type("text/csv", change(TABLE)),
        )
    }

    #[test]
    fn cells_stand_at_the_names_of_their_columns() {
        let leaves = of_type("text/csv; header=present", TABLE).leaves();
        assert!(
            leaves.contains(&"csv [Subject] = Cart, total \"wrong\"".to_owned()),
            "{leaves:?}"
        );
        assert!(leaves.contains(&"csv [Subject] = Slow\nsearch".to_owned()));
    }

    #[test]
    fn one_change_is_one_difference() {
        assert_eq!(
            with(|table| table.replace("Gift cards", "Gift")),
            ["value csv [Subject]: suffix gone"]
        );
        assert_eq!(
            with(|table| table.replace("1403,Shop,Assigned,Gift cards,2024-03-04 09:10\r\n", "")),
            ["items csv rows: fewer items"]
        );
        let (one, other) = (
            "1403,Shop,Assigned,Gift cards,2024-03-04 09:10\r\n",
            "1407,Shop,New,\"Cart, total \"\"wrong\"\"\",2024-03-05 14:22\r\n",
        );
        assert_eq!(
            with(|table| table
                .replace(one, "")
                .replace(other, &format!("{one}{other}"))),
            ["order csv rows: reordered"]
        );
        assert_eq!(
            with(|table| table.replace("14:22", "16:22").replace("09:10", "11:10")),
            [
                "value csv [Updated]: time shifted by minutes: +120",
                "value csv [Updated]: time shifted by minutes: +120"
            ]
        );
        assert_eq!(
            with(|table| table.replace("\r\n", "\n")),
            <[&str; 0]>::default()
        );
    }

    #[test]
    fn a_new_column_shifts_nothing() {
        let more = |table: &str| {
            table
                .replace(",Status,", ",Tracker,Status,")
                .replace(",Shop,", ",Shop,Bug,")
        };
        assert_eq!(with(more), ["extra csv [Tracker]: added"]);
        let less = |table: &str| table.replace(",Project", "").replace(",Shop", "");
        assert_eq!(with(less), ["missing csv [Project]: gone"]);
        assert_eq!(
            with(|table| table.replace("Subject", "Title")),
            ["missing csv [Subject]: renamed to Title"]
        );
        let moved = |table: &str| {
            table
                .replace("#,Project", "Project,#")
                .replace("1407,Shop", "Shop,1407")
                .replace("1403,Shop", "Shop,1403")
                .replace("1399,Shop", "Shop,1399")
        };
        assert_eq!(with(moved), ["order csv: reordered"]);
    }

    #[test]
    fn tables_without_names_and_with_other_delimiters_are_tables() {
        let one = of_type("text/csv", "1;2;3\n4;5;6\n");
        assert_eq!(
            shown(&one, &of_type("text/csv", "1;2;3\n4;50;6\n")),
            ["value csv [2]: factor 10"]
        );
        assert_eq!(
            shown(
                &of_type("text/tab-separated-values", "a\tb\nx\ty\n"),
                &of_type("text/tab-separated-values", "a\tb\nx\tz\n")
            ),
            ["value csv [b]: other value"]
        );
    }

    #[test]
    fn a_table_that_is_cut_is_compared_up_to_the_cut() {
        let cut = |table: &str, length: usize| of_type("text/csv", table).cut(length);
        let other = TABLE.replace("Assigned", "Closed");
        assert_eq!(values(&cut(TABLE, 150), &cut(&other, 150)).0, "Assigned");
    }
}
