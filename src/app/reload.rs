//! A reload: everything is read and loaded first, then put in place in one step, or not at all.

use std::{collections::BTreeSet, time::Duration};

use tokio::time::timeout;

use super::{files::check_files, live::Live, shared::Shared};
use crate::{
    config::{Config, Mistake, Sources, changed_tables},
    net::{ServerTlsLoader, TlsError},
    telemetry::{
        history::EventKind,
        logs::{self, with_causes},
    },
};

/// How long workers may take until they use what was loaded; they need a turn each.
const TAKE_UP: Duration = Duration::from_secs(5);

/// Reads the configuration and every file that it names again, and puts them in place. What is wrong, or can't be changed
/// while the process runs, is reported with its key, and then nothing is changed.
pub(super) async fn reload(shared: &Shared, sources: &Sources) -> Result<String, Vec<String>> {
    match load(shared, sources) {
        Ok(Changed { keys, shadows }) => {
            take_up(shared).await;
            let changed = said(&keys);
            if !keys.is_empty() {
                let text = format!("reload {changed}{}", said_of(&shadows));
                shared.resources.events.add(EventKind::Reload, None, &text);
            }
            tracing::info!(changed, "read the configuration and the certificates again");
            Ok(changed)
        }
        Err(mistakes) => {
            for mistake in &mistakes {
                tracing::error!(mistake, "the configuration is wrong; nothing is changed");
            }
            Err(mistakes)
        }
    }
}

/// What a reload changed.
struct Changed {
    /// The names of the tables that differ.
    keys: Vec<String>,
    /// Shadows that came and that went: `+next`, `-old`.
    shadows: Vec<String>,
}

fn load(shared: &Shared, sources: &Sources) -> Result<Changed, Vec<String>> {
    let place = sources.place();
    let (config, mut mistakes) = match sources.load() {
        Ok(config) => (Some(config), Vec::new()),
        Err(wrong) => (None, wrong.mistakes),
    };
    let before = shared.live.load_full();
    let mut greeters = Vec::new();
    if let Some(config) = &config {
        mistakes.extend(check_files(&place, &config.parts()));
        for key in before.config.needs_restart(config) {
            let what = "differs from what runs, and is changed by a restart only".to_owned();
            mistakes.push(Mistake {
                place: place.clone(),
                key: key.to_owned(),
                what,
            });
        }
    }
    let shown = |mistakes: Vec<Mistake>| mistakes.iter().map(ToString::to_string).collect();
    let Some(config) = config.filter(|_| mistakes.is_empty()) else {
        return Err(shown(mistakes));
    };
    // What was there a moment ago may be gone now.
    let gone = |error: &dyn std::error::Error| vec![format!("{place}: {}", with_causes(error))];
    for (greeter, listen) in shared.greeters.iter().zip(&config.listen) {
        let loaded = listen.tls.as_ref().map(ServerTlsLoader::load).transpose();
        greeters.push((greeter, loaded.map_err(|error: TlsError| gone(&error))?));
    }
    let changed = Changed {
        keys: changed_keys(&before.config, &config),
        shadows: changed_shadows(&before.config, &config),
    };
    let live =
        Live::build(config, &shared.resources, Some(&before)).map_err(|error| gone(&error))?;
    for (greeter, loaded) in greeters {
        if let Some(loaded) = loaded {
            greeter.show(loaded);
        }
    }
    logs::set_level(&live.config.log.level);
    shared.put_in_place(live);
    Ok(changed)
}

/// Tells the workers, and waits until each has taken it up.
async fn take_up(shared: &Shared) {
    let number = shared.generation.announce();
    let taken_up = timeout(TAKE_UP, shared.generation.wait(number)).await;
    if taken_up.is_err() {
        tracing::warn!("a worker is busy, and takes up the new configuration later");
    }
}

/// The names of the tables that differ.
fn changed_keys(old: &Config, new: &Config) -> Vec<String> {
    let mut keys = changed_tables(old, new);
    let token = |config: &Config| config.admin.as_ref()?.token.clone();
    if token(old) != token(new) {
        keys.push("admin.token".into());
    }
    keys.sort_unstable();
    keys
}

fn changed_shadows(old: &Config, new: &Config) -> Vec<String> {
    let names = |config: &Config| -> BTreeSet<String> {
        let shadows = config.shadow.iter();
        shadows.map(|shadow| shadow.name.to_string()).collect()
    };
    let (old, new) = (names(old), names(new));
    let came = new.difference(&old).map(|name| format!("+{name}"));
    let went = old.difference(&new).map(|name| format!("-{name}"));
    came.chain(went).collect()
}

fn said(keys: &[String]) -> String {
    if keys.is_empty() {
        "no setting changed; certificates and files of Authorization were read again".to_owned()
    } else {
        format!("changed: {}", keys.join(", "))
    }
}

fn said_of(shadows: &[String]) -> String {
    if shadows.is_empty() {
        String::new()
    } else {
        format!(" ({})", shadows.join(", "))
    }
}
