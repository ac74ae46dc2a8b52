//! What programs ask for: health, metrics, the ledger, shadows and their changes, reports, the reload.

use std::{collections::BTreeMap, pin::Pin};

use http::{Method, StatusCode};
use serde::{Deserialize, Serialize};

use super::{
    Order,
    call::{Call, Reply, content, json, text},
};
use crate::{
    compare::{NoExample, NotResent, Report},
    config::{Build, Percent},
    lifecycle::Phase,
};

pub(super) fn health(_: &Call<'_>) -> Reply {
    text(StatusCode::OK, "ok\n")
}

pub(super) fn readiness(call: &Call<'_>) -> Reply {
    if call.source.phase() == Phase::Running {
        text(StatusCode::OK, "ready\n")
    } else {
        text(StatusCode::SERVICE_UNAVAILABLE, "draining\n")
    }
}

pub(super) fn metrics(call: &Call<'_>) -> Reply {
    let kind = "text/plain; version=0.0.4; charset=utf-8";
    content(StatusCode::OK, kind, call.source.samples().text())
}

pub(super) fn ledger(call: &Call<'_>) -> Reply {
    json(call.source.ledger())
}

pub(super) fn shadows(call: &Call<'_>) -> Reply {
    json(&BTreeMap::from([("shadows", call.source.shadows())]))
}

pub(super) fn about(call: &Call<'_>) -> Reply {
    json(&call.source.about())
}

pub(super) fn history(call: &Call<'_>) -> Reply {
    json(&call.source.history())
}

pub(super) fn captures(call: &Call<'_>) -> Reply {
    json(&BTreeMap::from([("captures", call.source.captures())]))
}

pub(super) fn configuration(call: &Call<'_>) -> Reply {
    text(StatusCode::OK, call.source.configuration())
}

/// The report of one shadow, or of all that are compared.
pub(super) fn report(call: &Call<'_>) -> Reply {
    #[derive(Serialize)]
    struct Several<'a> {
        shadows: Vec<&'a Report>,
    }
    let reports = match named(call, "exact=") {
        Some("true") => call.source.exact_reports(shadow(call)),
        _ => call.source.reports(shadow(call)),
    };
    match &reports[..] {
        [] => not_compared(),
        [report] => json(&**report),
        several => json(&Several {
            shadows: several.iter().map(|report| &**report).collect(),
        }),
    }
}

/// The whole example of one cause.
pub(super) fn example(call: &Call<'_>) -> Reply {
    let cause = named(call, "cause=").unwrap_or_default();
    let why = match call.source.example(shadow(call), cause) {
        Ok(example) => return json(&example),
        Err(NoExample::Off) => "whole examples are kept only with examples = true in [compare]\n",
        Err(NoExample::UnknownCause) => {
            "there is no cause of this id; ?cause=ID, as the report has it\n"
        }
        Err(NoExample::NotKept) => {
            "of this cause no example is kept yet, or there was no room for it\n"
        }
    };
    text(StatusCode::NOT_FOUND, why)
}

/// Sends a cause's example to the shadow once more, and tells what came of it.
pub(super) fn replay<'a>(call: &'a Call<'_>) -> Pin<Box<dyn Future<Output = Reply> + Send + 'a>> {
    #[derive(Default, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Body {
        #[serde(default, rename = "unsafe")]
        may_change: bool,
    }
    let cause = named(call, "cause=").unwrap_or_default();
    let body = match &call.request.body()[..] {
        b"" => Ok(Body::default()),
        body => serde_json::from_slice(body),
    };
    let replaying = body.map(|Body { may_change }| {
        let source = call.source;
        source.replay(shadow(call), cause, may_change)
    });
    Box::pin(async move {
        match replaying {
            Ok(replaying) => match replaying.await {
                Ok(replayed) => json(&replayed),
                Err(why) => text(status_of(&why), format!("{why}\n")),
            },
            Err(error) => {
                let why = format!("{error}; the body may be {{\"unsafe\": true}}\n");
                text(StatusCode::BAD_REQUEST, why)
            }
        }
    })
}

fn status_of(why: &NotResent) -> StatusCode {
    match why {
        NotResent::NotCompared | NotResent::UnknownCause => StatusCode::NOT_FOUND,
        NotResent::NotKept | NotResent::TooLarge | NotResent::Removed => StatusCode::GONE,
        NotResent::Unsafe(_) | NotResent::Unpaired => StatusCode::CONFLICT,
        NotResent::Paused | NotResent::BreakerOpen | NotResent::NoLane | NotResent::Stopping => {
            StatusCode::SERVICE_UNAVAILABLE
        }
        NotResent::NoConnection(_) | NotResent::Broken(_) => StatusCode::BAD_GATEWAY,
        NotResent::NoAnswer(_) => StatusCode::GATEWAY_TIMEOUT,
    }
}

pub(super) fn forget(call: &Call<'_>) -> Reply {
    if call.source.reset_reports(shadow(call)) {
        text(StatusCode::OK, "what was learned is forgotten\n")
    } else {
        not_compared()
    }
}

/// Adds a rule, or takes one back.
pub(super) fn rules(call: &Call<'_>) -> Reply {
    let done = if call.request.method() == Method::DELETE {
        let id = named(call, "id=").unwrap_or_default();
        call.source.remove_rule(id).map(|removed| json(&removed))
    } else {
        let rule = call.request.body();
        call.source.add_rule(rule).map(|added| json(&added))
    };
    done.unwrap_or_else(|refused| text(refused.status(), format!("{refused}\n")))
}

/// What came of a reload: what changed, or a line for each mistake.
pub(super) fn reload<'a>(call: &'a Call<'_>) -> Pin<Box<dyn Future<Output = Reply> + Send + 'a>> {
    let reloading = call.source.reload();
    Box::pin(async move {
        match reloading.await {
            Ok(changed) => text(StatusCode::OK, format!("{changed}\n")),
            Err(mistakes) => {
                let why = format!("nothing is changed\n{}\n", mistakes.join("\n"));
                text(StatusCode::UNPROCESSABLE_ENTITY, why)
            }
        }
    })
}

pub(super) fn pause(call: &Call<'_>) -> Reply {
    change(call, Order::Pause)
}

pub(super) fn resume(call: &Call<'_>) -> Reply {
    change(call, Order::Resume)
}

pub(super) fn sample(call: &Call<'_>) -> Reply {
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Body {
        percent: Percent,
    }
    match serde_json::from_slice(call.request.body()) {
        Ok(Body { percent }) => change(call, Order::Sample(percent)),
        Err(error) => {
            let why = format!("{error}; the body has to be such as {{\"percent\": \"10%\"}}\n");
            text(StatusCode::BAD_REQUEST, why)
        }
    }
}

pub(super) fn build(call: &Call<'_>) -> Reply {
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Body {
        build: Build,
    }
    match serde_json::from_slice(call.request.body()) {
        Ok(Body { build }) => change(call, Order::Build(build)),
        Err(error) => {
            let why = format!("{error}; the body has to be such as {{\"build\": \"v5.1-rc2\"}}\n");
            text(StatusCode::BAD_REQUEST, why)
        }
    }
}

fn change(call: &Call<'_>, order: Order) -> Reply {
    if call.source.change(call.name, order) {
        shadows(call)
    } else {
        text(StatusCode::NOT_FOUND, "there is no shadow of this name\n")
    }
}

/// The shadow that the query names.
fn shadow<'a>(call: &Call<'a>) -> Option<&'a str> {
    named(call, "shadow=")
}

fn named<'a>(call: &Call<'a>, name: &str) -> Option<&'a str> {
    let mut pairs = call.request.uri().query()?.split('&');
    pairs.find_map(|pair| pair.strip_prefix(name))
}

fn not_compared() -> Reply {
    let what = "no such shadow is compared; set compare = true in a [[shadow]]\n";
    text(StatusCode::NOT_FOUND, what)
}
