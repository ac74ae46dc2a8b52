//! What one session costs, for `benches/sessions.rs`.

use std::{fmt::Write as _, time::Duration};

use super::{Identity, Learning, SessionId};
use crate::{compare::Answer, http::RequestHead};

/// A session that has logged in, on a shadow with other cookies, tokens and ids.
pub struct Session {
    identity: Identity,
    id: SessionId,
    form: RequestHead,
    body: Vec<u8>,
    pages: [String; 2],
}

const TOKENS: [&str; 2] = ["x7Kq2mB9zR4tYw1pLk3J", "Qw8eRt2yUi5oPa9sDf6G"];

impl Default for Session {
    fn default() -> Self {
        let mut body = format!("csrf_token={}&order[id]=1407&order[title]=tea", TOKENS[0]);
        while body.len() < 2_000 {
            let field = body.len();
            let _ = write!(body, "&order[note{field}]=some+words+that+people+write");
        }
        let head = format!(
            "POST /orders/1407 HTTP/1.1\r\nHost: shop.example\r\nCookie: theme=dark; sid={}\r\n\
             Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {}\r\n\r\n",
            TOKENS[0],
            body.len()
        );
        let page = |token: &str, id: u32| {
            let mut page =
                format!("<form><input type=hidden name=csrf_token value={token}></form>");
            for row in 0..60 {
                let order = id + row;
                let _ = write!(
                    page,
                    "<tr><td>tea no {row} of the list<td><a href=/orders/{order}>show</a>"
                );
            }
            page
        };
        let mut session = Self {
            identity: Identity::new(64 << 20),
            id: 0,
            form: parsed(&head),
            body: body.into_bytes(),
            pages: [page(TOKENS[0], 1_407), page(TOKENS[1], 1_392)],
        };
        session.id = session.identity.session(&session.form, None);
        session.learn();
        session
    }
}

impl Session {
    /// Finds the session of a form of 2 KB, and puts in what is the shadow's. Returns how long the copy's body is.
    ///
    /// # Panics
    /// Where nothing is put in.
    pub fn substitute(&mut self) -> usize {
        let id = self.identity.session(&self.form, None);
        let substituted = self.identity.substitute(id, &self.form, Some(&self.body));
        let body = substituted.expect("a partner for all").body;
        body.expect("another body").len()
    }

    /// Takes a page with a form and 60 rows from both sides.
    pub fn learn(&mut self) {
        let lines = TOKENS.map(|token| format!("sid={token}; Path=/"));
        let answer = |side: usize| Answer {
            status: 200,
            headers: vec![
                (b"content-type".as_slice(), b"text/html".as_slice()),
                (b"set-cookie", lines[side].as_bytes()),
            ],
            body: self.pages[side].as_bytes(),
            length: self.pages[side].len() as u64,
            is_whole: true,
            at: 0,
            took: Duration::ZERO,
        };
        let (primary, shadow) = (answer(0), answer(1));
        self.identity.issued(self.id, &self.form, &primary);
        self.identity.learn(&Learning {
            session: self.id,
            head: &self.form,
            primary: &primary,
            shadow: Some(&shadow),
        });
    }
}

fn parsed(text: &str) -> RequestHead {
    let mut head = RequestHead::default();
    let length = head.parse(text.as_bytes(), 100);
    assert!(matches!(length, Ok(Some(_))), "a head");
    head
}
