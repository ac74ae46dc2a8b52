//! The sections of the configuration that are a few values each.

use std::ops::RangeInclusive;

use clap::ValueEnum;
use serde::{Deserialize, Serialize};

use super::{
    Address,
    reader::Table,
    units::{FieldName, Secret, Size, Span},
};

/// How long each step of the primary path may take.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Timeouts {
    /// Connecting to the primary, TLS included.
    pub(crate) connect: Span,
    /// From the request to the header of the primary's answer.
    pub(crate) answer: Span,
    /// Between two pieces of a body, either way.
    pub(crate) idle: Span,
    /// For a client to send its whole header, TLS handshake included.
    pub(crate) client_header: Span,
    /// For a client's connection between two requests.
    pub(crate) keep_alive: Span,
    /// How long a tcp client that shut its sending side is still served.
    pub(crate) half_close: Span,
}

impl Timeouts {
    pub(super) fn read(table: Table<'_>) -> Self {
        table.whole(|table| Self {
            connect: table.time("connect", Span::seconds(5)),
            answer: table.time("answer", Span::seconds(60)),
            idle: table.time("idle", Span::seconds(60)),
            client_header: table.time("client_header", Span::seconds(30)),
            keep_alive: table.value("keep_alive", Span::seconds(75)),
            half_close: table.value("half_close", Span::seconds(1)),
        })
    }
}

/// What a client may ask for at most, and what may be kept for shadows.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Limits {
    pub(crate) header_bytes: Size,
    pub(crate) header_count: usize,
    pub(crate) response_header_bytes: Size,
    pub(crate) response_header_count: usize,
    pub(crate) target_bytes: Size,
    /// None: no limit.
    pub(crate) body_bytes: Option<Size>,
    /// Client connections at one time.
    pub(crate) connections: usize,
    /// The budget: all memory kept for shadows.
    pub(crate) shadow_memory: Size,
}

impl Limits {
    pub(super) fn read(table: Table<'_>) -> Self {
        table.whole(|table| Self {
            header_bytes: table.within("header_bytes", Size::kib(64), HEADER_BYTES),
            header_count: table.within("header_count", 100, HEADER_COUNT),
            response_header_bytes: table.within(
                "response_header_bytes",
                Size::mib(1),
                HEADER_BYTES,
            ),
            response_header_count: table.within("response_header_count", 1000, HEADER_COUNT),
            target_bytes: table.within("target_bytes", Size::kib(16), Size(1)..=Size(65_534)),
            body_bytes: table.optional("body_bytes"),
            connections: table.within("connections", 10_000, 1..),
            shadow_memory: table.within("shadow_memory", Size::mib(128), Size::kib(64)..),
        })
    }
}

/// Less would refuse what browsers send.
const HEADER_BYTES: RangeInclusive<Size> = Size::kib(8)..=Size::mib(16);
const HEADER_COUNT: RangeInclusive<usize> = 1..=10_000;

/// The header that tells an application that a request is a copy.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Mark {
    pub(crate) header: FieldName,
    /// Whether a mark that the client sent reaches the primary: for a chain of tees.
    pub(crate) keep: bool,
}

impl Mark {
    /// Of this name.
    pub(crate) fn named(header: FieldName) -> Self {
        Self {
            header,
            keep: false,
        }
    }

    pub(super) fn read(table: Table<'_>) -> Self {
        let default = FieldName::known("X-Shadow-Request");
        table.whole(|table| Self {
            header: table.own_header("header", default),
            keep: table.value("keep", false),
        })
    }
}

/// The header that names a request in all logs.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct RequestId {
    pub(crate) header: FieldName,
}

impl RequestId {
    pub(super) fn read(table: Table<'_>) -> Self {
        let default = FieldName::known("X-Request-Id");
        table.whole(|table| Self {
            header: table.own_header("header", default),
        })
    }
}

/// Whether `X-Forwarded-*` and `Via` are added; nginx in front has set them already.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Forwarded {
    pub(crate) add: bool,
}

impl Forwarded {
    pub(super) fn read(table: Table<'_>) -> Self {
        table.whole(|table| Self {
            add: table.value("add", false),
        })
    }
}

/// The administrative interface.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Admin {
    pub(crate) address: Address,
    /// Where set, every request but the health checks has to bear it: `Authorization: Bearer …`.
    pub(crate) token: Option<Secret>,
}

impl Admin {
    pub(super) fn read(mut table: Table<'_>) -> Option<Self> {
        let address: Option<Address> =
            table.required("address", "for example address = \"127.0.0.1:9900\"");
        if address.as_ref().is_some_and(Address::is_tls) {
            let why = "can't be https://; put a proxy with TLS in front of it";
            table.mistake("address", why);
        }
        let token: Option<Secret> = table.optional("token");
        if token.is_none() && address.as_ref().is_some_and(|address| !address.is_local()) {
            table.mistake(
                "token",
                "is missing; other machines can reach this address, so that a token is needed: set one, or listen on 127.0.0.1 or a unix socket",
            );
        }
        if token.as_ref().is_some_and(|token| !token.fits()) {
            table.mistake(
                "token",
                "can't be sent in a header; write one or more letters, digits and signs, without spaces",
            );
        }
        table.finish();
        Some(Self {
            address: address?,
            token,
        })
    }
}

/// Where a process hands its listening sockets to the one that takes its place.
#[derive(Clone, Debug, Serialize, PartialEq, Eq)]
pub(crate) struct Takeover {
    /// A unix socket: only those can pass descriptors.
    pub(crate) socket: Address,
}

impl Takeover {
    pub(super) fn read(mut table: Table<'_>) -> Option<Self> {
        let tip = "for example socket = \"unix:/run/shadowtee/takeover.sock\"";
        let socket: Option<Address> = table.required("socket", tip);
        if matches!(socket, Some(Address::Tcp { .. })) {
            let what = "has to be a unix socket, such as \"unix:/run/shadowtee/takeover.sock\": sockets can't be handed over on any other";
            table.mistake("socket", what);
        }
        table.finish();
        Some(Self { socket: socket? })
    }
}

/// What is logged, and how.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Log {
    pub(crate) format: LogFormat,
    /// error, warn, info, debug, trace, or a filter such as `info,shadowtee::proxy=debug`.
    pub(crate) level: String,
    /// One line for each request.
    pub(crate) access: bool,
    /// Limit of log lines per second about answers that differ.
    pub(crate) differences_per_second: u32,
}

/// The form of a log line; auto is text on a terminal and JSON otherwise.
#[derive(Clone, Copy, Debug, Deserialize, Serialize, ValueEnum, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub(crate) enum LogFormat {
    Auto,
    Text,
    Json,
}

impl Log {
    pub(super) fn read(mut table: Table<'_>) -> Self {
        let level = table.checked(
            "level",
            "info".to_owned(),
            |level| is_filter(level),
            "is not a log level; write error, warn, info, debug or trace, or a filter such as \"info,shadowtee::proxy=debug\"",
        );
        let read = Self {
            format: table.value("format", LogFormat::Auto),
            level,
            access: table.value("access", false),
            differences_per_second: table.value("differences_per_second", 10),
        };
        table.finish();
        read
    }
}

/// Whether it is a level, or levels of targets. A lone word that is no level would be a target, and all else silent.
fn is_filter(text: &str) -> bool {
    text.parse::<tracing_subscriber::filter::Targets>().is_ok()
        && text.split(',').all(|part| {
            let part = part.trim();
            part.contains('=')
                || ["error", "warn", "info", "debug", "trace"]
                    .iter()
                    .any(|level| level.eq_ignore_ascii_case(part))
        })
}

/// How a stop goes.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Stop {
    /// Limit of the time for requests in flight.
    pub(crate) requests: Span,
    /// Limit of the time for copies in flight, after that.
    pub(crate) copies: Span,
    /// How long idle client connections stay open, so that a request on its way is answered.
    pub(crate) linger: Span,
}

impl Stop {
    pub(super) fn read(table: Table<'_>) -> Self {
        table.whole(|table| Self {
            requests: table.value("requests", Span::seconds(30)),
            copies: table.value("copies", Span::seconds(5)),
            linger: table.value("linger", Span::seconds(1)),
        })
    }
}
