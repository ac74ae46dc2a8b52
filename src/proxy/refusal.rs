//! Why a request gets no answer of the primary's, and what the client is told instead.

use http::{
    HeaderName, HeaderValue, Response, StatusCode,
    header::{ALLOW, CONNECTION, CONTENT_TYPE},
};

use super::body::ClientBody;
use crate::{
    client::SendError, exchange::BodyEnd, ledger::Outcome, net::ConnectError,
    telemetry::metrics::Reason,
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
    /// The primary gave no answer.
    Failed(SendError),
    /// Nor did it within the time.
    Late,
    /// It switched to a protocol that nobody asked for.
    UnaskedSwitch,
}

impl Refusal {
    /// For a request that could not be passed on: the client's fault, if its body broke off.
    pub(super) fn of(error: SendError, body: BodyEnd) -> Self {
        match body {
            BodyEnd::Fine => Self::Failed(error),
            BodyEnd::Broken => {
                Self::Malformed("the body broke off or is not framed as its header says")
            }
            BodyEnd::TooSlow => Self::BodyTimeout,
            BodyEnd::TooLarge => Self::BodyTooLarge,
        }
    }

    pub(super) fn status(&self) -> StatusCode {
        match self {
            Self::Malformed(_) => StatusCode::BAD_REQUEST,
            Self::Connect => StatusCode::METHOD_NOT_ALLOWED,
            Self::HeaderTimeout | Self::BodyTimeout => StatusCode::REQUEST_TIMEOUT,
            Self::BodyTooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Self::TargetTooLong => StatusCode::URI_TOO_LONG,
            Self::HeaderTooLarge => StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE,
            Self::Loop => StatusCode::LOOP_DETECTED,
            Self::Failed(SendError::Connect(ConnectError::Timeout(_))) | Self::Late => {
                StatusCode::GATEWAY_TIMEOUT
            }
            Self::Failed(_) | Self::UnaskedSwitch => StatusCode::BAD_GATEWAY,
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
            Self::Failed(SendError::Broken(_)) | Self::UnaskedSwitch => Reason::Broken,
            Self::Failed(_) => Reason::Unreachable,
            Self::Late => Reason::Late,
        }
    }

    /// Whether it is the primary's fault, so that the operator should hear of it.
    pub(super) fn is_primary_fault(&self) -> bool {
        matches!(self, Self::Failed(_) | Self::Late | Self::UnaskedSwitch)
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
            Self::Failed(SendError::Connect(ConnectError::Timeout(_))) => {
                "the primary did not accept a connection within timeouts.connect"
            }
            Self::Failed(SendError::Broken(_)) => {
                "the primary broke the connection before its answer's header was whole"
            }
            Self::Failed(_) => "the primary can't be reached",
            Self::UnaskedSwitch => {
                "the primary switched to a protocol that the client did not ask for"
            }
            Self::Late => "the primary's answer did not begin within timeouts.answer",
        }
    }

    /// The body of the answer.
    pub(super) fn explanation(&self, id: &HeaderValue) -> String {
        let status = self.status();
        let name = status.canonical_reason().unwrap_or_default();
        let id = String::from_utf8_lossy(id.as_bytes());
        format!(
            "{} {name}: {}\nrequest {id}\n",
            status.as_u16(),
            self.text()
        )
    }

    /// The answer for the client.
    pub(super) fn answer(&self, id_header: &HeaderName, id: &HeaderValue) -> Response<ClientBody> {
        let mut response = Response::new(ClientBody::text(self.explanation(id)));
        *response.status_mut() = self.status();
        let headers = response.headers_mut();
        headers.insert(
            CONTENT_TYPE,
            HeaderValue::from_static("text/plain; charset=utf-8"),
        );
        headers.insert(id_header, id.clone());
        if !self.is_primary_fault() && !matches!(self, Self::Loop) {
            // Whoever sends such requests may mean something else by the bytes that follow.
            headers.insert(CONNECTION, HeaderValue::from_static("close"));
        }
        if matches!(self, Self::Connect) {
            let served =
                HeaderValue::from_static("GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS, TRACE");
            headers.insert(ALLOW, served);
        }
        response
    }

    /// The same answer as bytes, for a request that never became one.
    pub(super) fn bytes(&self, id_header: &HeaderName, id: &HeaderValue) -> Vec<u8> {
        let text = self.explanation(id);
        let status = self.status();
        let mut bytes = format!(
            "HTTP/1.1 {} {}\r\ncontent-type: text/plain; charset=utf-8\r\ncontent-length: {}\r\n{id_header}: ",
            status.as_u16(),
            status.canonical_reason().unwrap_or_default(),
            text.len(),
        )
        .into_bytes();
        bytes.extend_from_slice(id.as_bytes());
        bytes.extend_from_slice(b"\r\nconnection: close\r\n\r\n");
        bytes.extend_from_slice(text.as_bytes());
        bytes
    }

    /// The error with its causes, for the log.
    pub(super) fn chain(&self) -> String {
        let Self::Failed(error) = self else {
            return self.text().into();
        };
        std::iter::successors(Some(error as &dyn std::error::Error), |error| {
            error.source()
        })
        .map(ToString::to_string)
        .collect::<Vec<_>>()
        .join(": ")
    }
}
