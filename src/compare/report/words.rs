//! Words and numbers that all forms of a report share.

use super::{Cause, Report, RouteCount, Slower, SpeedVerdict, Status, When};

/// A number with separators: `9,120`.
pub(crate) fn number(count: u64) -> String {
    let digits = count.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A number of things, in words.
pub(crate) fn counted(count: u64, one: &str, many: &str) -> String {
    match count {
        1 => format!("1 {one}"),
        _ => format!("{} {many}", number(count)),
    }
}

pub(crate) fn percent(part: u64, of: u64) -> String {
    #[expect(clippy::cast_precision_loss, reason = "a percentage")]
    let share = 100.0 * part as f64 / of.max(1) as f64;
    match share {
        100.0 => "all".to_owned(),
        99.5.. => "99 %".to_owned(),
        1.0.. => format!("{share:.0} %"),
        _ => format!("{share:.1} %"),
    }
}

/// One sentence for all of it.
pub(crate) fn sentence(report: &Report) -> String {
    let requests = &report.requests;
    if requests.answered == 0 {
        return format!(
            "Nothing was compared yet: {} has answered no copy.",
            report.shadow
        );
    }
    if requests.compared == 0 {
        return format!(
            "Nothing was compared yet: none of {} of {} could be.",
            counted(requests.answered, "answer", "answers"),
            report.shadow
        );
    }
    let compared = counted(requests.compared, "request", "requests");
    let confirmed = report.confirmed().count() as u64;
    let open = report.unconfirmed().count() as u64;
    let shadow = &report.shadow;
    let open = match open {
        0 => String::new(),
        _ => format!(" {} not certain yet.", counted(open, "more is", "more are")),
    };
    if confirmed == 0 {
        let all = match requests.compared {
            1 => "in the one request that was compared".to_owned(),
            _ => format!("in all of {compared} that were compared"),
        };
        return format!("{shadow} answers as production does, {all}.{open}");
    }
    let causes = counted(confirmed, "cause", "causes");
    format!(
        "{shadow} answers {} of {compared} in another way than production, for {causes}.{open}",
        number(requests.different)
    )
}

/// How fast the shadow is as a whole, where there is something to tell.
pub(crate) fn speed(report: &Report) -> Option<String> {
    let (speed, shadow) = (&report.speed, &report.shadow);
    match speed.verdict {
        SpeedVerdict::Slower => Some(format!(
            "{shadow} takes {} times as long as production ({} to {}) on most routes ({} of {}), about {} ms more: its \
             machine, or something that all routes share, not one route.",
            speed.ratio,
            speed.low,
            speed.high,
            number(speed.slower_routes),
            number(speed.routes),
            speed.milliseconds
        )),
        SpeedVerdict::FewRoutes if report.slower.len() as u64 == speed.routes => Some(format!(
            "No other route has enough pairs to be timed: it may as well be the machine of {shadow}."
        )),
        _ => None,
    }
}

/// One route that is slower: `8 times as long (7.1 to 9), 30 ms more, 50 pairs`.
pub(crate) fn slowness(slower: &Slower) -> String {
    let beyond = slower.beyond_others.map_or(String::new(), |times| {
        format!(", {times} times what other routes take")
    });
    format!(
        "{} times as long ({} to {}), {} ms more{beyond}, {}",
        slower.ratio,
        slower.low,
        slower.high,
        slower.milliseconds,
        counted(slower.pairs, "pair", "pairs")
    )
}

/// `51 of 402 (13 %)`.
pub(crate) fn share(route: &RouteCount) -> String {
    format!(
        "{} of {} ({})",
        number(route.different),
        number(route.of),
        percent(route.different, route.of)
    )
}

pub(crate) fn condition(when: &When) -> String {
    format!(
        "only with {}: {} of {}, else {} of {}",
        when.feature,
        number(when.hit[0]),
        number(when.hit[1]),
        number(when.miss[0]),
        number(when.miss[1])
    )
    .replace("only with not without ", "only with ")
    .replace("only with not ", "only without ")
    .replace("only with without ", "only without ")
    .replace("only with no ", "only without a ")
    .replace("only without no ", "only with a ")
    .replace("only with with ", "only with ")
    .replace("only without with ", "only without ")
}

/// Two values as lines of a diff. A side that has nothing has no line.
pub(crate) fn diff(cause: &Cause) -> Vec<(char, String)> {
    let line = |text: &String| match text.replace(['\n', '\r', '\t'], " ") {
        text if text.trim().is_empty() => "(empty)".to_owned(),
        text => text,
    };
    let example = &cause.example;
    let mut lines = Vec::new();
    match (&example.primary, &example.shadow) {
        (None, None) => {}
        (primary, shadow) => {
            lines.push(('-', primary.as_ref().map_or("(not there)".to_owned(), line)));
            lines.push(('+', shadow.as_ref().map_or("(not there)".to_owned(), line)));
        }
    }
    lines
}

/// Where an example is from: its request line and place.
pub(crate) fn origin(cause: &Cause) -> Option<String> {
    let example = &cause.example;
    if example.method.is_empty() {
        return None;
    }
    Some(match &*cause.place {
        "status" => format!("{} {}", example.method, example.target),
        place => format!("{} {}  at  {place}", example.method, example.target),
    })
}

pub(crate) fn status(cause: &Cause) -> &'static str {
    match cause.status {
        Status::Confirmed => "confirmed",
        Status::Unconfirmed => "not certain yet",
    }
}

/// What became of sessions, a sentence each; nothing where they are not kept alive.
pub(crate) fn sessions(report: &Report) -> Vec<String> {
    let Some(sessions) = &report.sessions else {
        return Vec::new();
    };
    let (alive, all) = (sessions.alive, sessions.alive + sessions.lost);
    let put_in = sessions.put_in;
    let kinds = listed(&[
        (put_in.cookies, "cookie", "cookies"),
        (put_in.tokens, "token", "tokens"),
        (put_in.ids, "id", "ids"),
        (put_in.conditions, "condition", "conditions"),
    ]);
    let kinds = kinds.map_or(String::new(), |kinds| format!(" ({kinds})"));
    let mut said = vec![format!(
        "Sessions: {} of {} alive on {}; {} put in{kinds}.",
        number(alive),
        number(all),
        report.shadow,
        counted(put_in.all(), "value was", "values were")
    )];
    if !sessions.breaks.is_empty() {
        let breaks = sessions.breaks.iter();
        let breaks = breaks.map(|at| format!("{} ({})", at.route, number(at.sessions)));
        said.push(format!(
            "Lost ones broke first at {}.",
            breaks.collect::<Vec<_>>().join(", ")
        ));
    }
    if sessions.held_back > 0 {
        said.push(format!(
            "{} held back, for what {} has not made.",
            counted(sessions.held_back, "copy was", "copies were"),
            report.shadow
        ));
    }
    let help = sessions.needs_help;
    let help = listed(&[
        (help.one_time_codes, "one-time code", "one-time codes"),
        (help.captchas, "captcha", "captchas"),
        (
            help.earlier_cookies,
            "cookie from before the start",
            "cookies from before the start",
        ),
    ]);
    if let Some(help) = help {
        said.push(format!("Nothing was put in for what needs help: {help}."));
    }
    said
}

/// Those of the counts that are not zero, in words.
fn listed(counts: &[(u64, &str, &str)]) -> Option<String> {
    let some = counts.iter().filter(|(count, ..)| *count > 0);
    let words: Vec<_> = some
        .map(|(count, one, many)| counted(*count, one, many))
        .collect();
    (!words.is_empty()).then(|| words.join(", "))
}

/// A few words on how many pairs came to what; empty where nothing is left to tell.
pub(crate) fn remainder(report: &Report) -> String {
    let requests = &report.requests;
    let mut parts = vec![
        format!("{} identical", number(requests.identical)),
        format!("{} differ only by noise", number(requests.explained)),
        format!("{} different", number(requests.different)),
    ];
    if requests.unconfirmed > 0 {
        parts.push(format!("{} not certain", number(requests.unconfirmed)));
    }
    for (reason, count) in &report.not_compared {
        parts.push(format!(
            "{} not compared ({})",
            number(*count),
            reason.replace('_', " ")
        ));
    }
    format!(
        "{} answered: {}.",
        number(requests.answered),
        parts.join(", ")
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_condition_is_one_phrase() {
        let said = |feature: &str| {
            let when = When {
                feature: feature.to_owned(),
                hit: [2, 2],
                miss: [0, 9],
            };
            condition(&when)
        };
        assert_eq!(said("?q"), "only with ?q: 2 of 2, else 0 of 9");
        assert!(said("with range").starts_with("only with range:"));
        assert!(said("not with range").starts_with("only without range:"));
        assert!(said("without a session").starts_with("only without a session:"));
        assert!(said("not without a session").starts_with("only with a session:"));
        assert!(said("no query").starts_with("only without a query:"));
        assert!(said("not no query").starts_with("only with a query:"));
    }
}
