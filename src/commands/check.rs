//! `shadowtee check`.

use std::io::{self, Write};

use anyhow::{Context, anyhow, bail};

use crate::{
    app::{self, Asked, KnownSessions},
    cli::Check,
    config::{Config, Flags, Sources},
};

/// Checks a file and what it names, and prints what it comes to, or what becomes of a request.
pub(super) fn check(arguments: &Check) -> anyhow::Result<()> {
    let config = super::load(&Sources {
        file: arguments.file(),
        flags: Flags::default(),
    })?;
    if arguments.quiet && arguments.explain.is_none() {
        return Ok(());
    }
    let text = match &arguments.explain {
        Some(line) => explained(&config, line, arguments)?,
        None => config
            .shown()
            .context("the configuration can't be shown as TOML")?
            .into_bytes(),
    };
    io::stdout()
        .write_all(&text)
        .context("can't write to standard output")?;
    Ok(())
}

fn explained(config: &Config, line: &str, arguments: &Check) -> anyhow::Result<Vec<u8>> {
    let asked = Asked {
        head: head(line, &arguments.header)?,
        peer: arguments.from,
        status: arguments.status,
        sessions: match &arguments.identity_state {
            Some(path) => Some(KnownSessions::open(config, path)?),
            None => None,
        },
    };
    let explained = app::explain(config, &asked).map_err(|why| {
        anyhow!("the request would be refused, and no shadow would get a copy: {why}")
    })?;
    let mut out = Vec::new();
    if explained.is_empty() {
        out.extend_from_slice(b"there is no shadow\n");
    }
    for (name, explained) in explained {
        writeln!(out, "shadow {name:?}")?;
        for reason in explained.reasons {
            writeln!(out, "  {reason}")?;
        }
        let head = explained.head.unwrap_or_default();
        for line in head.trim_ascii_end().split(|byte| *byte == b'\n') {
            if !line.is_empty() {
                out.extend_from_slice(b"    ");
                out.extend_from_slice(line.trim_ascii_end());
                out.push(b'\n');
            }
        }
        out.push(b'\n');
    }
    out.pop();
    Ok(out)
}

/// A head of the line and the headers, with what may be left out of them.
fn head(line: &str, headers: &[String]) -> anyhow::Result<Vec<u8>> {
    let mut head = line.trim().to_owned();
    if !head.contains(" HTTP/1.") {
        head.push_str(" HTTP/1.1");
    }
    head.push_str("\r\n");
    let is_host = |header: &String| header.to_ascii_lowercase().starts_with("host:");
    if !headers.iter().any(is_host) {
        head.push_str("Host: localhost\r\n");
    }
    for header in headers {
        if !header.contains(':') || header.contains(['\r', '\n']) {
            bail!("{header:?} is not a header; write 'Name: value'");
        }
        head.push_str(header);
        head.push_str("\r\n");
    }
    head.push_str("\r\n");
    Ok(head.into_bytes())
}
