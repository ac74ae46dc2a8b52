//! `[capture]`: which exchanges go to which files, and what of them.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};
use serde_with::{DeserializeFromStr, SerializeDisplay};

use super::{
    FilePattern, Secret, is_default,
    reader::Table,
    select::Select,
    units::{FieldName, Size, Span},
};

/// `[capture]`.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Capture {
    /// How the files are called.
    pub(crate) file: FilePattern,
    /// What is stored of answers, beside status and time.
    pub(crate) answers: CapturedResponses,
    /// Size at which a new file is begun.
    pub(crate) rotate_bytes: Size,
    /// Age at which a new file is begun.
    pub(crate) rotate_after: Span,
    /// The oldest files are removed when all together have more; None: they stay.
    pub(crate) total_bytes: Option<Size>,
    /// Bytes that wait for the disk.
    pub(crate) queue: Size,
    /// A request with a larger body is not stored.
    pub(crate) body_bytes: Size,
    /// Limit of the stored part of an answer's body.
    pub(crate) answer_bytes: Size,
    /// How often what is collected is handed to the system.
    pub(crate) flush: Span,
    /// Who a client is.
    pub(crate) client: ClientKey,
    /// Which requests; all of them where it says nothing.
    #[serde(skip_serializing_if = "is_default")]
    pub(crate) select: Select,
    pub(crate) redact: Redact,
}

/// What is stored of answers, beside status and time.
#[derive(Clone, Copy, Debug, Deserialize, Serialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub(crate) enum CapturedResponses {
    None,
    Head,
    Body,
}

/// What is left out of files.
#[derive(Clone, Debug, Default, Serialize)]
pub(crate) struct Redact {
    pub(crate) headers: Vec<FieldName>,
    pub(crate) cookies: Vec<String>,
    /// Parameters of queries and forms.
    pub(crate) query: Vec<String>,
    /// Fields of JSON.
    pub(crate) json: Vec<String>,
    /// With it, a value becomes its hash.
    pub(crate) key: Option<Secret>,
}

/// Who a client is: by its address, or by what a header or cookie says.
#[derive(Clone, Debug, DeserializeFromStr, SerializeDisplay, PartialEq, Eq)]
pub(crate) enum ClientKey {
    Address,
    Header(FieldName),
    Cookie(String),
}

impl FromStr for ClientKey {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.split_once(':') {
            None if text == "address" => Ok(Self::Address),
            Some(("header", name)) => name.parse().map(Self::Header),
            Some(("cookie", name)) if !name.is_empty() => Ok(Self::Cookie(name.into())),
            _ => Err(format!(
                "{text:?} says no client; write \"address\", \"header:X-Forwarded-For\" or \"cookie:session\""
            )),
        }
    }
}

impl fmt::Display for ClientKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Address => f.write_str("address"),
            Self::Header(name) => write!(f, "header:{}", name.spelling()),
            Self::Cookie(name) => write!(f, "cookie:{name}"),
        }
    }
}

impl Capture {
    pub(super) fn read(table: Table<'_>) -> Option<Self> {
        table.whole(|table| {
            let file = file(table);
            let rotate_bytes = table.within("rotate_bytes", Size::mib(1024), Size::kib(64)..);
            let total_bytes: Option<Size> = table.optional("total_bytes");
            if total_bytes.is_some_and(|total| total.0 < rotate_bytes.0.saturating_mul(2)) {
                let why = "is less than two files may have; raise it, or lower rotate_bytes";
                table.mistake("total_bytes", why);
            }
            Some(Self {
                answers: table.value("answers", CapturedResponses::None),
                rotate_bytes,
                rotate_after: table.time("rotate_after", Span::seconds(3600)),
                total_bytes,
                queue: table.within("queue", Size::mib(32), Size(1)..),
                body_bytes: table.within("body_bytes", Size::mib(8), ..=Size::mib(128)),
                answer_bytes: table.within("answer_bytes", Size::mib(1), ..=Size::mib(64)),
                flush: table.time("flush", Span::milliseconds(100)),
                client: table.value("client", ClientKey::Address),
                select: Select::read(table.table("select"), false),
                redact: Redact::read(table.table("redact")),
                // Last: all else is read before what is missing ends it.
                file: file?,
            })
        })
    }
}

fn file(table: &mut Table<'_>) -> Option<FilePattern> {
    let tip = "for example file = \"/var/lib/shadowtee/{time}-{instance}.tee.zst\"";
    if !table.has("file") {
        // Only a mistake can come of it.
        table.required::<String>("file", tip)?;
    }
    match FilePattern::parse(&table.path("file")?) {
        Ok(pattern) => Some(pattern),
        Err(error) => {
            table.mistake("file", &format!("{error}; {tip}"));
            None
        }
    }
}

impl Redact {
    fn read(mut table: Table<'_>) -> Self {
        let key: Option<Secret> = table.optional("key");
        if key.as_ref().is_some_and(|key| key.reveal().len() < 16) {
            let why = "is too short to keep anything secret; write at least 16 characters";
            table.mistake("key", why);
        }
        let read = Self {
            headers: table.value("headers", Vec::new()),
            cookies: table.value("cookies", Vec::new()),
            query: table.value("query", Vec::new()),
            json: table.value("json", Vec::new()),
            key,
        };
        let needed = ["host", "content-length", "transfer-encoding"];
        let is_needed = |name: &FieldName| needed.iter().any(|needed| name.is(needed));
        if read.headers.iter().any(is_needed) {
            table.mistake(
                "headers",
                "names a header that no request can be sent without",
            );
        }
        table.finish();
        read
    }
}

#[cfg(test)]
impl Capture {
    /// For tests: requests only, and a queue of `queue` bytes.
    pub(crate) fn small(file: FilePattern, queue: u64) -> Self {
        Self {
            file,
            answers: CapturedResponses::None,
            rotate_bytes: Size::mib(1),
            rotate_after: Span::seconds(60),
            total_bytes: None,
            queue: Size(queue),
            body_bytes: Size::mib(1),
            answer_bytes: Size::mib(1),
            flush: Span::milliseconds(100),
            client: ClientKey::Address,
            select: Select::default(),
            redact: Redact::default(),
        }
    }
}
