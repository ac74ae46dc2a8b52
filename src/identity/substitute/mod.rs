//! Puts the shadow's cookies, tokens and ids into a copy, in place of production's.

mod form;
mod headers;
mod json;
mod multipart;
mod preview;

pub(super) use preview::Preview;
pub(crate) use preview::Previewed;

use std::ops::Range;

use super::{
    Identity, SessionId,
    address::{Address, What, resolved},
    help::Help,
    ids::{Resolved, Scope},
    partners::Partner,
    values::{
        counts, id_in, is_opaque, is_token, last_word, leads_to_its_like, names_id, names_token,
        noun, runs,
    },
};
use crate::{
    compare::{Counterpart, Media},
    http::{Known, RequestHead},
};

/// What a copy is sent with in place of what its client sent; nothing where that stays as it is.
#[derive(Debug, Default)]
pub(crate) struct Substituted {
    pub(crate) head: Option<Box<RequestHead>>,
    pub(crate) body: Option<Vec<u8>>,
    /// Ids that were put in.
    pub(crate) ids: Vec<Counterpart>,
}

/// Ids of one request that are told.
const MOST_IDS: usize = 100;

/// It names what production made, and the shadow did not: it would hit nothing, or somebody else's row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Unpaired;

/// Another text in place of a part of one.
type Replaced = Result<Option<String>, Unpaired>;

/// Headers that say that the client signed the request: what it signed must stay.
const SIGNED: [&[u8]; 5] = [
    b"signature",
    b"signature-input",
    b"x-signature",
    b"x-hub-signature",
    b"x-hub-signature-256",
];

impl Identity {
    /// What a request becomes on the shadow. `body`: where it is whole, and is to be looked into.
    ///
    /// # Errors
    /// Where it names something that the shadow has no partner for.
    pub(crate) fn substitute(
        &mut self,
        session: SessionId,
        head: &RequestHead,
        body: Option<&[u8]>,
    ) -> Result<Substituted, Unpaired> {
        if is_signed(head) {
            return Ok(Substituted::default());
        }
        self.put_in.clear();
        let result = self.request(session, head, body);
        if result.is_err() {
            self.counts.unpaired += 1;
        }
        result
    }

    fn request(
        &mut self,
        session: SessionId,
        head: &RequestHead,
        body: Option<&[u8]>,
    ) -> Result<Substituted, Unpaired> {
        let host = text(head.headers.get(Known::Host).unwrap_or_default());
        let mut request = Request {
            session,
            host: host.unwrap_or_default().to_owned(),
            form: String::new(),
        };
        let mut written: Option<Box<RequestHead>> = None;
        if let Some(target) = text(head.target()) {
            request.form = Address::of(target).skeleton;
            if let Some(target) = self.link(&request, target, Lenient::No)? {
                written
                    .get_or_insert_with(|| Box::new(head.clone()))
                    .set_target(target.as_bytes());
            }
        }
        self.headers(&request, head, &mut written);
        let body = match body {
            Some(body) if !body.is_empty() => self.body(&request, head, body)?,
            _ => None,
        };
        if let Some(body) = &body {
            let written = written.get_or_insert_with(|| Box::new(head.clone()));
            if written.headers.has(Known::ContentLength) {
                let length = body.len().to_string();
                written.headers.set(b"Content-Length", length.as_bytes());
            }
        }
        Ok(Substituted {
            head: written,
            body,
            ids: std::mem::take(&mut self.put_in),
        })
    }

    fn body(
        &mut self,
        request: &Request,
        head: &RequestHead,
        body: &[u8],
    ) -> Result<Option<Vec<u8>>, Unpaired> {
        let content_type = head.headers.named(b"content-type").next();
        let content_type = content_type.unwrap_or_default();
        if head.headers.named(b"content-encoding").next().is_some() {
            return Ok(None);
        }
        let Ok(body) = std::str::from_utf8(body) else {
            return multipart::edit(content_type, body, |name, value| {
                self.value(request, name, value)
            });
        };
        let edited = match Media::of(content_type, b"") {
            Media::Form => form::edit(body, |name, value| self.value(request, name, value))?,
            Media::Json => json::edit(body, |place, value| {
                let scope = super::found::json_scope(place, &request.form);
                let name = place.iter().rev().find(|name| **name != "[]");
                self.scalar(request, name.copied().unwrap_or(""), &scope, value)
            })?,
            _ => {
                return multipart::edit(content_type, body.as_bytes(), |name, value| {
                    self.value(request, name, value)
                });
            }
        };
        Ok(edited.map(String::into_bytes))
    }

    /// A field of a form.
    fn value(&mut self, request: &Request, name: &str, value: &str) -> Replaced {
        if value.contains(' ') && !names_token(name) {
            return Ok(None);
        }
        let scope = super::address::field_of(name, &request.form);
        self.look_at(|| format!(" of {name}"));
        self.scalar(request, name, &scope, value)
    }

    /// A value with a name. One that stays as it is may need help.
    fn scalar(&mut self, request: &Request, name: &str, scope: &Scope, value: &str) -> Replaced {
        let replaced = self.replaced(request, name, scope, value)?;
        if replaced.is_none() {
            match Help::of(name, value) {
                Some(Help::OneTimeCode) => self.counts.one_time_codes += 1,
                Some(Help::Captcha) => self.counts.captchas += 1,
                None => {}
            }
        }
        Ok(replaced)
    }

    /// The whole of a value is a token or an id, or it is a path, or it has tokens in it.
    fn replaced(&mut self, request: &Request, name: &str, scope: &Scope, value: &str) -> Replaced {
        let is_named = names_token(name);
        if is_named || is_token(value) {
            if let Some(partner) = self.token(value)? {
                return Ok(Some(partner));
            }
            if is_named {
                return Ok(self.newest(request, name));
            }
        }
        if id_in(value) == Some(0..value.len()) {
            let mut resolved = if names_id(name) {
                self.ids.resolve(scope, value)
            } else {
                Resolved::Unknown
            };
            if resolved == Resolved::Unknown {
                resolved = self.unnamed(request, name, scope, value);
            }
            if resolved == Resolved::Unknown && !names_id(name) {
                return Ok(None);
            }
            return self.id(resolved, value);
        }
        if value.starts_with('/') || value.starts_with("http") {
            return self.link(request, value, Lenient::Yes);
        }
        if value.contains(char::is_whitespace) {
            return Ok(None);
        }
        self.within(value)
    }

    /// A number whose name doesn't say that it is an id: `note` of a comment, `parent` of a note.
    fn unnamed(&mut self, request: &Request, name: &str, scope: &Scope, value: &str) -> Resolved {
        if counts(name) {
            return Resolved::Unknown;
        }
        let resolved = self.ids.resolve_unnamed(scope, value);
        if resolved != Resolved::Unknown {
            return resolved;
        }
        let word = last_word(&noun(name));
        if leads_to_its_like(&word) {
            let own = super::address::collection(&request.form);
            return self.ids.resolve_unnamed(&own, value);
        }
        if word.len() < name.len() {
            return self.ids.resolve_unnamed(&Scope::Field(word), value);
        }
        Resolved::Unknown
    }

    fn id(&mut self, resolved: Resolved, value: &str) -> Replaced {
        match resolved {
            Resolved::Is(shadow) if *shadow == *value => {
                self.tell(|place| format!("id {value}{place} is the same on the shadow"));
                Ok(None)
            }
            Resolved::Is(shadow) => {
                self.counts.ids += 1;
                self.tell(|place| format!("id {value}{place} becomes {shadow}"));
                if self.put_in.len() < MOST_IDS {
                    self.put_in.push(Counterpart {
                        primary: value.into(),
                        shadow: shadow.clone(),
                    });
                }
                Ok(Some(shadow.into_string()))
            }
            Resolved::Orphan => {
                self.tell_orphan(|place| format!("id {value}{place}"));
                Err(Unpaired)
            }
            Resolved::Unknown => {
                self.tell(|place| format!("{value}{place} stays: no such id is known"));
                Ok(None)
            }
        }
    }

    /// The shadow's token for one of production's.
    fn token(&mut self, value: &str) -> Replaced {
        match self.tokens.get(self.key.of(&[value])) {
            Some(Partner::Value(token)) => {
                let token = token.clone();
                self.counts.tokens += 1;
                self.tell(|place| format!("the token{place} is the shadow's"));
                Ok(Some(self.shown(&token)))
            }
            Some(Partner::None) => {
                self.tell_orphan(|place| format!("the token{place}"));
                Err(Unpaired)
            }
            Some(Partner::Conflict) | None => Ok(None),
        }
    }

    /// The shadow's latest token for a field of this session.
    fn newest(&mut self, request: &Request, name: &str) -> Option<String> {
        let by_form = self.key.of(&[name, &request.form]);
        let by_name = self.key.of(&[name]);
        let session = self.sessions.get(request.session)?;
        let token = session.token(by_form).or_else(|| session.token(by_name))?;
        let token = token.to_owned();
        self.counts.newest += 1;
        self.tell(|place| format!("the token{place} is the latest of the shadow's"));
        Some(self.shown(&token))
    }

    /// Tokens in a text.
    fn within(&mut self, text: &str) -> Replaced {
        const LONGEST: usize = 2048;
        if text.len() > LONGEST {
            return Ok(None);
        }
        let mut edits = Vec::new();
        for range in runs(text) {
            let run = &text[range.clone()];
            if is_opaque(run)
                && let Some(token) = self.token(run)?
            {
                edits.push((range, token));
            }
        }
        Ok(edited(text, edits))
    }

    /// A path with its query, or a URL of this site.
    fn link(&mut self, request: &Request, text: &str, lenient: Lenient) -> Replaced {
        let Some(path) = resolved(text, "/", &request.host) else {
            return Ok(None);
        };
        let path = &*path;
        let Some(begin) = text.find(path) else {
            return Ok(None);
        };
        let address = Address::of(path);
        let mut edits = Vec::new();
        for part in &address.parts {
            let value = &path[part.at.clone()];
            self.look_at(|| match &part.what {
                What::Token => format!(" of {}", address.skeleton),
                What::Id(scope) => format!(" of {scope}"),
            });
            let replaced = match &part.what {
                What::Token => self.token(value),
                What::Id(scope) => {
                    let resolved = self.ids.resolve(scope, value);
                    self.id(resolved, value)
                }
            };
            match replaced {
                Ok(Some(value)) => edits.push((part.at.clone(), value)),
                Ok(None) => {}
                Err(unpaired) if lenient == Lenient::No => return Err(unpaired),
                Err(_) => return Ok(None),
            }
        }
        if lenient == Lenient::No {
            self.parameters(request, path, &address, &mut edits)?;
        }
        let edits = edits
            .into_iter()
            .map(|(at, value)| (begin + at.start..begin + at.end, value));
        Ok(edited(text, edits.collect()))
    }

    /// Parameters that are neither ids nor tokens by themselves.
    fn parameters(
        &mut self,
        request: &Request,
        path: &str,
        address: &Address,
        edits: &mut Vec<(Range<usize>, String)>,
    ) -> Result<(), Unpaired> {
        let Some((_, query)) = path.split_once('?') else {
            return Ok(());
        };
        let begin = path.len() - query.len();
        form::pairs(query, |name, value, range| {
            let at = begin + range.start..begin + range.end;
            if address.parts.iter().any(|part| part.at == at) {
                return Ok(());
            }
            if let Some(value) = self.value(request, name, value)? {
                edits.push((at, form::encoded(&value)));
            }
            Ok(())
        })
    }
}

/// What all of one request has in common.
struct Request {
    session: SessionId,
    host: String,
    /// Where it leads to, without ids.
    form: String,
}

/// Whether an id without a partner may stay as it is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Lenient {
    Yes,
    No,
}

fn text(bytes: &[u8]) -> Option<&str> {
    std::str::from_utf8(bytes).ok()
}

pub(super) fn is_signed(head: &RequestHead) -> bool {
    let mut authorizations = head.headers.named(b"authorization");
    let is_signature = |value: &[u8]| {
        let scheme = value.split(|c| *c == b' ').next().unwrap_or_default();
        let scheme = scheme.to_ascii_uppercase();
        [
            b"AWS4".as_slice(),
            b"HMAC",
            b"SIGNATURE",
            b"DIGEST",
            b"OAUTH",
            b"HAWK",
        ]
        .iter()
        .any(|known| scheme.starts_with(known))
    };
    authorizations.any(is_signature)
        || SIGNED
            .iter()
            .any(|name| head.headers.named(name).next().is_some())
}

/// A text with other parts; none where nothing is another.
fn edited(text: &str, mut edits: Vec<(Range<usize>, String)>) -> Option<String> {
    if edits.is_empty() {
        return None;
    }
    edits.sort_by_key(|(range, _)| range.start);
    let mut out = String::with_capacity(text.len() + 32);
    let mut at = 0;
    for (range, value) in edits {
        if range.start < at {
            continue;
        }
        out.push_str(&text[at..range.start]);
        out.push_str(&value);
        at = range.end;
    }
    out.push_str(&text[at..]);
    Some(out)
}
