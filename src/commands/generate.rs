//! `shadowtee generate`: the man pages and the completions that packages ship.

use std::{fs, path::Path};

use anyhow::Context;
use clap::{CommandFactory, ValueEnum};
use clap_complete::Shell;

use crate::cli::{Cli, Generate};

/// Writes them into a folder, which is made where it is missing.
pub(super) fn generate(arguments: &Generate) -> anyhow::Result<()> {
    let folder = &arguments.folder;
    write(folder).with_context(|| format!("can't write into {}", folder.display()))
}

fn write(folder: &Path) -> anyhow::Result<()> {
    fs::create_dir_all(folder)?;
    clap_mangen::generate_to(Cli::command(), folder)?;
    for shell in Shell::value_variants() {
        clap_complete::generate_to(*shell, &mut Cli::command(), "shadowtee", folder)?;
    }
    Ok(())
}
