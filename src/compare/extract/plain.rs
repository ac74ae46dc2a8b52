//! Plain text: a list of lines. A line with another of the same skeleton is compared by its parts when two are compared.

use super::{
    place::{PlaceId, Step, cut},
    tree::{Builder, Class, NewLeaf, NodeKind, Stop},
    value::Scalar,
};

/// Characters of a label in a place.
const LABEL: usize = 40;

/// Adds a text, line by line. Lines that begin with a label (`name: value`, `name=value`) have a place of their own.
pub(crate) fn plain(
    builder: &mut Builder,
    text: &str,
    name: &str,
    is_cut: bool,
) -> Result<(), Stop> {
    let place = builder.root(name);
    let root = builder.open(NodeKind::Flow, place, Class::Content, 0);
    let mut result = Ok(());
    let mut lines = text.lines().peekable();
    while let Some(line) = lines.next() {
        if is_cut && lines.peek().is_none() {
            break;
        }
        let line = line.trim_end();
        if line.is_empty() {
            continue;
        }
        let place = labelled(builder, place, line);
        let leaf = NewLeaf {
            place,
            class: Class::Content,
            key: 0,
            scalar: Scalar::Text,
            text: line,
        };
        if builder.leaf(leaf).is_none() {
            result = Err(Stop::Full);
            break;
        }
    }
    builder.close_read(root, is_cut, result)
}

fn labelled(builder: &mut Builder, place: PlaceId, line: &str) -> PlaceId {
    let end = line.find([':', '=', ' ', '{', '(']);
    let Some(label) = end.map(|end| &line[..end]) else {
        return place;
    };
    let is_word = |c: char| c.is_alphanumeric() || "_-./".contains(c);
    if label.is_empty()
        || label.len() > LABEL
        || !label.chars().all(is_word)
        || label.starts_with(|c: char| c.is_ascii_digit())
    {
        return place;
    }
    let is_assigned = line[label.len()..].starts_with([':', '=']);
    if !is_assigned {
        return place;
    }
    builder.below(place, Step::Word(&format!("[{}]", cut(label, LABEL))))
}

#[cfg(test)]
mod tests {
    use crate::compare::kit::{of_type, shown, values};

    fn text(body: &str) -> crate::compare::kit::Response {
        of_type("text/plain", body)
    }

    #[test]
    fn lines_are_aligned_and_their_parts_compared() {
        let one = text("User-agent: *\nDisallow: /admin\nDisallow: /cart\n");
        assert_eq!(
            shown(&one, &text("User-agent: *\nDisallow: /admin\n")),
            ["missing text [Disallow]: gone"]
        );
        assert_eq!(
            shown(
                &one,
                &text("User-agent: *\nCrawl-delay: 5\nDisallow: /admin\nDisallow: /cart\n")
            ),
            ["extra text [Crawl-delay]: added"]
        );
        let one = text("OK\nuptime=1234 jobs=7\n");
        let other = text("OK\nuptime=1290 jobs=7\n");
        assert_eq!(shown(&one, &other), ["value text [uptime]: other value"]);
        assert_eq!(values(&one, &other), ("1234".to_owned(), "1290".to_owned()));
        assert_eq!(
            shown(&text("a\r\nb"), &text("a\nb\n")),
            <[&str; 0]>::default()
        );
    }

    #[test]
    fn one_long_line_and_many_short_ones_are_bounded() {
        let long = text(&format!("a{}", "x".repeat(250_000)));
        assert_eq!(
            shown(&long, &text(&format!("a{}", "x".repeat(249_999)))),
            ["value text: suffix gone"]
        );
        let numbers: Vec<String> = (0..60_000).map(|n| n.to_string()).collect();
        let many = numbers.join("\n");
        assert!(!shown(&text(&many), &text(&many.replace("77\n", "7\n"))).is_empty());
    }
}
