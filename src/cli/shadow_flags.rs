//! The flags of `run` that say what the shadows of the command line get.

use clap::Args;

use crate::config::{Dict, Flags, Value};

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
    /// Limit of copies per second.
    #[arg(long, value_name = "N", requires = "shadow")]
    rate: Option<f64>,
    /// Limit of copies at a time; further ones are left out.
    #[arg(long, value_name = "N", requires = "shadow")]
    concurrent: Option<u32>,
    /// Copies with one key keep the order of their requests: as --sample-by.
    #[arg(long, value_name = "KEY", requires = "shadow")]
    order_by: Option<String>,
    /// Send copies when the primary has answered.
    #[arg(long, requires = "shadow")]
    after_answer: bool,
    /// Compare its responses with production's; `shadowtee report` tells what was found.
    #[arg(long, requires = "shadow")]
    compare: bool,
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
    /// Sets the keys of a shadow's table that they stand for.
    pub(super) fn set(&self, shadow: &mut Flags) {
        let texts = [
            ("sample.percent", &self.sample),
            ("sample.by", &self.sample_by),
            ("order_by", &self.order_by),
            ("host", &self.host),
        ];
        for (key, text) in texts {
            if let Some(text) = text {
                shadow.set(key, text.clone());
            }
        }
        if self.compare {
            shadow.set("compare", true);
        }
        self.set_select(shadow);
        if let Some(rate) = self.rate {
            shadow.set("limit.per_second", rate);
        }
        if let Some(concurrent) = self.concurrent {
            shadow.set("limit.concurrent", concurrent);
        }
        if self.after_answer {
            shadow.set("send", "after_answer");
        }
        if !self.set_header.is_empty() {
            shadow.set("rewrite.headers.set", pairs(&self.set_header));
        }
        if !self.remove_header.is_empty() {
            shadow.set("rewrite.headers.remove", self.remove_header.clone());
        }
    }

    /// Everything allowed is one rule: a request has to match each kind of condition that is given.
    fn set_select(&self, shadow: &mut Flags) {
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
        if !allow.is_empty() {
            shadow.set("select.allow", vec![allow]);
        }
        let rule = |key: &str, value: Value| Dict::from([(key.to_owned(), value)]);
        let mut deny = Vec::new();
        if !self.deny_path.is_empty() {
            deny.push(rule("path", self.deny_path.clone().into()));
        }
        let headers = self.deny_header.iter().map(std::slice::from_ref);
        deny.extend(headers.map(|header| rule("header", pairs(header).into())));
        if !deny.is_empty() {
            shadow.set("select.deny", deny);
        }
    }
}

/// `Name: value` as a table.
fn pairs(lines: &[String]) -> Dict {
    let split = |line: &String| {
        let (name, value) = line.split_once(':').unwrap_or((line, ""));
        (name.trim().to_owned(), value.trim().into())
    };
    lines.iter().map(split).collect()
}
