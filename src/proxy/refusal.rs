//! Why a request gets no answer of the primary's, and what the client is told instead.

use http::StatusCode;

use crate::{
    ledger::Outcome,
    net::ConnectError,
    telemetry::{logs::with_causes, metrics::Reason},
    upstream::{BadResponse, NoConnection},
};

/// Why there is no answer of the primary's.
#[derive(Debug)]
pub(crate) enum Refusal {
    /// It is not one clear message; what is wrong with it.
    Malformed(&'static str),
    Connect,
    HeaderTimeout,
    BodyTimeout,
    BodyTooLarge,
    TargetTooLong,
    HeaderTooLarge,
    Loop,
    /// It is on a connection more than there may be.
    TooManyClients,
    /// The primary can't be connected to.
    Unreachable(NoConnection),
    /// The primary gave no answer.
    Failed(BadResponse),
    /// Nor did it within the time.
    Late,
    /// It switched to a protocol that nobody asked for.
    UnaskedSwitch,
}

impl Refusal {
    pub(super) fn status(&self) -> StatusCode {
        match self {
            Self::Malformed(_) => StatusCode::BAD_REQUEST,
            Self::Connect => StatusCode::METHOD_NOT_ALLOWED,
            Self::HeaderTimeout | Self::BodyTimeout => StatusCode::REQUEST_TIMEOUT,
            Self::BodyTooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Self::TargetTooLong => StatusCode::URI_TOO_LONG,
            Self::HeaderTooLarge => StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE,
            Self::Loop => StatusCode::LOOP_DETECTED,
            Self::TooManyClients => StatusCode::SERVICE_UNAVAILABLE,
            Self::Unreachable(NoConnection::Connect(ConnectError::Timeout(_))) | Self::Late => {
                StatusCode::GATEWAY_TIMEOUT
            }
            Self::Unreachable(_) | Self::Failed(_) | Self::UnaskedSwitch => StatusCode::BAD_GATEWAY,
        }
    }

    pub(super) fn reason(&self) -> Reason {
        match self {
            Self::Malformed(_) => Reason::Malformed,
            Self::Connect => Reason::Connect,
            Self::HeaderTimeout => Reason::HeaderTimeout,
            Self::BodyTimeout => Reason::BodyTimeout,
            Self::BodyTooLarge => Reason::BodyTooLarge,
            Self::TargetTooLong => Reason::TargetTooLong,
            Self::HeaderTooLarge => Reason::HeaderTooLarge,
            Self::Loop => Reason::Loop,
            Self::TooManyClients => Reason::TooManyClients,
            Self::Failed(_) | Self::UnaskedSwitch => Reason::Broken,
            Self::Unreachable(_) => Reason::Unreachable,
            Self::Late => Reason::Late,
        }
    }

    /// Whether it is the primary's fault, so that the operator should hear of it.
    pub(super) fn is_primary_fault(&self) -> bool {
        matches!(
            self,
            Self::Unreachable(_) | Self::Failed(_) | Self::Late | Self::UnaskedSwitch
        )
    }

    /// The copies' outcome, where the request did not get as far as to be copied.
    pub(super) fn outcome(&self) -> Outcome {
        match self {
            Self::Loop => Outcome::Looped,
            _ => Outcome::NotForwarded,
        }
    }

    /// What the client reads: which side or which limit, and never an address.
    fn text(&self) -> &'static str {
        match self {
            Self::Malformed(what) => what,
            Self::Connect => "CONNECT is not served here",
            Self::HeaderTimeout => {
                "the request's header did not come within timeouts.client_header"
            }
            Self::BodyTimeout => "no more of the request's body came within timeouts.idle",
            Self::BodyTooLarge => "the request's body is larger than limits.body_bytes",
            Self::TargetTooLong => "the request's target is longer than limits.target_bytes",
            Self::HeaderTooLarge => {
                "the request's header is larger than limits.header_bytes or has more fields than limits.header_count"
            }
            Self::Loop => {
                "the request is a copy that this instance sent itself; a shadow's address leads back here"
            }
            Self::TooManyClients => "there are too many connections (limits.connections)",
            Self::Unreachable(NoConnection::Connect(ConnectError::Timeout(_))) => {
                "the primary did not accept a connection within timeouts.connect"
            }
            Self::Failed(BadResponse::Ended | BadResponse::Io(_)) => {
                "the primary broke the connection before its answer's header was whole"
            }
            Self::Failed(_) => {
                "the primary's answer is no HTTP/1.x message, or could be read in two ways"
            }
            Self::Unreachable(_) => "the primary can't be reached",
            Self::UnaskedSwitch => {
                "the primary switched to a protocol that the client did not ask for"
            }
            Self::Late => "the primary's answer did not begin within timeouts.answer",
        }
    }

    /// Writes the answer for the client, less the body where it asked with HEAD; `close`: it is the last on
    /// its connection.
    pub(super) fn write(
        &self,
        id_field: &str,
        id: &[u8],
        to_head: bool,
        close: bool,
        out: &mut Vec<u8>,
    ) {
        let status = self.status();
        let (code, name) = (
            status.as_u16(),
            status.canonical_reason().unwrap_or_default(),
        );
        let (text, id) = (self.text(), String::from_utf8_lossy(id));
        let body = format!("{code} {name}: {text}\nrequest {id}\n");
        let length = body.len();
        let more = match self {
            Self::Connect => "Allow: GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS, TRACE\r\n",
            Self::TooManyClients => "Retry-After: 1\r\n",
            _ => "",
        };
        let end = if close { "Connection: close\r\n" } else { "" };
        let head = format!(
            "HTTP/1.1 {code} {name}\r\nContent-Type: text/plain; charset=utf-8\r\n\
             Content-Length: {length}\r\n{more}{end}{id_field}: {id}\r\n\r\n"
        );
        out.extend_from_slice(head.as_bytes());
        if !to_head {
            out.extend_from_slice(body.as_bytes());
        }
    }

    /// Whether what follows on the connection may mean something else than it says.
    pub(super) fn spoils_connection(&self) -> bool {
        !self.is_primary_fault() && !matches!(self, Self::Loop)
    }

    /// The error with its causes, for the log.
    pub(super) fn chain(&self) -> String {
        let error: &dyn std::error::Error = match self {
            Self::Unreachable(error) => error,
            Self::Failed(error) => error,
            _ => return self.text().into(),
        };
        with_causes(error)
    }
}
