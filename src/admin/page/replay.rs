//! A cause's example, sent to the shadow once more: is the difference there again?

use std::{collections::VecDeque, pin::Pin, sync::LazyLock};

use http::StatusCode;
use maud::{Markup, PreEscaped, html};
use parking_lot::Mutex;

use super::{
    cause::{Found, gone},
    chart,
    form::{Fields, key, see},
    frame::told,
    text::{sentence, short},
};
use crate::{
    admin::call::{Call, Reply},
    compare::{Cause, NotResent, Now, Replayed},
};

/// Methods that change nothing (RFC 9110, 9.2.1).
const SAFE: [&str; 3] = ["GET", "HEAD", "OPTIONS"];

/// The button for it.
pub(super) fn button(action: &str, cause: &Cause) -> Markup {
    let method = &*cause.example.method;
    html! {
        form.buttons method="post" action=(action) {
            (key())
            @if !SAFE.contains(&method) {
                label.tick { input type="checkbox" name="unsafe" value="yes" required; " " (method) " may change data of the shadow" }
            }
            button { "Send it to the shadow now" }
            span.soft { "Never to production." }
        }
    }
}

/// Sends it, and shows what came of it.
pub(in crate::admin) fn replay<'a>(
    call: &'a Call<'_>,
) -> Pin<Box<dyn Future<Output = Reply> + Send + 'a>> {
    let Some(found) = Found::of(call) else {
        let reply = gone(call);
        return Box::pin(async { reply });
    };
    let may_change = !Fields::of(call.request.body()).field("unsafe").is_empty();
    let (shadow, id) = (found.report.shadow.clone(), found.cause().id.clone());
    let replaying = call.source.replay(Some(&shadow), &id, may_change);
    Box::pin(async move {
        match replaying.await {
            Ok(replayed) => see(&found.sent(results().lock().keep(came(&replayed)))),
            Err(why) => failed(call, &found, &why),
        }
    })
}

/// The last results by their numbers: a browser is led on to a view of them, so that renewing it sends nothing again.
#[derive(Default)]
pub(super) struct Results {
    last: VecDeque<(u64, String)>,
    count: u64,
}

impl Results {
    const MOST: usize = 32;

    fn keep(&mut self, result: Markup) -> u64 {
        self.count += 1;
        self.last.push_back((self.count, result.into_string()));
        if self.last.len() > Self::MOST {
            self.last.pop_front();
        }
        self.count
    }

    /// What came of it, where it is among the last ones.
    pub(super) fn find(&self, number: u64) -> Option<Markup> {
        let found = self.last.iter().find(|(known, _)| *known == number);
        found.map(|(_, text)| PreEscaped(text.clone()))
    }
}

pub(super) fn results() -> &'static Mutex<Results> {
    static RESULTS: LazyLock<Mutex<Results>> = LazyLock::new(Mutex::default);
    &RESULTS
}

fn came(replayed: &Replayed) -> Markup {
    let value = |value: &Option<String>| value.clone().unwrap_or_else(|| "(not there)".to_owned());
    let (class, sign) = match replayed.difference {
        Now::Again => ("again", "✗ "),
        Now::Gone => ("gone", "✓ "),
        Now::Unclear => ("unclear", "? "),
    };
    html! {
        div.notice.(class) role="status" {
        p { strong { span aria-hidden="true" { (sign) } (sentence(&replayed.says)) } }
        dl.facts {
            @if replayed.place != "status" {
                div { dt { "status" } dd { (replayed.status) } }
                div { dt { "production's status" } dd { (replayed.primary_status) } }
            }
            div { dt { "time" } dd { (chart::shown(replayed.milliseconds)) " ms" } }
            div { dt { "production had" } dd { code { (short(&value(&replayed.primary))) } } }
            div { dt { (replayed.shadow) " has now" } dd { code { (short(&value(&replayed.now))) } } }
        }
        }
    }
}

fn failed(call: &Call<'_>, found: &Found, why: &NotResent) -> Reply {
    let said = match why {
        NotResent::Unsafe(method) => {
            format!("{method} may change data of the shadow: say that it may, then send it.")
        }
        other => sentence(&other.to_string()),
    };
    let body = html! {
        p { (said) }
        p { a href=(found.path("")) { "To the cause" } }
    };
    told(call, StatusCode::CONFLICT, "It was not sent", &body)
}
