//! Notifies systemd (`sd_notify(3)`). The only file that knows sd-notify.
//!
//! Without systemd all of this does nothing.

use std::time::Duration;

use sd_notify::NotifyState;

/// Clients are served from now on.
pub(crate) fn ready(status: &str) {
    say(&[NotifyState::Ready, NotifyState::Status(status)]);
}

/// The configuration is read again; `ready` says when that is over.
pub(crate) fn reloading() {
    match NotifyState::monotonic_usec_now() {
        Ok(now) => say(&[NotifyState::Reloading, now]),
        Err(_) => say(&[NotifyState::Reloading]),
    }
}

pub(crate) fn stopping(status: &str) {
    say(&[NotifyState::Stopping, NotifyState::Status(status)]);
}

/// The process works; where it does not say so in time, systemd ends it.
pub(crate) fn alive() {
    say(&[NotifyState::Watchdog]);
}

/// How often systemd wants to hear that the process works.
pub(crate) fn watchdog() -> Option<Duration> {
    sd_notify::watchdog_enabled()
}

fn say(states: &[NotifyState<'_>]) {
    if let Err(error) = sd_notify::notify(states) {
        tracing::debug!(%error, "systemd can't be notified");
    }
}
