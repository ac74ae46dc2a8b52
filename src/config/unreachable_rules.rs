//! Reports rules that can never match, or are never reached: their author meant something else.

use super::{
    network::Network,
    pattern::{Pattern, Wanted, all_covered},
    reader::Table,
    select::{Rule, Select, Status},
};

/// Reports why a rule can never match.
pub(super) fn matches(rule: &Rule, waits: bool, table: &Table<'_>) {
    for path in &rule.path {
        if let Some(why) = never_a_path(path) {
            table.mistake("path", &format!("{why}, so that it can never match"));
        }
    }
    for host in rule.host.iter().filter_map(Pattern::literal) {
        if let Some(bad) = host.chars().find(|c| matches!(c, '/' | ' ' | '@')) {
            let what = format!("{host:?} can never match: no host has {bad:?}");
            table.mistake("host", &what);
        } else if !host.starts_with('[') && host.contains(':') {
            let what = format!("{host:?} can never match: the port is not looked at");
            table.mistake("host", &what);
        }
    }
    for kind in rule.content_type.iter().filter_map(Pattern::literal) {
        if kind.contains(';') {
            let what = format!("{kind:?} can never match: what follows the ';' is not looked at");
            table.mistake("content_type", &what);
        }
    }
    for user in rule.user.iter().filter_map(Pattern::literal) {
        if user.contains(':') {
            let what = format!("{user:?} can never match: no user of Basic has a ':'");
            table.mistake("user", &what);
        }
    }
    if let (Some(least), Some(most)) = (rule.min_body, rule.max_body)
        && least > most
    {
        let what = format!("{least} is more than max_body, so that the rule can never match");
        table.mistake("min_body", &what);
    }
    if !rule.status.is_empty() && !waits {
        table.mistake(
            "status",
            "can never match: the primary's answer is not known yet; set send = \"after_answer\" for this shadow",
        );
    }
    for (index, (name, _)) in rule.header.iter().enumerate() {
        if rule.header[..index]
            .iter()
            .any(|(other, _)| other.is(name.spelling()))
        {
            let what = format!("{:?} stands there twice", name.spelling());
            table.mistake("header", &what);
        }
    }
}

/// Why a pattern matches no path.
fn never_a_path(path: &Pattern) -> Option<String> {
    if let Some(regex) = path.regex() {
        let first = regex.strip_prefix('^')?.chars().next()?;
        return first
            .is_ascii_alphanumeric()
            .then(|| format!("{regex:?} begins with {first:?}, and every path with /"));
    }
    let text = path.literal()?;
    if !text.starts_with('/') && !text.is_empty() && text != "*" {
        return Some(format!("{text:?} does not begin with /"));
    }
    if text.is_empty() && path.is_exact() {
        return Some("the path is empty".into());
    }
    let bad = text.chars().find(|c| matches!(c, '?' | '#' | ' '))?;
    Some(format!("{text:?} has {bad:?}, which no path has"))
}

/// Reports every rule that is never reached, with the rule that takes all its requests.
pub(super) fn reached(select: &Select, table: &Table<'_>) {
    let rules: Vec<_> = select.all().collect();
    for (index, (_, rule, key)) in rules.iter().enumerate() {
        let earlier = rules[..index]
            .iter()
            .find(|(_, earlier, _)| covers(earlier, rule));
        if let Some((_, _, by)) = earlier {
            let what = format!("can never match: {by} comes first and matches all that this does");
            table.mistake(key, &what);
        }
    }
}

/// Whether `one` matches everything that `other` does, as far as that can be known.
fn covers(one: &Rule, other: &Rule) -> bool {
    list(&one.method, &other.method, PartialEq::eq)
        && list(&one.path, &other.path, Pattern::covers)
        && list(&one.host, &other.host, Pattern::covers)
        && list(&one.content_type, &other.content_type, Pattern::covers)
        && list(&one.user, &other.user, Pattern::covers)
        && list(&one.client, &other.client, Network::covers)
        && list(&one.status, &other.status, |one: &Status, other| {
            one.covers(*other)
        })
        && one
            .min_body
            .is_none_or(|mine| other.min_body.is_some_and(|theirs| mine <= theirs))
        && one
            .max_body
            .is_none_or(|mine| other.max_body.is_some_and(|theirs| mine >= theirs))
        && pairs(&one.header, &other.header, |one, other| {
            one.is(other.spelling())
        })
        && pairs(&one.query, &other.query, PartialEq::eq)
}

fn list<T>(one: &[T], other: &[T], covers: impl Fn(&T, &T) -> bool) -> bool {
    one.is_empty() || (!other.is_empty() && all_covered(one, other, covers))
}

fn pairs<K>(one: &[(K, Wanted)], other: &[(K, Wanted)], same: impl Fn(&K, &K) -> bool) -> bool {
    one.iter().all(|(key, mine)| {
        other
            .iter()
            .any(|(name, theirs)| same(key, name) && mine.covers(theirs))
    })
}
