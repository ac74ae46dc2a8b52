//! What a comparison shows of what came, with nothing that runs.

use std::sync::atomic::AtomicUsize;

use super::*;
use crate::compare::rules::Rules;

fn comparison() -> Arc<Comparison> {
    Comparison::new(Settings::default(), None)
}

#[test]
fn what_came_is_shown_and_shown_again_without_making_a_report() {
    let comparison = comparison();
    comparison.leave_out(LeftOut::NoPrimary);
    let shown = comparison.shown();
    assert_eq!(shown.requests.answered, 1);
    let left_out: u64 = shown.not_compared.values().sum();
    assert_eq!(left_out, 1);
    // A minute may end between two, but not between each of them.
    let all = [(); 3].map(|()| comparison.shown());
    assert!(all.windows(2).any(|two| Arc::ptr_eq(&two[0], &two[1])));
    comparison.leave_out(LeftOut::QueueFull);
    assert_eq!(comparison.shown().requests.answered, 2);
    assert_eq!(comparison.report().requests.answered, 2);
}

#[test]
fn what_is_forgotten_and_other_rules_show_at_once() {
    let comparison = comparison();
    comparison.leave_out(LeftOut::NoPrimary);
    assert_eq!(comparison.shown().requests.answered, 1);
    comparison.reset();
    assert_eq!(comparison.shown().requests.answered, 0);
    let rules = "[[rule]]\nplace = \"$.a\"\naction = \"ignore\"\n";
    comparison.set_rules(Rules::parse(rules).unwrap());
    assert_eq!(comparison.shown().rules.len(), 1);
    comparison.set(Settings::default());
    assert_eq!(comparison.shown().rules.len(), 0);
}

#[test]
fn sessions_are_told_as_they_are_though_no_pair_came() {
    #[derive(Default)]
    struct Follows(AtomicUsize);

    impl FollowsSessions for Follows {
        fn sessions(&self) -> SessionsReport {
            SessionsReport {
                alive: self.0.load(Relaxed) as u64,
                ..SessionsReport::default()
            }
        }
    }

    let (comparison, follows) = (comparison(), Arc::new(Follows::default()));
    let alive = || {
        comparison
            .shown()
            .sessions
            .as_ref()
            .map(|sessions| sessions.alive)
    };
    assert_eq!(alive(), None);
    comparison.set_sessions(Some(follows.clone()));
    assert_eq!(alive(), Some(0));
    follows.0.store(3, Relaxed);
    assert_eq!(alive(), Some(3));
}
