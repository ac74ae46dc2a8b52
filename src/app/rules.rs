//! Rules that are added and taken back while the program runs: in the file that is named for them, else with what was learned.

use std::{
    fs, io,
    path::{Path, PathBuf},
    sync::Arc,
    time::SystemTime,
};

use super::comparing::kept_without_file;
use crate::{
    admin::{RuleAdded, RuleRefused, RuleRemoved},
    compare::{
        CompareThread, Comparison, InForce, Kept, Parts, RemoveError, Rule, Rules, replace_users,
        with_rule, without_rule,
    },
    config,
    telemetry::{logs::with_causes, text::unix_millis},
};

/// A change of rules, of one configuration.
pub(super) struct RuleChange<'a> {
    pub(super) compare: &'a config::Compare,
    pub(super) thread: &'a CompareThread,
}

/// The file of rules as it is now.
struct File {
    path: PathBuf,
    text: String,
    rules: Rules,
}

/// A rule that may be added, or one that says the same and is there already.
enum Wanted {
    New(Box<Rule>),
    Known(RuleAdded),
}

impl RuleChange<'_> {
    /// Adds a rule, as JSON, and has it hold from now on. One that is there already is not added again.
    ///
    /// # Errors
    /// Where it is not a rule, is for a cause that is not told, or can't be kept. Nothing is changed then.
    pub(super) fn add(&self, json: &[u8]) -> Result<RuleAdded, RuleRefused> {
        let now = SystemTime::now();
        let rule = Rule::of_json(json).map_err(|error| {
            RuleRefused::Wrong(format!(
                "{error}; a rule is such as {{\"cause\": \"c-1f2e3d4c\", \"action\": \"expected\", \"reason\": \"cents\"}}, or has \
                 a \"place\" such as \"$.total\""
            ))
        })?;
        if !rule.holds_at(unix_millis(now)) {
            let why = "the day that `until` names is over; name one that is to come";
            return Err(RuleRefused::Wrong(why.to_owned()));
        }
        // Held to the end: of two that come at once, the second reads what the first has written.
        let mut changes = self.thread.rule_changes();
        let comparisons = self.thread.comparisons();
        let file = self.file()?;
        let known = known(file.as_ref(), &comparisons);
        let rule = match self.of_cause(rule, &comparisons, &known, unix_millis(now))? {
            Wanted::New(rule) => rule.since(now),
            Wanted::Known(added) => return Ok(added),
        };
        let id = rule.id();
        if let Some(kept) = known.iter().find_map(|known| self.kept(known, &id)) {
            let is_new = false;
            return Ok(RuleAdded { id, kept, is_new });
        }
        *changes += 1;
        match file {
            Some(file) => add_to_file(&file, &rule, &comparisons)?,
            None => add_without_file(&rule, &comparisons)?,
        }
        tracing::warn!(
            id,
            rule = rule.name(),
            "a rule was added over the administrative interface"
        );
        Ok(RuleAdded {
            id,
            kept: self.kept_now(),
            is_new: true,
        })
    }

    /// Takes the rule of this id back: what it hid is told again.
    ///
    /// # Errors
    /// Where there is none, or the file can't be changed. Nothing is changed then.
    pub(super) fn remove(&self, id: &str) -> Result<RuleRemoved, RuleRefused> {
        let mut changes = self.thread.rule_changes();
        let comparisons = self.thread.comparisons();
        let is_removed = |comparison: &Arc<Comparison>| comparison.remove_rule(id);
        let were_removed: Vec<bool> = comparisons.iter().map(is_removed).collect();
        let kept = if were_removed.contains(&true) {
            kept_without_file(self.compare)
        } else {
            let file = self.file()?;
            let file = file.ok_or_else(|| unknown_rule(id))?;
            remove_from_file(&file, id, &comparisons)?;
            Kept::File
        };
        *changes += 1;
        tracing::warn!(
            id,
            "a rule was taken back over the administrative interface"
        );
        let id = id.to_owned();
        Ok(RuleRemoved { id, kept })
    }

    /// The file that is named for rules, read anew: somebody may have changed it. `None` where none is named.
    fn file(&self) -> Result<Option<File>, RuleRefused> {
        let Some(path) = &self.compare.rules else {
            return Ok(None);
        };
        let shown = path.display();
        let text = match fs::read_to_string(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => String::new(),
            read => read.map_err(|error| {
                RuleRefused::NotWritten(format!("can't read {shown}: {error}; nothing is changed"))
            })?,
        };
        let rules = Rules::parse(&text).map_err(|error| {
            let error = with_causes(&error);
            RuleRefused::Conflict(format!("{shown} is wrong, and nothing is changed: {error}"))
        })?;
        let path = path.clone();
        Ok(Some(File { path, text, rules }))
    }

    /// A rule for a cause gets what the cause consists of now.
    fn of_cause(
        &self,
        rule: Rule,
        comparisons: &[Arc<Comparison>],
        known: &[InForce],
        now: i64,
    ) -> Result<Wanted, RuleRefused> {
        let Some(cause) = rule.cause.clone().filter(|_| rule.parts.is_empty()) else {
            return Ok(Wanted::New(Box::new(rule)));
        };
        let told = comparisons.iter();
        let mut told = told
            .filter_map(|comparison| comparison.known_cause(&cause))
            .peekable();
        let is_for_cause = |rule: &Rule| rule.cause.as_ref() == Some(&cause) && rule.holds_at(now);
        let title = told.peek().map(|told| told.title.clone());
        let parts: Parts = told.flat_map(|told| told.parts).collect();
        let earlier = known.iter().find_map(|known| {
            let ids = known.all().ids().into_iter();
            let mut rules = known.all().iter().zip(ids);
            let (earlier, id) = rules.find(|(earlier, _)| {
                is_for_cause(earlier) && (title.is_none() || earlier.action.confirms())
            })?;
            let kept = self.kept(known, &id)?;
            Some((earlier.clone(), id, kept))
        });
        match (title, earlier) {
            (_, Some((earlier, id, kept))) if earlier.says_the_same(&rule) => {
                let is_new = false;
                Ok(Wanted::Known(RuleAdded { id, kept, is_new }))
            }
            (_, Some((earlier, id, _))) => Err(RuleRefused::Conflict(format!(
                "the rule {id} is for this cause already ({}), and comes first; take it back before",
                earlier.action.text()
            ))),
            (Some(title), None) => Ok(Wanted::New(Box::new(Rule {
                title,
                parts,
                ..rule
            }))),
            (None, None) => Err(RuleRefused::Unknown(format!(
                "no difference is told as a cause with the id {cause}; GET /api/report has those that there are"
            ))),
        }
    }

    /// Where the rule of this id stands.
    fn kept(&self, known: &InForce, id: &str) -> Option<Kept> {
        let at = known.all().ids().iter().position(|known| known == id)?;
        Some(if known.is_of_file(at) {
            Kept::File
        } else {
            kept_without_file(self.compare)
        })
    }

    fn kept_now(&self) -> Kept {
        match self.compare.rules {
            Some(_) => Kept::File,
            None => kept_without_file(self.compare),
        }
    }
}

/// The rules of each comparison, with those that the file has now; where nothing is compared, those of the file.
fn known(file: Option<&File>, comparisons: &[Arc<Comparison>]) -> Vec<InForce> {
    let nothing = Rules::default();
    let of_file = file.map_or(&nothing, |file| &file.rules);
    let mut known: Vec<InForce> = comparisons
        .iter()
        .map(|comparison| comparison.rules().with_file(of_file))
        .collect();
    if known.is_empty() {
        known.push(InForce::new(of_file, &nothing));
    }
    known
}

fn add_to_file(
    file: &File,
    rule: &Rule,
    comparisons: &[Arc<Comparison>],
) -> Result<(), RuleRefused> {
    let text = with_rule(&file.text, rule);
    let rules = Rules::parse(&text).map_err(|error| {
        RuleRefused::Conflict(format!(
            "{} can't have it: {}",
            file.path.display(),
            with_causes(&error)
        ))
    })?;
    write(&file.path, &text).map_err(|why| {
        RuleRefused::NotWritten(format!(
            "{why}; or write it there by hand, and reload:\n\n{}",
            rule.toml()
        ))
    })?;
    hold(&rules, comparisons);
    Ok(())
}

fn add_without_file(rule: &Rule, comparisons: &[Arc<Comparison>]) -> Result<(), RuleRefused> {
    let refused = |why: &str| Err(RuleRefused::Conflict(why.to_owned()));
    if comparisons.is_empty() {
        return refused(
            "no shadow is compared, and no file is named with compare.rules: the rule would be lost",
        );
    }
    for comparison in comparisons {
        if !comparison.add_rule(rule.clone()) {
            return refused("there are too many rules; take some back");
        }
    }
    Ok(())
}

fn remove_from_file(
    file: &File,
    id: &str,
    comparisons: &[Arc<Comparison>],
) -> Result<(), RuleRefused> {
    let Some(number) = file.rules.ids().iter().position(|known| known == id) else {
        let holds = |comparison: &Arc<Comparison>| {
            comparison
                .rules()
                .all()
                .ids()
                .iter()
                .any(|known| known == id)
        };
        if !comparisons.iter().any(holds) {
            return Err(unknown_rule(id));
        }
        // Somebody has taken it out of the file already.
        hold(&file.rules, comparisons);
        return Ok(());
    };
    let shown = file.path.display();
    let by_hand = |error: &RemoveError| {
        RuleRefused::Conflict(format!("{shown}: {error}; nothing is changed"))
    };
    let text = without_rule(&file.text, number).map_err(|error| by_hand(&error))?;
    // What is left has to be all other rules, whatever the file looks like.
    let others = file.rules.without(number);
    let rules = Rules::parse(&text).ok().filter(|rules| *rules == others);
    let rules = rules.ok_or_else(|| by_hand(&RemoveError::ByHand))?;
    write(&file.path, &text).map_err(|why| {
        RuleRefused::NotWritten(format!("{why}; or take it out by hand, and reload"))
    })?;
    hold(&rules, comparisons);
    Ok(())
}

fn hold(rules: &Rules, comparisons: &[Arc<Comparison>]) {
    for comparison in comparisons {
        comparison.set_rules(rules.clone());
    }
}

/// Says what to do where it can't.
fn write(path: &Path, text: &str) -> Result<(), String> {
    replace_users(path, text.as_bytes()).map_err(|error| {
        let folder = path.parent().unwrap_or(Path::new(".")).display();
        format!(
            "can't write {}: {error}; nothing is changed. Let shadowtee's user write to {folder}: the file is replaced whole",
            path.display()
        )
    })
}

fn unknown_rule(id: &str) -> RuleRefused {
    RuleRefused::Unknown(format!(
        "there is no rule with the id {id:?}; GET /api/report has them in \"rules\""
    ))
}
