//! A request's headers: cookies, tokens, conditions.

use super::{
    super::{
        Identity, bearer_token,
        cookies::sent,
        partners::Partner,
        values::{is_opaque, names_session, names_token},
    },
    Lenient, Request, text,
};
use crate::http::{Edit, RequestHead};

impl Identity {
    pub(super) fn headers(
        &mut self,
        request: &Request,
        head: &RequestHead,
        written: &mut Option<Box<RequestHead>>,
    ) {
        let mut edits: Vec<(Vec<u8>, Vec<u8>, Edit)> = Vec::new();
        let mut has_cookie = false;
        for (name, value) in head.headers.iter() {
            let (Some(name_text), Some(value_text)) = (text(name), text(value)) else {
                continue;
            };
            has_cookie |= name.eq_ignore_ascii_case(b"cookie");
            self.look_at(|| format!(" of {name_text}"));
            let edit = self.header(request, head, &name_text.to_ascii_lowercase(), value_text);
            if edit != Edit::Keep {
                edits.push((name.to_vec(), value.to_vec(), edit));
            }
        }
        let extras = if has_cookie {
            Vec::new()
        } else {
            self.extras(request, &[])
        };
        if edits.is_empty() && extras.is_empty() {
            return;
        }
        let written = written.get_or_insert_with(|| Box::new(head.clone()));
        for (name, before, edit) in edits {
            written.headers.edit(&name, |value| {
                if *value == *before {
                    edit.clone()
                } else {
                    Edit::Keep
                }
            });
        }
        if !extras.is_empty() {
            written
                .headers
                .append(b"Cookie", extras.join("; ").as_bytes());
        }
    }

    fn header(&mut self, request: &Request, head: &RequestHead, name: &str, value: &str) -> Edit {
        let to = |value: Option<String>| value.map_or(Edit::Keep, |value| Edit::To(value.into()));
        match name {
            "cookie" => self.cookie(request, value),
            "authorization" => {
                let Some(token) = bearer_token(value).filter(|token| !token.is_empty()) else {
                    return Edit::Keep;
                };
                let shadow = self.token(token).unwrap_or_default();
                to(shadow.map(|shadow| value.replace(token, &shadow)))
            }
            "if-none-match" | "if-match" => self.condition(head, value),
            "referer" => to(self.link(request, value, Lenient::Yes).unwrap_or_default()),
            _ if names_token(name) => {
                let token = self.token(value).unwrap_or_default();
                to(token.or_else(|| self.newest_of_any(request, name)))
            }
            _ if is_opaque(value) => to(self.token(value).unwrap_or_default()),
            _ => Edit::Keep,
        }
    }

    /// The latest token of a page, for a header that carries it.
    fn newest_of_any(&mut self, request: &Request, header: &str) -> Option<String> {
        let names = [
            header,
            "csrf-token",
            "csrf_token",
            "csrfmiddlewaretoken",
            "_csrf",
            "_token",
        ];
        names.iter().find_map(|name| self.newest(request, name))
    }

    fn cookie(&mut self, request: &Request, line: &str) -> Edit {
        let mut out: Vec<String> = Vec::new();
        let mut names = Vec::new();
        let mut is_changed = false;
        for (name, value) in sent(line) {
            names.push(name);
            let hash = self.key.of(&[name, value]);
            match self.cookies.get(hash).cloned() {
                Some(Partner::Value(shadow)) => {
                    is_changed |= *shadow != *value;
                    self.counts.cookies += u64::from(*shadow != *value);
                    self.tell(|_| format!("cookie {name} is the shadow's"));
                    out.push(format!("{name}={}", self.shown(&shadow)));
                }
                Some(Partner::None) => {
                    is_changed = true;
                    self.tell(|_| format!("cookie {name} is left out: the shadow gave out none"));
                }
                Some(Partner::Conflict) | None => {
                    self.look_at(|| format!(" of cookie {name}"));
                    let token = if is_opaque(value) {
                        self.token(value).unwrap_or_default()
                    } else {
                        None
                    };
                    is_changed |= token.is_some();
                    if token.is_none() {
                        self.tell(|_| {
                            format!("cookie {name} stays: production was not seen to give it out")
                        });
                    }
                    let is_earlier = token.is_none()
                        && names_session(name)
                        && self.sessions.is_guess(request.session);
                    self.counts.earlier_cookies += u64::from(is_earlier);
                    out.push(format!("{name}={}", token.as_deref().unwrap_or(value)));
                }
            }
        }
        let extras = self.extras(request, &names);
        if !is_changed && extras.is_empty() {
            return Edit::Keep;
        }
        out.extend(extras);
        if out.is_empty() {
            return Edit::Remove;
        }
        Edit::To(out.join("; ").into_bytes())
    }

    /// Cookies that the shadow alone sets.
    fn extras(&mut self, request: &Request, sent: &[&str]) -> Vec<String> {
        let session = self.sessions.get(request.session);
        let Some(session) = session else {
            return Vec::new();
        };
        let extras = session.extras.iter();
        let extras = extras.filter(|(name, _)| !sent.contains(&&**name));
        let extras: Vec<_> = extras.cloned().collect();
        let mut out = Vec::new();
        for (name, value) in extras {
            self.tell(|_| format!("cookie {name} is added: the shadow alone gave it out"));
            out.push(format!("{name}={}", self.shown(&value)));
        }
        out
    }

    /// The shadow's own `ETag`s; a condition that can't be told in them goes, and the answer is a whole one.
    fn condition(&mut self, head: &RequestHead, value: &str) -> Edit {
        if value.trim() == "*" {
            return Edit::Keep;
        }
        let Some(target) = text(head.target()) else {
            return Edit::Keep;
        };
        let mut out = Vec::new();
        for etag in value.split(',').map(str::trim) {
            match self.etags.get(self.key.of(&[target, etag])) {
                Some(Partner::Value(shadow)) => out.push(shadow.to_string()),
                Some(Partner::None | Partner::Conflict) | None => {}
            }
        }
        let joined = out.join(", ");
        if joined == value {
            return Edit::Keep;
        }
        self.counts.conditions += 1;
        if out.is_empty() {
            self.tell(|_| "the condition is left out: the shadow's ETag is not known".into());
            Edit::Remove
        } else {
            self.tell(|_| "the condition has the shadow's ETag".into());
            Edit::To(joined.into_bytes())
        }
    }
}
