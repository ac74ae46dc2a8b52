//! The routes that an application has, as it lists them itself: lines of `METHOD /path/{param}`, what `rails routes`
//! prints, or an `OpenAPI` document (JSON, or YAML in block style).

use thiserror::Error;

use super::pattern::Pattern;

/// More routes than any application has.
const MOST: usize = 20_000;
const METHODS: [&str; 8] = [
    "get", "put", "post", "delete", "options", "head", "patch", "trace",
];

/// Why a list of routes can't be used.
#[derive(Debug, Error, PartialEq, Eq)]
pub(crate) enum InventoryError {
    #[error(
        "no route found: give lines of `METHOD /path/{{param}}`, the output of `rails routes`, or an OpenAPI document"
    )]
    Empty,
    #[error("more than {MOST} routes")]
    TooMany,
}

/// Reads a list of routes in any of the forms.
pub(crate) fn read(text: &str) -> Result<Vec<Pattern>, InventoryError> {
    let start = text.trim_start();
    let routes = if start.starts_with('{') {
        open_api_json(start)
    } else if is_open_api_yaml(text) {
        open_api_yaml(text)
    } else {
        text.lines().filter_map(line).collect()
    };
    match routes.len() {
        0 => Err(InventoryError::Empty),
        count if count > MOST => Err(InventoryError::TooMany),
        _ => Ok(routes),
    }
}

/// A line with a method and a path; `rails routes` has a name before and a handler behind.
fn line(line: &str) -> Option<Pattern> {
    let line = line.trim();
    if line.starts_with('#') {
        return None;
    }
    let words: Vec<&str> = line.split_whitespace().take(4).collect();
    let path = words.iter().position(|word| word.starts_with('/'))?;
    let Some(method) = path.checked_sub(1).map(|at| words[at]) else {
        return Pattern::new(None, words[path]);
    };
    // Rails writes `GET|POST` for a route with two methods: the first stands for both.
    let method = method.split('|').next().unwrap_or(method);
    if method == "*" || method.eq_ignore_ascii_case("any") {
        return Pattern::new(None, words[path]);
    }
    let is_method = METHODS
        .iter()
        .any(|known| method.eq_ignore_ascii_case(known));
    is_method.then(|| Pattern::new(Some(method), words[path]))?
}

fn open_api_json(text: &str) -> Vec<Pattern> {
    let Ok(document) = serde_json::from_str::<serde_json::Value>(text) else {
        return Vec::new();
    };
    let Some(paths) = document.get("paths").and_then(|paths| paths.as_object()) else {
        return Vec::new();
    };
    let mut routes = Vec::new();
    for (path, item) in paths {
        for method in METHODS {
            if item.get(method).is_some() {
                routes.extend(Pattern::new(Some(method), path));
            }
        }
    }
    routes
}

fn is_open_api_yaml(text: &str) -> bool {
    text.lines()
        .any(|line| line.starts_with("openapi:") || line.starts_with("swagger:"))
}

/// Only keys of the two levels below `paths:` are read, so that no reader of all YAML is needed.
fn open_api_yaml(text: &str) -> Vec<Pattern> {
    let mut routes = Vec::new();
    let mut lines = text
        .lines()
        .skip_while(|line| line.trim_end() != "paths:")
        .skip(1)
        .filter(|line| !line.trim().is_empty() && !line.trim_start().starts_with('#'))
        .take_while(|line| line.starts_with(' '))
        .peekable();
    let Some(outer) = lines.peek().map(|line| indent(line)) else {
        return routes;
    };
    let mut inner = None;
    let mut path: Option<&str> = None;
    for line in lines {
        let Some(key) = yaml_key(line) else { continue };
        let depth = indent(line);
        if depth == outer {
            (path, inner) = (key.starts_with('/').then_some(key), None);
            continue;
        }
        let is_method = depth == *inner.get_or_insert(depth) && METHODS.contains(&key);
        if let (true, Some(path)) = (is_method, path) {
            routes.extend(Pattern::new(Some(key), path));
        }
    }
    routes
}

fn indent(line: &str) -> usize {
    line.len() - line.trim_start().len()
}

fn yaml_key(line: &str) -> Option<&str> {
    let line = line.trim();
    for quote in ['"', '\''] {
        if let Some(quoted) = line.strip_prefix(quote) {
            let (key, rest) = quoted.split_once(quote)?;
            return rest.trim_start().starts_with(':').then_some(key);
        }
    }
    let end = line
        .find(": ")
        .or_else(|| line.strip_suffix(':').map(str::len))?;
    Some(&line[..end])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(text: &str) -> Vec<String> {
        read(text)
            .unwrap()
            .iter()
            .map(|route| format!("{} {}", route.method().unwrap_or("*"), route.path()))
            .collect()
    }

    #[test]
    fn plain_lines_are_read() {
        let text = "# the shop\nGET /orders/{id}\n\npost /orders\n/health\n";
        assert_eq!(
            names(text),
            ["GET /orders/{id}", "POST /orders", "* /health"]
        );
    }

    #[test]
    fn rails_routes_are_read() {
        let text = "  Prefix Verb   URI Pattern            Controller#Action\n\
                    \x20 orders GET    /orders(.:format)      orders#index\n\
                    \x20        POST   /orders(.:format)      orders#create\n\
                    \x20  order GET    /orders/:id(.:format)  orders#show\n";
        assert_eq!(
            names(text),
            ["GET /orders", "POST /orders", "GET /orders/{id}"]
        );
    }

    #[test]
    fn open_api_is_read_as_json_and_as_yaml() {
        let json = r#"{"openapi":"3.0.0","paths":{"/a/{id}":{"get":{},"parameters":[]},"/b":{"post":{}}}}"#;
        assert_eq!(names(json), ["GET /a/{id}", "POST /b"]);
        let yaml = "openapi: 3.0.0\ninfo:\n  title: x\npaths:\n  /a/{id}:\n    parameters:\n      - name: id\n    \
                    get:\n      summary: x\n      get: no\n  '/b':\n    post: {}\n    post:\n      x: y\ncomponents:\n  get:\n";
        assert_eq!(names(yaml), ["GET /a/{id}", "POST /b", "POST /b"]);
    }

    #[test]
    fn a_text_without_routes_is_refused() {
        assert_eq!(read("hello\nworld\n").unwrap_err(), InventoryError::Empty);
        assert_eq!(read("{").unwrap_err(), InventoryError::Empty);
    }
}
