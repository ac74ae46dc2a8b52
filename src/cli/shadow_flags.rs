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
    methods: Option<Vec<String>>,
    /// Only these paths; may be repeated. `/exact`, `prefix:/api/`, `glob:/a/*/b`, `regex:^/v[12]/`.
    #[arg(long, value_name = "PATTERN", requires = "shadow")]
    allow_path: Option<Vec<String>>,
    /// Not these paths; may be repeated. Comes before what is allowed.
    #[arg(long, value_name = "PATTERN", requires = "shadow")]
    deny_path: Option<Vec<String>>,
    /// Only these hosts; may be repeated.
    #[arg(long, value_name = "PATTERN", requires = "shadow")]
    allow_host: Option<Vec<String>>,
    /// Only requests with such a header; may be repeated.
    #[arg(long, value_name = "NAME: PATTERN", requires = "shadow", value_parser = header)]
    allow_header: Option<Vec<String>>,
    /// Not requests with such a header; may be repeated.
    #[arg(long, value_name = "NAME: PATTERN", requires = "shadow", value_parser = header)]
    deny_header: Option<Vec<String>>,
    /// Limit of copies per second, for example 100/s.
    #[arg(long, value_name = "N/s", requires = "shadow", value_parser = super::rate)]
    rate: Option<f64>,
    /// Limit of copies at a time; further ones are left out.
    #[arg(long, value_name = "N", requires = "shadow", value_parser = super::whole::<u32>)]
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
    /// Keep sessions alive on it: its own cookies, tokens and ids take the place of production's in copies.
    #[arg(long, requires = "shadow")]
    identity: bool,
    /// What the build that it runs is called, for the history.
    #[arg(long, value_name = "BUILD", requires = "shadow")]
    build: Option<String>,
    /// The header of its responses that names the build that it runs.
    #[arg(long, value_name = "NAME", requires = "shadow")]
    build_header: Option<String>,
    /// The Host of the copies: client, address, or a host.
    #[arg(long, value_name = "HOST", requires = "shadow")]
    host: Option<String>,
    /// A header that copies get in place of the client's; may be repeated.
    #[arg(long, value_name = "NAME: VALUE", requires = "shadow", value_parser = header)]
    set_header: Option<Vec<String>>,
    /// A header that copies do not get; may be repeated.
    #[arg(long, value_name = "NAME", requires = "shadow")]
    remove_header: Option<Vec<String>>,
}

impl ShadowFlags {
    /// Sets the keys of a shadow's table that they stand for.
    pub(super) fn set(&self, shadow: &mut Flags) {
        shadow.set("sample.percent", self.sample.clone());
        shadow.set("sample.by", self.sample_by.clone());
        shadow.set("order_by", self.order_by.clone());
        shadow.set("host", self.host.clone());
        shadow.set("compare", self.compare.then_some(true));
        shadow.set("build", self.build.clone());
        shadow.set("build_header", self.build_header.clone());
        shadow.set("identity", self.identity.then_some(true));
        shadow.set("limit.per_second", self.rate);
        shadow.set("limit.concurrent", self.concurrent);
        shadow.set("send", self.after_answer.then_some("after_answer"));
        let set = self.set_header.as_deref().map(pairs);
        shadow.set("rewrite.headers.set", set);
        shadow.set("rewrite.headers.remove", self.remove_header.clone());
        self.set_select(shadow);
    }

    /// Everything allowed is one rule: a request has to match each kind of condition that is given.
    fn set_select(&self, shadow: &mut Flags) {
        let mut allow = Flags::default();
        allow.set("method", self.methods.clone());
        allow.set("path", self.allow_path.clone());
        allow.set("host", self.allow_host.clone());
        allow.set("header", self.allow_header.as_deref().map(pairs));
        let allow = Some(allow.into_table()).filter(|rule| !rule.is_empty());
        shadow.set("select.allow", allow.map(|rule| vec![rule]));
        let rule = |key: &str, value: Value| Dict::from([(key.to_owned(), value)]);
        let paths = self
            .deny_path
            .clone()
            .map(|paths| rule("path", paths.into()));
        let headers = self.deny_header.iter().flatten().map(std::slice::from_ref);
        let headers = headers.map(|header| rule("header", pairs(header).into()));
        let deny = paths.into_iter().chain(headers).collect::<Vec<_>>();
        shadow.set("select.deny", Some(deny).filter(|rules| !rules.is_empty()));
    }
}

/// `Name: value`; without a colon it would be a header without a value, which nobody means.
fn header(text: &str) -> Result<String, String> {
    match text.split_once(':') {
        Some((name, _)) if !name.trim().is_empty() => Ok(text.to_owned()),
        _ => {
            Err("write a header's name, a colon and its value, such as 'X-Stage: next'".to_owned())
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
