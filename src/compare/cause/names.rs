//! What a person calls the thing at a place: a member of an answer, a header, a field, a link or a text of a page.

use std::collections::{HashMap, HashSet};

use super::signature::leaf;
use crate::compare::{difference::Kind, extract::Class, learn::cell::Cell, route::RouteId};

/// Characters of a text that are quoted.
const QUOTED: usize = 60;

/// Names of members that are not the last one's alone, as where one answer has two of that name.
#[derive(Debug, Default)]
pub(crate) struct Names(HashMap<String, String>);

impl Names {
    pub(crate) fn of<'a>(cells: impl Iterator<Item = &'a Cell>) -> Self {
        let mut places: HashMap<(RouteId, &str), HashSet<&str>> = HashMap::new();
        for cell in cells.filter(|cell| cell.place.starts_with('$')) {
            let key = (cell.route, leaf(&cell.place));
            places.entry(key).or_default().insert(&cell.place);
        }
        let mut names = HashMap::new();
        for same in places.into_values().filter(|same| same.len() > 1) {
            tell_apart(same.into_iter().collect(), &mut names);
        }
        Self(names)
    }

    /// What a difference is about.
    pub(crate) fn subject(&self, cell: &Cell) -> String {
        let place = &*cell.place;
        if place.starts_with('$') {
            let name = leaf(place);
            return match self.0.get(place) {
                Some(name) => name.clone(),
                None if name == "$" || name == "$[]" => "the list".to_owned(),
                None => name.to_owned(),
            };
        }
        let is_page = matches!(cell.class, Class::Content | Class::Action);
        let is_part = place.starts_with("header ") || place.starts_with("cookie ");
        if !is_page || is_part {
            return place.to_owned();
        }
        control(cell).unwrap_or_else(|| text(cell))
    }
}

/// Finds for each place the shortest end that no other one has.
fn tell_apart(mut places: Vec<&str>, names: &mut HashMap<String, String>) {
    const MOST: usize = 12;
    for parts in 2..MOST {
        let mut seen: HashMap<String, usize> = HashMap::new();
        for place in &places {
            *seen.entry(end_of(place, parts)).or_default() += 1;
        }
        places.retain(|place| {
            let name = end_of(place, parts);
            let is_alone = seen.get(&name) == Some(&1);
            if is_alone {
                names.insert((*place).to_owned(), name);
            }
            !is_alone
        });
        if places.is_empty() {
            return;
        }
    }
    for place in places {
        names.insert(place.to_owned(), place.to_owned());
    }
}

/// The last members of a place: `python.version`.
fn end_of(place: &str, parts: usize) -> String {
    let members: Vec<&str> = place.trim_start_matches(['$', '.']).split('.').collect();
    let from = members.len().saturating_sub(parts);
    members[from..].join(".").replace("[]", "")
}

/// What a person uses on a page: a field, a button, a link, a form; and which of its attributes it is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Control<'a> {
    pub(crate) word: &'a str,
    pub(crate) name: &'a str,
    pub(crate) attribute: Option<&'a str>,
}

impl<'a> Control<'a> {
    /// `… input[qty]@required`. Names may have brackets themselves.
    pub(crate) fn at(place: &'a str) -> Option<Self> {
        const WORDS: [&str; 7] = [
            "input[",
            "select[",
            "textarea[",
            "button[",
            "submit[",
            "a[",
            "form[",
        ];
        let (step, attribute) = match place.rsplit_once("]@") {
            Some((step, attribute)) => (step, Some(attribute)),
            None => (place.strip_suffix(']')?, None),
        };
        let begins = |word: &&str| {
            let at = step.rmatch_indices(*word);
            at.map(|(at, _)| at)
                .find(|at| *at == 0 || step[..*at].ends_with(' '))
        };
        let (at, word) = WORDS
            .iter()
            .filter_map(|word| Some((begins(word)?, *word)))
            .max()?;
        Some(Self {
            word: word.trim_end_matches('['),
            name: &step[at + word.len()..],
            attribute,
        })
    }

    fn is_field(self) -> bool {
        matches!(self.word, "input" | "select" | "textarea")
    }

    /// A mark that is there or not, and says nothing by its value.
    pub(crate) fn flag(self) -> Option<&'a str> {
        let name = self.attribute?;
        let is_flag = matches!(
            name,
            "required" | "checked" | "disabled" | "readonly" | "multiple"
        );
        is_flag.then_some(name)
    }
}

fn control(cell: &Cell) -> Option<String> {
    let control = Control::at(&cell.place)?;
    let is_gone_or_new = matches!(cell.key.kind, Kind::Missing | Kind::Extra);
    let shown = shown(cell).filter(|_| is_gone_or_new).unwrap_or_default();
    let name = match (control.word, control.name) {
        (_, "") if control.is_field() => "a field".to_owned(),
        (_, name) if control.is_field() => format!("the field {name}"),
        ("a", route) => match (control.attribute, shown.split_once(' ')) {
            (None, Some((target, text))) => format!("the link {} to {target}", quoted(text)),
            (None | Some("href"), _) if !shown.is_empty() => {
                return Some(format!("the link to {}", short(shown)));
            }
            (_, _) => format!("the link to {route}"),
        },
        ("form", route) => {
            let target = shown.split(' ').next().filter(|target| !target.is_empty());
            format!("the form {}", target.unwrap_or(route))
        }
        (_, "") if shown.is_empty() => "a button".to_owned(),
        (_, "") => format!("the button {}", quoted(shown)),
        (_, name) => format!("the button {name}"),
    };
    Some(match control.attribute {
        Some("title") if is_gone_or_new => format!("the tooltip {}", quoted(shown)),
        Some(attribute) if control.flag().is_none() => {
            let attribute = match attribute {
                "href" | "action" => "target",
                other => other,
            };
            format!("the {attribute} of {name}")
        }
        _ => name,
    })
}

/// A text of a page by what it says, or by the place that it stands at where that says more.
fn text(cell: &Cell) -> String {
    const TELLING: usize = 3;
    let place = &*cell.place;
    let Some(shown) = shown(cell) else {
        return place.to_owned();
    };
    if !matches!(cell.key.kind, Kind::Missing | Kind::Extra) {
        let letters = shown.chars().filter(|c| c.is_alphabetic()).take(TELLING);
        let is_text = cell.class == Class::Content
            && cell.key.kind != Kind::Items
            && !place.contains(['@', '['])
            && letters.count() == TELLING;
        return if is_text {
            format!("text {}", quoted(shown))
        } else {
            place.to_owned()
        };
    }
    let attribute = place.rsplit_once('@').map(|(_, attribute)| attribute);
    let is_image = place.ends_with("img") || place.contains("img@");
    match attribute {
        Some("alt") if is_image => format!("the alternative text {} of an image", quoted(shown)),
        Some("title") => format!("the tooltip {}", quoted(shown)),
        None | Some("src") if is_image => format!("the image {}", short(shown)),
        _ if place == "script" => format!("the line {} of a script", quoted(shown)),
        _ if cell.class == Class::Action => quoted(shown),
        _ => format!("text {}", quoted(shown)),
    }
}

fn shown(cell: &Cell) -> Option<&str> {
    let example = &cell.example;
    let text = example.primary.as_deref().or(example.shadow.as_deref())?;
    Some(text.trim())
}

fn quoted(text: &str) -> String {
    format!("“{}”", short(text))
}

fn short(text: &str) -> String {
    let cut: String = text.chars().take(QUOTED).collect();
    let dots = if cut.len() < text.len() { "…" } else { "" };
    format!("{cut}{dots}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn members_of_one_name_are_told_apart_by_what_is_above_them() {
        let mut names = HashMap::new();
        let places = vec![
            "$.datasette.version",
            "$.python.version",
            "$.version",
            "$.a.x[].id",
            "$.b.x[].id",
        ];
        tell_apart(places, &mut names);
        assert_eq!(names["$.datasette.version"], "datasette.version");
        assert_eq!(names["$.python.version"], "python.version");
        assert_eq!(names["$.version"], "version");
        assert_eq!(names["$.a.x[].id"], "a.x.id");
        assert_eq!(names["$.b.x[].id"], "b.x.id");
        let mut names = HashMap::new();
        tell_apart(vec!["$.a[].b", "$.a.b"], &mut names);
        assert_eq!(names["$.a[].b"], "$.a[].b");
    }

    #[test]
    fn a_control_is_the_last_one_of_its_place() {
        let control = |word, name, attribute| {
            Some(Control {
                word,
                name,
                attribute,
            })
        };
        assert_eq!(
            Control::at("#main form[/a] input[user[e]]@required"),
            control("input", "user[e]", Some("required"))
        );
        assert_eq!(
            Control::at("#book_form form[] submit[_addanother]"),
            control("submit", "_addanother", None)
        );
        assert_eq!(Control::at("a[/x]"), control("a", "/x", None));
        assert_eq!(
            Control::at("ul li a[]@title"),
            control("a", "", Some("title"))
        );
        assert_eq!(Control::at("form[/a] text"), None);
        assert_eq!(Control::at("data[/x]"), None);
        assert_eq!(Control::at("é]"), None);
    }
}
