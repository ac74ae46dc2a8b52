//! A route as a person writes it: `GET /orders/{id}`, `/files/*`. It matches segment by segment.

/// How one segment is matched.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Segment {
    Word(String),
    /// One segment, whatever it is.
    Any,
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
        let path = path.strip_suffix("(.:format)").unwrap_or(path);
        let segments: Vec<Segment> = path[1..].split('/').map(segment).collect();
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
        for segment in &self.segments {
            match segment {
                Segment::Rest => return true,
                Segment::Any => {
                    if given.next().is_none_or(str::is_empty) {
                        return false;
                    }
                }
                Segment::Word(word) => {
                    if given.next() != Some(word) {
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
                Segment::Any => 2,
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

fn segment(text: &str) -> Segment {
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
