//! The head of a page, and scripts wherever they stand.

use super::{
    super::{
        hash::{hash_of, mix},
        json::{Json, json},
        mask::{mask_name, masked_hash},
        place::{Step, cut},
        tokens::{Token, Tokens, unescaped},
        tree::{Class, NewLeaf},
        url::{mask_asset, own_origin},
        value::{Scalar, digest_text},
    },
    fields::{is_token, raw_after},
    page::Page,
    tag::Tag,
};

/// Links of the head that lead somewhere.
const LEADING: &[&str] = &[
    "canonical",
    "alternate",
    "next",
    "prev",
    "search",
    "amphtml",
];
/// Metas that are about how a page is shown.
const SHOWN: &[&str] = &[
    "viewport",
    "theme-color",
    "color-scheme",
    "format-detection",
    "csrf-param",
];

impl Page<'_> {
    /// A leaf of the head, recognised by its place.
    fn of_head(&mut self, word: &str, attribute: &str, class: Class, scalar: Scalar, text: &str) {
        let mut place = self.builder.below(self.base, Step::Word(word));
        if !attribute.is_empty() {
            place = self.builder.below(place, Step::Attribute(attribute));
        }
        let key = hash_of(word.as_bytes()) | 1;
        self.leaf(place, class, key, scalar, text);
    }

    pub(super) fn title(&mut self, tokens: &mut Tokens<'_>) {
        if let Some(Token::Raw(text)) = raw_after(tokens) {
            let text = unescaped(text);
            let words: Vec<&str> = text.split_whitespace().collect();
            self.of_head("title", "", Class::Content, Scalar::Text, &words.join(" "));
        }
    }

    pub(super) fn language(&mut self, tokens: &Tokens<'_>) {
        if let Some(language) = tokens.attribute("lang") {
            self.of_head("html", "lang", Class::Content, Scalar::Text, &language);
        }
    }

    pub(super) fn meta(&mut self, tokens: &Tokens<'_>) {
        let name = ["name", "property", "http-equiv", "itemprop"]
            .iter()
            .find_map(|name| tokens.attribute(name));
        let (Some(name), Some(content)) = (name, tokens.attribute("content")) else {
            return;
        };
        let lower = name.to_ascii_lowercase();
        if SHOWN.contains(&&*lower) {
            return self.note_script(&content);
        }
        let (class, scalar) = if is_token(&lower) {
            (Class::Action, Scalar::Token)
        } else {
            (Class::Content, Scalar::Text)
        };
        let word = format!("meta[{}]", mask_name(&lower));
        let content = own_origin(&content, self.host).into_owned();
        self.of_head(&word, "content", class, scalar, &content);
    }

    pub(super) fn head_link(&mut self, tokens: &Tokens<'_>) {
        let relation = tokens
            .attribute("rel")
            .unwrap_or_default()
            .to_ascii_lowercase();
        let target = tokens.attribute("href").unwrap_or_default();
        if LEADING.contains(&&*relation) {
            let target = own_origin(&target, self.host).into_owned();
            let word = format!("link[{relation}]");
            self.of_head(&word, "href", Class::Action, Scalar::Url, &target);
        } else {
            self.note_script(&mask_asset(&target).unwrap_or(target.into_owned()));
        }
    }

    /// Scripts that hold JSON are content; others are markup.
    pub(super) fn script(&mut self, tag: Tag, tokens: &mut Tokens<'_>) {
        let source = tokens.attribute("src");
        let kind = tokens
            .attribute("type")
            .unwrap_or_default()
            .to_ascii_lowercase();
        let id = tokens.attribute("id").unwrap_or_default().into_owned();
        let text = match raw_after(tokens) {
            Some(Token::Raw(text)) => text,
            _ => "",
        };
        if let Some(source) = source {
            self.note_script(&mask_asset(&source).unwrap_or(source.into_owned()));
        }
        let is_json = tag == Tag::Script && (kind == "application/json" || kind.ends_with("+json"));
        if is_json && self.add_json(&id, &kind, text) {
            return;
        }
        if !text.trim().is_empty() {
            self.note_script(text);
        }
    }

    fn add_json(&mut self, id: &str, kind: &str, text: &str) -> bool {
        let name = match id {
            "" => kind.trim_start_matches("application/").to_owned(),
            id => mask_name(cut(id, 60)).into_owned(),
        };
        let word = format!("script[{name}] $");
        let place = self.builder.below(self.base, Step::Word(&word));
        let part = Json {
            place,
            class: Class::Content,
            key: hash_of(word.as_bytes()) | 1,
            text: text.trim(),
            is_cut: false,
        };
        json(self.builder, &part, self.limits).is_ok()
    }

    pub(super) fn note_script(&mut self, text: &str) {
        self.scripts = mix(self.scripts, masked_hash(text));
    }

    /// All scripts, styles and the like as one leaf.
    pub(super) fn add_scripts(&mut self) {
        if self.scripts == 0 {
            return;
        }
        let markup = self.builder.root("markup");
        let place = self.builder.below(markup, Step::Word("scripts"));
        self.builder.leaf(NewLeaf {
            place,
            class: Class::Markup,
            key: 1,
            scalar: Scalar::Digest,
            text: &digest_text(0, self.scripts),
        });
    }
}
