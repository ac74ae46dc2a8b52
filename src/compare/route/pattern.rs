//! A route as a person writes it: `GET /orders/{id}`, `/files/*`. It matches segment by segment.

/// How one segment is matched.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Segment {
    Word(String),
    /// One segment, whatever it is.
    Any,
    /// One segment with these texts in this order, the first at its beginning and the last at its end: `{name}.{ext}`.
    Like(Vec<String>),
    /// All that follows, also nothing.
    Rest,
}

/// A route that is known by name.
#[derive(Clone, Debug)]
pub(crate) struct Pattern {
    /// None is any method.
    method: Option<String>,
    path: String,
    segments: Vec<Segment>,
    /// Its last segment may have a format behind it: `.json`.
    has_format: bool,
}

impl Pattern {
    /// Reads `METHOD /path` or `/path`; parameters are `{name}`, `:name`, `<type:name>` or `*`.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let mut words = text.split_whitespace();
        let first = words.next()?;
        if first.starts_with('/') {
            return Self::new(None, first);
        }
        let path = words.next()?;
        if is_any_method(first) {
            return Self::new(None, path);
        }
        is_method(first).then(|| Self::new(Some(first), path))?
    }

    pub(crate) fn new(method: Option<&str>, path: &str) -> Option<Self> {
        if !path.starts_with('/') {
            return None;
        }
        // `rails routes` ends each path so.
        let bare = path.strip_suffix("(.:format)");
        let (has_format, path) = (bare.is_some(), bare.unwrap_or(path));
        // Django ends each path with a slash; which of both was asked for says nothing.
        let all = path[1..].strip_suffix('/').unwrap_or(&path[1..]);
        let segments: Vec<Segment> = all.split('/').map(segment).collect();
        let path = format!(
            "/{}",
            path[1..]
                .split('/')
                .map(shown)
                .collect::<Vec<_>>()
                .join("/")
        );
        Some(Self {
            method: method.map(str::to_ascii_uppercase),
            path,
            segments,
            has_format,
        })
    }

    pub(crate) fn method(&self) -> Option<&str> {
        self.method.as_deref()
    }

    /// With its parameters in braces.
    pub(crate) fn path(&self) -> &str {
        &self.path
    }

    pub(crate) fn matches(&self, method: &str, path: &str) -> bool {
        let right_method = self.method.as_deref().is_none_or(|known| known == method);
        right_method && self.matches_path(path)
    }

    fn matches_path(&self, path: &str) -> bool {
        let path = path.strip_prefix('/').unwrap_or(path);
        let path = path.strip_suffix('/').unwrap_or(path);
        let mut given = path.split('/');
        let last = self.segments.len() - 1;
        for (at, segment) in self.segments.iter().enumerate() {
            match segment {
                Segment::Rest => return true,
                Segment::Any => {
                    if given.next().is_none_or(str::is_empty) {
                        return false;
                    }
                }
                Segment::Like(texts) => {
                    if !given.next().is_some_and(|given| is_like(texts, given)) {
                        return false;
                    }
                }
                Segment::Word(word) => {
                    let rest = given.next().and_then(|given| given.strip_prefix(&**word));
                    let is_format =
                        |rest: &str| self.has_format && at == last && rest.starts_with('.');
                    if !rest.is_some_and(|rest| rest.is_empty() || is_format(rest)) {
                        return false;
                    }
                }
            }
        }
        given.next().is_none()
    }

    /// How much of it is words: the more, the earlier it is tried.
    pub(crate) fn weight(&self) -> usize {
        self.segments
            .iter()
            .map(|segment| match segment {
                Segment::Word(_) => 3,
                Segment::Any | Segment::Like(_) => 2,
                Segment::Rest => 0,
            })
            .sum()
    }
}

fn is_any_method(word: &str) -> bool {
    word == "*" || word.eq_ignore_ascii_case("any")
}

fn is_method(word: &str) -> bool {
    (3..=10).contains(&word.len()) && word.bytes().all(|c| c.is_ascii_alphabetic())
}

fn is_like(texts: &[String], given: &str) -> bool {
    let [first, middle @ .., last] = texts else {
        return false;
    };
    let Some(mut rest) = given.strip_prefix(&**first) else {
        return false;
    };
    for text in middle {
        // A parameter is not empty.
        let Some(at) = rest
            .char_indices()
            .skip(1)
            .find(|(at, _)| rest[*at..].starts_with(&**text))
        else {
            return false;
        };
        rest = &rest[at.0 + text.len()..];
    }
    rest.len() > last.len() && rest.ends_with(&**last)
}

/// The texts around parameters in a segment: of `{name}.{ext}` these are "", "." and "".
fn texts_around(text: &str) -> Option<Vec<String>> {
    let mut texts = Vec::new();
    let mut rest = text;
    while let Some(begin) = rest.find('{') {
        let end = begin + rest[begin..].find('}')?;
        texts.push(rest[..begin].to_owned());
        rest = &rest[end + 1..];
    }
    texts.push(rest.to_owned());
    (texts.len() > 1).then_some(texts)
}

fn segment(text: &str) -> Segment {
    let is_rest = text.starts_with("<path:")
        || text.ends_with(":path}")
        || text.ends_with("...}")
        || text.starts_with("{*")
        || text.ends_with("*}");
    if is_rest {
        return Segment::Rest;
    }
    if (text.starts_with('{') && text.find('}') != Some(text.len() - 1) || !text.starts_with('{'))
        && let Some(texts) = texts_around(text)
    {
        return Segment::Like(texts);
    }
    let is_parameter = text.starts_with(':')
        || text.starts_with('{') && text.ends_with('}')
        || text.starts_with('<') && text.ends_with('>');
    match text {
        "**" => Segment::Rest,
        _ if text.starts_with('*') && text.len() > 1 => Segment::Rest,
        "*" => Segment::Any,
        _ if is_parameter => Segment::Any,
        _ => Segment::Word(text.to_owned()),
    }
}

/// A parameter in braces, whatever it was written in.
fn shown(text: &str) -> String {
    if let Some(name) = text.strip_prefix(':') {
        return format!("{{{name}}}");
    }
    if let Some(name) = text
        .strip_prefix('<')
        .and_then(|name| name.strip_suffix('>'))
    {
        let name = name.rsplit(':').next().unwrap_or(name);
        return format!("{{{name}}}");
    }
    match text {
        "*" => "{any}".to_owned(),
        _ => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_matches_by_method_and_segment() {
        let pattern = Pattern::parse("GET /orders/{id}/items").unwrap();
        assert!(pattern.matches("GET", "/orders/7/items"));
        assert!(pattern.matches("GET", "/orders/7/items/"));
        assert!(!pattern.matches("POST", "/orders/7/items"));
        assert!(!pattern.matches("GET", "/orders/7"));
        assert!(!pattern.matches("GET", "/orders//items"));
        assert!(
            Pattern::parse("/files/**")
                .unwrap()
                .matches("PUT", "/files/a/b/c")
        );
        assert!(Pattern::parse("/").unwrap().matches("GET", "/"));
    }

    #[test]
    fn formats_slashes_and_parts_of_segments_match() {
        for (pattern, path, expected) in [
            ("GET /orders(.:format)", "/orders.json", true),
            ("GET /orders(.:format)", "/ordersx", false),
            ("GET /orders/:id(.:format)", "/orders/7.json", true),
            ("GET /orders", "/orders.json", false),
            ("GET /admin/", "/admin", true),
            ("GET /admin/", "/admin/", true),
            ("GET /files/{name}.{ext}", "/files/a.b.txt", true),
            ("GET /files/{name}.{ext}", "/files/a", false),
            ("GET /files/{name}.{ext}", "/files/.txt", false),
            ("GET /@{user}", "/@me", true),
            ("GET /@{user}", "/me", false),
            ("GET /static/<path:name>", "/static/a/b", true),
            ("GET /", "/", true),
        ] {
            let pattern = Pattern::parse(pattern).unwrap();
            assert_eq!(pattern.matches("GET", path), expected, "{pattern:?} {path}");
        }
    }

    #[test]
    fn parameters_of_rails_flask_and_django_read_alike() {
        for text in [
            "GET /u/:name(.:format)",
            "GET /u/<name>",
            "GET /u/<str:name>",
            "get /u/{name}",
        ] {
            assert_eq!(Pattern::parse(text).unwrap().path(), "/u/{name}", "{text}");
        }
    }

    #[test]
    fn what_is_no_pattern_is_refused() {
        for text in ["", "GET", "GET orders", "G3T /a"] {
            assert!(Pattern::parse(text).is_none(), "{text}");
        }
    }
}
