//! The parts of a page that a person goes to or does something with: anchors, repeated blocks, links, buttons, forms.

use std::borrow::Cow;

use super::{
    super::{
        hash::{hash_of, mix},
        mask::{mask_name, mask_path, masked_hash},
        place::{PlaceId, Step},
        tokens::Tokens,
        tree::{Class, NodeKind},
        url::{OWN, own_origin},
        value::Scalar,
    },
    cards::Block,
    page::{Element, Page},
    tag::Tag,
};

impl Page<'_> {
    /// A wrapper with a class may be one of several that are alike.
    pub(super) fn block(&mut self, element: &mut Element, name: &str, tokens: &Tokens<'_>) {
        let classes = tokens.attribute("class").unwrap_or_default();
        let class = classes.split_ascii_whitespace().next();
        if class.is_none() && name != "article" {
            return;
        }
        element.block = Some(mix(element.name, masked_hash(&classes)));
        let above = self.scope();
        element.block_place = match class {
            Some(class) => self
                .builder
                .below(above, Step::Named(name, &mask_name(class))),
            None => self.builder.below(above, Step::Word(name)),
        };
    }

    /// Notes a wrapper that was closed. One with fields is a part of a form, which are told one by one.
    pub(super) fn end_block(&mut self, element: &Element) {
        let end = self.builder.len();
        let Some(signature) = element.block else {
            return;
        };
        if end < element.begin + 2 || self.fields != element.fields {
            return;
        }
        let block = Block {
            place: element.block_place,
            class: element.class,
            begin: element.begin,
            end,
        };
        let parent = self.top().serial;
        self.cards.note(parent, signature, block);
    }

    /// An id, a test id or a landmark is where parts of a page are found, whatever stands around it.
    pub(super) fn anchor(&mut self, element: &mut Element, name: &str, tokens: &Tokens<'_>) {
        let id = match element.tag {
            Tag::Link | Tag::Button | Tag::Inline => None,
            _ => tokens.attribute("id").filter(|id| !id.is_empty()),
        };
        let word = if let Some(test) = tokens.attribute("data-testid") {
            Cow::Owned(format!("[data-testid={}]", mask_name(&test)))
        } else if let Some(id) = id {
            Cow::Owned(format!("#{}", mask_name(&id)))
        } else if element.tag == Tag::Landmark {
            Cow::Borrowed(name)
        } else {
            return;
        };
        element.scope = self.builder.below(self.base, Step::Word(&word));
        element.text = self.builder.below(element.scope, Step::Word("text"));
    }

    pub(super) fn group(&mut self, kind: NodeKind, place: PlaceId, class: Class, key: u64) -> u32 {
        self.builder.open(kind, place, class, key)
    }

    pub(super) fn link(&mut self, element: &mut Element, tokens: &Tokens<'_>) {
        let Some(target) = tokens.attribute("href") else {
            return;
        };
        let target = own_origin(target.trim(), self.host);
        // Without its origin a link of an instance is the same as one that is relative.
        let target = target.strip_prefix(OWN).unwrap_or(&target);
        let route = mask_path(target);
        element.scope = self.builder.below(element.scope, Step::Named("a", &route));
        element.text = element.scope;
        element.class = Class::Action;
        let group = self.group(NodeKind::Flow, element.scope, Class::Action, 0);
        element.group = Some(group);
        let place = self.builder.below(element.scope, Step::Attribute("href"));
        let key = hash_of(b"href") | 1;
        self.leaf(place, Class::Action, key, Scalar::Url, target);
        self.acts(element.scope, tokens);
    }

    /// What a script does with a link or a button, as it is told by attributes.
    pub(super) fn acts(&mut self, scope: PlaceId, tokens: &Tokens<'_>) {
        const ACTS: &[&str] = &[
            "data-method",
            "data-turbo-method",
            "data-confirm",
            "data-turbo-confirm",
            "download",
        ];
        for attribute in &tokens.attributes {
            if ACTS.contains(&&*attribute.name) {
                self.part(scope, &attribute.name, Scalar::Text, &attribute.text());
            }
        }
    }

    pub(super) fn button(&mut self, element: &mut Element, tokens: &Tokens<'_>) {
        let name = tokens.attribute("name").unwrap_or_default();
        element.scope = self.field_place("button", &name);
        element.text = element.scope;
        element.class = Class::Action;
        element.group = Some(self.group(NodeKind::Flow, element.scope, Class::Action, 0));
        for name in ["name", "value", "type"] {
            if let Some(value) = tokens.attribute(name) {
                self.part(element.scope, name, Scalar::Text, &value);
            }
        }
        self.flags(element.scope, tokens);
        self.acts(element.scope, tokens);
    }

    pub(super) fn form(&mut self, element: &mut Element, tokens: &Tokens<'_>) {
        let action = tokens.attribute("action").unwrap_or_default();
        let action = own_origin(action.trim(), self.host);
        let action = action.strip_prefix(OWN).unwrap_or(&action);
        let route = mask_path(action);
        element.scope = self
            .builder
            .below(element.scope, Step::Named("form", &route));
        element.text = self.builder.below(element.scope, Step::Word("text"));
        element.is_fixed = true;
        let method = tokens
            .attribute("method")
            .unwrap_or_default()
            .to_ascii_lowercase();
        let key = mix(hash_of(route.as_bytes()), 1);
        element.group = Some(self.group(NodeKind::Flow, element.scope, Class::Action, key));
        for (name, value, scalar) in [
            ("action", action, Scalar::Url),
            ("method", &method, Scalar::Text),
        ] {
            let place = self.builder.below(element.scope, Step::Attribute(name));
            self.leaf(
                place,
                Class::Action,
                hash_of(name.as_bytes()),
                scalar,
                value,
            );
        }
    }
}
