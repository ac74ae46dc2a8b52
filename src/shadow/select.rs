//! Which requests a shadow gets: the rules in their order, of which the first that matches wins.

use std::net::IpAddr;

use super::request_view::RequestView;
use crate::config::{Action, Pattern, Rule, Select};

/// The rules of one shadow, for one worker: a compiled regular expression is fastest where only one thread
/// uses it.
#[derive(Clone, Debug)]
pub(super) struct Selection {
    rules: Vec<(Action, Rule, String)>,
    /// What becomes of a request that no rule matches.
    otherwise: Action,
    looks_at_path: bool,
}

/// What the rules say of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    Copied,
    Filtered,
    /// The primary's status decides.
    Open,
}

impl From<Action> for Verdict {
    fn from(action: Action) -> Self {
        match action {
            Action::Allow => Self::Copied,
            Action::Deny => Self::Filtered,
        }
    }
}

/// How the primary answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Answered {
    NotYet,
    /// With a status, or not at all.
    With(Option<u16>),
}

impl Selection {
    pub(super) fn new(select: &Select) -> Self {
        let rules: Vec<_> = select
            .all()
            .map(|(action, rule, key)| (action, rule.clone(), key))
            .collect();
        let allows = rules.iter().any(|(action, ..)| *action == Action::Allow);
        Self {
            otherwise: if allows { Action::Deny } else { Action::Allow },
            looks_at_path: rules.iter().any(|(_, rule, _)| !rule.path.is_empty()),
            rules,
        }
    }

    /// What becomes of a request, and which rule says so; `None`: no rule matches.
    pub(super) fn judge(
        &self,
        seen: RequestView<'_>,
        answered: Answered,
    ) -> (Verdict, Option<usize>) {
        if self.rules.is_empty() {
            return (Verdict::Copied, None);
        }
        let path = if self.looks_at_path {
            seen.path()
        } else {
            [].as_slice().into()
        };
        for (index, (action, rule, _)) in self.rules.iter().enumerate() {
            if !holds(rule, seen, &path) {
                continue;
            }
            if rule.status.is_empty() {
                return ((*action).into(), Some(index));
            }
            match answered {
                Answered::NotYet => return (Verdict::Open, Some(index)),
                Answered::With(status) if rule.status.iter().any(|wanted| wanted.holds(status)) => {
                    return ((*action).into(), Some(index));
                }
                Answered::With(_) => {}
            }
        }
        (self.otherwise.into(), None)
    }

    /// A rule's key and its name.
    pub(super) fn describe(&self, index: usize) -> String {
        let (action, rule, key) = &self.rules[index];
        let action = match action {
            Action::Allow => "allows",
            Action::Deny => "denies",
        };
        match &rule.name {
            Some(name) => format!("select.{key} ({name:?}) {action} it"),
            None => format!("select.{key} {action} it"),
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.rules.is_empty()
    }
}

/// Whether all conditions hold, but for the primary's status. Cheap ones are looked at first.
fn holds(rule: &Rule, seen: RequestView<'_>, path: &[u8]) -> bool {
    let head = seen.head;
    (rule.method.is_empty()
        || rule
            .method
            .iter()
            .any(|method| method.0.as_bytes() == head.method()))
        && (rule.path.is_empty() || any(&rule.path, Some(path)))
        && (rule.host.is_empty() || is_host(&rule.host, seen.host()))
        && rule
            .header
            .iter()
            .all(|(name, wanted)| wanted.holds(head.headers.named(name.spelling().as_bytes())))
        && (rule.content_type.is_empty() || any(&rule.content_type, seen.content_type()))
        && rule.min_body.is_none_or(|least| seen.body() >= least.0)
        && rule.max_body.is_none_or(|most| seen.body() <= most.0)
        && rule
            .query
            .iter()
            .all(|(name, wanted)| wanted.holds(seen.query(name)))
        && (rule.user.is_empty() || any(&rule.user, seen.user(&mut [0; _])))
        && (rule.client.is_empty() || is_among(rule, seen.client()))
}

fn any<const FOLD: bool>(patterns: &[Pattern<FOLD>], text: Option<&[u8]>) -> bool {
    text.is_some_and(|text| patterns.iter().any(|pattern| pattern.matches(text)))
}

fn is_among(rule: &Rule, client: Option<IpAddr>) -> bool {
    client.is_some_and(|client| rule.client.iter().any(|network| network.contains(client)))
}

/// Whether a host is one of these. Patterns may be written with the dot that ends a name, or without it.
fn is_host(patterns: &[Pattern<true>], host: Option<&[u8]>) -> bool {
    let Some(host) = host else { return false };
    if patterns.iter().any(|pattern| pattern.matches(host)) {
        return true;
    }
    if patterns.iter().all(Pattern::is_exact) {
        return false;
    }
    let mut room = [0; LONGEST_HOST + 1];
    if host.len() > LONGEST_HOST {
        let dotted = [host, b"."].concat();
        return patterns.iter().any(|pattern| pattern.matches(&dotted));
    }
    let dotted = &mut room[..=host.len()];
    dotted[..host.len()].copy_from_slice(host);
    dotted[host.len()] = b'.';
    patterns.iter().any(|pattern| pattern.matches(dotted))
}

/// Longer names are invalid (RFC 1035, 2.3.4), and would cost an allocation.
const LONGEST_HOST: usize = 255;
