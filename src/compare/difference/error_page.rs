//! Tells error pages apart by what they say: their title, the class of an exception, their first line.

use crate::compare::extract::{Extract, NodeKind, Tree, cut, mask_text};

const LONGEST: usize = 120;
/// Members in which errors tell what they are.
const TELLING: &[&str] = &[
    "exception",
    "error",
    "code",
    "type",
    "title",
    "message",
    "detail",
    "errors",
    "reason",
    "description",
];

/// What an error page says, masked: the same error has the same fingerprint on every route.
pub(crate) fn fingerprint(extract: &Extract) -> String {
    let Some(root) = extract.parts().body else {
        return "no text".to_owned();
    };
    let tree = extract.tree();
    let mut parts = telling(tree, root);
    if parts.is_empty() {
        let leaves = tree.leaves(root).map(|at| tree.text(at));
        let first = leaves.filter(|text| text.trim().len() > 3).take(2);
        parts.extend(first.filter_map(line));
    }
    if let Some(exception) = exception(tree, root)
        && !parts.iter().any(|part| part.contains(&exception))
    {
        parts.push(exception);
    }
    parts.dedup();
    parts.join(" | ")
}

/// The members that tell what the error is.
fn telling(tree: &Tree, root: u32) -> Vec<String> {
    let leaves = tree.leaves(root).take(200);
    let named = leaves.filter(|at| {
        let place = tree.place(*at).as_str();
        let name = place.rsplit(['.', ']']).next().unwrap_or_default();
        place.starts_with('$') && TELLING.contains(&name)
    });
    named.take(3).filter_map(|at| line(tree.text(at))).collect()
}

/// The first line of a text, masked.
fn line(text: &str) -> Option<String> {
    let line = text.lines().map(str::trim).find(|line| !line.is_empty())?;
    Some(mask_text(cut(line, LONGEST)))
}

/// The class of an exception in the first texts: `NoMethodError`, `django.db.utils.OperationalError`.
fn exception(tree: &Tree, root: u32) -> Option<String> {
    let is_leaf = |at: &u32| matches!(tree.node(*at).kind, NodeKind::Leaf(_));
    let texts = tree
        .leaves(root)
        .filter(is_leaf)
        .take(60)
        .map(|at| cut(tree.text(at), 2000));
    texts
        .flat_map(|text| {
            text.split(|c: char| !c.is_alphanumeric() && c != '.' && c != ':' && c != '_')
        })
        .map(|word| word.trim_matches(['.', ':']))
        .find(|word| {
            let ends = word.ends_with("Error") || word.ends_with("Exception");
            ends && word.len() > 9
                && word.len() < LONGEST
                && word.bytes().any(|c| c.is_ascii_lowercase())
        })
        .map(str::to_owned)
}
