//! What can be changed: a shadow paused and resumed, the share of requests that it gets.

use serde::Deserialize;

use super::Order;
use crate::config::Percent;

/// A change that a path names: the shadow's name and what is to be done.
pub(super) fn of_path(path: &str) -> Option<(&str, &str)> {
    let (name, what) = path.strip_prefix("/api/shadows/")?.rsplit_once('/')?;
    matches!(what, "pause" | "resume" | "sample").then_some((name, what))
}

/// What is to be done.
pub(super) fn order(what: &str, body: &[u8]) -> Result<Order, String> {
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Body {
        percent: Percent,
    }
    match what {
        "pause" => Ok(Order::Pause),
        "resume" => Ok(Order::Resume),
        _ => serde_json::from_slice::<Body>(body)
            .map(|body| Order::Sample(body.percent))
            .map_err(|error| {
                format!("{error}; the body has to be such as {{\"percent\": \"10%\"}}\n")
            }),
    }
}
