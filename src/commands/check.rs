//! `shadowtee check`.

use std::io::{self, Write};

use anyhow::Context;

use crate::{
    cli::Check,
    config::{Flags, Sources},
};

/// Checks a file and what it names, and prints what it comes to.
pub(super) fn check(arguments: &Check) -> anyhow::Result<()> {
    let config = super::load(&Sources {
        file: Some(arguments.config.clone()),
        flags: Flags::default(),
    })?;
    if arguments.quiet {
        return Ok(());
    }
    let text =
        toml::to_string_pretty(&config).context("the configuration can't be shown as TOML")?;
    io::stdout()
        .write_all(text.as_bytes())
        .context("can't write to standard output")?;
    Ok(())
}
