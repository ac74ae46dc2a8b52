//! How responses are compared: the files that a configuration names for it, and a comparison for each shadow.

use std::{error::Error, fs, path::Path, sync::Arc};

use super::AppError;
use crate::{
    compare::{
        CompareThread, Compared, Comparison, Kept, Limits, Pattern, Role, Rules, Secrets, Settings,
        read_inventory, state_file,
    },
    config::{self, Config, ShadowRole},
    telemetry::logs::with_causes,
};

/// What all comparisons of a configuration have, and the comparisons.
pub(super) struct Comparing {
    settings: Settings,
    thread: Arc<CompareThread>,
    bytes: u64,
    comparisons: Vec<(Arc<Comparison>, Settings)>,
    files: config::Compare,
    /// How many times rules had been changed when their file was read.
    rule_changes: u64,
}

impl Comparing {
    /// Reads every file that is named. Nothing that runs is changed until [`Comparing::put_in_place`].
    pub(super) fn new(config: &Config, thread: &Arc<CompareThread>) -> Result<Self, AppError> {
        let compare = &config.compare;
        let has_baseline = config
            .shadow
            .iter()
            .any(|shadow| shadow.role == ShadowRole::Baseline);
        // Before the file is read, so that no change of it is missed.
        let rule_changes = *thread.rule_changes();
        let settings = compare_settings(compare)
            .map_err(|Wrong { key, what }| AppError::Compare(key, what))?;
        let redact = config.capture.as_ref().map(|capture| &capture.redact);
        let settings = Settings {
            has_baseline,
            secrets: redact.map(Secrets::new).unwrap_or_default(),
            ..settings
        };
        Ok(Self {
            settings,
            thread: Arc::clone(thread),
            bytes: compare.body_bytes.0,
            comparisons: Vec::new(),
            files: compare.clone(),
            rule_changes,
        })
    }

    /// What becomes of a shadow's responses. What was learned of it goes on.
    pub(super) fn of(
        &mut self,
        shadow: &config::Shadow,
        compare: &config::Compare,
    ) -> Option<Compared> {
        let role = match shadow.role {
            ShadowRole::Baseline => Role::Baseline,
            ShadowRole::Upgrade if !shadow.compare => return None,
            ShadowRole::Upgrade => Role::Upgrade(self.comparison(shadow, compare)),
        };
        Some(Compared {
            thread: Arc::clone(&self.thread),
            role,
            bytes: self.bytes,
        })
    }

    fn comparison(
        &mut self,
        shadow: &config::Shadow,
        compare: &config::Compare,
    ) -> Arc<Comparison> {
        let name = shadow.name.as_str();
        let settings = Settings {
            shadow: name.to_owned(),
            ..self.settings.clone()
        };
        let before = self.thread.comparisons();
        let known = before.iter().find(|known| known.name() == name);
        let comparison = known.map_or_else(
            || {
                let file = compare
                    .state
                    .as_ref()
                    .map(|folder| state_file(folder, name));
                Comparison::new(settings.clone(), file)
            },
            Arc::clone,
        );
        self.comparisons.push((Arc::clone(&comparison), settings));
        comparison
    }

    /// The comparisons are as they are set from now on.
    pub(super) fn put_in_place(&self) {
        let changes = self.thread.rule_changes();
        let is_stale = *changes != self.rule_changes;
        // What was added meanwhile is in the file, and holds on. Where somebody broke the file since, what was read does.
        let newer = is_stale.then(|| rules(&self.files).ok()).flatten();
        let before = self.thread.comparisons();
        let mut all = Vec::new();
        for (comparison, settings) in &self.comparisons {
            let rules = newer.as_ref().unwrap_or(&settings.rules);
            comparison.set(Settings {
                rules: rules.clone(),
                ..settings.clone()
            });
            if let Some(other) = before.first() {
                comparison.take_over_rules(other);
            }
            all.push(Arc::clone(comparison));
        }
        self.thread.set(all);
    }
}

/// How a comparer works that is configured so, with what its files say.
///
/// # Errors
/// Where a file can't be read, or is wrong.
pub(crate) fn compare_settings(compare: &config::Compare) -> Result<Settings, Wrong> {
    Ok(Settings {
        limits: Limits {
            bytes: compare.body_bytes.bytes(),
            ..Limits::default()
        },
        bytes: compare.memory.bytes(),
        may_probe: compare.probe,
        example_bytes: compare.examples.then(|| compare.example_bytes.bytes()),
        rules: rules(compare)?,
        own_rules: kept_without_file(compare),
        patterns: patterns(compare)?,
        inventory: inventory(compare)?,
        ..Settings::default()
    })
}

/// Where rules are kept that stand in no file.
pub(super) fn kept_without_file(compare: &config::Compare) -> Kept {
    match compare.state {
        Some(_) => Kept::State,
        None => Kept::Memory,
    }
}

/// What is wrong with the files of `[compare]`, by key.
pub(super) fn mistakes(compare: &config::Compare) -> Vec<(String, String)> {
    let state = compare.state.as_ref().filter(|folder| !folder.is_dir());
    let state = state.map(|folder| {
        let what = format!("there is no folder {}; make it", folder.display());
        Wrong {
            key: "compare.state",
            what,
        }
    });
    let wrong = [
        rules(compare).err(),
        inventory(compare).err(),
        patterns(compare).err(),
        state,
    ];
    let wrong = wrong.into_iter().flatten();
    wrong
        .map(|Wrong { key, what }| (key.to_owned(), what))
        .collect()
}

/// What is wrong with `[compare]`.
#[derive(Debug)]
pub(crate) struct Wrong {
    pub(crate) key: &'static str,
    pub(crate) what: String,
}

fn rules(compare: &config::Compare) -> Result<Rules, Wrong> {
    of_file("compare.rules", compare.rules.as_deref(), Rules::parse)
}

fn inventory(compare: &config::Compare) -> Result<Vec<Pattern>, Wrong> {
    of_file(
        "compare.inventory",
        compare.inventory.as_deref(),
        read_inventory,
    )
}

/// What a file says; nothing where none is named.
fn of_file<T: Default, E: Error + 'static>(
    key: &'static str,
    path: Option<&Path>,
    parse: impl Fn(&str) -> Result<T, E>,
) -> Result<T, Wrong> {
    let Some(path) = path else {
        return Ok(T::default());
    };
    let path_shown = path.display();
    let text =
        fs::read_to_string(path).map_err(|error| format!("can't read {path_shown}: {error}"));
    let read = text.and_then(|text| {
        parse(&text).map_err(|error| format!("{path_shown}: {}", with_causes(&error)))
    });
    read.map_err(|what| Wrong { key, what })
}

fn patterns(compare: &config::Compare) -> Result<Vec<Pattern>, Wrong> {
    let parse = |text: &String| {
        let what = || format!("{text:?} is not a route; write such as \"GET /orders/{{id}}\"");
        Pattern::parse(text).ok_or_else(|| Wrong {
            key: "compare.routes",
            what: what(),
        })
    };
    compare.routes.iter().map(parse).collect()
}
