//! What becomes of copies: one of a fixed set, each with its name as users see it.

use crate::telemetry::named::named;

named! {
    /// What became of one copy.
    enum Outcome {
        /// The shadow's answer came whole, or as much of it as is read.
        Answered = "answered",
        /// The shadow's address refused the connection.
        Refused = "refused",
        /// No connection within the connect timeout.
        ConnectTimeout = "connect_timeout",
        /// The shadow's host name has no address.
        Unresolved = "unresolved",
        /// The TLS handshake failed, for example for the shadow's certificate.
        TlsFailed = "tls_failed",
        /// No whole answer within the answer timeout.
        Timeout = "timeout",
        /// The connection broke, or what came is no HTTP.
        Broken = "broken",
        /// No rule selects the request for this shadow.
        Filtered = "filtered",
        /// The sample left it out.
        SampledOut = "sampled_out",
        /// The shadow was not in the configuration when the request came.
        Absent = "absent",
        /// Over the shadow's rate.
        RateLimited = "rate_limited",
        /// The request was itself a copy of this instance, and was refused.
        Looped = "looped",
        /// The request asks for another protocol, which can't be copied.
        Upgrade = "upgrade",
        /// The shadow's queue had no place left, or its script's.
        QueueFull = "queue_full",
        /// No connection or descriptor of the shadow's share was free.
        ConnectionLimit = "connection_limit",
        /// The memory for shadows was used up.
        OverBudget = "over_budget",
        /// The shadow could not keep up with a body larger than what is kept for one copy, or than a script is given.
        BodyOverrun = "body_overrun",
        /// The primary stopped reading the body before its end, so that the copy is not whole.
        BodyCut = "body_cut",
        /// The script took it and did not write it in time: it dropped it.
        ScriptedOut = "scripted_out",
        /// The script did not come to it in time.
        ScriptTimeout = "script_timeout",
        /// What the script wrote is not a request that could be sent.
        ScriptInvalid = "script_invalid",
        /// The script was down, and copies are held back meanwhile.
        ScriptDown = "script_down",
        /// It names what production made and the shadow did not.
        Unpaired = "unpaired",
        /// The shadow failed too often and is left alone for a while.
        BreakerOpen = "breaker_open",
        /// The shadow is paused.
        Paused = "paused",
        /// The client went away or broke off its body.
        ClientAborted = "client_aborted",
        /// shadowtee refused the request itself, so that the primary did not see it either.
        NotForwarded = "not_forwarded",
        /// shadowtee was stopped before the copy was through.
        Shutdown = "shutdown",
    }
}

impl Outcome {
    /// Whether it is the shadow's fault that a copy ended so: the breaker counts these.
    pub(crate) fn is_fault(self) -> bool {
        match self {
            Self::Refused
            | Self::ConnectTimeout
            | Self::Unresolved
            | Self::TlsFailed
            | Self::Timeout
            | Self::Broken => true,
            Self::Answered
            | Self::Filtered
            | Self::SampledOut
            | Self::Absent
            | Self::RateLimited
            | Self::Looped
            | Self::Upgrade
            | Self::QueueFull
            | Self::ConnectionLimit
            | Self::OverBudget
            | Self::BodyOverrun
            | Self::BodyCut
            | Self::ScriptedOut
            | Self::ScriptTimeout
            | Self::ScriptInvalid
            | Self::ScriptDown
            | Self::Unpaired
            | Self::BreakerOpen
            | Self::Paused
            | Self::ClientAborted
            | Self::NotForwarded
            | Self::Shutdown => false,
        }
    }
}
