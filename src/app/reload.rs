//! A reload: everything is read and loaded first, then put in place in one step, or not at all.

use std::time::Duration;

use tokio::time::timeout;

use super::{files::check_files, live::Live, shared::Shared};
use crate::{
    config::{Config, Mistake, Sources, changed_tables},
    net::{ServerTlsLoader, TlsError},
    telemetry::logs::{self, with_causes},
};

/// How long workers may take until they use what was loaded; they need a turn each.
const TAKE_UP: Duration = Duration::from_secs(5);

/// Reads the configuration and every file that it names again, and puts them in place. What is wrong, or can't be changed
/// while the process runs, is reported with its key, and then nothing is changed.
pub(super) async fn reload(shared: &Shared, sources: &Sources) -> Result<String, Vec<String>> {
    match load(shared, sources) {
        Ok(changed) => {
            take_up(shared).await;
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

fn load(shared: &Shared, sources: &Sources) -> Result<String, Vec<String>> {
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
    let changed = what_changed(&before.config, &config);
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
fn what_changed(old: &Config, new: &Config) -> String {
    let mut keys = changed_tables(old, new);
    let token = |config: &Config| config.admin.as_ref()?.token.clone();
    if token(old) != token(new) {
        keys.push("admin.token".into());
    }
    keys.sort_unstable();
    if keys.is_empty() {
        "no setting changed; certificates and files of Authorization were read again".to_owned()
    } else {
        format!("changed: {}", keys.join(", "))
    }
}
