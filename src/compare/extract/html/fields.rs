//! Fields of forms, images and frames: each is an object with its value and what else matters of it.

use super::{
    super::{
        hash::{hash_of, mix},
        mask::mask_name,
        place::{PlaceId, Step},
        tokens::{Token, Tokens, unescaped},
        tree::{Class, NodeKind},
        url::own_origin,
        value::Scalar,
    },
    page::{Element, Page},
};

/// Names of fields and of metas that hold tokens against forged requests.
const TOKENS: &[&str] = &[
    "authenticity_token",
    "csrfmiddlewaretoken",
    "csrf-token",
    "csrf_token",
    "_csrf_token",
    "_csrf",
    "csrf",
    "_token",
    "__requestverificationtoken",
    "form_build_id",
    "form_token",
    "nonce",
];

pub(crate) fn is_token(name: &str) -> bool {
    TOKENS.iter().any(|known| known.eq_ignore_ascii_case(name)) || name.contains("csrf")
}

impl Page<'_> {
    pub(super) fn input(&mut self, tokens: &Tokens<'_>) {
        let kind = tokens
            .attribute("type")
            .unwrap_or_default()
            .to_ascii_lowercase();
        let name = tokens.attribute("name").unwrap_or_default();
        let value = tokens.attribute("value").unwrap_or_default();
        let word = if kind == "submit" { "submit" } else { "input" };
        let place = self.field_place(word, &name);
        // Of radio buttons and check boxes each value is a field of its own.
        let is_choice = kind == "radio" || kind == "checkbox";
        let mut key = field_key(&name);
        if is_choice || name.is_empty() {
            key = mix(key, hash_of(value.as_bytes())) | 1;
        }
        self.fields += 1;
        let group = self.group(NodeKind::Object, place, Class::Action, key);
        self.part(place, "name", Scalar::Text, &name);
        let scalar = if is_token(&name) {
            Scalar::Token
        } else {
            Scalar::Text
        };
        self.part(place, "value", scalar, &value);
        if !matches!(&*kind, "" | "text" | "submit") {
            self.part(place, "type", Scalar::Text, &kind);
        }
        self.flags(place, tokens);
        self.builder.close(group);
    }

    pub(super) fn field_place(&mut self, word: &str, name: &str) -> PlaceId {
        let scope = self.scope();
        if name.is_empty() {
            return self.builder.below(scope, Step::Word(word));
        }
        self.builder
            .below(scope, Step::Named(word, &mask_name(name)))
    }

    /// A part of a field: `@value`.
    pub(super) fn part(&mut self, place: PlaceId, name: &str, scalar: Scalar, text: &str) {
        let below = self.builder.below(place, Step::Attribute(name));
        let key = hash_of(name.as_bytes()) | 1;
        self.leaf(below, Class::Action, key, scalar, text);
    }

    /// What a person can or must do with a field.
    pub(super) fn flags(&mut self, place: PlaceId, tokens: &Tokens<'_>) {
        const FLAGS: &[&str] = &["checked", "disabled", "readonly", "required", "multiple"];
        const VALUES: &[&str] = &[
            "placeholder",
            "min",
            "max",
            "step",
            "pattern",
            "maxlength",
            "formaction",
        ];
        for attribute in &tokens.attributes {
            let name = &*attribute.name;
            if FLAGS.contains(&name) {
                self.part(place, name, Scalar::Bool, "true");
            } else if VALUES.contains(&name) {
                self.part(place, name, Scalar::Text, &attribute.text());
            }
        }
    }

    pub(super) fn textarea(&mut self, tokens: &mut Tokens<'_>) {
        let name = tokens.attribute("name").unwrap_or_default();
        let place = self.field_place("textarea", &name);
        let key = field_key(&name);
        self.fields += 1;
        let group = self.group(NodeKind::Object, place, Class::Action, key);
        self.part(place, "name", Scalar::Text, &name);
        self.flags(place, tokens);
        if let Some(Token::Raw(text)) = raw_after(tokens) {
            self.part(place, "value", Scalar::Text, unescaped(text).trim());
        }
        self.builder.close(group);
    }

    /// A list of options. Which one is chosen is its value.
    pub(super) fn select(&mut self, element: &mut Element, tokens: &Tokens<'_>) {
        let name = tokens.attribute("name").unwrap_or_default();
        let place = self.field_place("select", &name);
        let key = field_key(&name);
        self.fields += 1;
        let group = self.group(NodeKind::Array, place, Class::Action, key);
        self.part(place, "name", Scalar::Text, &name);
        element.enter(place, group);
    }

    pub(super) fn option(&mut self, element: &mut Element, tokens: &Tokens<'_>) {
        let scope = self.scope();
        let place = self.builder.below(scope, Step::Word("option"));
        element.enter(place, self.group(NodeKind::Flow, place, Class::Action, 0));
        if let Some(value) = tokens.attribute("value") {
            self.part(place, "value", Scalar::Text, &value);
        }
        self.is_chosen = tokens.has("selected");
    }

    /// Notes the option that was just closed, where it is chosen.
    pub(super) fn end_option(&mut self, group: u32) {
        if !std::mem::take(&mut self.is_chosen) {
            return;
        }
        if let Some(value) = self.builder.tree().leaves(group).next() {
            if !self.chosen.is_empty() {
                self.chosen.push_str(", ");
            }
            self.chosen.push_str(self.builder.tree().text(value));
        }
    }

    pub(super) fn end_select(&mut self, place: PlaceId) {
        let chosen = std::mem::take(&mut self.chosen);
        self.part(place, "value", Scalar::Text, &chosen);
    }

    pub(super) fn image(&mut self, tokens: &Tokens<'_>) {
        let source = tokens.attribute("src").unwrap_or_default();
        let alternative = tokens.attribute("alt").unwrap_or_default();
        let title = tokens.attribute("title").unwrap_or_default();
        let scope = self.scope();
        let place = self.builder.below(scope, Step::Word("img"));
        let group = self.group(NodeKind::Object, place, Class::Content, 0);
        // What is in the URL itself is data; its beginning tells enough.
        let source = own_origin(&source, self.host);
        for (name, scalar, text) in [
            ("src", Scalar::Url, &*source),
            ("alt", Scalar::Text, alternative.trim()),
            ("title", Scalar::Text, title.trim()),
        ] {
            if !text.is_empty() {
                let below = self.builder.below(place, Step::Attribute(name));
                self.leaf(
                    below,
                    Class::Content,
                    hash_of(name.as_bytes()),
                    scalar,
                    text,
                );
            }
        }
        self.builder.close(group);
    }

    pub(super) fn embedded(&mut self, name: &str, tokens: &Tokens<'_>) {
        let source = ["src", "data", "href"]
            .iter()
            .find_map(|name| tokens.attribute(name));
        if let Some(source) = source {
            let scope = self.scope();
            let place = self.builder.below(scope, Step::Word(name));
            let place = self.builder.below(place, Step::Attribute("src"));
            let source = own_origin(&source, self.host).into_owned();
            let key = hash_of(name.as_bytes()) | 1;
            self.leaf(place, Class::Content, key, Scalar::Url, &source);
        }
    }
}

/// Fields are recognised by their names, but for what is made anew in these.
fn field_key(name: &str) -> u64 {
    hash_of(mask_name(name).as_bytes()) | 1
}

/// The raw content of the element that was just begun, if it has any.
pub(super) fn raw_after<'a>(tokens: &mut Tokens<'a>) -> Option<Token<'a>> {
    tokens.is_before_raw().then(|| tokens.next()).flatten()
}
