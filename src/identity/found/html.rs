//! What a page gives out: the fields of its forms, its links, and the tokens that it has for scripts.

use super::{
    super::{
        address::{Address, resolved},
        values::{id_in, is_token, names_id, names_token},
    },
    Field, Found, Kind, MOST, Origin, has_parts, json,
};
use crate::compare::{Language, Token, Tokens, unescaped};

pub(super) fn found(origin: Origin<'_>, text: &str) -> Vec<Found> {
    let mut page = Page::new(origin);
    page.read(text);
    page.finish()
}

/// What a script gives out: the tokens in its strings.
pub(super) fn in_script(origin: Origin<'_>, text: &str) -> Vec<Found> {
    let mut page = Page::new(origin);
    page.script(text);
    page.finish()
}

/// Something that is found, until the texts around it are known.
struct Draft {
    place: Vec<String>,
    kind: Kind,
    text: String,
    /// What it says itself, or what stands before it where it is in no row.
    says: String,
    row: Option<usize>,
}

struct Page<'a> {
    origin: Origin<'a>,
    /// Where the form that is open leads to.
    form: Address,
    /// The name of the list of options that is open.
    select: String,
    /// The text of each row.
    rows: Vec<String>,
    /// Rows that are open.
    open: Vec<(&'static str, usize)>,
    before: String,
    drafts: Vec<Draft>,
    /// The link or the option whose text is being read.
    link: Option<usize>,
    scripts: Vec<Found>,
}

const ROWS: [&str; 5] = ["tr", "li", "article", "option", "label"];
/// Bytes that are kept of the text of a row, or of a link.
const TEXT: usize = 500;

impl<'a> Page<'a> {
    fn new(origin: Origin<'a>) -> Self {
        Self {
            origin,
            form: Address::of(origin.target),
            select: String::new(),
            rows: Vec::new(),
            open: Vec::new(),
            before: String::new(),
            drafts: Vec::new(),
            link: None,
            scripts: Vec::new(),
        }
    }

    fn read(&mut self, text: &str) {
        let mut tokens = Tokens::new(text, Language::Html);
        let mut script = None;
        while let Some(token) = tokens.next() {
            if self.drafts.len() + self.scripts.len() >= MOST {
                return;
            }
            match token {
                Token::Start { name, .. } => {
                    script = (name == "script").then(|| {
                        tokens
                            .attribute("type")
                            .is_some_and(|kind| kind.contains("json"))
                    });
                    self.start(&name, &tokens);
                }
                Token::End { name } => self.end(&name),
                Token::Text(text) => self.text(&unescaped(text)),
                Token::Raw(text) => match script.take() {
                    Some(true) => self
                        .scripts
                        .extend(json::found(self.origin, text.as_bytes())),
                    Some(false) => self.script(text),
                    None => {}
                },
            }
        }
    }

    fn start(&mut self, name: &str, tokens: &Tokens<'_>) {
        if let Some(row) = ROWS.iter().find(|row| **row == name) {
            // The end tag may be left out.
            if self.open.last().is_some_and(|(open, _)| open == row) && name != "label" {
                self.open.pop();
            }
            self.open.push((row, self.rows.len()));
            self.rows.push(String::new());
        }
        let value = tokens.attribute("value");
        match name {
            "form" => {
                let action = tokens.attribute("action").unwrap_or_default();
                let target = self.origin.target;
                let action = if action.is_empty() {
                    target.into()
                } else {
                    action
                };
                let action = resolved(&action, target, self.origin.host).unwrap_or_default();
                self.form = Address::of(&action);
            }
            "select" => {
                self.select = tokens.attribute("name").unwrap_or_default().into_owned();
            }
            "option" => {
                let select = self.select.clone();
                self.field("option", &select, value.as_deref());
            }
            "input" | "button" => {
                let kind = tokens.attribute("type").unwrap_or_default();
                let is_chosen = ["hidden", "radio", "checkbox", "submit"]
                    .iter()
                    .any(|known| kind.eq_ignore_ascii_case(known));
                if is_chosen || name == "button" {
                    let field = tokens.attribute("name").unwrap_or_default();
                    self.field(name, &field, value.as_deref());
                }
            }
            "meta" => {
                let field = tokens
                    .attribute("name")
                    .or_else(|| tokens.attribute("property"));
                if let (Some(field), Some(content)) = (field, tokens.attribute("content")) {
                    self.token(&["meta", &field], &field, &content);
                }
            }
            _ => {}
        }
        self.attributes(name, tokens);
    }

    /// Links, and what a page has for scripts.
    fn attributes(&mut self, name: &str, tokens: &Tokens<'_>) {
        for attribute in &tokens.attributes {
            let attribute_name = &*attribute.name;
            let is_link = matches!(attribute_name, "href" | "action" | "formaction");
            let is_data = attribute_name.starts_with("data-") || attribute_name.starts_with("hx-");
            if !is_link && !is_data || name == "link" {
                continue;
            }
            let text = attribute.text();
            if is_link || text.starts_with('/') {
                self.link(name, attribute_name, &text);
            } else if is_token(&text) || names_token(attribute_name) {
                self.token(&[name, attribute_name], attribute_name, &text);
            } else if names_id(attribute_name) && id_in(&text) == Some(0..text.len()) {
                let field = attribute_name.trim_start_matches("data-");
                let kind = Kind::Id(self.form.field(field));
                self.draft(&[name, attribute_name], kind, &text);
            }
        }
    }

    fn link(&mut self, name: &str, attribute: &str, text: &str) {
        let Some(link) = resolved(text, self.origin.target, self.origin.host) else {
            return;
        };
        let address = Address::of(&link);
        if has_parts(&address) {
            self.draft(&[name, attribute, &address.skeleton], Kind::Link, &link);
            if name == "a" {
                self.link = Some(self.drafts.len() - 1);
            }
        }
    }

    fn field(&mut self, element: &str, field: &str, value: Option<&str>) {
        let Some(value) = value.filter(|value| !value.is_empty() && !field.is_empty()) else {
            return;
        };
        let form = self.form.skeleton.clone();
        if is_token(value) || names_token(field) {
            return self.token(&[element, &form, field], field, value);
        }
        if id_in(value) == Some(0..value.len()) {
            let kind = Kind::Id(self.form.field(field));
            self.draft(&[element, &form, field], kind, value);
            if element == "option" {
                self.link = Some(self.drafts.len() - 1);
            }
        } else if value.starts_with('/') {
            self.link(element, field, value);
        }
    }

    fn token(&mut self, place: &[&str], field: &str, value: &str) {
        let is_named = names_token(field);
        if is_token(value) || is_named && value.len() >= 8 {
            let form = || self.form.skeleton.clone();
            let kind = Kind::Token(is_named.then(|| Field {
                name: field.to_owned(),
                form: form(),
            }));
            self.draft(place, kind, value);
        }
    }

    fn draft(&mut self, place: &[&str], kind: Kind, text: &str) {
        let row = self.open.last().map(|(_, row)| *row);
        self.drafts.push(Draft {
            place: place.iter().map(|part| (*part).to_owned()).collect(),
            kind,
            text: text.to_owned(),
            says: if row.is_none() {
                self.before.clone()
            } else {
                String::new()
            },
            row,
        });
    }

    fn text(&mut self, text: &str) {
        let text = text.trim();
        if text.is_empty() {
            return;
        }
        for (_, row) in &self.open {
            add(&mut self.rows[*row], text);
        }
        if let Some(link) = self.link {
            add(&mut self.drafts[link].says, text);
        } else {
            self.before.clear();
            add(&mut self.before, text);
        }
    }

    fn end(&mut self, name: &str) {
        match name {
            "a" | "option" => self.link = None,
            "select" => {
                self.link = None;
                self.select.clear();
            }
            "form" => self.form = Address::of(self.origin.target),
            _ => {}
        }
        let closes = match name {
            "select" => "option",
            "ul" | "ol" => "li",
            "table" | "tbody" => "tr",
            name => name,
        };
        if let Some(at) = self.open.iter().rposition(|(open, _)| *open == closes) {
            self.open.truncate(at);
        }
    }

    /// Tokens that are written into a script.
    fn script(&mut self, text: &str) {
        for quote in ['"', '\''] {
            let mut from = 0;
            for (number, part) in text.split(quote).enumerate() {
                // Every other part is between quotes.
                if number % 2 == 1 && is_token(part) {
                    let begin = text[..from]
                        .char_indices()
                        .rev()
                        .nth(24)
                        .map_or(0, |(at, _)| at);
                    let name = &text[begin..from];
                    let kind = Kind::Token(names_token(name).then(|| Field {
                        name: "script".to_owned(),
                        form: String::new(),
                    }));
                    self.draft(&["script", name], kind, part);
                }
                from += part.len() + 1;
            }
        }
    }

    fn finish(self) -> Vec<Found> {
        let mut all = self.scripts;
        for draft in self.drafts {
            let row = draft.row.map_or("", |row| &self.rows[row]);
            let context = match draft.kind {
                // Its name says enough.
                Kind::Token(Some(_)) => String::new(),
                _ => format!("{}\n{row}", draft.says),
            };
            let place: Vec<_> = draft.place.iter().map(String::as_str).collect();
            all.push(self.origin.found(&place, &context, draft.kind, &draft.text));
        }
        all
    }
}

fn add(to: &mut String, text: &str) {
    if to.len() < TEXT {
        if !to.is_empty() {
            to.push(' ');
        }
        to.push_str(text);
    }
}
