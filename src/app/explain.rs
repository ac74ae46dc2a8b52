//! Says of a request what would become of it, without opening a socket.

use std::net::IpAddr;

use crate::{
    config::Config,
    http::{Marks, RequestHead},
    proxy::{self, Preparation},
    shadow::{self, Explained, Question},
};

/// A request that somebody asks about.
pub(crate) struct Asked {
    /// Its head, with the empty line behind it.
    pub(crate) head: Vec<u8>,
    /// Where its connection comes from; `None`: over a unix socket.
    pub(crate) peer: Option<IpAddr>,
    /// Of the primary's answer.
    pub(crate) status: Option<u16>,
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
        Ok(_) => return Err("it is no request: there is an empty line in it".into()),
        Err(why) => return Err(format!("it is no request: {why}")),
    }
    let marks = Marks::new(&config.mark);
    let known = Preparation {
        marks: &marks,
        limits,
        request_id: config.request_id.header.spelling(),
        add_forwarded: config.forwarded.add,
    };
    proxy::rehearse(&mut head, known, asked.peer)?;
    let question = Question {
        head: &head,
        peer: asked.peer,
        client_address: &config.client_address,
        marks: &marks,
        status: asked.status,
    };
    let of = |settings| shadow::explain(settings, &question);
    Ok(config
        .shadow
        .iter()
        .map(|settings| (settings.name.to_string(), of(settings)))
        .collect())
}
