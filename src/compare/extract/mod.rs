//! Turns one response into places and values. Dominance and differences are decided where two of them meet.

mod asset;
mod body;
mod cookies;
mod csv;
mod decode;
mod form;
mod header;
mod headers;
mod html;
mod json;
mod jwt;
mod limits;
mod media;
mod plain;
mod redirect;
mod tokens;
mod url;
mod xml;

pub(super) mod hash;
pub(super) mod mask;
pub(super) mod opaque;
pub(super) mod place;
pub(super) mod time;
pub(super) mod tree;
pub(super) mod value;

use body::Body;
use hash::{Hashed, hash_of, mix};
use header::Header;
use tree::Builder;

use std::hash::{Hash, Hasher};

use super::answer::{Answer, Asked};

pub(crate) use decode::{decode, text_of};
pub(crate) use hash::{HashedKeys, mix as hash_mix};
pub(crate) use header::DerivedForm;
pub(crate) use limits::Limits;
pub(crate) use mask::{mask_text, masked_hash};
pub(crate) use media::Media;
pub(crate) use opaque::opaque;
pub(crate) use place::{Place, cut};
pub(crate) use time::time_of;
pub(crate) use time::{Time, TimeForm, TimeStyle};
pub(crate) use tokens::{Language, Token, Tokens, unescaped};
pub(crate) use tree::{Class, NodeKind, Tree};
pub(crate) use url::{OWN, Url, mask_asset};
pub(crate) use value::{Looks, Scalar, Value};

/// One response, taken apart.
#[derive(Clone, Debug)]
pub(crate) struct Extract {
    pub(crate) status: u16,
    pub(crate) media: Media,
    /// Milliseconds since 1970 when the response's head came.
    pub(crate) at: i64,
    /// Of status, compared headers and body: equal digests are identical responses.
    pub(crate) digest: u64,
    /// Why the body, or a part of it, wasn't looked into.
    pub(crate) not_compared: Option<NotCompared>,
    /// Bytes of the body that came.
    pub(crate) length: u64,
    /// The client said what it has already, so that 304 and 200 mean the same.
    pub(crate) is_conditional: bool,
    tree: Tree,
    parts: Parts,
}

/// Where the parts of a response begin in its tree.
#[derive(Clone, Copy, Debug)]
pub(super) struct Parts {
    pub(super) content_type: u32,
    pub(super) location: u32,
    pub(super) headers: u32,
    pub(super) cookies: u32,
    pub(super) body: Option<u32>,
}

/// Why a body, or a part of it, isn't compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum NotCompared {
    /// What came was cut at the limit.
    Truncated,
    /// More leaves, or a larger body after decompression, than the limits allow.
    OverLimit,
    /// It grows too much when it is decompressed.
    Expansion,
    /// Its encoding isn't known, or it isn't encoded as it says.
    BrokenEncoding,
    /// A type that can be compared by length and hash only.
    OpaqueType,
}

/// A place and what one response has there.
#[cfg(test)]
#[derive(Clone, Debug)]
pub(crate) struct Leaf {
    pub(crate) place: Place,
    pub(crate) value: Value,
}

/// A leaf that is still in its response.
#[derive(Clone, Copy, Debug)]
pub(crate) struct LeafRef<'a> {
    tree: &'a Tree,
    at: u32,
}

impl<'a> LeafRef<'a> {
    pub(crate) fn place(&self) -> &'a Place {
        self.tree.place(self.at)
    }

    pub(crate) fn value(&self) -> Value {
        self.tree.value(self.at)
    }
}

impl Extract {
    /// All leaves, the status first. Each is made when it is asked for.
    #[cfg(test)]
    pub(crate) fn leaves(&self) -> impl Iterator<Item = Leaf> + '_ {
        let status = Leaf {
            place: Place::new("status"),
            value: Value::of(Scalar::Number, &self.status.to_string()),
        };
        let is_leaf = |at: &u32| matches!(self.tree.node(*at).kind, NodeKind::Leaf(_));
        let others = (0..self.tree.len()).filter(is_leaf).map(|at| Leaf {
            place: self.tree.place(at).clone(),
            value: self.tree.value(at),
        });
        std::iter::once(status).chain(others)
    }

    /// All leaves of headers and body, without making their values.
    pub(crate) fn leaf_refs(&self) -> impl Iterator<Item = LeafRef<'_>> + '_ {
        let is_leaf = |at: &u32| matches!(self.tree.node(*at).kind, NodeKind::Leaf(_));
        let leaves = (0..self.tree.len()).filter(is_leaf);
        leaves.map(|at| LeafRef {
            tree: &self.tree,
            at,
        })
    }

    /// About how many bytes it takes.
    #[cfg(any(test, fuzzing))]
    pub(crate) fn bytes(&self) -> usize {
        size_of::<Self>() + self.tree.bytes()
    }

    pub(super) fn tree(&self) -> &Tree {
        &self.tree
    }

    pub(super) fn parts(&self) -> &Parts {
        &self.parts
    }
}

/// Takes a response apart. Time and memory are bounded by the limits, whatever the response holds.
pub(crate) fn extract(asked: &Asked<'_>, answer: &Answer<'_>, limits: &Limits) -> Extract {
    let mut builder = Builder::new(limits.leaves);
    let host = asked.header("host").unwrap_or_default();
    let content_type = headers::content_type(&mut builder, answer);
    let location = redirect::location(&mut builder, answer, host);
    let headers = headers::headers(&mut builder, asked, answer);
    let cookies = cookies::cookies(&mut builder, answer, limits);
    let body = Body {
        asked,
        answer,
        limits,
    };
    let found = body.extract(&mut builder);
    Extract {
        status: answer.status,
        media: found.media,
        at: answer.at,
        digest: digest(answer),
        not_compared: found.not_compared,
        length: answer.length,
        is_conditional: asked.is_conditional(),
        tree: builder.finish(),
        parts: Parts {
            content_type,
            location,
            headers,
            cookies,
            body: found.root,
        },
    }
}

/// The hash of what is compared of a response, without a look into it.
pub(crate) fn digest(answer: &Answer<'_>) -> u64 {
    let compared = answer.headers.iter().map(|(name, value)| {
        let value = match Header::of(name) {
            Header::Derived => derived_hash(value),
            _ => hash_of(value),
        };
        mix(hash_of(name), value)
    });
    // The order of headers says nothing.
    let headers = compared.fold(0, u64::wrapping_add);
    let body = mix(hash_of(answer.body), answer.length);
    mix(mix(u64::from(answer.status), headers), body)
}

/// The hash of how a header is written that is made anew in each response.
fn derived_hash(value: &[u8]) -> u64 {
    let mut hasher = Hashed::default();
    DerivedForm::of(&String::from_utf8_lossy(value)).hash(&mut hasher);
    hasher.finish()
}
