//! What a body is, by its content type, or by how it begins where the type says nothing.

use serde::{Deserialize, Serialize};

/// What a body is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub(crate) enum Media {
    Json,
    /// A list of JSON texts, one a line.
    JsonLines,
    Html,
    Xml,
    Feed,
    Csv,
    /// With tabs between the cells.
    Tsv,
    Text,
    /// CSS.
    Style,
    /// JavaScript.
    Script,
    Form,
    /// Compared by length and hash.
    Binary,
    /// There is no body.
    None,
}

impl Media {
    pub(crate) fn of(content_type: &[u8], body: &[u8]) -> Self {
        let essence = content_type
            .split(|c| *c == b';')
            .next()
            .unwrap_or_default();
        let essence = String::from_utf8_lossy(essence.trim_ascii()).to_ascii_lowercase();
        let (kind, name) = essence.split_once('/').unwrap_or((&essence, ""));
        match (kind, name) {
            ("text", "html") | ("application", "xhtml+xml") => Self::Html,
            ("text", "csv") => Self::Csv,
            ("text", "tab-separated-values") => Self::Tsv,
            ("application", "x-www-form-urlencoded") => Self::Form,
            ("application", "atom+xml" | "rss+xml" | "rdf+xml") => Self::Feed,
            (_, "xml") => Self::sniffed_xml(body),
            (_, name) if name.ends_with("+xml") && kind != "image" => Self::Xml,
            ("image", "svg+xml") => Self::Xml,
            (_, "ndjson" | "x-ndjson" | "jsonl" | "jsonlines" | "x-jsonlines") => Self::JsonLines,
            (_, name) if is_json(name) => Self::Json,
            ("text", "css") => Self::Style,
            ("text" | "application", "javascript" | "x-javascript" | "ecmascript") => Self::Script,
            ("text", _) | ("application", "yaml" | "x-yaml" | "toml" | "graphql" | "sql") => {
                Self::Text
            }
            ("", _) => Self::sniffed(body),
            _ => Self::Binary,
        }
    }

    fn sniffed(body: &[u8]) -> Self {
        let begin = body[..body.len().min(512)].trim_ascii_start();
        let lower = begin.to_ascii_lowercase();
        match begin.first() {
            Some(b'{' | b'[') => Self::Json,
            Some(b'<') if lower.starts_with(b"<!doctype html") || lower.starts_with(b"<html") => {
                Self::Html
            }
            Some(b'<') if lower.starts_with(b"<?xml") => Self::sniffed_xml(body),
            Some(_) if begin.contains(&0) => Self::Binary,
            _ => Self::Text,
        }
    }

    fn sniffed_xml(body: &[u8]) -> Self {
        let begin = &body[..body.len().min(1024)];
        let has = |name: &[u8]| memchr::memmem::find(begin, name).is_some();
        if has(b"<feed") || has(b"<rss") || has(b"<rdf:RDF") {
            Self::Feed
        } else {
            Self::Xml
        }
    }
}

fn is_json(name: &str) -> bool {
    matches!(name, "json" | "x-json" | "json-seq" | "manifest") || name.ends_with("+json")
}
