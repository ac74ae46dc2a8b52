//! The flags of `run` that say what the shadows of the command line get.

use clap::Args;

use crate::config::{Dict, Value};

/// They hold for each `--shadow`; what differs from shadow to shadow needs a file.
#[derive(Debug, Args)]
#[command(next_help_heading = "What each --shadow gets")]
pub(super) struct ShadowFlags {
    /// Only such a share of the requests, for example 10%.
    #[arg(long, value_name = "PERCENT", requires = "shadow")]
    sample: Option<String>,
    /// Sessions are copied whole or not at all: cookie:NAME, header:NAME, query:NAME, client, path:1.
    #[arg(long, value_name = "KEY", requires = "sample")]
    sample_by: Option<String>,
    /// Only requests with one of these methods, for example GET,HEAD.
    #[arg(
        long,
        value_name = "METHODS",
        value_delimiter = ',',
        requires = "shadow"
    )]
    methods: Vec<String>,
    /// Only these paths; may be repeated. `/exact`, `prefix:/api/`, `glob:/a/*/b`, `regex:^/v[12]/`.
    #[arg(long, value_name = "PATTERN", requires = "shadow")]
    allow_path: Vec<String>,
    /// Not these paths; may be repeated. Comes before what is allowed.
    #[arg(long, value_name = "PATTERN", requires = "shadow")]
    deny_path: Vec<String>,
    /// Only these hosts; may be repeated.
    #[arg(long, value_name = "PATTERN", requires = "shadow")]
    allow_host: Vec<String>,
    /// Only requests with such a header; may be repeated.
    #[arg(long, value_name = "NAME: PATTERN", requires = "shadow")]
    allow_header: Vec<String>,
    /// Not requests with such a header; may be repeated.
    #[arg(long, value_name = "NAME: PATTERN", requires = "shadow")]
    deny_header: Vec<String>,
    /// At most so many copies a second.
    #[arg(long, value_name = "N", requires = "shadow")]
    rate: Option<f64>,
    /// At most so many copies at a time; more are left out.
    #[arg(long, value_name = "N", requires = "shadow")]
    concurrent: Option<u32>,
    /// Copies with one key keep the order of their requests: as --sample-by.
    #[arg(long, value_name = "KEY", requires = "shadow")]
    order_by: Option<String>,
    /// Send copies when the primary has answered.
    #[arg(long, requires = "shadow")]
    after_answer: bool,
    /// The Host of the copies: client, address, or a host.
    #[arg(long, value_name = "HOST", requires = "shadow")]
    host: Option<String>,
    /// A header that copies get in place of the client's; may be repeated.
    #[arg(long, value_name = "NAME: VALUE", requires = "shadow")]
    set_header: Vec<String>,
    /// A header that copies do not get; may be repeated.
    #[arg(long, value_name = "NAME", requires = "shadow")]
    remove_header: Vec<String>,
}

impl ShadowFlags {
    /// Adds what they say to a shadow's table.
    pub(super) fn table(&self, mut shadow: Dict) -> Dict {
        let mut put = |key: &str, value: Value| {
            shadow.insert(key.to_owned(), value);
        };
        if let Some(percent) = &self.sample {
            let mut sample = Dict::from([("percent".to_owned(), percent.clone().into())]);
            if let Some(key) = &self.sample_by {
                sample.insert("by".into(), key.clone().into());
            }
            put("sample", sample.into());
        }
        let select = self.select();
        if !select.is_empty() {
            put("select", select.into());
        }
        let mut limit = Dict::new();
        if let Some(rate) = self.rate {
            limit.insert("per_second".into(), rate.into());
        }
        if let Some(concurrent) = self.concurrent {
            limit.insert("concurrent".into(), concurrent.into());
        }
        if !limit.is_empty() {
            put("limit", limit.into());
        }
        for (key, value) in [("order_by", &self.order_by), ("host", &self.host)] {
            if let Some(value) = value {
                put(key, value.clone().into());
            }
        }
        if self.after_answer {
            put("send", "after_answer".into());
        }
        let headers = self.headers();
        if !headers.is_empty() {
            put(
                "rewrite",
                Dict::from([("headers".to_owned(), headers.into())]).into(),
            );
        }
        shadow
    }

    /// All that is allowed is one rule: a request has to be like each kind that is named.
    fn select(&self) -> Dict {
        let mut allow = Dict::new();
        for (key, list) in [
            ("method", &self.methods),
            ("path", &self.allow_path),
            ("host", &self.allow_host),
        ] {
            if !list.is_empty() {
                allow.insert(key.into(), list.clone().into());
            }
        }
        if !self.allow_header.is_empty() {
            allow.insert("header".into(), pairs(&self.allow_header).into());
        }
        let mut deny = Vec::new();
        if !self.deny_path.is_empty() {
            let path = ("path".to_owned(), self.deny_path.clone().into());
            deny.push(Dict::from([path]));
        }
        for header in &self.deny_header {
            let header = pairs(std::slice::from_ref(header)).into();
            deny.push(Dict::from([("header".to_owned(), header)]));
        }
        let mut select = Dict::new();
        if !allow.is_empty() {
            select.insert("allow".into(), vec![allow].into());
        }
        if !deny.is_empty() {
            select.insert("deny".into(), deny.into());
        }
        select
    }

    fn headers(&self) -> Dict {
        let mut headers = Dict::new();
        if !self.set_header.is_empty() {
            headers.insert("set".into(), pairs(&self.set_header).into());
        }
        if !self.remove_header.is_empty() {
            headers.insert("remove".into(), self.remove_header.clone().into());
        }
        headers
    }
}

/// `Name: value` as a table.
fn pairs(lines: &[String]) -> Dict {
    let split = |line: &String| {
        let (name, value) = line.split_once(':').unwrap_or((line, ""));
        (name.trim().to_owned(), value.trim().to_owned())
    };
    lines
        .iter()
        .map(split)
        .map(|(name, value)| (name, value.into()))
        .collect()
}
