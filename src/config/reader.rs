//! Reads merged configuration values key by key and collects every mistake instead of stopping at the first.

use std::{
    cell::RefCell,
    path::{self, Path, PathBuf},
};

use serde::de::{DeserializeOwned, IntoDeserializer};

use super::{
    Address, Mistake,
    diagnostics::{as_text, example_of_table, kind, plainly, program, said, variable},
    merge::{Actual, Dict, ENVIRONMENT, Kind, Merged, Misfit, Value},
    pattern::AnyOf,
    units::{FieldName, Span, before_value, is_secret_name},
};

/// Where values come from, and the mistakes found so far.
pub(super) struct Reader<'a> {
    merged: &'a Merged,
    /// Said of keys that are missing, since nothing said them.
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

    pub(super) fn table(&'a self, dict: Dict) -> Table<'a> {
        Table {
            reader: self,
            path: String::new(),
            place: self.home.clone(),
            dict,
            known: Vec::new(),
            mistakes_before: 0,
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
        self.merged.file(value)?.parent()
    }
}

/// One table of the configuration; keys are taken out of it, what remains in the end is unknown.
pub(super) struct Table<'a> {
    reader: &'a Reader<'a>,
    path: String,
    place: String,
    dict: Dict,
    known: Vec<&'static str>,
    /// How many mistakes there were before anything of it was read.
    mistakes_before: usize,
    /// Whether it is told as a whole that this is wrong, so that what is missing in it is not.
    is_told: bool,
}

impl<'a> Table<'a> {
    /// The value at `key`, or `default` where nobody said one or what was said is wrong.
    pub(super) fn value<T: DeserializeOwned>(&mut self, key: &'static str, default: T) -> T {
        self.optional(key).unwrap_or(default)
    }

    /// As `value`, and refused with `why` where `check` says no.
    pub(super) fn checked<T: DeserializeOwned>(
        &mut self,
        key: &'static str,
        default: T,
        check: impl Fn(&T) -> bool,
        why: &str,
    ) -> T {
        match self.optional(key) {
            Some(value) if check(&value) => value,
            Some(_) => {
                self.mistake(key, why);
                default
            }
            None => default,
        }
    }

    /// The value at `key`; `None` where nobody said one or what was said is wrong.
    pub(super) fn optional<T: DeserializeOwned>(&mut self, key: &'static str) -> Option<T> {
        let value = self.take(key)?;
        // The environment has no types: a token of digits is read as a number before anybody asks.
        let parsed = match (value.deserialize(), self.as_written(key, &value)) {
            (Err(error), Some(text)) => text.deserialize().map_err(|_| error),
            (parsed, _) => parsed,
        };
        match parsed {
            Ok(parsed) => Some(parsed),
            Err(error) => {
                self.wrong_value(key, &value, &error);
                None
            }
        }
    }

    /// As `optional`, and a mistake with `tip` where nobody said one.
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

    /// As `value`, for a time that something has to be done in.
    pub(super) fn time(&mut self, key: &'static str, default: Span) -> Span {
        self.checked(
            key,
            default,
            |span| !span.0.is_zero(),
            "has to be more than 0; a long time such as \"1d\" is as good as no limit",
        )
    }

    /// As `value`, for a header that is added and taken off: not one that HTTP itself needs.
    pub(super) fn own_header(&mut self, key: &'static str, default: FieldName) -> FieldName {
        self.checked(
            key,
            default,
            |header| !header.is_needed(),
            "is a header that HTTP or shadowtee itself needs; choose a name of your own, such as \"X-Something\"",
        )
    }

    /// Takes `address` for one to connect to; those have a port.
    pub(super) fn reachable(&self, key: &'static str, address: Option<Address>) -> Option<Address> {
        if address.as_ref().is_some_and(Address::has_no_port) {
            self.mistake(
                key,
                "has port 0, which nobody can connect to; write the port",
            );
            return None;
        }
        address
    }

    /// A file's path; a relative one is relative to the file that says it.
    pub(super) fn path(&mut self, key: &'static str) -> Option<PathBuf> {
        let folder = self
            .dict
            .get(key)
            .and_then(|value| self.reader.folder(value));
        let file: PathBuf = self.optional(key)?;
        if file.as_os_str().is_empty() {
            self.mistake(key, "is empty; name a file");
            return None;
        }
        let file = folder.map_or_else(|| file.clone(), |folder| folder.join(&file));
        // Absolute, so that it is the same file wherever this is shown and read again.
        Some(path::absolute(&file).unwrap_or(file))
    }

    /// The folder of the file that says `key`, where one does.
    pub(super) fn folder_of(&self, key: &str) -> Option<PathBuf> {
        let folder = self.reader.folder(self.dict.get(key)?)?;
        Some(path::absolute(folder).unwrap_or_else(|_| folder.into()))
    }

    /// The table at `key`; an empty one where nobody said it.
    pub(super) fn table(&mut self, key: &'static str) -> Table<'a> {
        let value = self.take(key);
        let path = self.key_path(key);
        self.nested(path, value)
    }

    /// The table at `key`; a plain text or number there is a table whose `short` key says it.
    pub(super) fn table_or(&mut self, key: &'static str, short: &str) -> Table<'a> {
        let value = self.take(key).map(|value| match value {
            dict @ Value::Dict(..) => dict,
            other => Value::Dict(other.tag(), Dict::from([(short.to_owned(), other)])),
        });
        let path = self.key_path(key);
        self.nested(path, value)
    }

    /// The value or the values at `key`, of which any will do; an empty list is a mistake with `tip`.
    pub(super) fn any_of<T: DeserializeOwned>(&mut self, key: &'static str, tip: &str) -> Vec<T> {
        match self.optional::<AnyOf<T>>(key) {
            Some(AnyOf(values)) if values.is_empty() => {
                self.mistake(key, &format!("is empty, so that it can never match; {tip}"));
                values
            }
            Some(AnyOf(values)) => values,
            None => Vec::new(),
        }
    }

    /// The table at `key`, whose keys are the user's own.
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

    /// Whether anything that was read of it so far is wrong.
    pub(super) fn has_mistakes_below(&self) -> bool {
        self.reader.mistakes.borrow().len() > self.mistakes_before
    }

    /// Notes that this table is wrong as a whole.
    pub(super) fn mistake_here(&self, what: &str) {
        if !self.is_told {
            self.mistake_at(self.place.clone(), self.path.clone(), what.into());
        }
    }

    /// Whether anybody said `key`.
    pub(super) fn has(&self, key: &str) -> bool {
        self.dict.contains_key(key)
    }

    /// Whether `key` is a list with nothing in it.
    pub(super) fn is_empty_list(&self, key: &str) -> bool {
        matches!(self.dict.get(key), Some(Value::Array(_, values)) if values.is_empty())
    }

    /// The list of tables at `key`. A plain text in the list is a table whose `short` key says it.
    pub(super) fn tables(&mut self, key: &'static str, short: Option<&str>) -> Vec<Table<'a>> {
        let values = match self.take(key) {
            None => return Vec::new(),
            Some(Value::Array(_, values)) => values,
            Some(single @ Value::String(..)) if short.is_some() => vec![single],
            Some(other) => {
                self.mistake_at(
                    self.reader.place(&other),
                    self.key_path(key),
                    format!(
                        "is {}, but a list of tables belongs here; write [[{key}]]",
                        kind(&other)
                    ),
                );
                return Vec::new();
            }
        };
        let tables = values.into_iter().enumerate().map(|(index, value)| {
            let path = format!("{}[{index}]", self.key_path(key));
            match (value, short) {
                (value @ Value::String(..), Some(short)) => {
                    let place = self.reader.place(&value);
                    let dict = Dict::from([(short.to_owned(), value)]);
                    Table {
                        reader: self.reader,
                        path,
                        place,
                        dict,
                        known: Vec::new(),
                        mistakes_before: self.reader.mistakes.borrow().len(),
                        is_told: false,
                    }
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
                        let what = format!(
                            "is {}, but a table belongs here; write {}",
                            kind(&other),
                            example_of_table(&path)
                        );
                        self.mistake_at(place.clone(), path.clone(), what);
                        (place, Dict::new(), true)
                    }
                }
            }
        };
        Table {
            reader: self.reader,
            path,
            place,
            dict,
            known: Vec::new(),
            mistakes_before: self.reader.mistakes.borrow().len(),
            is_told: is_told || self.is_told,
        }
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

    /// What the environment says for `key`, letter by letter.
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
                let what = format!("is no key; `{}` is no table", self.key_path(key));
                self.mistake_at(self.reader.place(value), path, what);
            }
            return;
        }
        let what = match &error.kind {
            Kind::InvalidType(actual, expected) | Kind::InvalidValue(actual, expected) => {
                let told = match actual {
                    // The arguments of a program may be secrets.
                    Actual::Str(command) if key == "command" => program(command),
                    // What stands there in place of a secret may be a part of it.
                    _ if self.may_be_secret(key) => kind(value).to_owned(),
                    actual => said(actual),
                };
                format!("is {told}, but {} belongs here", plainly(expected.as_str()))
            }
            // Messages that quote what they are about do it in quotes.
            Kind::Message(why) if !why.contains(['"', '`', '\'']) => why.clone(),
            _ if self.may_be_secret(key) => {
                format!("is {}, and not what belongs here", kind(value))
            }
            Kind::UnknownVariant(said, known) => {
                format!("{said:?} is none of {}", known.join(", "))
            }
            other => other.to_string(),
        };
        self.mistake_at(self.reader.place(value), self.key_path(key), what);
    }

    /// Whether a value at `key` is not to be told.
    fn may_be_secret(&self, key: &str) -> bool {
        let path = self.key_path(key);
        path.contains(".headers.") || path.contains(".query.") || is_secret_name(&path)
    }

    /// Notes that what stands at `key` is wrong.
    pub(super) fn mistake(&self, key: &str, what: &str) {
        if !self.is_told {
            self.mistake_at(self.place.clone(), self.key_path(key), what.into());
        }
    }

    fn mistake_at(&self, mut place: String, key: String, what: String) {
        if place.contains(ENVIRONMENT) {
            place = format!("environment variable {}", variable(&key));
        }
        self.reader
            .mistakes
            .borrow_mut()
            .push(Mistake { place, key, what });
    }

    /// Every key that nobody asked for is a mistake, with the known key most like it.
    pub(super) fn finish(self) {
        for (key, value) in &self.dict {
            let likely = self
                .known
                .iter()
                .map(|known| (strsim::damerau_levenshtein(known, key), known))
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
            let what = format!("is no key; {tip}");
            self.mistake_at(self.reader.place(value), self.key_path(key), what);
        }
    }
}
