//! Changes a copy's head before it goes out. It works on a head of its own: the primary's request stays as it is.

mod authorization;
mod cookies;
mod target;

use crate::{
    config::{self, HostHeader},
    http::{Edit, RequestHead},
};

pub(crate) use authorization::{BadAuthorization, authorization};

/// What is changed in the copies for one shadow.
#[derive(Clone)]
pub(super) struct Rewriting {
    rules: config::Rewrite,
    /// The value of `Authorization`; never shown.
    authorization: Option<String>,
    /// What `Host` says, where it is not what the client said.
    host: Option<String>,
}

impl Rewriting {
    /// As a shadow's settings say, with the `Authorization` that was read, where they have one.
    pub(super) fn new(settings: &config::Shadow, authorization: Option<String>) -> Self {
        Self {
            rules: settings.rewrite.clone(),
            authorization,
            host: match &settings.host {
                HostHeader::Client => None,
                HostHeader::Fixed(host) => {
                    Some(String::from_utf8_lossy(host.as_bytes()).into_owned())
                }
                HostHeader::Address => Some(settings.address.authority()),
            },
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.host.is_none() && config::is_default(&self.rules)
    }

    pub(super) fn apply(&self, head: &mut RequestHead) {
        let rules = &self.rules;
        if let Some(target) = target::rewritten(head, rules) {
            head.set_target(&target);
        }
        cookies::rewrite(head, &rules.cookies);
        self.headers(head);
        if let Some(value) = &self.authorization {
            head.headers.set(b"Authorization", value.as_bytes());
        }
        if let Some(host) = &self.host {
            head.set_host(host.as_bytes());
        }
    }

    /// Removes, then replaces, then sets, then adds.
    fn headers(&self, head: &mut RequestHead) {
        let edits = &self.rules.headers;
        let headers = &mut head.headers;
        for name in &edits.remove {
            headers.edit(name.spelling().as_bytes(), |_| Edit::Remove);
        }
        for rule in &edits.replace {
            let name = rule.name.as_ref().map_or("", |name| name.spelling());
            headers.edit(name.as_bytes(), |value| {
                match rule.regex.replace_all(value, rule.to.as_bytes()) {
                    std::borrow::Cow::Borrowed(_) => Edit::Keep,
                    std::borrow::Cow::Owned(value) => Edit::To(value.trim_ascii().to_vec()),
                }
            });
        }
        for (name, line) in &edits.set {
            headers.set(name.spelling().as_bytes(), line.0.as_bytes());
        }
        for (name, line) in &edits.add {
            headers.append(name.spelling().as_bytes(), line.0.as_bytes());
        }
    }
}
