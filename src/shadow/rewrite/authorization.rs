//! The `Authorization` of copies, read at start from a file or the environment, so that it stands in no
//! configuration.

use std::{io, path::PathBuf};

use crate::config::{Authorization, is_line};

/// Why there is no `Authorization`.
#[derive(Debug, thiserror::Error)]
pub(crate) enum BadAuthorization {
    #[error("{} can't be read", .0.display())]
    File(PathBuf, #[source] io::Error),
    #[error("the environment variable {0} is not set, or is no text")]
    Unset(String),
    #[error(
        "{0} is empty, or has more than one line; the whole value of the header belongs there, such as \"Bearer …\""
    )]
    Unfit(String),
}

/// Reads it; a line's end behind it is no part of it.
///
/// # Errors
/// Where there is none, or it can't be sent.
pub(crate) fn authorization(from: &Authorization) -> Result<String, BadAuthorization> {
    let (text, place) = match from {
        Authorization::File(file) => {
            let text = std::fs::read_to_string(file);
            let text = text.map_err(|error| BadAuthorization::File(file.clone(), error))?;
            (text, file.display().to_string())
        }
        Authorization::Env(name) => {
            let text = std::env::var(name).map_err(|_| BadAuthorization::Unset(name.clone()))?;
            (text, format!("the environment variable {name}"))
        }
    };
    let value = text.trim();
    if value.is_empty() || !is_line(value) {
        return Err(BadAuthorization::Unfit(place));
    }
    Ok(value.to_owned())
}
