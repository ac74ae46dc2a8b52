//! The wording of mistakes: keys, values and types in the words of a configuration file.

use super::merge::{Actual, ENV_PREFIX, Value};

/// The environment variable for a key.
pub(super) fn variable(key: &str) -> String {
    let key = key.split('[').next().unwrap_or_default();
    format!("{ENV_PREFIX}{}", key.replace('.', "__").to_uppercase())
}

/// The flag of `run` that sets a key.
pub(super) fn flag(key: &str) -> Option<&'static str> {
    let key = match key.split_once("].") {
        Some((list, rest)) if list.starts_with("shadow[") => rest,
        _ => key,
    };
    if key.starts_with("select.deny[") {
        let is_path = key.split("].").nth(1)?.starts_with("path");
        return Some(if is_path {
            "--deny-path"
        } else {
            "--deny-header"
        });
    }
    let flags = FLAGS.iter();
    let fits = |(prefix, _): &&(&str, &str)| {
        let rest = key.strip_prefix(prefix);
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '[']))
    };
    flags.filter(fits).map(|(_, flag)| *flag).next()
}

/// Keys, and the flags that stand for them, each key before those around it.
const FLAGS: [(&str, &str); 24] = [
    ("listen", "--listen"),
    ("primary", "--primary"),
    ("admin.address", "--admin"),
    ("capture.file", "--capture"),
    ("workers", "--workers"),
    ("log.format", "--log-format"),
    ("log.level", "--log-level"),
    ("log.access", "--access-log"),
    ("sample.by", "--sample-by"),
    ("sample", "--sample"),
    ("order_by", "--order-by"),
    ("host", "--host"),
    ("build_header", "--build-header"),
    ("build", "--build"),
    ("limit.per_second", "--rate"),
    ("limit.concurrent", "--concurrent"),
    ("rewrite.headers.set", "--set-header"),
    ("rewrite.headers.remove", "--remove-header"),
    ("select.allow[0].method", "--methods"),
    ("select.allow[0].path", "--allow-path"),
    ("select.allow[0].host", "--allow-host"),
    ("select.allow[0].header", "--allow-header"),
    ("name", "--shadow"),
    ("address", "--shadow"),
];

/// How a table is written at `path`.
pub(super) fn example_of_table(path: &str) -> String {
    match path {
        "primary" => "[primary] and below it address = \"…\"".into(),
        path if path.contains("].") => "a table of its keys, { … = \"…\" }".into(),
        path if path.starts_with("shadow[") => "{ name = \"…\", address = \"…\" }".into(),
        path if path.contains('[') => "{ address = \"…\" }".into(),
        path => format!("[{path}] and its keys below it"),
    }
}

/// A number or truth value in a list of an environment variable, as the text that it was.
pub(super) fn as_text(value: &Value) -> Option<String> {
    Some(match value {
        Value::Num(_, number) => match (number.to_u128(), number.to_i128(), number.to_f64()) {
            (Some(number), ..) => number.to_string(),
            (_, Some(number), _) => number.to_string(),
            (.., number) => number?.to_string(),
        },
        Value::Bool(_, truth) => truth.to_string(),
        Value::Char(_, character) => character.to_string(),
        _ => return None,
    })
}

/// A value that was found, as the user wrote it.
pub(super) fn said(actual: &Actual) -> String {
    match actual {
        Actual::Bool(truth) => truth.to_string(),
        Actual::Unsigned(number) => number.to_string(),
        Actual::Signed(number) => number.to_string(),
        Actual::Float(number) => number.to_string(),
        Actual::Char(character) => format!("{character:?}"),
        Actual::Str(text) => format!("{text:?}"),
        Actual::Seq => "a list".into(),
        Actual::Map => "a table".into(),
        other => other.to_string(),
    }
}

/// The program that a command line begins with.
pub(super) fn program(command: &str) -> String {
    match command.split_once(' ') {
        None => format!("{command:?}"),
        Some((program, _)) => format!("{program:?} and more"),
    }
}

/// A Rust type in the words of a configuration file.
pub(super) fn plainly(expected: &str) -> &str {
    match expected {
        "a string" | "string" => "a text in quotes",
        "path string" => "the path of a file in quotes",
        "a boolean" | "bool" => "true or false",
        "u8" | "u16" => "a whole number from 0 to 65535",
        "u32" => "a whole number from 0 to 4294967295",
        "u64" | "usize" => "a whole number, 0 or more,",
        other => other,
    }
}

/// What sort of value it is.
pub(super) fn kind(value: &Value) -> &'static str {
    match value {
        Value::String(..) | Value::Char(..) => "a text",
        Value::Bool(..) => "a truth value",
        Value::Num(..) => "a number",
        Value::Empty(..) => "empty",
        Value::Dict(..) => "a table",
        Value::Array(..) => "a list",
    }
}
