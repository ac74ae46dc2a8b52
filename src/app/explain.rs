//! Says of a request what would become of it, without opening a socket.

use std::{net::IpAddr, path::Path};

use anyhow::{anyhow, bail};

use crate::{
    config::{self, Config, Flags, Sources},
    http::{Marks, RequestHead},
    proxy::{self, Preparation},
    shadow::{self, Explained, Question, Sessions},
};

/// A request to explain.
pub(crate) struct Asked {
    /// Its head, with the empty line behind it.
    pub(crate) head: Vec<u8>,
    /// Where its connection comes from; `None`: over a unix socket.
    pub(crate) peer: Option<IpAddr>,
    /// Of the primary's answer.
    pub(crate) status: Option<u16>,
    /// What is known of sessions on a shadow.
    pub(crate) sessions: Option<KnownSessions>,
}

/// What is known of the sessions on a shadow.
pub(crate) struct KnownSessions {
    /// The shadow's name.
    shadow: String,
    sessions: Sessions,
}

impl KnownSessions {
    /// Reads what `identity.state` kept. Of several shadows it is that of the one that the file is named after.
    ///
    /// # Errors
    /// Where it is no shadow's, or can't be read.
    pub(crate) fn open(config: &Config, path: &Path) -> anyhow::Result<Self> {
        let all = config.shadow.iter();
        let all = all.filter_map(|shadow| Some((shadow.name.as_str(), shadow.identity.as_ref()?)));
        let all: Vec<_> = all.collect();
        let named = path.file_stem().and_then(|stem| stem.to_str());
        let own = all.iter().find(|(name, _)| Some(*name) == named);
        let (name, settings) = match (&all[..], own) {
            ([], _) => bail!("--identity-state: no shadow of the configuration has identity"),
            (_, Some(own)) | ([own], None) => *own,
            _ => bail!(
                "--identity-state {}: several shadows have identity, and the file is named after none of them",
                path.display()
            ),
        };
        let sessions = Sessions::open(path, settings);
        let sessions =
            sessions.map_err(|why| anyhow!("--identity-state {}: {why}", path.display()))?;
        Ok(Self {
            shadow: name.to_owned(),
            sessions,
        })
    }
}

/// What each shadow would make of it, by the shadow's name.
///
/// # Errors
/// Where the request would be refused.
pub(crate) fn explain(config: &Config, asked: &Asked) -> Result<Vec<(String, Explained)>, String> {
    let limits = &config.limits;
    let mut head = RequestHead::default();
    match head.parse(&asked.head, limits.header_count) {
        Ok(Some(length)) if length == asked.head.len() => {}
        Ok(_) => return Err("it is not a request: there is an empty line in it".into()),
        Err(why) => return Err(format!("it is not a request: {why}")),
    }
    let marks = Marks::new(&config.mark);
    let known = Preparation {
        marks: &marks,
        limits,
        request_id: config.request_id.header.spelling(),
        add_forwarded: config.forwarded.add,
    };
    proxy::rehearse(&mut head, known, asked.peer)?;
    let of = |settings: &config::Shadow| {
        let script = config.script_of(settings);
        let sessions = asked.sessions.as_ref();
        let sessions = sessions.filter(|known| known.shadow == settings.name.as_str());
        let question = Question {
            head: &head,
            peer: asked.peer,
            client_address: &config.client_address,
            marks: &marks,
            status: asked.status,
            script: script.map(|(_, script)| script),
            sessions: sessions.map(|known| &known.sessions),
        };
        shadow::explain(settings, &question)
    };
    let shadows = config.shadow.iter();
    Ok(shadows
        .map(|settings| (settings.name.to_string(), of(settings)))
        .collect())
}

/// Whether the first shadow's rules select a request, to be asked again and again: what a benchmark measures.
/// `None` where the file or the head is wrong.
#[must_use]
pub fn selection(file: &Path, head: &[u8]) -> Option<impl Fn() -> bool + use<>> {
    let sources = Sources {
        file: Some(file.to_owned()),
        flags: Flags::default(),
    };
    let config = sources.load().ok()?;
    let mut parsed = RequestHead::default();
    parsed.parse(head, config.limits.header_count).ok()??;
    let client_address = config.client_address;
    let selects = shadow::selects(&config.shadow.first()?.select);
    Some(move || selects(&parsed, None, &client_address))
}
