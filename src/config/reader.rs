//! Reads merged configuration values key by key and collects every mistake instead of stopping at the first.

use std::{
    cell::RefCell,
    fmt::Display,
    ops::{Bound, RangeBounds},
    path::{self, Path, PathBuf},
};

use serde::de::{DeserializeOwned, IntoDeserializer};

use super::{
    Address, Mistake,
    diagnostics::{as_text, example_of_table, flag, kind, plainly, program, said, variable},
    merge::{Actual, COMMAND_LINE, Dict, ENVIRONMENT, Kind, Merged, Misfit, Value},
    units::{FieldName, Span, before_value, is_secret_name},
};

/// Where values come from, and the mistakes found so far.
pub(super) struct Reader<'a> {
    merged: &'a Merged,
    /// The place that mistakes about missing keys name.
    home: String,
    mistakes: RefCell<Vec<Mistake>>,
}

impl<'a> Reader<'a> {
    pub(super) fn new(merged: &'a Merged, home: String) -> Self {
        Self {
            merged,
            home,
            mistakes: RefCell::default(),
        }
    }

    /// The table of the top level.
    pub(super) fn top(&'a self, dict: Dict) -> Table<'a> {
        self.table(String::new(), self.home.clone(), dict)
    }

    fn table(&'a self, path: String, place: String, dict: Dict) -> Table<'a> {
        Table {
            reader: self,
            path,
            place,
            dict,
            known: Vec::new(),
            mistakes_before: self.mistakes.borrow().len(),
            is_told: false,
        }
    }

    pub(super) fn into_mistakes(self) -> Vec<Mistake> {
        self.mistakes.into_inner()
    }

    fn is_from_environment(&self, value: &Value) -> bool {
        self.place(value).contains(ENVIRONMENT)
    }

    fn place(&self, value: &Value) -> String {
        let place = self.merged.place(value);
        place.unwrap_or_else(|| self.home.clone())
    }

    /// The folder of the file that said `value`, for paths relative to it.
    fn folder(&self, value: &Value) -> Option<&Path> {
        let folder = self.merged.file(value)?.parent()?;
        // That of a file which is named without one.
        Some(if folder.as_os_str().is_empty() {
            Path::new(".")
        } else {
            folder
        })
    }
}

/// One table of the configuration. Keys are taken out of it; those that remain in the end are unknown.
pub(super) struct Table<'a> {
    reader: &'a Reader<'a>,
    path: String,
    place: String,
    dict: Dict,
    known: Vec<&'static str>,
    /// The number of mistakes before this table was read.
    mistakes_before: usize,
    /// The table as a whole was reported as a mistake, so that keys missing in it are not.
    is_told: bool,
}

impl<'a> Table<'a> {
    /// Reads all of the table with `read`, and reports the keys that it did not ask for.
    pub(super) fn whole<T>(mut self, read: impl FnOnce(&mut Self) -> T) -> T {
        let value = read(&mut self);
        self.finish();
        value
    }

    /// The value at `key`, or `default` where it is missing or wrong.
    pub(super) fn value<T: DeserializeOwned>(&mut self, key: &'static str, default: T) -> T {
        self.optional(key).unwrap_or(default)
    }

    /// As `value`; a value that fails `check` is refused with `why`.
    pub(super) fn checked<T: DeserializeOwned>(
        &mut self,
        key: &'static str,
        default: T,
        check: impl Fn(&T) -> bool,
        why: &str,
    ) -> T {
        self.optional_checked(key, check, why).unwrap_or(default)
    }

    /// As `value`; a value outside `range` is refused.
    pub(super) fn within<T: DeserializeOwned + PartialOrd + Display>(
        &mut self,
        key: &'static str,
        default: T,
        range: impl RangeBounds<T>,
    ) -> T {
        self.optional_within(key, range).unwrap_or(default)
    }

    /// As `optional`; a value outside `range` is refused.
    pub(super) fn optional_within<T: DeserializeOwned + PartialOrd + Display>(
        &mut self,
        key: &'static str,
        range: impl RangeBounds<T>,
    ) -> Option<T> {
        let why = match (range.start_bound(), range.end_bound()) {
            (Bound::Included(least), Bound::Included(most)) => {
                format!("has to be from {least} to {most}")
            }
            (Bound::Included(least), _) => format!("has to be at least {least}"),
            (_, Bound::Included(most)) => format!("has to be at most {most}"),
            _ => "is out of range".into(),
        };
        self.optional_checked(key, |value| range.contains(value), &why)
    }

    fn optional_checked<T: DeserializeOwned>(
        &mut self,
        key: &'static str,
        check: impl Fn(&T) -> bool,
        why: &str,
    ) -> Option<T> {
        let value = self.optional(key)?;
        if check(&value) {
            return Some(value);
        }
        self.mistake(key, why);
        None
    }

    /// The value at `key`; `None` where it is missing or wrong.
    pub(super) fn optional<T: DeserializeOwned>(&mut self, key: &'static str) -> Option<T> {
        let value = self.take(key)?;
        self.parse(key, &value)
    }

    fn parse<T: DeserializeOwned>(&self, key: &str, value: &Value) -> Option<T> {
        // The environment has no types: figment reads a token of digits as a number.
        let parsed = match (value.deserialize(), self.as_written(key, value)) {
            (Err(error), Some(text)) => text.deserialize().map_err(|_| error),
            (parsed, _) => parsed,
        };
        match parsed {
            Ok(parsed) => Some(parsed),
            Err(error) => {
                self.wrong_value(key, value, &error);
                None
            }
        }
    }

    /// As `optional`; a missing value is a mistake, reported with `tip`.
    pub(super) fn required<T: DeserializeOwned>(
        &mut self,
        key: &'static str,
        tip: &str,
    ) -> Option<T> {
        if !self.dict.contains_key(key) {
            self.known.push(key);
            self.mistake(key, &format!("is missing; {tip}"));
            return None;
        }
        self.optional(key)
    }

    /// As `value`, for a timeout.
    pub(super) fn time(&mut self, key: &'static str, default: Span) -> Span {
        self.checked(
            key,
            default,
            |span| !span.0.is_zero(),
            "has to be more than 0; a long time such as \"1d\" is as good as no limit",
        )
    }

    /// As `value`, for a header that shadowtee adds and removes: not one that HTTP itself needs.
    pub(super) fn own_header(&mut self, key: &'static str, default: FieldName) -> FieldName {
        self.checked(
            key,
            default,
            |header| !header.is_needed(),
            "is a header that HTTP or shadowtee itself needs; choose a name of your own, such as \"X-Something\"",
        )
    }

    /// `address` as one to connect to, which needs a port.
    pub(super) fn reachable(&self, key: &'static str, address: Option<Address>) -> Option<Address> {
        if address.as_ref().is_some_and(Address::has_no_port) {
            let why = "has port 0, which can't be connected to; write the port";
            self.mistake(key, why);
            return None;
        }
        address
    }

    /// A file's path; a relative one is relative to the file that says it.
    pub(super) fn path(&mut self, key: &'static str) -> Option<PathBuf> {
        let value = self.dict.get(key);
        let folder = value.and_then(|value| self.reader.folder(value));
        let file: PathBuf = self.optional(key)?;
        if file.as_os_str().is_empty() {
            self.mistake(key, "is empty; name a file");
            return None;
        }
        let file = folder.map_or_else(|| file.clone(), |folder| folder.join(&file));
        // Absolute, so that it is the same file wherever this is shown and read again.
        Some(path::absolute(&file).unwrap_or(file))
    }

    /// The folder of the file that `key` comes from.
    pub(super) fn folder_of(&self, key: &str) -> Option<PathBuf> {
        let folder = self.reader.folder(self.dict.get(key)?)?;
        Some(path::absolute(folder).unwrap_or_else(|_| folder.into()))
    }

    /// The table at `key`; an empty one where it is missing.
    pub(super) fn table(&mut self, key: &'static str) -> Table<'a> {
        let value = self.take(key);
        let path = self.key_path(key);
        self.nested(path, value)
    }

    /// The table at `key`, where it is there.
    pub(super) fn optional_table(&mut self, key: &'static str) -> Option<Table<'a>> {
        let is_there = self.has(key);
        let table = self.table(key);
        is_there.then_some(table)
    }

    /// The table at `key`; a plain text or number there stands for a table with the key `short` alone.
    pub(super) fn table_or(&mut self, key: &'static str, short: &str) -> Table<'a> {
        let value = self.take(key).map(|value| match value {
            dict @ Value::Dict(..) => dict,
            other => Value::Dict(other.tag(), Dict::from([(short.to_owned(), other)])),
        });
        let path = self.key_path(key);
        self.nested(path, value)
    }

    /// The value or list of values at `key`; an empty list is a mistake, reported with `tip`.
    pub(super) fn any_of<T: DeserializeOwned>(&mut self, key: &'static str, tip: &str) -> Vec<T> {
        let values = match self.take(key) {
            None => return Vec::new(),
            Some(Value::Array(_, values)) => values,
            Some(single) => vec![single],
        };
        if values.is_empty() {
            self.mistake(key, &format!("is empty, so that it can never match; {tip}"));
        }
        let parsed = values.iter().filter_map(|value| self.parse(key, value));
        parsed.collect()
    }

    /// The names and values of the table at `key`, whose keys the user chooses.
    pub(super) fn pairs<K, T>(&mut self, key: &'static str) -> Vec<(K, T)>
    where
        K: DeserializeOwned,
        T: DeserializeOwned,
    {
        let table = self.table(key);
        let mut pairs = Vec::new();
        for (name, value) in &table.dict {
            let of_name = K::deserialize(name.as_str().into_deserializer())
                .map_err(|error: serde::de::value::Error| error.to_string());
            match (of_name, value.deserialize()) {
                (Ok(of_name), Ok(value)) => pairs.push((of_name, value)),
                (Err(why), _) => {
                    let name = before_value(name);
                    table.mistake_at(self.reader.place(value), table.key_path(name), why);
                }
                (_, Err(error)) => table.wrong_value(name, value, &error),
            }
        }
        pairs
    }

    /// Whether anything read from this table so far is wrong.
    pub(super) fn has_mistakes_below(&self) -> bool {
        self.reader.mistakes.borrow().len() > self.mistakes_before
    }

    /// Reports this table as a whole.
    pub(super) fn mistake_here(&self, what: &str) {
        if !self.is_told {
            self.mistake_at(self.place.clone(), self.path.clone(), what.into());
        }
    }

    /// Whether `key` is there and not taken yet.
    pub(super) fn has(&self, key: &str) -> bool {
        self.dict.contains_key(key)
    }

    /// Whether `key` is an empty list.
    pub(super) fn is_empty_list(&self, key: &str) -> bool {
        matches!(self.dict.get(key), Some(Value::Array(_, values)) if values.is_empty())
    }

    /// The list of tables at `key`. A plain text in the list stands for a table with the key `short` alone.
    pub(super) fn tables(&mut self, key: &'static str, short: Option<&str>) -> Vec<Table<'a>> {
        let values = match self.take(key) {
            None => return Vec::new(),
            Some(Value::Array(_, values)) => values,
            Some(single @ Value::String(..)) if short.is_some() => vec![single],
            Some(other) => {
                let is = kind(&other);
                let what = format!("is {is}, but a list of tables belongs here; write [[{key}]]");
                self.mistake_at(self.reader.place(&other), self.key_path(key), what);
                return Vec::new();
            }
        };
        let tables = values.into_iter().enumerate().map(|(index, value)| {
            let path = format!("{}[{index}]", self.key_path(key));
            match (value, short) {
                (value @ Value::String(..), Some(short)) => {
                    let place = self.reader.place(&value);
                    let dict = Dict::from([(short.to_owned(), value)]);
                    self.reader.table(path, place, dict)
                }
                (value, _) => self.nested(path, Some(value)),
            }
        });
        tables.collect()
    }

    fn nested(&self, path: String, value: Option<Value>) -> Table<'a> {
        let (place, dict, is_told) = match value {
            None => (self.place.clone(), Dict::new(), false),
            Some(value) => {
                let place = self.reader.place(&value);
                match value {
                    Value::Dict(_, dict) => (place, dict, false),
                    other => {
                        let (is, example) = (kind(&other), example_of_table(&path));
                        let what = format!("is {is}, but a table belongs here; write {example}");
                        self.mistake_at(place.clone(), path.clone(), what);
                        (place, Dict::new(), true)
                    }
                }
            }
        };
        let mut table = self.reader.table(path, place, dict);
        table.is_told = is_told || self.is_told;
        table
    }

    fn take(&mut self, key: &'static str) -> Option<Value> {
        self.known.push(key);
        let value = self.dict.remove(key)?;
        self.place = self.reader.place(&value);
        Some(value)
    }

    fn key_path(&self, key: &str) -> String {
        if self.path.is_empty() {
            key.into()
        } else {
            format!("{}.{key}", self.path)
        }
    }

    /// The text of the environment variable for `key`, as it was written.
    fn as_written(&self, key: &str, value: &Value) -> Option<Value> {
        if !self.reader.is_from_environment(value) {
            return None;
        }
        let path = self.key_path(key);
        let text = if path.contains('[') {
            as_text(value)?
        } else {
            let name = variable(&path);
            let (_, text) = std::env::vars_os().find(|(set, _)| set.eq_ignore_ascii_case(&name))?;
            text.into_string().ok()?
        };
        Some(Value::String(value.tag(), text))
    }

    fn wrong_value(&self, key: &str, value: &Value, error: &Misfit) {
        if let (Value::Dict(_, below), true) = (value, self.reader.is_from_environment(value)) {
            for under in below.keys() {
                let path = format!("{}.{under}", self.key_path(key));
                let what = format!(
                    "is not a known key; `{}` is not a table",
                    self.key_path(key)
                );
                self.mistake_at(self.reader.place(value), path, what);
            }
            return;
        }
        let what = match &error.kind {
            Kind::InvalidType(actual, expected) | Kind::InvalidValue(actual, expected) => {
                let told = match actual {
                    // The arguments of a program may be secrets.
                    Actual::Str(command) if key == "command" => program(command),
                    // A wrong value in the place of a secret may be a part of it.
                    _ if self.may_be_secret(key) => kind(value).to_owned(),
                    actual => said(actual),
                };
                format!("is {told}, but {} belongs here", plainly(expected.as_str()))
            }
            // Messages that quote the value have quotes.
            Kind::Message(why) if !why.contains(['"', '`', '\'']) => why.clone(),
            _ if self.may_be_secret(key) => {
                format!("is {}, and not what belongs here", kind(value))
            }
            Kind::UnknownVariant(said, known) => {
                format!("{said:?} is not one of {}", known.join(", "))
            }
            other => other.to_string(),
        };
        self.mistake_at(self.reader.place(value), self.key_path(key), what);
    }

    /// Whether a value at `key` may not be shown.
    fn may_be_secret(&self, key: &str) -> bool {
        let path = self.key_path(key);
        path.contains(".headers.") || path.contains(".query.") || is_secret_name(&path)
    }

    /// Reports a mistake at `key`.
    pub(super) fn mistake(&self, key: &str, what: &str) {
        if !self.is_told {
            self.mistake_at(self.place.clone(), self.key_path(key), what.into());
        }
    }

    fn mistake_at(&self, mut place: String, key: String, what: String) {
        let mut key = key;
        if place.contains(ENVIRONMENT) {
            place = format!("environment variable {}", variable(&key));
        } else if place == COMMAND_LINE {
            key = flag(&key).map_or(key, str::to_owned);
        } else if let Some(line) = self.reader.merged.line(&place, &key) {
            place = format!("{place}:{line}");
        }
        let mistake = Mistake { place, key, what };
        let mut mistakes = self.reader.mistakes.borrow_mut();
        // A flag holds for each shadow, and is wrong once.
        if !mistakes.contains(&mistake) {
            mistakes.push(mistake);
        }
    }

    /// Reports every key that was not asked for, with the known key most like it.
    pub(super) fn finish(self) {
        for (key, value) in &self.dict {
            let known = self.known.iter();
            let likely = known.map(|known| (strsim::damerau_levenshtein(known, key), known));
            let likely = likely
                .min()
                .filter(|(distance, _)| distance * 3 <= key.len() + 1);
            let parts = self.known.iter().find_map(|known| {
                let rest = key.strip_prefix(known)?.strip_prefix('_')?;
                self.reader
                    .is_from_environment(value)
                    .then(|| variable(&format!("{known}.{rest}")))
            });
            let tip = match (parts, likely) {
                (Some(name), _) => format!("did you mean {name}, with two underscores?"),
                (None, Some((_, known))) => format!("did you mean `{known}`?"),
                (None, None) => format!("known here: {}", self.known.join(", ")),
            };
            let what = format!("is not a known key; {tip}");
            self.mistake_at(self.reader.place(value), self.key_path(key), what);
        }
    }
}
