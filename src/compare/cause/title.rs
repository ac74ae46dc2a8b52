//! What a cause is called, so that a person knows at once what happened.

use super::signature::leaf;
use crate::compare::{difference::Kind, extract::Class, learn::cell::Cell};

/// The title by one cell. `route` names where it is, if that is one place only.
pub(crate) fn of_cell(cell: &Cell, route: &str) -> String {
    let change = &*cell.key.change;
    match (cell.class, cell.key.kind) {
        (Class::Status, _) => of_status(change, route),
        (Class::Redirect, Kind::Missing) if (300..400).contains(&cell.status) => {
            "the redirect's target is gone".to_owned()
        }
        (Class::Redirect, Kind::Missing) => "header location is gone".to_owned(),
        (Class::Redirect, _) => of_redirect(cell),
        (Class::ContentType, _) => of_content_type(cell),
        (Class::Markup, _) => "markup changed".to_owned(),
        (Class::Whole, _) => "the body is another one".to_owned(),
        _ => format!("{} {}", subject(cell), predicate(cell)),
    }
}

fn of_status(change: &str, route: &str) -> String {
    let Some((from, rest)) = change.split_once(" to ") else {
        return change.to_owned();
    };
    let (to, error) = match rest.split_once(" error: ") {
        Some((to, error)) => (to, error),
        None => (rest.split(' ').next().unwrap_or(rest), ""),
    };
    let what = match to {
        "500" | "502" | "503" | "504" => "fails with",
        _ => "answers",
    };
    let subject = if route.is_empty() {
        "the shadow"
    } else {
        route
    };
    let reason = if error.is_empty() {
        String::new()
    } else {
        format!(": {error}")
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
    match (&cell.example.primary, &cell.example.shadow) {
        (Some(primary), Some(shadow)) => format!("content type is {shadow} instead of {primary}"),
        (Some(_), None) => "content type is gone".to_owned(),
        _ => "content type is new".to_owned(),
    }
}

/// What it is about: a field, a header, a text of a page.
fn subject(cell: &Cell) -> String {
    let place = &*cell.place;
    if place.starts_with('$') {
        let name = leaf(place);
        return if name == "$" || name == "$[]" {
            "the list".to_owned()
        } else {
            name.to_owned()
        };
    }
    let is_part = place.starts_with("header ") || place.starts_with("cookie ");
    let text = cell
        .example
        .primary
        .as_ref()
        .or(cell.example.shadow.as_ref());
    let is_gone_or_new = matches!(cell.key.kind, Kind::Missing | Kind::Extra);
    let text = text.filter(|text| !text.trim().is_empty());
    if let (Class::Content | Class::Action, true, false, Some(text)) =
        (cell.class, is_gone_or_new, is_part, text)
    {
        let short: String = text.chars().take(60).collect();
        let dots = if short.len() < text.len() { "…" } else { "" };
        let noun = if cell.class == Class::Action {
            ""
        } else {
            "text "
        };
        return format!("{noun}“{short}{dots}”");
    }
    place.to_owned()
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

/// The title of many cells with one change: the leaves that it is about, then what happened.
pub(crate) fn of_many(cells: &[&Cell], route: &str) -> String {
    let first = cells[0];
    let mut names: Vec<String> = cells.iter().map(|cell| subject(cell)).collect();
    names.sort_unstable();
    names.dedup();
    let is_one =
        names.len() <= 1 || matches!(first.class, Class::Status | Class::Redirect | Class::Markup);
    if is_one || cells.iter().any(|cell| cell.key.change != first.key.change) {
        return of_cell(first, route);
    }
    let shown = match &*names {
        [one, other] => format!("{one} and {other}"),
        [one, other, third] => format!("{one}, {other} and {third}"),
        _ => format!("{}, {} and {} more", names[0], names[1], names.len() - 2),
    };
    let predicate = predicate(first);
    let predicate = match predicate.split_once(' ') {
        Some(("is", rest)) => format!("are {rest}"),
        Some(("has", rest)) => format!("have {rest}"),
        Some(("comes", rest)) => format!("come {rest}"),
        Some(("points", rest)) => format!("point {rest}"),
        _ => predicate,
    };
    format!("{shown} {predicate}")
}
