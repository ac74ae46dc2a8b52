//! The command line.

use std::{net::IpAddr, path::PathBuf};

use clap::{Args, Parser, Subcommand, ValueEnum};

use crate::config::{Address, FlagTable as Dict, Flags, Sources};

mod shadow_flags;

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
    #[command(after_help = EXIT_CODES)]
    Check(Check),
    /// Show what it does: a primary, a newer version with faults as the shadow, and some traffic.
    #[command(after_help = EXIT_CODES)]
    Demo(Demo),
    /// Write man pages and shell completions into a folder.
    #[command(hide = true)]
    Generate(Generate),
}

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
    #[arg(long, value_name = "ADDR")]
    listen: Vec<Address>,
    /// The real application.
    #[arg(long, value_name = "ADDR")]
    primary: Option<Address>,
    /// Who gets copies; may be repeated. Without a name: shadow, shadow-2, …
    #[arg(long, value_name = "[NAME=]ADDR", value_parser = shadow)]
    shadow: Vec<ShadowFlag>,
    #[command(flatten)]
    shadows: ShadowFlags,
    /// The administrative interface: health, metrics, ledger.
    #[arg(long, value_name = "ADDR")]
    admin: Option<Address>,
    /// Worker threads [default: one for each core].
    #[arg(long, value_name = "N")]
    workers: Option<u32>,
    /// A file in TOML.
    #[arg(long, short, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Text, JSON, or text on a terminal and JSON elsewhere.
    #[arg(long, value_name = "FORMAT")]
    log_format: Option<Format>,
    /// error, warn, info, debug or trace.
    #[arg(long, value_name = "LEVEL")]
    log_level: Option<String>,
    /// Log every request.
    #[arg(long)]
    access_log: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Check {
    /// The file to check.
    #[arg(long, short, value_name = "FILE")]
    pub(crate) config: PathBuf,
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
    /// Print nothing where it is valid.
    #[arg(long, short)]
    pub(crate) quiet: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Demo {
    /// End after so many seconds; without it, at Ctrl-C.
    #[arg(long, value_name = "N")]
    pub(crate) seconds: Option<u64>,
}

#[derive(Debug, Args)]
pub(crate) struct Generate {
    /// Where to.
    pub(crate) folder: PathBuf,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Format {
    Auto,
    Text,
    Json,
}

#[derive(Clone, Debug)]
struct ShadowFlag {
    name: Option<String>,
    address: Address,
}

fn shadow(text: &str) -> Result<ShadowFlag, String> {
    let (name, address) = match text.split_once('=') {
        Some((name, address)) => (Some(name.to_owned()), address),
        None => (None, text),
    };
    let address = address
        .parse()
        .map_err(|error: crate::config::BadAddress| error.to_string())?;
    Ok(ShadowFlag { name, address })
}

impl Run {
    /// What the flags say, beside the file they name.
    pub(crate) fn into_sources(self) -> Sources {
        let mut flags = Flags::default();
        if !self.listen.is_empty() {
            let listen: Vec<_> = self.listen.iter().map(ToString::to_string).collect();
            flags.set("listen", listen);
        }
        for (key, address) in [
            ("primary.address", self.primary),
            ("admin.address", self.admin),
        ] {
            if let Some(address) = address {
                flags.set(key, address.to_string());
            }
        }
        if !self.shadow.is_empty() {
            let names = self.shadow.into_iter().enumerate();
            let shadows: Vec<_> = names
                .map(|(index, flag)| self.shadows.table(flag.table(index)))
                .collect();
            flags.set("shadow", shadows);
        }
        if let Some(workers) = self.workers {
            flags.set("workers", workers);
        }
        if let Some(format) = self.log_format {
            let format = match format {
                Format::Auto => "auto",
                Format::Text => "text",
                Format::Json => "json",
            };
            flags.set("log.format", format);
        }
        if let Some(level) = self.log_level {
            flags.set("log.level", level);
        }
        if self.access_log {
            flags.set("log.access", true);
        }
        Sources {
            file: self.config,
            flags,
        }
    }
}

impl ShadowFlag {
    fn table(self, index: usize) -> Dict {
        let name = self.name.unwrap_or_else(|| match index {
            0 => "shadow".into(),
            index => format!("shadow-{}", index + 1),
        });
        [
            ("name".to_owned(), name.into()),
            ("address".to_owned(), self.address.to_string().into()),
        ]
        .into()
    }
}
