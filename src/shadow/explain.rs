//! Says of one request what a shadow would make of it, without sending anything.

use std::net::IpAddr;

use super::{
    copy_head::CopyHeads,
    request_view::RequestView,
    sample::{Drawn, draw},
    select::{Answered, Selection, Verdict},
    sessions::Sessions,
};
use crate::{
    config::{self, ClientAddress, MASK, OrderBy, SendWhen, is_secret_name},
    http::{Marks, RequestHead, asks_for_upgrade},
    identity::{Unpaired, looks_into},
};

/// A request, and what is known of it.
pub(crate) struct Question<'a> {
    pub(crate) head: &'a RequestHead,
    pub(crate) peer: Option<IpAddr>,
    pub(crate) client_address: &'a ClientAddress,
    pub(crate) marks: &'a Marks,
    /// Of the primary's answer, where it is known.
    pub(crate) status: Option<u16>,
    /// The script that the shadow's copies go through.
    pub(crate) script: Option<&'a config::Script>,
    /// What is known of the sessions on it.
    pub(crate) sessions: Option<&'a Sessions>,
}

/// What a shadow would make of a request.
pub(crate) struct Explained {
    /// Whether it would be copied, and why, in a line each.
    pub(crate) reasons: Vec<String>,
    /// The copy's head as it would go out; `None` where there would be no copy.
    pub(crate) head: Option<Vec<u8>>,
}

/// What a shadow would make of a request.
pub(crate) fn explain(settings: &config::Shadow, question: &Question<'_>) -> Explained {
    let &Question {
        head,
        peer,
        client_address,
        marks,
        status,
        script,
        sessions,
    } = question;
    let seen = RequestView {
        head,
        peer,
        client_address,
    };
    let mut reasons = Vec::new();
    let switches = asks_for_upgrade(&head.headers) && status.is_none_or(|status| status == 101);
    let mut is_copied = selected(settings, seen, status, &mut reasons)
        && drawn(settings, seen, &mut reasons)
        && !switches;
    if switches {
        let why = "not copied: it asks for another protocol (upgrade), unless the primary declines";
        reasons = vec![why.into()];
    }
    if is_copied {
        also(settings, &mut reasons);
    }
    if let Some(script) = script.filter(|_| is_copied) {
        reasons.push(format!(
            "scripted: what {:?} makes of it is rewritten and sent, if anything; below is what goes out where it changes nothing",
            script.command[0]
        ));
    }
    let mut written = None;
    if let Some(identity) = settings.identity.as_ref().filter(|_| is_copied) {
        match put_in(identity, seen, sessions, &mut reasons) {
            Ok(head) => written = head,
            Err(Unpaired) => is_copied = false,
        }
    }
    let head = written.as_deref().unwrap_or(head);
    let authorization = settings.rewrite.authorization.as_ref();
    let copy_heads = CopyHeads::new(&masked(settings), marks, authorization.map(|_| MASK.into()));
    let head = is_copied.then(|| {
        let mut out = Vec::new();
        copy_heads.of(head).write(&mut out);
        out
    });
    Explained { reasons, head }
}

/// What becomes of the shadow's cookies, tokens and ids in it: the head with them, where it is another one.
fn put_in(
    identity: &config::Identity,
    seen: RequestView<'_>,
    sessions: Option<&Sessions>,
    reasons: &mut Vec<String>,
) -> Result<Option<Box<RequestHead>>, Unpaired> {
    let Some(sessions) = sessions else {
        reasons.push(
            "session: the shadow's cookies, tokens and ids are put in as learned; --identity-state FILE says which".into(),
        );
        return Ok(None);
    };
    let (previewed, is_known) = sessions.preview(seen);
    if !is_known {
        reasons.push("session: nothing is known of whose it is".into());
    }
    let lines = previewed.lines.into_iter();
    reasons.extend(lines.map(|line| format!("session: {line}")));
    let substituted = previewed.substituted?;
    if seen.body() > 0 && looks_into(seen.head, identity.body_bytes.bytes() as u64) {
        reasons.push("session: tokens and ids in its body are put in, too".into());
    }
    Ok(substituted.head)
}

/// Whether a shadow's rules select a request, to be asked again and again.
pub(crate) fn selects(
    select: &config::Select,
) -> impl Fn(&RequestHead, Option<IpAddr>, &ClientAddress) -> bool + use<> {
    let selection = Selection::new(select);
    move |head, peer, client_address| {
        let seen = RequestView {
            head,
            peer,
            client_address,
        };
        selection.judge(seen, Answered::NotYet).0 != Verdict::Filtered
    }
}

fn selected(
    settings: &config::Shadow,
    seen: RequestView<'_>,
    status: Option<u16>,
    reasons: &mut Vec<String>,
) -> bool {
    let selection = Selection::new(&settings.select);
    let answered = match status {
        Some(status) if settings.send == SendWhen::AfterAnswer => Answered::With(Some(status)),
        _ => Answered::NotYet,
    };
    let (verdict, rule) = selection.judge(seen, answered);
    let why = match rule {
        Some(index) => selection.describe(index),
        None if selection.is_empty() => "there are no rules".into(),
        None => "no rule matches it".into(),
    };
    reasons.push(match verdict {
        Verdict::Copied => format!("copied: {why}"),
        Verdict::Filtered => format!("not copied (filtered): {why}"),
        Verdict::Open => format!(
            "copied or not: {why} for some statuses of the primary; --status says what would be for one"
        ),
    });
    verdict != Verdict::Filtered
}

fn drawn(settings: &config::Shadow, seen: RequestView<'_>, reasons: &mut Vec<String>) -> bool {
    let config::Sample { percent, by, .. } = &settings.sample;
    let key = by;
    let drawn = draw(&settings.sample, *percent, seen);
    let (is_in, why) = match drawn {
        Drawn::ByChance(_) if percent.millionths() == 0 => (false, "the sample is 0%".into()),
        Drawn::ByChance(_) if *percent == config::Percent::ALL => return true,
        Drawn::ByChance(_) => {
            reasons.push(format!("sampled: with a chance of {percent}"));
            return true;
        }
        Drawn::ByKey(is_in) => (
            is_in,
            format!("its {key} is {}in the {percent}", not(is_in)),
        ),
        Drawn::WithoutKey(is_in) => (is_in, format!("it has no {key}, see without_key")),
    };
    if is_in {
        reasons.push(format!("sampled: {why}"));
    } else {
        *reasons = vec![format!("not copied (sampled_out): {why}")];
    }
    is_in
}

fn not(is_in: bool) -> &'static str {
    if is_in { "" } else { "not " }
}

fn also(settings: &config::Shadow, reasons: &mut Vec<String>) {
    if !config::is_default(&settings.limit) {
        reasons.push("limited: left out where it is over shadow.limit".into());
    }
    let of_session = || "in order: after those before it of the same session".to_owned();
    match &settings.order_by {
        Some(OrderBy::Key(key)) => reasons.push(format!(
            "in order: after those before it with the same {key}"
        )),
        Some(OrderBy::All) => reasons.push("in order: after all before it".into()),
        Some(OrderBy::Session) => reasons.push(of_session()),
        None if settings.identity.is_some() => reasons.push(of_session()),
        None => {}
    }
    if settings.send == SendWhen::AfterAnswer {
        reasons.push("sent: after the primary's answer".into());
    }
}

/// The settings with a mask for what is put into copies and may be secret.
fn masked(settings: &config::Shadow) -> config::Shadow {
    let mut settings = settings.clone();
    let headers = &mut settings.rewrite.headers;
    for (name, value) in headers.set.iter_mut().chain(&mut headers.add) {
        if is_secret_name(name.spelling()) {
            value.0 = MASK.into();
        }
    }
    for replace in &mut headers.replace {
        let name = replace.name.as_ref();
        if name.is_some_and(|name| is_secret_name(name.spelling())) {
            replace.to = MASK.into();
        }
    }
    for (name, value) in &mut settings.rewrite.query.set {
        if is_secret_name(name) {
            *value = MASK.into();
        }
    }
    settings
}
