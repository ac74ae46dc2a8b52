//! Which build a shadow runs: as its responses say in a header, as the configuration says, or as somebody told.

use std::{
    collections::VecDeque,
    sync::Arc,
    time::{Duration, Instant},
};

use parking_lot::Mutex;

use crate::{config::Build, http::now, telemetry::text::shown};

/// Which build a shadow runs, as far as it is known.
#[derive(Debug, Default)]
pub(super) struct Builds(Mutex<Known>);

#[derive(Debug, Default)]
struct Known {
    /// The last one.
    current: Option<Arc<[u8]>>,
    /// Each that was there lately, and when it was last.
    lately: VecDeque<(Arc<[u8]>, Instant)>,
    /// What the configuration said last.
    configured: Option<Build>,
}

/// A build that comes again within this time is no news: while instances are replaced one after the other, responses of both
/// builds take turns.
const LATELY: Duration = Duration::from_secs(600);
/// How many builds there may be in that time. What a server writes into its header must not be able to flood the list of
/// events.
const MOST: usize = 8;
/// Bytes of a name that count.
const LONGEST: usize = 64;

impl Builds {
    /// A response that came at `at` names this build. Returns it where it is news.
    pub(super) fn see(&self, value: &[u8], at: Instant) -> Option<String> {
        let value = value.trim_ascii();
        if value.is_empty() {
            return None;
        }
        let is_news = self.0.lock().see(&value[..value.len().min(LONGEST)], at);
        is_news.then(|| self.current()).flatten()
    }

    /// Somebody says which build it is. Returns it where it is news.
    pub(super) fn set(&self, build: &Build) -> Option<String> {
        self.see(build.as_str().as_bytes(), now())
    }

    /// The configuration, which is read again at each reload, says which build it is. Returns it where it is news.
    pub(super) fn configure(&self, build: Option<&Build>) -> Option<String> {
        let before = std::mem::replace(&mut self.0.lock().configured, build.cloned());
        if before.as_ref() == build {
            return None;
        }
        if build.is_none() {
            self.0.lock().current = None;
        }
        build.and_then(|build| self.set(build))
    }

    /// The build that it runs, with escapes where it is not printable.
    pub(super) fn current(&self) -> Option<String> {
        let known = self.0.lock();
        known
            .current
            .as_ref()
            .map(|build| shown(build).into_owned())
    }
}

impl Known {
    /// Returns whether it is news.
    fn see(&mut self, value: &[u8], at: Instant) -> bool {
        let is_current = self.current.as_deref() == Some(value);
        let mut lately = self.lately.iter_mut();
        if let Some((build, last)) = lately.find(|(build, _)| **build == *value) {
            let was_lately = at.saturating_duration_since(*last) < LATELY;
            *last = at;
            if !is_current {
                self.current = Some(Arc::clone(build));
            }
            return !is_current && !was_lately;
        }
        let is_old = |last: &Instant| at.saturating_duration_since(*last) >= LATELY;
        self.lately.retain(|(_, last)| !is_old(last));
        if self.lately.len() == MOST {
            return false;
        }
        let build: Arc<[u8]> = value.into();
        self.lately.push_back((Arc::clone(&build), at));
        self.current = Some(build);
        !is_current
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn builds_that_take_turns_are_told_once_each() {
        let (builds, start) = (Builds::default(), now());
        let mut told = Vec::new();
        for second in 0..120 {
            let build: &[u8] = if second % 2 == 0 { b"v1" } else { b" v2 " };
            told.extend(builds.see(build, start + Duration::from_secs(second)));
        }
        assert_eq!(told, ["v1", "v2"]);
        assert_eq!(builds.current().as_deref(), Some("v2"));
        // A deploy that is taken back is news.
        let later = start + Duration::from_secs(120) + LATELY;
        assert_eq!(builds.see(b"v2", later), None);
        assert_eq!(builds.see(b"v1", later).as_deref(), Some("v1"));
    }

    #[test]
    fn a_shadow_that_rested_for_long_runs_what_it_ran() {
        let (builds, start) = (Builds::default(), now());
        assert!(builds.see(b"v1", start).is_some());
        assert_eq!(builds.see(b"v1", start + 10 * LATELY), None);
        assert_eq!(builds.see(b"", start), None);
    }

    #[test]
    fn the_configuration_is_news_only_where_it_changes() {
        let builds = Builds::default();
        let build = |name: &str| Build::try_from(name.to_owned()).unwrap();
        assert_eq!(builds.configure(Some(&build("v1"))).as_deref(), Some("v1"));
        assert_eq!(builds.set(&build("v2")).as_deref(), Some("v2"));
        assert_eq!(builds.configure(Some(&build("v1"))), None);
        assert_eq!(builds.current().as_deref(), Some("v2"));
        assert_eq!(builds.configure(None), None);
        assert_eq!(builds.current(), None);
    }

    proptest! {
        #[test]
        fn whatever_a_server_says_little_is_told_and_kept(values in prop::collection::vec(any::<Vec<u8>>(), 0..200)) {
            let (builds, start) = (Builds::default(), now());
            let told = values.iter().filter_map(|value| builds.see(value, start));
            let told: Vec<_> = told.collect();
            prop_assert!(told.len() <= MOST);
            prop_assert!(told.iter().all(|build| !build.chars().any(char::is_control)));
            prop_assert!(builds.0.lock().lately.iter().all(|(build, _)| build.len() <= LONGEST));
        }
    }
}
