//! Merges file, environment and command line, and knows which of them set a value.
//!
//! The only file that knows figment. What it merged is read as values of the types named here.

use std::{
    io,
    path::{Path, PathBuf},
};

use figment::{
    Figment, Metadata, Profile, Provider,
    providers::{Env, Format, Toml},
    value::Map,
};

use toml::de::{DeArray, DeTable, DeValue};

use super::Mistake;

/// The environment variables' prefix; `__` separates the levels of a key.
pub(super) const ENV_PREFIX: &str = "SHADOWTEE_";

/// A value, and a table of values.
pub(crate) use figment::value::{Dict, Value};

/// Why a value is not of the type that belongs there.
pub(super) use figment::error::{Actual, Error as Misfit, Kind};

/// The name that figment gives to the environment.
pub(super) const ENVIRONMENT: &str = "environment variable(s)";

/// The name of the place that flags are.
pub(super) const COMMAND_LINE: &str = "command line";

/// All values, with where each was set.
pub(super) struct Merged {
    figment: Figment,
    /// For the lines of mistakes.
    file: Option<File>,
}

impl Merged {
    /// Reads the file, where there is one, and the environment, and merges them with what the command line says.
    pub(super) fn read(file: Option<&PathBuf>, flags: &Flags) -> Result<Self, Mistake> {
        let (mut figment, mut kept) = (Figment::new(), None);
        if let Some(file) = file {
            let read = File::read(file)?;
            figment = figment.merge(&read);
            kept = Some(read);
        }
        // Variables with this prefix belong to this program alone.
        figment = figment
            .merge(Env::prefixed(ENV_PREFIX).split("__"))
            .merge(flags.clone());
        Ok(Self {
            figment,
            file: kept,
        })
    }

    /// A file's text alone.
    #[cfg(any(test, feature = "fuzzing"))]
    pub(super) fn of_text(text: &str) -> Self {
        Self {
            figment: Figment::new().merge(Toml::string(text)),
            file: None,
        }
    }

    /// All values.
    ///
    /// # Errors
    /// What can't be merged. `home` is the place that mistakes without one of their own name.
    pub(super) fn data(&self, home: &str) -> Result<Dict, Vec<Mistake>> {
        let mut data = self.figment.data().map_err(|error| unread(home, error))?;
        Ok(data.remove(&Profile::Default).unwrap_or_default())
    }

    /// Where `value` was set; `None` where it was made later.
    pub(super) fn place(&self, value: &Value) -> Option<String> {
        let said_by = self.figment.get_metadata(value.tag())?;
        let file = self.file(value).map(|file| file.display().to_string());
        Some(file.unwrap_or_else(|| said_by.name.to_string()))
    }

    /// The line of `key` in the file that `place` names; that of what is around it where the key is missing.
    pub(super) fn line(&self, place: &str, key: &str) -> Option<usize> {
        let file = self.file.as_ref()?;
        (file.path.display().to_string() == place).then(|| line_of(&file.text, key))?
    }

    /// The file that set `value`.
    pub(super) fn file(&self, value: &Value) -> Option<&Path> {
        let said_by = self.figment.get_metadata(value.tag())?;
        said_by.source.as_ref()?.file_path()
    }
}

/// Flags of the command line as configuration keys.
#[derive(Clone, Debug, Default)]
pub(crate) struct Flags(Dict);

impl Flags {
    /// Sets the key at `path`, such as `log.level`, where there is a value.
    pub(crate) fn set(&mut self, path: &str, value: Option<impl Into<Value>>) {
        let nested = value.map(|value| figment::util::nest(path, value.into()));
        if let Some(Value::Dict(_, nested)) = nested {
            merge(&mut self.0, nested);
        }
    }

    /// All that was set, as a table.
    pub(crate) fn into_table(self) -> Dict {
        self.0
    }
}

/// Adds `new` to `old`; where both have a table, the two become one.
fn merge(old: &mut Dict, new: Dict) {
    for (key, value) in new {
        match (old.get_mut(&key), value) {
            (Some(Value::Dict(_, old)), Value::Dict(_, new)) => merge(old, new),
            (_, value) => drop(old.insert(key, value)),
        }
    }
}

impl Provider for Flags {
    fn metadata(&self) -> Metadata {
        Metadata::named(COMMAND_LINE)
    }

    fn data(&self) -> Result<Map<Profile, Dict>, Misfit> {
        Ok(Map::from([(Profile::Default, self.0.clone())]))
    }
}

/// The configuration file, read once: a pipe has nothing to read a second time.
struct File {
    path: PathBuf,
    text: String,
}

impl File {
    fn read(path: &PathBuf) -> Result<Self, Mistake> {
        match std::fs::read_to_string(path) {
            Ok(text) => Ok(Self {
                path: path.clone(),
                text,
            }),
            Err(error) => Err(Mistake {
                place: path.display().to_string(),
                key: String::new(),
                what: unreadable(&error),
            }),
        }
    }
}

impl Provider for &File {
    fn metadata(&self) -> Metadata {
        Metadata::from("TOML file", self.path.as_path())
    }

    fn data(&self) -> Result<Map<Profile, Dict>, Misfit> {
        let read = Toml::string(&self.text).data();
        read.map_err(|_| {
            let why = syntax(&self.text);
            why.unwrap_or_else(|| "is not valid TOML".into()).into()
        })
    }
}

/// Why a file can't be read, and what helps.
fn unreadable(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::NotFound => "there is no such file; say where it is".into(),
        io::ErrorKind::PermissionDenied => {
            "can't be read by this user; change its owner or its mode".into()
        }
        io::ErrorKind::IsADirectory => "is a folder; name the file in it".into(),
        io::ErrorKind::InvalidData => "is no text in UTF-8; write the configuration in TOML".into(),
        _ => format!("can't be read: {error}"),
    }
}

/// The line of the key at `path`, such as `shadow[0].sample.percent`, or of the nearest thing around it that is there.
fn line_of(text: &str, path: &str) -> Option<usize> {
    let table = DeTable::parse(text).ok()?;
    let (mut at, mut rest) = (None, path);
    let mut value = Node::Table(table.get_ref());
    loop {
        (value, rest) = match value {
            Node::Table(table) => {
                // A key may have dots itself: the longest that fits is meant.
                let fits = |key: &str| {
                    let behind = rest.strip_prefix(key)?;
                    (behind.is_empty() || behind.starts_with(['.', '['])).then_some(behind)
                };
                let found = table.iter().filter_map(|(key, value)| {
                    Some((
                        key.get_ref().len(),
                        key.span().start,
                        value,
                        fits(key.get_ref())?,
                    ))
                });
                let Some((_, start, inner, behind)) = found.max_by_key(|(length, ..)| *length)
                else {
                    break;
                };
                at = Some(start);
                (
                    inner.get_ref().into(),
                    behind.strip_prefix('.').unwrap_or(behind),
                )
            }
            Node::List(list) => {
                let parts = rest.strip_prefix('[').and_then(|rest| rest.split_once(']'));
                let Some((inner, behind)) = parts.and_then(|(index, behind)| {
                    Some((list.get(index.parse::<usize>().ok()?)?, behind))
                }) else {
                    break;
                };
                at = Some(inner.span().start);
                (
                    inner.get_ref().into(),
                    behind.strip_prefix('.').unwrap_or(behind),
                )
            }
            Node::Leaf => break,
        };
    }
    let before = text.get(..at?)?;
    Some(before.matches('\n').count() + 1)
}

/// A value as far as a path leads through it.
enum Node<'a> {
    Table(&'a DeTable<'a>),
    List(&'a DeArray<'a>),
    Leaf,
}

impl<'a> From<&'a DeValue<'a>> for Node<'a> {
    fn from(value: &'a DeValue<'a>) -> Self {
        match value {
            DeValue::Table(table) => Self::Table(table),
            DeValue::Array(list) => Self::List(list),
            _ => Self::Leaf,
        }
    }
}

fn unread(home: &str, errors: Misfit) -> Vec<Mistake> {
    let mistake = |error: Misfit| Mistake {
        place: home.to_owned(),
        key: error.path.join("."),
        what: error.kind.to_string().trim_end().to_owned(),
    };
    errors.into_iter().map(mistake).collect()
}

/// Where a text is not valid TOML, and why. The line itself is not shown: it may hold a secret.
fn syntax(text: &str) -> Option<String> {
    let error = toml::from_str::<toml::Table>(text).err()?;
    let at = error.span().map_or(0, |span| span.start).min(text.len());
    let before = text.get(..at).unwrap_or_default();
    let line = before.matches('\n').count() + 1;
    let last = before.rsplit('\n').next().unwrap_or_default();
    let column = last.chars().count() + 1;
    let why = error.message().lines().next().unwrap_or_default();
    Some(format!(
        "is not valid TOML: line {line}, column {column}: {why}"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mistake_is_on_the_line_of_its_key_or_of_what_is_around_it() {
        let text = "workers = 1\n\n[[shadow]]\nname = \"a\"\n\n[[shadow]]\nname = \"b\"\n\
                    sample = \"x\"\n[shadow.rewrite.headers.set]\n\"X.Y\" = \"\"\n";
        for (key, line) in [
            ("workers", Some(1)),
            ("shadow[0].name", Some(4)),
            ("shadow[0].address", Some(3)),
            ("shadow[1].address", Some(6)),
            ("shadow[1].sample.percent", Some(8)),
            ("shadow[1].rewrite.headers.set.X.Y", Some(10)),
            ("listen", None),
            ("", None),
        ] {
            assert_eq!(line_of(text, key), line, "{key}");
        }
        assert_eq!(line_of("no toml", "a"), None);
    }
}
