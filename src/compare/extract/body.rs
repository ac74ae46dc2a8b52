//! The body of a response: decoded, read as what it is, and brought into the tree.

use super::{
    Limits, NotCompared,
    asset::{asset, name_of},
    csv::csv,
    decode::{decode, text_of},
    form::form,
    hash::hash_of,
    html::html,
    json::{self, Json, json},
    media::Media,
    plain::plain,
    tree::{Builder, Class, NewLeaf, Stop},
    value::{Scalar, digest_text},
    xml::xml,
};
use crate::compare::answer::{Answer, Asked};

/// A body, with all that is to be known to read it.
pub(crate) struct Body<'a> {
    pub(crate) asked: &'a Asked<'a>,
    pub(crate) answer: &'a Answer<'a>,
    pub(crate) limits: &'a Limits,
}

/// What came of a body.
pub(crate) struct Found {
    pub(crate) media: Media,
    pub(crate) root: Option<u32>,
    pub(crate) not_compared: Option<NotCompared>,
}

impl Body<'_> {
    pub(crate) fn extract(&self, builder: &mut Builder) -> Found {
        if self.answer.body.is_empty() && self.answer.length == 0 {
            return Found {
                media: Media::None,
                root: None,
                not_compared: None,
            };
        }
        let decoded = decode(self.answer, self.limits);
        let Some(bytes) = &decoded.bytes else {
            return self.opaque(builder, Media::Binary, decoded.not_compared);
        };
        let content_type = self.answer.header("content-type").unwrap_or_default();
        let media = Media::of(content_type, bytes);
        if media == Media::Binary {
            let why = decoded.not_compared.unwrap_or(NotCompared::OpaqueType);
            return self.opaque(builder, media, Some(why));
        }
        let text = text_of(bytes);
        builder.reserve(text.len());
        let root = builder.len();
        let is_cut = decoded.not_compared.is_some();
        let (media, result) = self.read(builder, media, &text, is_cut);
        let not_compared = match result {
            Err(Stop::Full) => Some(NotCompared::OverLimit),
            _ => decoded.not_compared,
        };
        Found {
            media,
            root: (builder.len() > root).then_some(root),
            not_compared,
        }
    }

    /// Reads a text as what it should be, or else as plain text.
    fn read(
        &self,
        builder: &mut Builder,
        media: Media,
        text: &str,
        is_cut: bool,
    ) -> (Media, Result<(), Stop>) {
        let place = builder.root("$");
        let part = Json {
            place,
            class: Class::Content,
            key: 0,
            text,
            is_cut,
        };
        if media == Media::Json {
            let result = json(builder, &part, self.limits);
            if result != Err(Stop::Broken) && result != Err(Stop::End) || is_cut {
                return (media, result);
            }
        }
        if matches!(media, Media::Json | Media::JsonLines) {
            let result = json::lines(builder, &part, self.limits);
            if result == Ok(()) || result == Err(Stop::Full) || result == Err(Stop::End) && is_cut {
                return (Media::JsonLines, result);
            }
        }
        let host = self.asked.header("host").unwrap_or_default();
        let result = match media {
            Media::Html => html(builder, text, host, is_cut, self.limits),
            Media::Xml | Media::Feed => xml(builder, text, is_cut),
            Media::Csv => csv(builder, text, false, is_cut),
            Media::Tsv => csv(builder, text, true, is_cut),
            Media::Form => form(builder, text, is_cut),
            Media::Style | Media::Script => match name_of(media, self.asked.target) {
                Some(name) => asset(builder, text, &name, is_cut),
                None => plain(builder, text, "script", is_cut),
            },
            // Text, what is not the JSON that its type says, and what holds no text: that doesn't come here.
            Media::Json | Media::JsonLines | Media::Text | Media::Binary | Media::None => {
                Err(Stop::Broken)
            }
        };
        match result {
            Err(Stop::Broken) => (Media::Text, plain(builder, text, "text", is_cut)),
            result => (media, result),
        }
    }

    /// What isn't looked into is told by its length and hash.
    fn opaque(&self, builder: &mut Builder, media: Media, why: Option<NotCompared>) -> Found {
        let place = builder.root("body");
        let text = digest_text(self.answer.length, hash_of(self.answer.body));
        let root = builder.leaf(NewLeaf {
            place,
            class: Class::Whole,
            key: 0,
            scalar: Scalar::Digest,
            text: &text,
        });
        Found {
            media,
            root,
            not_compared: why,
        }
    }
}
