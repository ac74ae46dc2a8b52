//! What happened and when. Of each kind the last ones are kept, so that none that comes often takes the place of others.

use std::{collections::VecDeque, time::SystemTime};

use parking_lot::Mutex;
use serde::{Serialize, Serializer};

use super::unix_seconds;
use crate::telemetry::{named::named, text::shown};

named! {
    /// What happened.
    enum EventKind {
        /// The process started.
        Start = "start",
        /// A reload changed something.
        Reload = "reload",
        /// A shadow was changed over the administration.
        Change = "change",
        /// A shadow failed too often, or answers again.
        Breaker = "breaker",
        /// A shadow runs another build.
        Build = "build",
    }
}

/// Something that happened.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Event {
    #[serde(serialize_with = "as_seconds")]
    pub(crate) at: SystemTime,
    pub(crate) kind: EventKind,
    pub(crate) shadow: Option<String>,
    pub(crate) text: String,
}

fn as_seconds<S: Serializer>(at: &SystemTime, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_u64(unix_seconds(*at))
}

impl Serialize for EventKind {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

/// How many events of a kind are kept.
const KEPT: usize = 128;

/// The last events of each kind.
#[derive(Debug, Default)]
pub(crate) struct Events(Mutex<[VecDeque<Event>; EventKind::ALL.len()]>);

impl Events {
    /// Something happened now. What strangers sent may be in `text`.
    pub(crate) fn add(&self, kind: EventKind, shadow: Option<&str>, text: &str) {
        self.add_at(SystemTime::now(), kind, shadow, text);
    }

    fn add_at(&self, at: SystemTime, kind: EventKind, shadow: Option<&str>, text: &str) {
        let event = Event {
            at,
            kind,
            shadow: shadow.map(str::to_owned),
            text: shown(text.as_bytes()).into_owned(),
        };
        let of_kind = &mut self.0.lock()[kind as usize];
        if of_kind.len() == KEPT {
            of_kind.pop_front();
        }
        of_kind.push_back(event);
    }

    /// All that are kept, the oldest first.
    pub(crate) fn all(&self) -> Vec<Event> {
        let mut all: Vec<_> = self.0.lock().iter().flatten().cloned().collect();
        all.sort_by_key(|event| event.at);
        all
    }

    /// The last event of this kind of a shadow.
    pub(crate) fn last(&self, kind: EventKind, shadow: &str) -> Option<Event> {
        let events = self.0.lock();
        let mut of_kind = events[kind as usize].iter().rev();
        of_kind
            .find(|event| event.shadow.as_deref() == Some(shadow))
            .cloned()
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, UNIX_EPOCH};

    use super::*;

    #[test]
    fn a_kind_that_comes_often_leaves_the_others_there() {
        let events = Events::default();
        let at = |seconds| UNIX_EPOCH + Duration::from_secs(seconds);
        events.add_at(at(1000), EventKind::Build, Some("next"), "v2");
        for second in 0..10 * KEPT as u64 {
            events.add_at(at(second), EventKind::Breaker, Some("other"), "opened");
        }
        let all = events.all();
        assert_eq!(all.len(), KEPT + 1);
        assert!(all.is_sorted_by_key(|event| event.at));
        assert_eq!(events.last(EventKind::Build, "next").unwrap().text, "v2");
        assert!(events.last(EventKind::Breaker, "next").is_none());
    }

    #[test]
    fn what_strangers_sent_is_cut_and_can_steer_no_terminal() {
        let events = Events::default();
        let text = format!("v\u{1b}[2J\u{202e}{}", "x".repeat(10_000));
        events.add(EventKind::Build, None, &text);
        let text = &events.all()[0].text;
        assert!(
            text.starts_with("v\\u{1b}[2J\\u{202e}x") && text.len() < 300,
            "{text}"
        );
    }
}
