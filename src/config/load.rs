//! Merges what defaults, file, environment and command line say (figment), and keeps who said what.

use std::path::{Path, PathBuf};

use figment::{
    Figment, Metadata, Profile, Provider,
    providers::{Env, Format, Toml},
    value::{Dict, Map, Value},
};

use super::{Config, Mistake, reader::Reader};

/// The environment variables' prefix; `__` separates the levels of a key.
pub(super) const ENV_PREFIX: &str = "SHADOWTEE_";

/// What the command line says, as configuration keys.
#[derive(Clone, Debug, Default)]
pub(crate) struct Flags(Dict);

impl Flags {
    /// Says `value` for the key at `path`, such as `log.level`.
    pub(crate) fn set(&mut self, path: &str, value: impl Into<Value>) {
        let nested = figment::util::nest(path, value.into());
        let Value::Dict(_, nested) = nested else {
            return;
        };
        for (key, value) in nested {
            let merged = match (self.0.remove(&key), value) {
                (Some(Value::Dict(tag, mut old)), Value::Dict(_, new)) => {
                    old.extend(new);
                    Value::Dict(tag, old)
                }
                (_, value) => value,
            };
            self.0.insert(key, merged);
        }
    }
}

impl Provider for Flags {
    fn metadata(&self) -> Metadata {
        Metadata::named("command line")
    }

    fn data(&self) -> Result<Map<Profile, Dict>, figment::Error> {
        Ok(Map::from([(Profile::Default, self.0.clone())]))
    }
}

/// Where a configuration comes from, kept so that a reload can read it again.
#[derive(Clone, Debug, Default)]
pub(crate) struct Sources {
    pub(crate) file: Option<PathBuf>,
    pub(crate) flags: Flags,
}

impl Sources {
    /// Reads and validates everything.
    ///
    /// # Errors
    /// All mistakes at once; nothing is half applied.
    pub(crate) fn load(&self) -> Result<Config, Vec<Mistake>> {
        let mut figment = Figment::new();
        if let Some(file) = &self.file {
            readable(file)?;
            figment = figment.merge(Toml::file_exact(file));
        }
        // RUST_LOG-like variables of other programs have other prefixes: whatever bears ours is ours.
        figment = figment
            .merge(Env::prefixed(ENV_PREFIX).split("__"))
            .merge(self.flags.clone());
        let home = match &self.file {
            Some(file) => file.display().to_string(),
            None => "command line".into(),
        };
        let mut data = figment.data().map_err(|error| syntax(&home, error))?;
        let dict = data.remove(&Profile::Default).unwrap_or_default();
        let reader = Reader::new(&figment, home);
        let config = Config::read(reader.table(dict));
        let mistakes = reader.into_mistakes();
        match config {
            Some(config) if mistakes.is_empty() => Ok(config),
            _ => Err(mistakes),
        }
    }
}

fn readable(file: &Path) -> Result<(), Vec<Mistake>> {
    match std::fs::read_to_string(file) {
        Ok(_) => Ok(()),
        Err(error) => Err(vec![Mistake {
            place: file.display().to_string(),
            key: String::new(),
            what: format!("can't be read: {error}"),
        }]),
    }
}

fn syntax(home: &str, errors: figment::Error) -> Vec<Mistake> {
    let mistake = |error: figment::Error| Mistake {
        place: home.to_owned(),
        key: error.path.join("."),
        what: error.kind.to_string().trim_end().to_owned(),
    };
    errors.into_iter().map(mistake).collect()
}
