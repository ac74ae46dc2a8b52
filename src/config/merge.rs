//! Merges file, environment and command line, and knows which of them set a value.
//!
//! The only file that knows figment. What it merged is read as values of the types named here.

use std::path::{Path, PathBuf};

use figment::{
    Figment, Metadata, Profile, Provider,
    providers::{Env, Format, Toml},
    value::Map,
};

use super::Mistake;

/// The environment variables' prefix; `__` separates the levels of a key.
pub(super) const ENV_PREFIX: &str = "SHADOWTEE_";

/// A value, and a table of values.
pub(crate) use figment::value::{Dict, Value};

/// Why a value is not of the type that belongs there.
pub(super) use figment::error::{Actual, Error as Misfit, Kind};

/// The name that figment gives to the environment.
pub(super) const ENVIRONMENT: &str = "environment variable(s)";

/// All values, with where each was set.
pub(super) struct Merged(Figment);

impl Merged {
    /// Reads the file, where there is one, and the environment, and merges them with what the command line says.
    pub(super) fn read(file: Option<&PathBuf>, flags: &Flags) -> Result<Self, Mistake> {
        let mut figment = Figment::new();
        if let Some(file) = file {
            figment = figment.merge(File::read(file)?);
        }
        // Variables with this prefix belong to this program alone.
        figment = figment
            .merge(Env::prefixed(ENV_PREFIX).split("__"))
            .merge(flags.clone());
        Ok(Self(figment))
    }

    /// A file's text alone.
    #[cfg(any(test, feature = "fuzzing"))]
    pub(super) fn of_text(text: &str) -> Self {
        Self(Figment::new().merge(Toml::string(text)))
    }

    /// All values.
    ///
    /// # Errors
    /// What can't be merged. `home` is the place that mistakes without one of their own name.
    pub(super) fn data(&self, home: &str) -> Result<Dict, Vec<Mistake>> {
        let mut data = self.0.data().map_err(|error| unread(home, error))?;
        Ok(data.remove(&Profile::Default).unwrap_or_default())
    }

    /// Where `value` was set; `None` where it was made later.
    pub(super) fn place(&self, value: &Value) -> Option<String> {
        let said_by = self.0.get_metadata(value.tag())?;
        let file = self.file(value).map(|file| file.display().to_string());
        Some(file.unwrap_or_else(|| said_by.name.to_string()))
    }

    /// The file that set `value`.
    pub(super) fn file(&self, value: &Value) -> Option<&Path> {
        let said_by = self.0.get_metadata(value.tag())?;
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
        Metadata::named("command line")
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
                what: format!("can't be read: {error}"),
            }),
        }
    }
}

impl Provider for File {
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
