//! Which settings a running process can't take up.

use serde::Serialize;
use serde_json::Value;

use super::{Config, Listen, units::unmasked};

/// Whether two settings are the same, secrets included.
pub(crate) fn is_same<T: Serialize>(one: &T, two: &T) -> bool {
    let shown = |settings| unmasked(|| serde_json::to_value(settings).ok());
    shown(one) == shown(two)
}

/// The names of the tables that differ.
pub(crate) fn changed_tables(one: &Config, two: &Config) -> Vec<String> {
    let shown = |config| unmasked(|| serde_json::to_value(config).unwrap_or_default());
    let (one, two): (Value, Value) = (shown(one), shown(two));
    let tables = [&one, &two].into_iter().filter_map(Value::as_object);
    let mut keys: Vec<String> = tables
        .flat_map(|table| table.keys().cloned())
        .filter(|key| one.get(key) != two.get(key))
        .collect();
    keys.sort_unstable();
    keys.dedup();
    keys
}

impl Config {
    /// The keys whose change needs a restart: sockets, threads and the form of the log are made once.
    pub(crate) fn needs_restart(&self, new: &Self) -> Vec<&'static str> {
        let admin = |config: &Self| config.admin.as_ref().map(|admin| admin.address.clone());
        let changed = [
            ("workers", self.workers != new.workers),
            ("shadow_threads", self.shadow_threads != new.shadow_threads),
            ("listen", !are_same_sockets(&self.listen, &new.listen)),
            ("admin.address", admin(self) != admin(new)),
            ("takeover.socket", self.takeover != new.takeover),
            ("capture", !is_same(&self.capture, &new.capture)),
            ("log.format", self.log.format != new.log.format),
        ];
        let changed = changed.into_iter();
        changed
            .filter_map(|(key, changed)| changed.then_some(key))
            .collect()
    }
}

/// Whether the same sockets are listened on; the files that TLS is made of may differ.
fn are_same_sockets(old: &[Listen], new: &[Listen]) -> bool {
    let is_same = |old: &Listen, new: &Listen| {
        (&old.address, old.mode, old.tls.is_some()) == (&new.address, new.mode, new.tls.is_some())
            && (&old.owner, &old.group) == (&new.owner, &new.group)
    };
    old.len() == new.len() && old.iter().zip(new).all(|(old, new)| is_same(old, new))
}
