//! Lists in JSON: what `route:list --json` and `express-list-endpoints` give.

use serde_json::Value;

use super::{Pattern, methods, of_path};

pub(super) fn routes(list: &Value) -> Vec<Pattern> {
    let items = list.as_array().into_iter().flatten();
    items.flat_map(item).collect()
}

fn item(item: &Value) -> Vec<Pattern> {
    let text = |name: &&str| item.get(*name)?.as_str();
    let Some(path) = ["path", "uri", "url", "route", "rule"]
        .iter()
        .find_map(text)
    else {
        return Vec::new();
    };
    let path = format!("/{}", path.trim_start_matches('/'));
    let named = ["methods", "method", "verb"]
        .iter()
        .find_map(|name| item.get(*name));
    let words = match named {
        Some(Value::String(word)) => word.clone(),
        Some(Value::Array(words)) => {
            let words: Vec<&str> = words.iter().filter_map(Value::as_str).collect();
            words.join("|")
        }
        _ => "*".to_owned(),
    };
    methods(&words).map_or_else(Vec::new, |methods| of_path(&path, methods))
}
