//! Stylesheets and scripts that are files: one difference a file, by how many of its lines are on one side only.

use std::collections::HashMap;

use super::{Difference, change::Change, kind::Kind};
use crate::compare::extract::{Class, HashedKeys, NodeKind, Tree, Value};

/// Whether a body is such a file.
pub(super) fn is_asset(tree: &Tree, root: u32) -> bool {
    let node = tree.node(root);
    node.kind == NodeKind::Flow && node.class == Class::Markup
}

/// The difference of two files that are not the same.
pub(super) fn asset(left: (&Tree, u32), right: (&Tree, u32)) -> Difference {
    Difference {
        place: left.0.place(left.1).clone(),
        class: Class::Markup,
        kind: Kind::Value,
        change: Change::Markup,
        primary: Some(only_here(left, right)),
        shadow: Some(only_here(right, left)),
    }
}

/// How many lines the other file hasn't, and the first of them.
fn only_here((tree, root): (&Tree, u32), (other, other_root): (&Tree, u32)) -> Value {
    let mut known: HashMap<u64, usize, HashedKeys> = HashMap::default();
    for line in other.leaves(other_root) {
        *known.entry(other.node(line).hash).or_default() += 1;
    }
    let is_only_here = |line: &u32| match known.get_mut(&tree.node(*line).hash) {
        Some(count) if *count > 0 => {
            *count -= 1;
            false
        }
        _ => true,
    };
    let mut lines = tree.leaves(root).filter(is_only_here);
    let first = lines.next();
    let count = usize::from(first.is_some()) + lines.count();
    let text = match first {
        Some(first) => format!("{count}{ONLY_HERE}, the first: {}", tree.text(first)),
        None => format!("0{ONLY_HERE}"),
    };
    Value::of_part(&text, tree.node(root).hash)
}

const ONLY_HERE: &str = " of the lines only here";

/// What happened to a file in words, by its place and by both values as they are shown.
pub(crate) fn asset_title(place: &str, values: [Option<&str>; 2]) -> Option<String> {
    if !place.starts_with("stylesheet ") && !place.starts_with("script ") {
        return None;
    }
    let lines = |text: &str| text.split_once(ONLY_HERE)?.0.parse::<u64>().ok();
    let most = values.into_iter().flatten().filter_map(lines).max();
    Some(match most {
        None => format!("the {place} changed"),
        Some(0) => format!("the {place} has its lines in another order"),
        Some(1) => format!("the {place} changed on 1 line"),
        Some(most) => format!("the {place} changed on {most} lines"),
    })
}

#[cfg(test)]
mod tests {
    use super::super::super::kit::{of_type, shown, values};
    use super::*;

    #[test]
    fn a_stylesheet_is_one_difference_whatever_changed_in_it() {
        let style = |body: &str| of_type("text/css", body);
        let one = style("@import url(fonts.css);\na { color: #333333 }\nb { x: 1 }\n");
        let other = style("a { color: #747474 }\nb { x: 1 }\nc { y: 2 }\nd { z: 3 }\n");
        assert_eq!(shown(&one, &other), ["value stylesheet /: markup"]);
        let (gone, new) = values(&one, &other);
        assert_eq!(
            gone,
            "2 of the lines only here, the first: @import url(fonts.css);"
        );
        assert_eq!(
            asset_title("stylesheet /a.css", [Some(&gone), Some(&new)]).unwrap(),
            "the stylesheet /a.css changed on 3 lines"
        );
        let spaced = style("@import url(fonts.css);\n\n  a { color: #333333 }\nb { x: 1 }");
        assert_eq!(shown(&one, &spaced), <[&str; 0]>::default());
        let turned = style("b { x: 1 }\na { color: #333333 }\n@import url(fonts.css);\n");
        let (gone, new) = values(&one, &turned);
        assert_eq!(
            asset_title("script /a.js", [Some(&gone), Some(&new)]).unwrap(),
            "the script /a.js has its lines in another order"
        );
        assert_eq!(asset_title("markup", [None, None]), None);
    }

    #[test]
    fn a_script_that_the_application_makes_is_compared_line_by_line() {
        let script = |body: &str| of_type("text/javascript", body);
        assert_eq!(
            shown(
                &script("var user = 1;\nvar rights = [];"),
                &script("var user = 1;")
            ),
            ["missing script: gone"]
        );
    }
}
