//! The routes that an application has, as it lists them itself: lines of `METHOD /path/{param}`, what `rails routes`, `flask
//! routes` or `show_urls` print, a list in JSON, or an `OpenAPI` document in JSON or YAML.

mod lines;
mod listed;
mod open_api;

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
    #[error("not readable as JSON: {0}")]
    Json(String),
    #[error("not readable as YAML: {0}")]
    Yaml(String),
}

/// Reads a list of routes in any of the forms.
pub(crate) fn read(text: &str) -> Result<Vec<Pattern>, InventoryError> {
    let text = text.trim_start_matches('\u{feff}');
    let start = text.trim_start();
    let routes = if start.starts_with('{') {
        let document = serde_json::from_str(start);
        open_api::routes(&document.map_err(|error| InventoryError::Json(error.to_string()))?)
    } else if start.starts_with("[{") || start.starts_with("[\n") || start.starts_with("[ ") {
        let list = serde_json::from_str(start);
        listed::routes(&list.map_err(|error| InventoryError::Json(error.to_string()))?)
    } else if is_open_api_yaml(text) {
        let document = serde_yaml_ng::from_str(text);
        open_api::routes(&document.map_err(|error| InventoryError::Yaml(error.to_string()))?)
    } else {
        lines::routes(text)
    };
    match routes.len() {
        0 => Err(InventoryError::Empty),
        count if count > MOST => Err(InventoryError::TooMany),
        _ => Ok(routes),
    }
}

fn is_open_api_yaml(text: &str) -> bool {
    text.lines().any(|line| {
        let key = line.trim_start_matches(['"', '\'']);
        key.starts_with("openapi") && line.contains(':')
            || key.starts_with("swagger") && line.contains(':')
    })
}

/// The methods in a word such as `GET|POST` or `GET,`: `None` where it has others, an empty list where any is meant.
fn methods(word: &str) -> Option<Vec<String>> {
    let mut methods = Vec::new();
    for method in word.split(['|', ',']).filter(|method| !method.is_empty()) {
        if method == "*"
            || ["any", "all"]
                .iter()
                .any(|any| method.eq_ignore_ascii_case(any))
        {
            return Some(Vec::new());
        }
        if !METHODS
            .iter()
            .any(|known| method.eq_ignore_ascii_case(known))
        {
            return None;
        }
        methods.push(method.to_ascii_uppercase());
    }
    Some(methods)
}

/// Routes of one path. `HEAD` and `OPTIONS` are left out where there is another: frameworks add them by themselves.
fn of_path(path: &str, mut methods: Vec<String>) -> Vec<Pattern> {
    if methods.iter().any(|method| method == "GET") {
        methods.retain(|method| method != "HEAD" && method != "OPTIONS");
    }
    let mut routes = Vec::new();
    for path in lines::variants(path) {
        if methods.is_empty() {
            routes.extend(Pattern::new(None, &path));
        }
        for method in &methods {
            routes.extend(Pattern::new(Some(method), &path));
        }
    }
    routes
}

#[cfg(test)]
mod tests {
    use super::*;

    pub(super) fn names(text: &str) -> Vec<String> {
        read(text)
            .unwrap()
            .iter()
            .map(|route| format!("{} {}", route.method().unwrap_or("*"), route.path()))
            .collect()
    }

    #[test]
    fn a_text_without_routes_is_refused_and_a_broken_document_says_where() {
        assert_eq!(read("hello\nworld\n").unwrap_err(), InventoryError::Empty);
        assert_eq!(
            read("see the /docs folder\nand/or that").unwrap_err(),
            InventoryError::Empty
        );
        let json = read("{\"paths\":\n{").unwrap_err().to_string();
        assert!(json.contains("line 2"), "{json}");
        let yaml = read("openapi: 3.0.0\npaths:\n  /a: [\n").unwrap_err();
        assert!(yaml.to_string().contains("line"), "{yaml}");
    }

    #[test]
    fn a_list_in_json_is_read() {
        let laravel = r#"[{"domain":null,"method":"GET|HEAD","uri":"orders/{order}","name":"orders.show"},
                          {"method":"POST","uri":"/","name":null}]"#;
        assert_eq!(names(laravel), ["GET /orders/{order}", "POST /"]);
        let express =
            r#"[{"path":"/orders/:id","methods":["GET","PUT"],"middlewares":["anonymous"]}]"#;
        assert_eq!(names(express), ["GET /orders/{id}", "PUT /orders/{id}"]);
    }
}
