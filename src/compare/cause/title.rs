//! What a cause is called, so that a person knows at once what happened.

use super::names::{Control, Names};
use crate::compare::{
    difference::{Kind, asset_title},
    extract::Class,
    learn::cell::Cell,
};

/// A sentence about one difference: what it is about, and what happened to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Said {
    /// Empty where the predicate is all of the sentence.
    pub(crate) subject: String,
    pub(crate) predicate: String,
}

impl Said {
    fn whole(sentence: impl Into<String>) -> Self {
        Self {
            subject: String::new(),
            predicate: sentence.into(),
        }
    }

    pub(crate) fn sentence(&self) -> String {
        if self.subject.is_empty() {
            self.predicate.clone()
        } else {
            format!("{} {}", self.subject, self.predicate)
        }
    }
}

/// One cell in words. `who` gives the status: a route, or `routes` of which there are several.
pub(crate) fn of_cell(cell: &Cell, who: &Who, names: &Names) -> Said {
    let change = &*cell.key.change;
    match (cell.class, cell.key.kind) {
        (Class::Status, _) => Said::whole(of_status(change, who)),
        (Class::Redirect, Kind::Missing) if (300..400).contains(&cell.status) => {
            Said::whole("the redirect's target is gone")
        }
        (Class::Redirect, Kind::Missing) => Said::whole("header location is gone"),
        (Class::Redirect, _) => Said::whole(of_redirect(cell)),
        (Class::ContentType, _) => Said::whole(of_content_type(cell)),
        (Class::Markup, _) => Said::whole(of_markup(cell)),
        (Class::Whole, _) => Said::whole("the body is another one"),
        _ => Said {
            subject: names.subject(cell),
            predicate: predicate(cell),
        },
    }
}

/// The routes that a title is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Who {
    Nobody,
    One(String),
    /// The first, and how many more there are.
    Many(String, usize),
}

fn of_status(change: &str, who: &Who) -> String {
    let Some((from, rest)) = change.split_once(" to ") else {
        return change.to_owned();
    };
    let (to, error) = match rest.split_once(" error: ") {
        Some((to, error)) => (to, error),
        None => (rest.split(' ').next().unwrap_or(rest), ""),
    };
    let fails = to.starts_with('5');
    let (subject, what) = match who {
        Who::Nobody => ("the shadow".to_owned(), ["answers", "fails with"]),
        Who::One(route) => (route.clone(), ["answers", "fails with"]),
        Who::Many(route, 1) => (format!("{route} and 1 more route"), ["answer", "fail with"]),
        Who::Many(route, more) => (
            format!("{route} and {more} more routes"),
            ["answer", "fail with"],
        ),
    };
    let what = what[usize::from(fails)];
    let reason = match error {
        "" => String::new(),
        "no text" => ", with an empty page".to_owned(),
        error => format!(": {error}"),
    };
    format!("{subject} {what} {to} instead of {from}{reason}")
}

fn of_redirect(cell: &Cell) -> String {
    match (&cell.example.primary, &cell.example.shadow) {
        (Some(primary), Some(shadow)) if primary.len() + shadow.len() < 100 => {
            // An origin that isn't said.
            let target = |text: &str| {
                match text {
                    "" => "its own host",
                    text => text,
                }
                .to_owned()
            };
            let (primary, shadow) = (target(primary), target(shadow));
            format!("redirects to {shadow} instead of {primary}")
        }
        _ => "redirects to another place".to_owned(),
    }
}

fn of_content_type(cell: &Cell) -> String {
    let what = match cell.place.split_once("; ") {
        Some((_, parameter)) => format!("the {parameter} of the content type"),
        None => "the content type".to_owned(),
    };
    match (&cell.example.primary, &cell.example.shadow) {
        (Some(primary), Some(shadow)) => format!("{what} is {shadow} instead of {primary}"),
        (Some(primary), None) => format!("{what} is gone: it was {primary}"),
        (None, Some(shadow)) => format!("{what} is told now: {shadow}"),
        (None, None) => format!("{what} is another one"),
    }
}

fn of_markup(cell: &Cell) -> String {
    let example = &cell.example;
    let values = [example.primary.as_deref(), example.shadow.as_deref()];
    match &*cell.place {
        "markup scripts" => "scripts or styles of the page changed".to_owned(),
        "markup" if values[0].is_some() => "something stands elsewhere on the page".to_owned(),
        place => asset_title(place, values).unwrap_or_else(|| "markup changed".to_owned()),
    }
}

/// What happened to it.
fn predicate(cell: &Cell) -> String {
    let change = &*cell.key.change;
    let after = |prefix: &str| change.strip_prefix(prefix).map(str::trim);
    if let Some(name) = after("renamed to") {
        return format!("is called {name} now");
    }
    if let Some(factor) = after("factor") {
        return of_factor(factor);
    }
    if let Some(minutes) = after("time shifted by minutes:") {
        return of_shift(minutes);
    }
    if cell.class == Class::Header && change == "other items" {
        return "lists others".to_owned();
    }
    if let Some(flag) = of_flag(cell) {
        return flag.to_owned();
    }
    let noun = match cell.key.kind {
        Kind::Missing => return "is gone".to_owned(),
        Kind::Extra => return "is new".to_owned(),
        Kind::Order => return "comes in another order".to_owned(),
        _ => change,
    };
    match noun {
        "null to empty" => "is empty instead of null",
        "empty to null" => "is null instead of empty",
        "number to text" => "is a text instead of a number",
        "text to number" => "is a number instead of a text",
        "precision lost" => "has lost digits",
        "precision gained" => "has more digits",
        "time format" => "is written in another format of time",
        "number format" => "is written in another format of numbers",
        "case" => "is in other letter case",
        "trimmed" => "has lost or won spaces",
        "entity-escaped" => "is escaped once more (&amp; for &)",
        "entities decoded" => "is escaped less",
        "mojibake" => "is garbled (UTF-8 read as Latin-1)",
        "origin replaced" => "points to another host",
        "prefix added" => "has something in front",
        "prefix gone" => "has lost its beginning",
        "suffix added" => "has something appended",
        "suffix gone" => "has lost its end",
        "fewer items" => "has fewer items",
        "more items" => "has more items",
        "other items" => "has other items",
        "reordered" => "comes in another order",
        "unicode normalization" => "is in another Unicode normal form",
        "form of a boolean" => "is another form of yes and no",
        "emptied" => "is empty",
        "filled" => "is filled where it was empty",
        "other type" => "is of another type",
        "other shape" => "has another shape",
        "gone" => "is gone",
        "added" => "is new",
        _ => "is another value",
    }
    .to_owned()
}

/// What became of a field whose mark is gone or new.
fn of_flag(cell: &Cell) -> Option<&'static str> {
    let flag = Control::at(&cell.place)?.flag()?;
    match (flag, cell.key.kind) {
        ("required", Kind::Missing) => Some("is not required any more"),
        ("required", Kind::Extra) => Some("is required now"),
        ("checked", Kind::Missing) => Some("is not ticked any more"),
        ("checked", Kind::Extra) => Some("is ticked now"),
        ("disabled", Kind::Missing) => Some("is not disabled any more"),
        ("disabled", Kind::Extra) => Some("is disabled now"),
        ("readonly", Kind::Missing) => Some("is not read-only any more"),
        ("readonly", Kind::Extra) => Some("is read-only now"),
        ("multiple", Kind::Missing) => Some("is for one value only now"),
        ("multiple", Kind::Extra) => Some("is for several values now"),
        _ => None,
    }
}

fn of_factor(factor: &str) -> String {
    if factor == "-1" {
        return "has the other sign".to_owned();
    }
    match factor.strip_prefix("1/") {
        Some(divisor) => format!("is {divisor} times smaller"),
        None => format!("is {factor} times larger"),
    }
}

fn of_shift(minutes: &str) -> String {
    let Ok(minutes) = minutes.parse::<i64>() else {
        return "is another time".to_owned();
    };
    let word = if minutes > 0 { "later" } else { "earlier" };
    let minutes = minutes.abs();
    let amount = match minutes {
        60 => "1 hour".to_owned(),
        _ if minutes % (24 * 60) == 0 => format!("{} days", minutes / (24 * 60)),
        _ if minutes % 60 == 0 => format!("{} hours", minutes / 60),
        _ => format!("{minutes} minutes"),
    };
    format!("is {amount} {word}")
}

/// The title of several differences: what the first says, of all that it is said of, and how much more there is.
pub(crate) fn of_many(all: &[Said]) -> String {
    let Some(first) = all.first() else {
        return String::new();
    };
    let alike = |said: &&Said| said.predicate == first.predicate;
    let mut names: Vec<&str> = all
        .iter()
        .filter(alike)
        .map(|said| &*said.subject)
        .collect();
    names.sort_unstable();
    names.dedup();
    let title = match &*names {
        [] | [_] => first.sentence(),
        [one, other] => format!("{one} and {other} {}", plural(&first.predicate)),
        [one, other, third] => {
            format!("{one}, {other} and {third} {}", plural(&first.predicate))
        }
        [one, other, rest @ ..] => format!(
            "{one}, {other} and {} more {}",
            rest.len(),
            plural(&first.predicate)
        ),
    };
    let mut others: Vec<String> = all
        .iter()
        .filter(|said| !alike(said))
        .map(Said::sentence)
        .collect();
    others.sort_unstable();
    others.dedup();
    match others.len() {
        0 => title,
        1 => format!("{title}, with 1 more difference"),
        more => format!("{title}, with {more} more differences"),
    }
}

fn plural(predicate: &str) -> String {
    match predicate.split_once(' ') {
        Some(("is", rest)) => format!("are {rest}"),
        Some(("has", rest)) => format!("have {rest}"),
        Some(("comes", rest)) => format!("come {rest}"),
        Some(("points", rest)) => format!("point {rest}"),
        Some(("lists", rest)) => format!("list {rest}"),
        _ => predicate.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(subject: &str, predicate: &str) -> Said {
        Said {
            subject: subject.to_owned(),
            predicate: predicate.to_owned(),
        }
    }

    #[test]
    fn a_title_names_what_the_same_happened_to_and_counts_the_rest() {
        let all = [
            said("full", "is another value"),
            said("datasette.version", "is another value"),
            said("python.version", "is another value"),
            said("total", "is gone"),
            said("total", "is gone"),
        ];
        assert_eq!(
            of_many(&all),
            "datasette.version, full and python.version are another value, with 1 more difference"
        );
        assert_eq!(of_many(&all[..1]), "full is another value");
    }

    #[test]
    fn a_status_is_told_of_one_route_and_of_several() {
        let one = Who::One("GET /a".to_owned());
        let many = Who::Many("GET /a".to_owned(), 2);
        assert_eq!(
            of_status("200 to 405 error: no text", &one),
            "GET /a answers 405 instead of 200, with an empty page"
        );
        assert_eq!(
            of_status("200 to 500 error: KeyError", &many),
            "GET /a and 2 more routes fail with 500 instead of 200: KeyError"
        );
    }
}
