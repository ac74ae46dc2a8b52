//! `OpenAPI` 3 and Swagger 2 documents: paths behind the base path of their server, by reference too.

use serde_json::Value;

use super::{METHODS, Pattern};

/// References to references that are followed.
const STEPS: usize = 8;

pub(super) fn routes(document: &Value) -> Vec<Pattern> {
    let base = document.get("basePath").and_then(Value::as_str);
    let base = base.map(str::to_owned).or_else(|| server(document));
    let paths = document.get("paths").and_then(Value::as_object);
    let paths = paths.into_iter().flatten();
    let mut routes = Vec::new();
    for (path, item) in paths.filter(|(path, _)| path.starts_with('/')) {
        let Some(item) = resolved(document, item) else {
            continue;
        };
        let above = server(item).or_else(|| base.clone());
        for method in METHODS {
            if let Some(operation) = item.get(method) {
                let base = server(operation).or_else(|| above.clone());
                let path = joined(&base.unwrap_or_default(), path);
                routes.extend(Pattern::new(Some(method), &path));
            }
        }
    }
    routes
}

/// The path of the first server.
fn server(of: &Value) -> Option<String> {
    let url = of.get("servers")?.get(0)?.get("url")?.as_str()?;
    let rest = match url.split_once("://") {
        Some((_, rest)) => rest,
        None => url.strip_prefix("//").unwrap_or(url),
    };
    let is_path = url.starts_with('/') && !url.starts_with("//");
    let path = if is_path {
        url
    } else {
        rest.find('/').map_or("", |at| &rest[at..])
    };
    Some(path.to_owned())
}

/// A part, or what it refers to within the document.
fn resolved<'a>(document: &'a Value, mut part: &'a Value) -> Option<&'a Value> {
    for _ in 0..STEPS {
        let Some(reference) = part.get("$ref").and_then(Value::as_str) else {
            return Some(part);
        };
        let pointer = reference.strip_prefix('#')?;
        let pointer = percent_encoding::percent_decode_str(pointer).decode_utf8_lossy();
        part = document.pointer(&pointer)?;
    }
    None
}

/// A path behind its base; a query or a fragment tells operations apart in the document only.
fn joined(base: &str, path: &str) -> String {
    let end = path.find(['?', '#']).unwrap_or(path.len());
    format!("{}{}", base.trim_end_matches('/'), &path[..end])
}

#[cfg(test)]
mod tests {
    use super::super::tests::names;

    #[test]
    fn paths_stand_behind_the_path_of_their_server() {
        let json = r#"{"openapi":"3.0.0","servers":[{"url":"https://api.example/v2/"}],"paths":{
            "/a/{id}":{"get":{},"parameters":[{"name":"id"}],"summary":"x"},
            "/b":{"servers":[{"url":"/other"}],"post":{},"put":{"servers":[{"url":"https://{host}/{version}"}]}},
            "/files/{name}.{ext}":{"get":{}},
            "x-note":{"get":{}}}}"#;
        assert_eq!(
            names(json),
            [
                "GET /v2/a/{id}",
                "PUT /{version}/b",
                "POST /other/b",
                "GET /v2/files/{name}.{ext}"
            ]
        );
        let swagger = r#"{"swagger":"2.0","basePath":"/api","paths":{"/a?x=1":{"delete":{}}}}"#;
        assert_eq!(names(swagger), ["DELETE /api/a"]);
    }

    #[test]
    fn yaml_is_read_with_references_anchors_and_flow_style() {
        let yaml = "---\nopenapi: \"3.1.0\"\ninfo: {title: x, version: 1}\nservers:\n- url: /v1\npaths:\n  \"/a/{id}\":\n    \
                    parameters: [{name: id, in: path}]\n    get: &get\n      responses:\n        200: {description: ok}\n      \
                    get: no\n    post: *get\n  /b: {get: {}, put: {}}\n  '/c':\n    $ref: '#/components/pathItems/C'\n  \
                    /d:\n    $ref: '#/paths/~1b'\n  /e:\n    $ref: '#/paths/~1e'\n  /f:\n    $ref: 'other.yaml'\n\
                    components:\n  pathItems:\n    C:\n      delete: {}\n";
        assert_eq!(
            names(yaml),
            [
                "GET /v1/a/{id}",
                "POST /v1/a/{id}",
                "GET /v1/b",
                "PUT /v1/b",
                "DELETE /v1/c",
                "GET /v1/d",
                "PUT /v1/d"
            ]
        );
    }
}
