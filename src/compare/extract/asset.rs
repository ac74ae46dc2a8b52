//! Stylesheets and scripts that are files: a list of lines. How a page looks is markup, and a file is one thing, whatever
//! changed in it.

use super::{
    mask::mask_path,
    media::Media,
    place::cut,
    tree::{Builder, Class, NewLeaf, NodeKind, Stop},
    url::mask_asset,
    value::Scalar,
};

/// Characters of a path in a place.
const PATH: usize = 120;
/// What the name of a file of JavaScript ends with. A script of any other name is made by the application.
const ENDINGS: [&str; 3] = [".js", ".mjs", ".cjs"];

/// What a file is called, without the fingerprint in its name.
pub(crate) fn name_of(media: Media, target: &[u8]) -> Option<String> {
    let target = String::from_utf8_lossy(target);
    let path = target.split(['?', '#']).next().unwrap_or_default();
    let word = match media {
        Media::Style => "stylesheet",
        Media::Script if ENDINGS.iter().any(|ending| path.ends_with(ending)) => "script",
        _ => return None,
    };
    let path = mask_asset(path).unwrap_or_else(|| mask_path(path));
    Some(format!("{word} {}", cut(&path, PATH)))
}

/// Adds a file, line by line. Only the file as a whole has a place of its own.
pub(crate) fn asset(
    builder: &mut Builder,
    text: &str,
    name: &str,
    is_cut: bool,
) -> Result<(), Stop> {
    let place = builder.root(name);
    let line_place = builder.root("line");
    let root = builder.open(NodeKind::Flow, place, Class::Markup, 0);
    let mut result = Ok(());
    let lines = text.lines().map(str::trim);
    for line in lines.filter(|line| !line.is_empty()) {
        let leaf = NewLeaf {
            place: line_place,
            class: Class::Markup,
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_called_by_its_path_without_a_fingerprint() {
        let name = |media, target: &str| name_of(media, target.as_bytes());
        assert_eq!(
            name(Media::Style, "/static/base.css?v=3").as_deref(),
            Some("stylesheet /static/base.css")
        );
        assert_eq!(
            name(Media::Script, "/assets/app-3f2a9c1b7d.js"),
            name(Media::Script, "/assets/app-8b7d3f2a9c.js")
        );
        assert_eq!(name(Media::Script, "/admin/jsi18n/"), None);
    }
}
