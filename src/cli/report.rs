//! The arguments of `report`, and of all that writes reports of causes.

use std::{env, fmt, fs, path::PathBuf, str::FromStr};

use anyhow::Context;
use clap::{Args, ValueEnum};

use crate::config::{self, Address, ClientTls};

#[derive(Debug, Args)]
pub(crate) struct Report {
    /// A report in JSON that was written before, instead of asking a running program.
    #[arg(value_name = "FILE", conflicts_with = "admin")]
    pub(crate) file: Option<PathBuf>,
    /// The administration of the running program.
    #[arg(long, value_name = "ADDR")]
    pub(crate) admin: Option<Address>,
    /// A file with its token [default: the variable `SHADOWTEE_ADMIN_TOKEN`].
    #[arg(long, value_name = "FILE", requires = "admin")]
    token_file: Option<PathBuf>,
    /// The CA to trust for an https:// address, in PEM, instead of those of the system.
    #[arg(long, value_name = "FILE", requires = "admin")]
    ca: Option<PathBuf>,
    /// Of this shadow alone.
    #[arg(long, value_name = "NAME", requires = "admin")]
    pub(crate) shadow: Option<String>,
    /// Forget all that was learned and counted, whole examples too.
    #[arg(long, requires = "admin")]
    pub(crate) reset: bool,
    /// Of the cause with this id: the request, both responses and what they differ in (needs compare.examples).
    #[arg(long, value_name = "ID", requires = "admin", conflicts_with_all = ["reset", "since", "fail_on"])]
    pub(crate) example: Option<String>,
    #[command(flatten)]
    pub(crate) out: ReportOut,
    /// Exit with 2 where this is so: causes>0, new-causes>0; may be repeated.
    #[arg(long, value_name = "CONDITION")]
    pub(crate) fail_on: Vec<CauseCondition>,
}

/// How a report is written.
#[derive(Debug, Args)]
pub(crate) struct ReportOut {
    /// How it is written.
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    pub(crate) format: ReportFormat,
    /// Write it to this file.
    #[arg(long, short, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,
    /// An older report in JSON: causes that it does not have are new.
    #[arg(long, value_name = "FILE")]
    pub(crate) since: Option<PathBuf>,
}

impl ReportOut {
    /// Whether anything of it was said.
    pub(crate) fn is_asked_for(&self) -> bool {
        self.format != ReportFormat::Text || self.output.is_some() || self.since.is_some()
    }
}

/// What comparing two captures, or a replay, goes by.
#[derive(Debug, Args)]
pub(crate) struct CompareFiles {
    /// A file of rules on what differs.
    #[arg(long, value_name = "FILE")]
    rules: Option<PathBuf>,
    /// The application's routes: lines such as GET /orders/{id}, `rails routes`, or an `OpenAPI` document.
    #[arg(long, value_name = "FILE")]
    routes: Option<PathBuf>,
}

impl CompareFiles {
    /// Whether anything of it was said.
    pub(crate) fn is_asked_for(&self) -> bool {
        self.rules.is_some() || self.routes.is_some()
    }

    pub(crate) fn settings(&self) -> config::Compare {
        config::Compare {
            rules: self.rules.clone(),
            inventory: self.routes.clone(),
            ..config::Compare::default()
        }
    }
}

#[derive(Debug, Args)]
pub(crate) struct Compare {
    /// The capture whose responses are right, of any format.
    #[arg(value_name = "A")]
    pub(crate) one: PathBuf,
    /// Another capture of the same requests.
    #[arg(value_name = "B")]
    pub(crate) other: PathBuf,
    #[command(flatten)]
    pub(crate) files: CompareFiles,
    #[command(flatten)]
    pub(crate) out: ReportOut,
    /// Exit with 2 where this is so: causes>0, new-causes>0; may be repeated.
    #[arg(long, value_name = "CONDITION")]
    pub(crate) fail_on: Vec<CauseCondition>,
}

/// The form of a report.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum ReportFormat {
    /// A page for a terminal.
    Text,
    Json,
    /// One file without scripts.
    Html,
    Junit,
    Markdown,
}

/// A condition under which a report is a failure.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct CauseCondition {
    pub(crate) finding: Finding,
    /// More than this many.
    pub(crate) most: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Finding {
    Causes,
    /// Those that the older report does not have.
    NewCauses,
}

impl FromStr for CauseCondition {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || {
            format!("{text:?} is not a condition on causes; write \"causes>0\" or \"new-causes>0\"")
        };
        let (name, most) = text.split_once('>').ok_or_else(wrong)?;
        let finding = match name.trim() {
            "causes" => Finding::Causes,
            "new-causes" => Finding::NewCauses,
            _ => return Err(wrong()),
        };
        let most = most.trim().parse().map_err(|_| wrong())?;
        Ok(Self { finding, most })
    }
}

impl fmt::Display for CauseCondition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = match self.finding {
            Finding::Causes => "causes",
            Finding::NewCauses => "new-causes",
        };
        write!(f, "{name}>{}", self.most)
    }
}

impl Report {
    pub(crate) fn tls(&self) -> ClientTls {
        ClientTls::trusting(self.ca.clone(), None)
    }

    /// What the administration asks for.
    ///
    /// # Errors
    /// Where the file can't be read.
    pub(crate) fn token(&self) -> anyhow::Result<Option<String>> {
        let Some(file) = &self.token_file else {
            return Ok(env::var("SHADOWTEE_ADMIN_TOKEN").ok());
        };
        let token =
            fs::read_to_string(file).with_context(|| format!("can't read {}", file.display()))?;
        Ok(Some(token.trim().to_owned()))
    }
}
