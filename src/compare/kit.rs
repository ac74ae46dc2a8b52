//! Responses for tests, and their differences in a form that is easily read.

use std::time::Duration;

use super::{Answer, Asked, Differences, Extract, Limits, differences, extract};

#[derive(Clone, Debug)]
pub(crate) struct Response {
    status: u16,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
    /// Where the body was cut, how long it was.
    whole_length: Option<u64>,
    at: i64,
    is_conditional: bool,
    limits: Limits,
}

pub(crate) fn response(status: u16) -> Response {
    Response {
        status,
        headers: Vec::new(),
        body: Vec::new(),
        whole_length: None,
        at: 1_709_648_527_000,
        is_conditional: false,
        limits: Limits::default(),
    }
}

pub(crate) fn json(body: &str) -> Response {
    of_type("application/json; charset=utf-8", body)
}

pub(crate) fn html(body: &str) -> Response {
    of_type("text/html; charset=utf-8", body)
}

pub(crate) fn of_type(content_type: &str, body: impl AsRef<[u8]>) -> Response {
    response(200)
        .header("Content-Type", content_type)
        .body(body)
}

impl Response {
    pub(crate) fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    pub(crate) fn body(mut self, body: impl AsRef<[u8]>) -> Self {
        body.as_ref().clone_into(&mut self.body);
        self
    }

    pub(crate) fn status(mut self, status: u16) -> Self {
        self.status = status;
        self
    }

    pub(crate) fn at(mut self, at: i64) -> Self {
        self.at = at;
        self
    }

    pub(crate) fn conditional(mut self) -> Self {
        self.is_conditional = true;
        self
    }

    /// Only so many bytes of the body are kept.
    pub(crate) fn cut(mut self, length: usize) -> Self {
        self.whole_length = Some(self.body.len() as u64);
        self.body.truncate(length);
        self
    }

    pub(crate) fn limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    pub(crate) fn extract(&self) -> Extract {
        let headers = self.headers.iter();
        let mut asked = Asked {
            method: b"GET",
            target: b"/",
            headers: vec![(b"Host", b"app.example")],
            body: None,
        };
        if self.is_conditional {
            asked.headers.push((b"If-None-Match", b"\"a\""));
        }
        let answer = Answer {
            status: self.status,
            headers: headers
                .map(|(name, value)| (name.as_bytes(), value.as_bytes()))
                .collect(),
            body: &self.body,
            length: self.whole_length.unwrap_or(self.body.len() as u64),
            is_whole: self.whole_length.is_none(),
            at: self.at,
            took: Duration::ZERO,
        };
        extract(&asked, &answer, &self.limits)
    }

    /// All leaves, as `place = text`.
    pub(crate) fn leaves(&self) -> Vec<String> {
        let extract = self.extract();
        let leaves = extract.leaves().skip(1);
        leaves
            .map(|leaf| format!("{} = {}", leaf.place, leaf.value.text()))
            .collect()
    }
}

pub(crate) fn between(primary: &Response, shadow: &Response) -> Differences {
    differences(&primary.extract(), &shadow.extract())
}

/// The differences, as `kind place: change`.
pub(crate) fn shown(primary: &Response, shadow: &Response) -> Vec<String> {
    let found = between(primary, shadow).found.into_iter();
    found
        .map(|difference| {
            format!(
                "{} {}: {}",
                difference.kind, difference.place, difference.change
            )
        })
        .collect()
}

/// The values of the only difference.
pub(crate) fn values(primary: &Response, shadow: &Response) -> (String, String) {
    let found = between(primary, shadow).found;
    assert_eq!(found.len(), 1, "{found:#?}");
    let text = |value: &Option<super::Value>| {
        value
            .as_ref()
            .map(|value| value.text().to_owned())
            .unwrap_or_default()
    };
    (text(&found[0].primary), text(&found[0].shadow))
}
