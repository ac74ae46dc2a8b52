//! The command line.

use std::{
    net::IpAddr,
    path::PathBuf,
    str::FromStr,
    time::{Duration, UNIX_EPOCH},
};

use clap::{Args, Parser, Subcommand, ValueEnum, builder::PossibleValue};

use crate::{
    app::Edited,
    compare,
    config::{
        Address, ClientKey, ClientTls, FieldName, Flags, LogFormat, Mark, Script, Sources, words,
    },
    replay::{Condition, Options, OrderedBy, Speed, positive},
};

mod report;
mod shadow_flags;

pub(crate) use report::{
    CauseCondition, Compare, CompareFiles, Finding, Report, ReportFormat, ReportOut,
};

use shadow_flags::ShadowFlags;

/// An inline HTTP tee: passes every request to the primary, and sends a copy to shadows whose answers no
/// client ever sees.
#[derive(Debug, Parser)]
#[command(version, max_term_width = 100, after_help = EXIT_CODES)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,
}

const EXIT_CODES: &str = "\
Exit codes: 0 fine; 1 it failed, or the configuration is wrong; 2 the command line is wrong.
ADDR is one of 127.0.0.1:8080, [::1]:8080, http://host:port, https://host[:port], unix:/path/to.sock.";

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Run the tee: from flags, from a file, or both.
    #[command(after_help = RUN_EXAMPLES)]
    Run(Box<Run>),
    /// Check a configuration and print it with all defaults, secrets masked.
    #[command(after_help = CHECK_EXAMPLES)]
    Check(Check),
    /// Show what it does: a primary, a newer version with faults as the shadow, and some traffic.
    #[command(after_help = DEMO_EXAMPLES)]
    Demo(Demo),
    /// Send captured requests to a target, and say what came of it.
    #[command(after_help = REPLAY_EXAMPLES)]
    Replay(Box<Replay>),
    /// Tell which responses of a shadow differ from production's, and why.
    #[command(after_help = REPORT_EXAMPLES)]
    Report(Box<Report>),
    /// Tell in what the responses of two captures of the same requests differ, and why.
    #[command(after_help = COMPARE_EXAMPLES)]
    Compare(Box<Compare>),
    /// Write a capture in another format.
    #[command(after_help = CONVERT_EXAMPLES)]
    Convert(Convert),
    /// List what is in a capture.
    #[command(after_help = SHOW_EXAMPLES)]
    Show(Show),
    /// Write man pages and shell completions into a folder.
    Generate(Generate),
}

const REPLAY_EXAMPLES: &str = "\
A request is due when it was captured, seen from the first one, at the given speed.
A slow answer delays no other request; latency counts from when a request was due.
Several files are merged by time. A file named - is standard input.

With --identity a capture with answers = \"body\" in [capture] logs in on the target as it did in production: requests of a
session wait for each other, and one that names what the target did not make is left out (unpaired).

With --compare the causes of what differs stand behind the report. --format, --output, --since, --rules and --routes are
about them. Standard output has one document where a program may read it: --report json has the causes in it, as \"comparison\";
with --format json the report of the replay goes to standard error. The capture needs answers = \"body\" in [capture].

Examples:
  shadowtee replay day.tee.zst --to http://127.0.0.1:8080
  shadowtee replay 'captures/*.gor.gz' --to unix:/run/next.sock --speed 10x --max-gap 5s
  shadowtee replay day.tee.zst --to http://127.0.0.1:8080 --identity --fail-on 'unpaired>1%'
  shadowtee replay day.tee --to 127.0.0.1:8080 --compare --since accepted.json --fail-on 'new-causes>0'
  shadowtee replay day.tee --to 127.0.0.1:8080 --speed max --concurrency 10 --report json \\
    --fail-on 'errors>1%' --fail-on 'p99>250ms' --fail-on 'differences>0.5%'

Exit codes: 0 fine; 1 it failed; 2 a --fail-on was met, or the command line is wrong.";

const REPORT_EXAMPLES: &str = "\
The running program compares where a [[shadow]] has compare = true, or --compare is given.

Examples:
  shadowtee report --admin 127.0.0.1:9900
  shadowtee report --admin unix:/run/shadowtee/admin.sock --format html --output report.html
  shadowtee report --admin 127.0.0.1:9900 --format json --output today.json \\
    --since yesterday.json --fail-on 'new-causes>0'
  shadowtee report today.json

Exit codes: 0 fine; 1 it failed; 2 a --fail-on was met, or the command line is wrong.";

const COMPARE_EXAMPLES: &str = "\
Requests are the same by their id (X-Request-Id). Both captures need the bodies of responses: answers = \"body\" in [capture].
Few wait for their partners where both captures are in about the same order: 64 MiB of each in memory, more in a file
in TMPDIR. What has no partner is counted and told.

Examples:
  shadowtee compare production.tee next.tee
  shadowtee compare before.tee after.tee --format html --output report.html

Exit codes: 0 fine; 1 it failed; 2 a --fail-on was met, or the command line is wrong.";

const CONVERT_EXAMPLES: &str = "\
The name of OUT says what it becomes: .tee (native) or .gor (GoReplay), with .gz or .zst behind it where it is to be
compressed; .har for browsers' tools; .sh, a script of curl commands. A file that exists is not overwritten.

Examples:
  shadowtee convert day.gor.gz day.tee.zst
  shadowtee convert day.tee.zst day.har";

const CHECK_EXAMPLES: &str = "\
Examples:
  shadowtee check /etc/shadowtee/shadowtee.toml
  shadowtee check shadowtee.toml --explain 'POST /orders HTTP/1.1' -H 'Host: shop.example'

Exit codes: 0 valid; 1 the configuration is wrong; 2 the command line is wrong.";

const DEMO_EXAMPLES: &str = "\
Examples:
  shadowtee demo
  shadowtee demo --stay --seconds 600

Exit codes: 0 fine; 1 it failed; 2 the command line is wrong.";

const SHOW_EXAMPLES: &str = "\
Examples:
  shadowtee show day.tee.zst
  shadowtee show day.tee.zst --record 17

Exit codes: 0 fine; 1 it failed; 2 the command line is wrong.";

const RUN_EXAMPLES: &str = "\
Flags win over the environment (SHADOWTEE_LIMITS__CONNECTIONS=500), that over the file, that over defaults.

Examples:
  shadowtee run --listen unix:/run/tee.sock --primary unix:/run/app.sock \\
    --shadow https://next.example
  shadowtee run --listen 127.0.0.1:8080 --primary 127.0.0.1:3000 \\
    --shadow next=127.0.0.1:4000 --admin 127.0.0.1:9900
  shadowtee run --config /etc/shadowtee/shadowtee.toml

Signals: TERM and INT finish what is in flight and stop, a second one ends at once; HUP reads the\nconfiguration again.
Exit codes: 0 stopped as asked; 1 it failed, or the configuration is wrong; 2 the command line is wrong.";

#[derive(Debug, Args)]
pub(crate) struct Run {
    /// Where clients connect; may be repeated.
    // Addresses are read with all else that flags say, so that all mistakes are told at once.
    #[arg(long, value_name = "ADDR")]
    listen: Option<Vec<String>>,
    /// The real application.
    #[arg(long, value_name = "ADDR")]
    primary: Option<String>,
    /// Who gets copies; may be repeated. Without a name: shadow, shadow-2, …
    #[arg(long, value_name = "[NAME=]ADDR")]
    shadow: Option<Vec<String>>,
    /// Capture requests to this file: .tee or .gor, with .gz or .zst behind it to compress it.
    #[arg(long, value_name = "FILE")]
    capture: Option<PathBuf>,
    /// The administrative interface: health, metrics, ledger.
    #[arg(long, value_name = "ADDR")]
    admin: Option<String>,
    /// Worker threads [default: one for each core].
    #[arg(long, value_name = "N", value_parser = whole::<u32>)]
    workers: Option<u32>,
    /// A file in TOML.
    #[arg(long, short, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Text, JSON, or text on a terminal and JSON elsewhere.
    #[arg(long, value_name = "FORMAT")]
    log_format: Option<LogFormat>,
    /// error, warn, info, debug or trace.
    #[arg(long, value_name = "LEVEL")]
    log_level: Option<String>,
    /// Log every request.
    #[arg(long)]
    access_log: bool,
    // Last: what comes behind it would stand under its heading.
    #[command(flatten)]
    shadows: ShadowFlags,
}

#[derive(Debug, Args)]
pub(crate) struct Check {
    /// The file to check.
    #[arg(value_name = "FILE", required_unless_present = "config")]
    file: Option<PathBuf>,
    /// The same, spelt as for `run`.
    #[arg(long, short, value_name = "FILE", conflicts_with = "file")]
    config: Option<PathBuf>,
    /// Say what each shadow would make of a request, such as 'POST /orders HTTP/1.1'.
    #[arg(long, value_name = "REQUEST-LINE")]
    pub(crate) explain: Option<String>,
    /// A header of that request; may be repeated.
    #[arg(long, short = 'H', value_name = "NAME: VALUE", requires = "explain")]
    pub(crate) header: Vec<String>,
    /// Where its connection comes from [default: a unix socket].
    #[arg(long, value_name = "IP", requires = "explain")]
    pub(crate) from: Option<IpAddr>,
    /// The status of the primary's answer to it.
    #[arg(long, value_name = "CODE", requires = "explain")]
    pub(crate) status: Option<u16>,
    /// What is known of sessions, a NAME.sessions that identity.state kept: says what would be put in.
    #[arg(long, value_name = "FILE", requires = "explain")]
    pub(crate) identity_state: Option<PathBuf>,
    /// Print nothing where it is valid.
    #[arg(long, short)]
    pub(crate) quiet: bool,
}

impl Check {
    /// The file to check, whichever way it was said.
    pub(crate) fn file(&self) -> Option<PathBuf> {
        self.file.clone().or_else(|| self.config.clone())
    }
}

#[derive(Debug, Args)]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag of its own")]
pub(crate) struct Replay {
    /// Captures in either format, compressed or not; patterns with * are looked up.
    #[arg(required = true, value_name = "FILE")]
    pub(crate) files: Vec<PathBuf>,
    /// Where to send them. There is no default.
    #[arg(long, value_name = "ADDR")]
    to: Address,
    /// The CA to trust for an https:// address, in PEM, instead of those of the system.
    #[arg(long, value_name = "FILE")]
    ca: Option<PathBuf>,
    /// The name that its certificate is for, where it is not that of the address.
    #[arg(long, value_name = "NAME")]
    server_name: Option<String>,
    /// 1x as they came, 10x ten times as fast, max as fast as the target answers.
    #[arg(long, default_value = "1x", conflicts_with = "rate")]
    speed: Speed,
    /// Requests per second, evenly, for example 100/s.
    #[arg(long, value_name = "N/s", value_parser = rate)]
    rate: Option<f64>,
    /// How many times everything is sent.
    #[arg(long = "loop", value_name = "N", default_value_t = 1)]
    rounds: u64,
    /// Limit of the requests that are sent.
    #[arg(long, value_name = "N")]
    limit: Option<u64>,
    /// Only what was captured at this time or later, for example 2026-11-24T08:00:00Z.
    #[arg(long, value_name = "TIME", value_parser = time)]
    from: Option<u64>,
    /// Only what was captured before this time.
    #[arg(long, value_name = "TIME", value_parser = time)]
    until: Option<u64>,
    /// A longer pause between two requests is cut to this.
    #[arg(long, value_name = "TIME", value_parser = duration)]
    max_gap: Option<Duration>,
    /// Requests under way at the same time, each on a connection of its own.
    #[arg(long, value_name = "N", default_value_t = 64, value_parser = clap::value_parser!(u32).range(1..))]
    concurrency: u32,
    /// To connect.
    #[arg(long, value_name = "TIME", default_value = "5s", value_parser = duration)]
    connect_timeout: Duration,
    /// For a whole answer.
    #[arg(long, value_name = "TIME", default_value = "30s", value_parser = duration)]
    timeout: Duration,
    /// Requests with the same key wait for each other: client, header:NAME or cookie:NAME; all: each for the one before it.
    #[arg(long, value_name = "KEY", value_parser = ordered_by)]
    ordered_by: Option<OrderedBy>,
    /// The header that tells the target that a request is a copy.
    #[arg(long, value_name = "NAME", default_value = "X-Shadow-Request")]
    mark: FieldName,
    /// Send the requests as they are, without the mark.
    #[arg(long)]
    no_mark: bool,
    /// A configuration with the shadow that --as names.
    #[arg(long, value_name = "FILE", requires = "as_shadow")]
    pub(crate) config: Option<PathBuf>,
    /// Send what this shadow would get: by its select and sample, and with its rewrite and host.
    #[arg(long = "as", value_name = "NAME", requires = "config")]
    pub(crate) as_shadow: Option<String>,
    /// Send what this script makes of the requests, such as 'node mask.js'; split into words, no shell is asked.
    #[arg(long, value_name = "COMMAND", value_parser = script)]
    script: Option<Script>,
    /// Give the script the answers, too: those captured, and the target's.
    #[arg(long, requires = "script")]
    script_answers: bool,
    /// Keep sessions alive: the target's own cookies, tokens and ids take the place of production's, as both responses to
    /// each request teach them.
    #[arg(long)]
    identity: bool,
    /// Read everything and send nothing.
    #[arg(long)]
    dry_run: bool,
    /// How the report of what was sent is written.
    #[arg(long, value_name = "FORM", default_value = "text")]
    pub(crate) report: ReportForm,
    /// Exit with 2 where this is so: errors>1%, p99>250ms, differences>0.5%, with --identity unpaired>0, and with --compare causes>0, new-causes>0; may be
    /// repeated.
    #[arg(long, value_name = "CONDITION")]
    pub(crate) fail_on: Vec<FailOn>,
    /// Compare the responses with those captured, and tell why they differ.
    #[arg(long)]
    pub(crate) compare: bool,
    #[command(flatten)]
    pub(crate) files_of_compare: CompareFiles,
    #[command(flatten)]
    pub(crate) causes: ReportOut,
}

/// A condition under which a replay is a failure.
#[derive(Clone, Debug)]
pub(crate) enum FailOn {
    /// On what was sent.
    Sent(Condition),
    /// On what was compared.
    Compared(CauseCondition),
}

impl FromStr for FailOn {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let of_causes = text.parse().map(Self::Compared);
        let of_either = of_causes.or_else(|_: String| text.parse().map(Self::Sent));
        of_either.map_err(|wrong: String| {
            format!("{wrong}, with --compare also \"causes>0\" or \"new-causes>0\"")
        })
    }
}

/// How a report is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum ReportForm {
    Text,
    Json,
}

fn rate(text: &str) -> Result<f64, String> {
    let digits = text.strip_suffix("/s").unwrap_or(text);
    positive(digits).ok_or_else(|| format!("{text:?} is not a rate; write for example 100/s"))
}

/// A whole number.
fn whole<N: FromStr>(text: &str) -> Result<N, String> {
    let wrong = |_| "write a whole number, such as 4".to_owned();
    text.parse().map_err(wrong)
}

fn ordered_by(text: &str) -> Result<OrderedBy, String> {
    match text {
        "all" => Ok(OrderedBy::All),
        "client" => Ok(OrderedBy::Key(ClientKey::Address)),
        key => key.parse().map(OrderedBy::Key).map_err(|_| {
            format!("{text:?} is not a key; write client, header:NAME, cookie:NAME or all")
        }),
    }
}

fn script(text: &str) -> Result<Script, String> {
    Ok(Script::replaying(words(text)?))
}

fn time(text: &str) -> Result<u64, String> {
    let time = humantime::parse_rfc3339_weak(text)
        .map_err(|error| format!("{error}; write for example 2026-11-24T08:00:00Z"))?;
    let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
    Ok(u64::try_from(since.as_nanos()).unwrap_or(u64::MAX))
}

fn duration(text: &str) -> Result<Duration, String> {
    let parsed = humantime::parse_duration(text)
        .ok()
        .filter(|time| !time.is_zero());
    parsed.ok_or_else(|| format!("{text:?} is not a time; write for example 5s or 250ms"))
}

impl Replay {
    pub(crate) fn speed(&self) -> Speed {
        self.rate.map_or(self.speed, Speed::Rate)
    }

    /// What is to be done with these files.
    /// `edit` is what is made of requests before they are sent.
    pub(crate) fn into_options(
        self,
        files: Vec<PathBuf>,
        edit: Option<Edited>,
        compare: Option<compare::Settings>,
    ) -> anyhow::Result<(Options, ReportOut)> {
        if self.to.has_no_port() {
            anyhow::bail!("--to {}: port 0 can't be connected to", self.to);
        }
        let speed = self.speed();
        let Edited {
            edit,
            script: of_shadow,
            identity,
        } = edit.unwrap_or_default();
        let mut script = self.script.or(of_shadow);
        if let Some(script) = &mut script {
            script.answers |= self.script_answers;
            if let Err(what) = script.program() {
                anyhow::bail!("--script: {what}");
            }
        }
        let options = Options {
            files,
            to: self.to,
            tls: ClientTls::trusting(self.ca, self.server_name),
            speed,
            rounds: self.rounds,
            limit: self.limit,
            from: self.from.unwrap_or(0),
            until: self.until.unwrap_or(u64::MAX),
            max_gap: self.max_gap,
            concurrency: self.concurrency as usize,
            connect_timeout: self.connect_timeout,
            timeout: self.timeout,
            ordered_by: self.ordered_by,
            mark: (!self.no_mark).then(|| Mark::named(self.mark)),
            dry_run: self.dry_run,
            edit,
            script,
            identity: self.identity.then(|| identity.unwrap_or_default()),
            compare,
        };
        Ok((options, self.causes))
    }
}

#[derive(Debug, Args)]
pub(crate) struct Convert {
    /// The capture to read, in either format, compressed or not.
    #[arg(value_name = "IN")]
    pub(crate) from: PathBuf,
    /// The file to write.
    #[arg(value_name = "OUT")]
    pub(crate) to: PathBuf,
}

#[derive(Debug, Args)]
pub(crate) struct Show {
    /// The capture to read.
    pub(crate) file: PathBuf,
    /// Show this record in full; the first is 1.
    #[arg(long, value_name = "N")]
    pub(crate) record: Option<u64>,
}

#[derive(Debug, Args)]
pub(crate) struct Demo {
    /// End after this many seconds; without it, at Ctrl-C.
    #[arg(long, value_name = "N")]
    pub(crate) seconds: Option<u64>,
    /// Customers keep coming, with 5 requests a second, so that there is something to see on the page.
    #[arg(long)]
    pub(crate) stay: bool,
    /// Send copies as their requests came, with production's cookies, tokens and ids, which the shadow does not know.
    #[arg(long)]
    pub(crate) no_identity: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Generate {
    /// Where to.
    pub(crate) folder: PathBuf,
}

impl Run {
    /// What the flags say, beside the file they name.
    pub(crate) fn into_sources(self) -> Sources {
        let mut flags = Flags::default();
        flags.set("listen", self.listen);
        flags.set("primary.address", self.primary);
        flags.set("admin.address", self.admin);
        let shadows = self.shadow.map(|shadows| {
            let shadows = shadows.into_iter().enumerate();
            let shadows = shadows.map(|(index, said)| {
                let mut shadow = named_shadow(index, &said);
                self.shadows.set(&mut shadow);
                shadow.into_table()
            });
            shadows.collect::<Vec<_>>()
        });
        flags.set("shadow", shadows);
        let capture = self.capture.as_ref();
        flags.set(
            "capture.file",
            capture.map(|file| file.to_string_lossy().into_owned()),
        );
        flags.set("workers", self.workers);
        let format = self.log_format.as_ref();
        let format = format.and_then(ValueEnum::to_possible_value);
        flags.set("log.format", format.as_ref().map(PossibleValue::get_name));
        flags.set("log.level", self.log_level);
        flags.set("log.access", self.access_log.then_some(true));
        Sources {
            file: self.config,
            flags,
        }
    }
}

/// What `[NAME=]ADDR` says of a shadow.
fn named_shadow(index: usize, said: &str) -> Flags {
    let (name, address) = match said.split_once('=') {
        Some((name, address)) => (name.to_owned(), address),
        None if index == 0 => ("shadow".to_owned(), said),
        None => (format!("shadow-{}", index + 1), said),
    };
    let mut shadow = Flags::default();
    shadow.set("name", Some(name));
    shadow.set("address", Some(address));
    shadow
}
