//! A shadow: an instance that gets copies, and how much may be spent on it.

use std::fmt;

use http::HeaderValue;
use serde::{Deserialize, Serialize, Serializer};

use super::{
    Address, ClientTls, ShadowRole,
    identity::Identity,
    is_default,
    reader::Table,
    rewrite::Rewrite,
    sampling::{Key, Limit, OrderBy, Sample, SendWhen},
    script::OwnScript,
    select::Select,
    units::{FieldName, Size, Span},
};

/// One `[[shadow]]`.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Shadow {
    pub(crate) name: Name,
    pub(crate) address: Address,
    #[serde(skip_serializing_if = "is_default")]
    pub(crate) tls: ClientTls,
    /// What `Host` says in copies.
    pub(crate) host: HostHeader,
    /// Connecting, TLS included.
    pub(crate) connect_timeout: Span,
    /// A whole copy, from sending to the last byte of its answer.
    pub(crate) answer_timeout: Span,
    /// How long an answer without an end is read.
    pub(crate) stream_timeout: Span,
    /// How long an idle connection is kept.
    pub(crate) idle_timeout: Span,
    /// Copies on their way at one time.
    pub(crate) max_in_flight: usize,
    /// Copies that wait for a place among those.
    pub(crate) queue: usize,
    /// Open connections, busy and idle.
    pub(crate) max_connections: usize,
    /// Bytes of one copy's body that are kept until the shadow takes them.
    pub(crate) body_buffer: Size,
    /// Bytes of its answer that are read before the connection is given up.
    pub(crate) answer_bytes: Size,
    pub(crate) breaker: Breaker,
    pub(crate) send: SendWhen,
    /// Which copies keep the order of their requests.
    pub(crate) order_by: Option<OrderBy>,
    pub(crate) sample: Sample,
    #[serde(skip_serializing_if = "is_default")]
    pub(crate) limit: Limit,
    #[serde(skip_serializing_if = "is_default")]
    pub(crate) select: Select,
    #[serde(skip_serializing_if = "is_default")]
    pub(crate) rewrite: Rewrite,
    pub(crate) script: Option<OwnScript>,
    /// Its responses are compared with production's.
    pub(crate) compare: bool,
    pub(crate) role: ShadowRole,
    /// The build that it runs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) build: Option<Build>,
    /// The header of its responses that names the build.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) build_header: Option<FieldName>,
    /// Sessions of production live on it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) identity: Option<Identity>,
}

/// When a shadow that fails is left alone.
#[derive(Clone, Debug, Serialize, PartialEq, Eq)]
pub(crate) struct Breaker {
    /// Failures in a row that open it; 0 is never.
    pub(crate) failures: u32,
    /// How long it stays open, until one copy tries.
    pub(crate) pause: Span,
}

/// A shadow's name: it stands in the mark, in metrics and in logs.
#[derive(Clone, Debug, Deserialize, Serialize, PartialEq, Eq, PartialOrd, Ord)]
#[serde(try_from = "String")]
pub(crate) struct Name(String);

impl Name {
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for Name {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
        if text.is_empty() || text.len() > 64 || !text.chars().all(fits) {
            return Err(format!(
                "{text:?} is not a name; up to 64 letters, digits, '-', '_' and '.' make one"
            ));
        }
        Ok(Self(text))
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What somebody calls the build that a shadow runs.
#[derive(Clone, Debug, Deserialize, Serialize, PartialEq, Eq)]
#[serde(try_from = "String")]
pub(crate) struct Build(String);

impl Build {
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for Build {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let is_short = (1..=64).contains(&text.len());
        if !is_short || text.trim() != text || text.chars().any(char::is_control) {
            return Err(format!(
                "{text:?} does not name a build; up to 64 bytes such as \"v5.1-rc2\" do"
            ));
        }
        Ok(Self(text))
    }
}

/// What `Host` says in copies.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
#[serde(try_from = "String")]
pub(crate) enum HostHeader {
    /// What the client said: virtual hosts and cookies work.
    Client,
    /// The shadow's address.
    Address,
    /// This.
    Fixed(HeaderValue),
}

impl TryFrom<String> for HostHeader {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        match text.as_str() {
            "client" => Ok(Self::Client),
            "address" => Ok(Self::Address),
            // With a port of its own, or with that of the scheme.
            host if [host, &format!("http://{host}")]
                .iter()
                .any(|host| matches!(host.parse(), Ok(Address::Tcp { .. })))
                && !host.contains('/') =>
            {
                HeaderValue::from_str(host)
                    .map(Self::Fixed)
                    .map_err(|error| error.to_string())
            }
            _ => Err(format!(
                "{text:?} is not a host; write \"client\", \"address\" or a host such as \"next.example\""
            )),
        }
    }
}

impl Serialize for HostHeader {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Client => serializer.serialize_str("client"),
            Self::Address => serializer.serialize_str("address"),
            Self::Fixed(host) => serializer.collect_str(&String::from_utf8_lossy(host.as_bytes())),
        }
    }
}

impl Shadow {
    /// The key that asks for the client's address, if any does.
    pub(super) fn asks_for_client(&self) -> Option<&'static str> {
        let is_client = |key: Option<&Key>| key == Some(&Key::Client);
        [
            (is_client(self.order_by.as_ref().and_then(OrderBy::key)), "order_by"),
            (is_client(self.sample.by.key()), "sample.by"),
            (self.select.asks_for_client(), "select"),
            (
                matches!(&self.script, Some(OwnScript::Own(script)) if is_client(script.by.as_ref())),
                "script.by",
            ),
        ]
        .into_iter()
        .find_map(|(asks, key)| asks.then_some(key))
    }
}

/// Reads every `[[shadow]]`; names have to differ.
pub(super) fn read_all(table: &mut Table<'_>) -> Vec<Option<Shadow>> {
    let mut shadows: Vec<Option<Shadow>> = Vec::new();
    for (index, one) in table.tables("shadow", None).into_iter().enumerate() {
        let shadow = read(one);
        if let Some(Shadow { name, .. }) = &shadow
            && shadows.iter().flatten().any(|other| other.name == *name)
        {
            let what = format!("{:?} is the name of two shadows; give each its own", name.0);
            table.mistake(&format!("shadow[{index}].name"), &what);
        }
        shadows.push(shadow);
    }
    shadows
}

fn read(table: Table<'_>) -> Option<Shadow> {
    table.whole(|table| {
        let name: Option<Name> = table.required("name", "for example name = \"next\"");
        let address: Option<Address> =
            table.required("address", "for example address = \"https://next.example\"");
        let address = table.reachable("address", address);
        let send = table.value("send", SendWhen::WithRequest);
        Some(Shadow {
            tls: ClientTls::read(table, address.as_ref()),
            host: table.value("host", HostHeader::Client),
            connect_timeout: table.time("connect_timeout", Span::seconds(2)),
            answer_timeout: table.time("answer_timeout", Span::seconds(30)),
            stream_timeout: table.time("stream_timeout", Span::seconds(60)),
            idle_timeout: table.value("idle_timeout", Span::seconds(4)),
            max_in_flight: table.within("max_in_flight", 256_u32, 1..) as usize,
            queue: table.value("queue", 1024_u32) as usize,
            max_connections: table.within("max_connections", 256_u32, 1..) as usize,
            body_buffer: table.value("body_buffer", Size::mib(32)),
            answer_bytes: table.value("answer_bytes", Size::mib(4)),
            breaker: table.table("breaker").whole(|breaker| Breaker {
                pause: breaker.value("pause", Span::seconds(10)),
                failures: breaker.value("failures", 20),
            }),
            send,
            order_by: table.optional("order_by"),
            sample: Sample::read(table.table_or("sample", "percent")),
            limit: Limit::read(table.table_or("limit", "per_second")),
            select: Select::read(table.table("select"), send == SendWhen::AfterAnswer),
            rewrite: Rewrite::read(table.table("rewrite")),
            script: OwnScript::read(table),
            compare: table.value("compare", false),
            role: table.value("role", ShadowRole::default()),
            build: table.optional("build"),
            build_header: table.optional("build_header"),
            identity: Identity::read(table),
            // Last: all else is read before what is missing ends it.
            name: name?,
            address: address?,
        })
    })
}
