//! `shadow.rewrite`: what is changed in a copy before it goes out.

use std::path::PathBuf;

use regex::bytes::Regex;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de, ser::SerializeMap};

use super::{
    is_default,
    pattern::compile,
    reader::Table,
    select::{as_map, as_masked_map},
    units::{FieldName, Masked, is_secret_name},
};

/// `shadow.rewrite`. What it says is done in the order of its keys here.
#[serde_with::apply(Vec => #[serde(skip_serializing_if = "Vec::is_empty")])]
#[derive(Clone, Debug, Default, Serialize, PartialEq)]
pub(crate) struct Rewrite {
    /// Put before the path.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(crate) base_path: String,
    /// Of the path, in this order.
    pub(crate) path: Vec<Replace>,
    #[serde(skip_serializing_if = "is_default")]
    pub(crate) query: Query,
    #[serde(skip_serializing_if = "is_default")]
    pub(crate) cookies: Cookies,
    #[serde(skip_serializing_if = "is_default")]
    pub(crate) headers: HeaderEdits,
    pub(crate) authorization: Option<Authorization>,
}

/// Whatever a regular expression matches, and what takes its place.
#[derive(Clone, Debug)]
pub(crate) struct Replace {
    /// The header that is looked at.
    pub(crate) name: Option<FieldName>,
    pub(crate) regex: Regex,
    /// With `$1` or `${name}` for what a group matched.
    pub(crate) to: String,
}

impl Serialize for Replace {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let name = self.name.as_ref();
        let is_secret = name.is_some_and(|name| is_secret_name(name.spelling()));
        let mut map = serializer.serialize_map(None)?;
        if let Some(name) = name {
            map.serialize_entry("name", name)?;
        }
        let regex = Masked::regex_if(is_secret, self.regex.as_str());
        map.serialize_entry("regex", &regex)?;
        map.serialize_entry("to", &Masked::text_if(is_secret, &self.to))?;
        map.end()
    }
}

impl PartialEq for Replace {
    fn eq(&self, other: &Self) -> bool {
        self.regex.as_str() == other.regex.as_str()
            && (&self.name, &self.to) == (&other.name, &other.to)
    }
}

struct Compiled(Regex);

impl<'de> Deserialize<'de> for Compiled {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        compile(&text, false).map(Self).map_err(de::Error::custom)
    }
}

#[serde_with::apply(Vec => #[serde(skip_serializing_if = "Vec::is_empty")])]
#[derive(Clone, Debug, Default, Serialize, PartialEq)]
pub(crate) struct Query {
    pub(crate) remove: Vec<String>,
    #[serde(serialize_with = "as_masked_map")]
    pub(crate) set: Vec<(String, String)>,
}

#[serde_with::apply(Vec => #[serde(skip_serializing_if = "Vec::is_empty")])]
#[derive(Clone, Debug, Default, Serialize, PartialEq)]
pub(crate) struct Cookies {
    pub(crate) remove: Vec<String>,
    /// From the first to the second.
    #[serde(serialize_with = "as_map")]
    pub(crate) rename: Vec<(String, String)>,
}

#[serde_with::apply(Vec => #[serde(skip_serializing_if = "Vec::is_empty")])]
#[derive(Clone, Debug, Default, Serialize, PartialEq)]
pub(crate) struct HeaderEdits {
    pub(crate) remove: Vec<FieldName>,
    pub(crate) replace: Vec<Replace>,
    #[serde(serialize_with = "as_masked_map")]
    pub(crate) set: Vec<(FieldName, Line)>,
    #[serde(serialize_with = "as_masked_map")]
    pub(crate) add: Vec<(FieldName, Line)>,
}

/// The value of a header.
#[derive(Clone, Debug, Serialize, PartialEq, Eq)]
#[serde(transparent)]
pub(crate) struct Line(pub(crate) String);

impl<'de> Deserialize<'de> for Line {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        if is_line(&text) {
            Ok(Self(text))
        } else {
            // It may be a secret, and is not shown.
            Err(de::Error::custom(
                "is not a header value: it has a line break or another control character, or a space at an end",
            ))
        }
    }
}

/// Whether it can stand behind a header's name (RFC 9110, 5.5).
pub(crate) fn is_line(text: &str) -> bool {
    text.trim() == text && !text.chars().any(|c| c.is_control() && c != '\t')
}

/// Where `Authorization` is read from, at start.
#[derive(Clone, Debug, Serialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Authorization {
    File(PathBuf),
    Env(String),
}

impl Rewrite {
    pub(super) fn read(mut table: Table<'_>) -> Self {
        let read = Self {
            base_path: base_path(&mut table),
            path: Replace::read_all(&mut table, "path", Of::Path),
            query: Query::read(table.table("query")),
            cookies: Cookies::read(table.table("cookies")),
            headers: HeaderEdits::read(table.table("headers")),
            authorization: Authorization::read(&mut table),
        };
        if read.authorization.is_some() && read.headers.touches("authorization") {
            let why = "is changed under headers as well; change it in one place";
            table.mistake("authorization", why);
        }
        table.finish();
        read
    }
}

fn base_path(table: &mut Table<'_>) -> String {
    let fits = |path: &String| path.starts_with('/') && is_target(path);
    let why = "has to begin with /, without a query and without spaces, such as \"/v2\"";
    let path = table.checked("base_path", String::new(), fits, why);
    path.trim_end_matches('/').into()
}

/// Whether it can stand in a target, as a part of its path.
fn is_target(text: &str) -> bool {
    text.bytes()
        .all(|byte| byte.is_ascii_graphic() && !matches!(byte, b'?' | b'#'))
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Of {
    Path,
    Header,
}

impl Replace {
    fn read_all(table: &mut Table<'_>, key: &'static str, of: Of) -> Vec<Self> {
        let tables = table.tables(key, None).into_iter();
        tables.filter_map(|table| Self::read(table, of)).collect()
    }

    fn read(mut table: Table<'_>, of: Of) -> Option<Self> {
        let name = match of {
            Of::Path => None,
            Of::Header => {
                let name = table.required("name", "name the header");
                Some(allowed(name, "name", &table)?)
            }
        };
        let regex: Option<Compiled> = table.required("regex", "write what is to be replaced");
        let to: Option<String> = table.required("to", "write what takes its place");
        if let Some(to) = &to {
            let fits = match of {
                Of::Path => is_target(to),
                Of::Header => !to.chars().any(|c| c.is_control() && c != '\t'),
            };
            if !fits {
                let what =
                    format!("{to:?} can't stand there; it has a space, ?, # or a line break");
                table.mistake("to", &what);
            }
            if let Some(Compiled(regex)) = &regex
                && let Some(group) = unknown_group(regex, to)
            {
                let what = format!(
                    "has ${{{group}}}, and the regex has no such group; ${{1}}x keeps a letter apart from a number, $$ is a dollar sign"
                );
                table.mistake("to", &what);
            }
        }
        table.finish();
        Some(Self {
            name,
            regex: regex?.0,
            to: to?,
        })
    }
}

/// A group that `to` names and the regex does not have: it would be replaced by nothing.
fn unknown_group(regex: &Regex, to: &str) -> Option<String> {
    let in_name = |c: &char| c.is_ascii_alphanumeric() || *c == '_';
    let mut rest = to;
    while let Some((_, after)) = rest.split_once('$') {
        if let Some(after) = after.strip_prefix('$') {
            rest = after;
            continue;
        }
        let name: String = match after.strip_prefix('{') {
            Some(braced) => braced.split('}').next().unwrap_or_default().into(),
            None => after.chars().take_while(in_name).collect(),
        };
        let is_known = match name.parse::<usize>() {
            Ok(number) => number < regex.captures_len(),
            Err(_) => regex.capture_names().flatten().any(|known| known == name),
        };
        if !name.is_empty() && !is_known {
            return Some(name);
        }
        rest = after;
    }
    None
}

impl Query {
    fn read(table: Table<'_>) -> Self {
        table.whole(|table| Self {
            remove: table.value("remove", Vec::new()),
            set: table.pairs("set"),
        })
    }
}

impl Cookies {
    fn read(mut table: Table<'_>) -> Self {
        let read = Self {
            remove: table.value("remove", Vec::new()),
            rename: table.pairs("rename"),
        };
        for (_, to) in &read.rename {
            if http::HeaderName::try_from(to.as_str()).is_err() {
                let what = format!("{to:?} is not a cookie name");
                table.mistake("rename", &what);
            }
        }
        table.finish();
        read
    }
}

impl HeaderEdits {
    fn read(mut table: Table<'_>) -> Self {
        let remove: Vec<FieldName> = table.value("remove", Vec::new());
        let replace = Replace::read_all(&mut table, "replace", Of::Header);
        let (set, add) = (table.pairs("set"), table.pairs("add"));
        let remove = remove.into_iter();
        let remove = remove
            .filter_map(|name| allowed(Some(name), "remove", &table))
            .collect();
        let kept = |pairs: Vec<(FieldName, Line)>, key| {
            let pairs = pairs.into_iter();
            pairs
                .filter_map(|(name, line)| Some((allowed(Some(name), key, &table)?, line)))
                .collect()
        };
        let (set, add) = (kept(set, "set"), kept(add, "add"));
        table.finish();
        Self {
            remove,
            replace,
            set,
            add,
        }
    }

    /// Whether the header of this name is changed.
    pub(super) fn touches(&self, name: &str) -> bool {
        let replaced = self.replace.iter().filter_map(|rule| rule.name.as_ref());
        let set = self.set.iter().chain(&self.add).map(|(name, _)| name);
        let mut all = self.remove.iter().chain(replaced).chain(set);
        all.any(|changed| changed.is(name))
    }
}

/// A header that may be changed: not one that says where the message ends, or whom it goes to.
fn allowed(name: Option<FieldName>, key: &'static str, table: &Table<'_>) -> Option<FieldName> {
    let name = name?;
    if name.is("host") {
        table.mistake(key, "can't have Host; set the shadow's key host instead");
        return None;
    }
    if name.is_framing() {
        let what = format!(
            "can't have {}: shadowtee itself says where a message begins and ends",
            name.spelling()
        );
        table.mistake(key, &what);
        return None;
    }
    Some(name)
}

impl Authorization {
    fn read(table: &mut Table<'_>) -> Option<Self> {
        let mut own = table.optional_table("authorization")?;
        let (file, env): (_, Option<String>) = (own.path("file"), own.optional("env"));
        let read = match (file, env) {
            (Some(file), None) => Some(Self::File(file)),
            (None, Some(env)) => Some(Self::Env(env)),
            _ => {
                own.mistake_here(
                    "has to name one of file and env, where the whole value of the header stands, such as \"Bearer …\"",
                );
                None
            }
        };
        own.finish();
        read
    }
}
