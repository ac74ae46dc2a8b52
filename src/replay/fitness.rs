//! Whether a capture can teach what the target has in place of what production gave out, and what of it can't.

use std::collections::BTreeSet;

use crate::{
    capture::{MARK, is_redacted},
    compare::{Captured, Extent},
    http::{Headers, RequestHead},
    identity::{RESPONSE_BYTES, names_session, sent},
};

/// What was seen of a capture so far.
#[derive(Clone, Debug, Default)]
pub(super) struct Fitness {
    requests: u64,
    /// Those without a captured response.
    unanswered: u64,
    /// Those whose responses have no bodies, or too little of them.
    heads: u64,
    cut: u64,
    /// Requests with cookies or credentials that were left out, there or in the response.
    masked: u64,
    /// One of them names a session; and some that does so is there.
    lost: bool,
    has_session: bool,
    /// What was left out, some of it.
    names: BTreeSet<String>,
    /// Requests whose parameters, fields or members were left out.
    fields: u64,
}

/// Names of what was left out that are told.
const NAMES: usize = 8;

/// What a capture lacks altogether, so that nothing can be learned.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Unfit {
    #[error(
        "nothing can be learned from this capture, which has no responses of production: capture with answers = \"body\" in [capture]; without --identity it is sent as it is"
    )]
    NoResponses,
    #[error(
        "nothing can be learned from this capture, which was written without what names sessions ({0}): take that out of headers and cookies in [capture.redact], or, where it is cookies alone, set a key there; without --identity it is sent as it is"
    )]
    Redacted(String),
}

impl Fitness {
    /// Takes a request with its body, and what was captured of the response to it.
    pub(super) fn note(&mut self, head: &RequestHead, body: &[u8], captured: &Captured) {
        self.requests += 1;
        match captured.extent(head.method()) {
            Extent::Nothing => self.unanswered += 1,
            Extent::Head => self.heads += 1,
            Extent::Start(length) if length < RESPONSE_BYTES => self.cut += 1,
            Extent::Start(_) | Extent::Whole => {}
        }
        let mut is_masked = self.look(&head.headers);
        captured.with_headers(|headers| is_masked |= self.look(headers));
        self.masked += u64::from(is_masked);
        self.fields += u64::from(has_masked_field(head.target()) || has_masked_field(body));
    }

    /// Looks for credentials, and returns whether some were left out.
    fn look(&mut self, headers: &Headers) -> bool {
        let mut is_masked = false;
        for (name, value) in headers.iter() {
            let value = String::from_utf8_lossy(value);
            let name = ["Authorization", "Cookie", "Set-Cookie"]
                .into_iter()
                .find(|known| name.eq_ignore_ascii_case(known.as_bytes()));
            let Some(name) = name else { continue };
            if is_redacted(&value) {
                is_masked = true;
                self.lost = true;
                self.name(name);
            } else if name == "Authorization" {
                self.has_session = true;
            } else {
                // What stands behind the first `;` of Set-Cookie is no cookie.
                let cookies = match name {
                    "Cookie" => &*value,
                    _ => value.split(';').next().unwrap_or_default(),
                };
                for (name, value) in sent(cookies) {
                    is_masked |= self.look_at_cookie(name, value);
                }
            }
        }
        is_masked
    }

    fn look_at_cookie(&mut self, name: &str, value: &str) -> bool {
        // With a key, two cookies are still told apart.
        let is_masked = value == MARK;
        if is_masked {
            self.name(&format!("cookie {name}"));
        }
        let is_against_forgery = name.to_ascii_lowercase().contains("srf");
        if names_session(name) && !is_against_forgery {
            self.lost |= is_masked;
            self.has_session |= !is_masked;
        }
        is_masked
    }

    fn name(&mut self, name: &str) {
        if self.names.len() < NAMES {
            self.names.insert(name.to_owned());
        }
    }

    fn names(&self) -> String {
        let names: Vec<&str> = self.names.iter().map(String::as_str).collect();
        names.join(", ")
    }

    /// # Errors
    /// Where nothing could be learned from what was seen.
    pub(super) fn check(&self) -> Result<(), Unfit> {
        if self.requests > 0 && self.unanswered == self.requests {
            return Err(Unfit::NoResponses);
        }
        if self.lost && !self.has_session {
            return Err(Unfit::Redacted(self.names()));
        }
        Ok(())
    }

    /// What can't be learned, in a line each.
    pub(super) fn lines(&self) -> Vec<String> {
        let Self {
            requests,
            unanswered,
            heads,
            cut,
            masked,
            fields,
            ..
        } = self;
        let mut lines = Vec::new();
        let mut tell = |count: &u64, what: String| {
            if *count > 0 {
                lines.push(format!("{count} of {requests} requests {what}"));
            }
        };
        tell(
            unanswered,
            "have no response in the capture: nothing is learned from them (answers = \"body\" in [capture])".into(),
        );
        tell(
            heads,
            "have a response without its body: cookies and redirects are learned, what only stood in it is not (answers = \"body\" in [capture])".into(),
        );
        tell(
            cut,
            "have a response whose end is missing: what stood there is not learned (answer_bytes in [capture])".into(),
        );
        tell(
            masked,
            format!(
                "were captured without some of their credentials ({}), which can't be put in (headers and cookies in [capture.redact])",
                self.names()
            ),
        );
        tell(
            fields,
            "were captured without some of their values, such as a password: logging in with those fails (query and json in [capture.redact])".into(),
        );
        lines
    }
}

/// Whether a parameter, a field of a form or a member of JSON was left out.
fn has_masked_field(text: &[u8]) -> bool {
    let mark = MARK.as_bytes();
    memchr::memmem::find_iter(text, mark).any(|at| {
        let before = at.checked_sub(1).map(|before| text[before]);
        let behind = text.get(at + mark.len());
        matches!(before, Some(b'=' | b'"'))
            && matches!(behind, None | Some(b'&' | b'"' | b'-' | b' '))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        capture::{Answered, Record},
        http::MOST_FIELDS,
    };

    fn note(fitness: &mut Fitness, request: &str, response: Option<&str>) {
        let answer = response.map(|message| Answered {
            status: 200,
            message: message.as_bytes(),
            ..Answered::default()
        });
        let record = Record {
            request: request.as_bytes(),
            answer,
            ..Record::default()
        };
        let mut head = RequestHead::default();
        let length = head.parse(record.request, MOST_FIELDS).unwrap().unwrap();
        let captured = Captured::of(&record, RESPONSE_BYTES);
        fitness.note(&head, &record.request[length..], &captured);
    }

    const PAGE: &str =
        "HTTP/1.1 200 OK\r\nSet-Cookie: sid=abcdefgh; Path=/\r\nContent-Length: 2\r\n\r\nhi";

    #[test]
    fn a_capture_without_responses_teaches_nothing() {
        for response in [None, Some("")] {
            let mut fitness = Fitness::default();
            note(&mut fitness, "GET / HTTP/1.1\r\n\r\n", response);
            assert_eq!(fitness.check(), Err(Unfit::NoResponses));
            note(&mut fitness, "GET / HTTP/1.1\r\n\r\n", Some(PAGE));
            assert_eq!(fitness.check(), Ok(()));
            assert!(fitness.lines()[0].starts_with("1 of 2 requests have no response"));
        }
        assert_eq!(Fitness::default().check(), Ok(()));
    }

    #[test]
    fn a_capture_without_what_names_sessions_teaches_nothing() {
        let mut fitness = Fitness::default();
        let masked = PAGE.replace("abcdefgh", "redacted");
        note(&mut fitness, "GET / HTTP/1.1\r\n\r\n", Some(&masked));
        let request = "GET / HTTP/1.1\r\nAuthorization: redacted\r\n\r\n";
        note(&mut fitness, request, Some(&masked));
        let names = "Authorization, cookie sid".to_owned();
        assert_eq!(fitness.check(), Err(Unfit::Redacted(names)));
        let other = "GET / HTTP/1.1\r\nCookie: lang=de; XSRF-TOKEN=x\r\n\r\n";
        note(&mut fitness, other, None);
        assert!(fitness.check().is_err(), "this is no session");
        note(&mut fitness, other, Some(PAGE));
        assert_eq!(fitness.check(), Ok(()));
        assert!(fitness.lines()[1].contains("(Authorization, cookie sid)"));
    }

    #[test]
    fn a_cookie_that_is_no_sessions_is_told_alone() {
        let mut fitness = Fitness::default();
        let request = "GET / HTTP/1.1\r\nCookie: consent=redacted\r\n\r\n";
        note(
            &mut fitness,
            request,
            Some("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"),
        );
        assert_eq!(fitness.check(), Ok(()));
        assert!(fitness.lines()[0].contains("(cookie consent)"));
    }

    #[test]
    fn cookies_that_became_hashes_are_told_apart_and_passwords_that_did_are_gone() {
        let mut fitness = Fitness::default();
        let hashed = PAGE.replace("abcdefgh", "redacted-0123456789abcdef");
        let login = "POST /login HTTP/1.1\r\n\r\nuser=a&password=redacted-0123456789abcdef";
        note(&mut fitness, login, Some(&hashed));
        assert_eq!(fitness.check(), Ok(()));
        let [line] = &fitness.lines()[..] else {
            panic!("{fitness:?}");
        };
        assert!(line.contains("such as a password"), "{line}");
    }

    #[test]
    fn what_is_missing_of_bodies_is_told() {
        let mut fitness = Fitness::default();
        for length in [2, 0] {
            let body = &"hi"[..length];
            let response = format!("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{body}");
            note(&mut fitness, "GET / HTTP/1.1\r\n\r\n", Some(&response));
        }
        let lines = fitness.lines();
        assert!(lines[0].contains("without its body"), "{lines:?}");
        assert!(lines[1].contains("whose end is missing"), "{lines:?}");
        assert_eq!(lines.len(), 2);
    }

    #[test]
    fn a_word_that_is_no_value_is_none() {
        assert!(has_masked_field(b"{\"a\":\"redacted\"}"));
        assert!(has_masked_field(b"/a?token=redacted&x=1"));
        assert!(!has_masked_field(b"/redacted/a?x=unredacted&y=redactedly"));
    }
}
