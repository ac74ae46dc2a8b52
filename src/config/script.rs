//! A script: the command that sees copies before they are sent, and how it is treated.

use std::{env, fs, os::unix::fs::PermissionsExt, path::PathBuf};

use serde::{Deserialize, Serialize, Serializer};

use super::{
    reader::Table,
    sampling::Key,
    units::{Masked, Size, Span},
};

/// `[script]`, or `[shadow.script]` for one shadow.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Script {
    /// The program and its arguments; no shell is asked.
    #[serde(serialize_with = "without_arguments")]
    pub(crate) command: Vec<String>,
    /// Where it runs; `None`: where shadowtee does.
    pub(crate) directory: Option<PathBuf>,
    /// How many of it run.
    pub(crate) processes: usize,
    /// Requests with one key go to the same process.
    pub(crate) by: Option<Key>,
    /// For a request to be echoed.
    pub(crate) timeout: Span,
    /// How long a process may take nothing, while messages wait, until it is ended and started again.
    pub(crate) hang_timeout: Span,
    /// What becomes of copies while it is down.
    pub(crate) when_down: WhenDown,
    /// Whether it gets answers, too.
    pub(crate) answers: bool,
    /// Of a request's body; a copy with a larger one is given up.
    pub(crate) request_bytes: Size,
    /// Of an answer's body; a larger one is cut.
    pub(crate) answer_bytes: Size,
    /// Messages that wait for one process, in bytes.
    pub(crate) queue: Size,
    /// The memory that one process may take.
    pub(crate) memory: Option<Size>,
    /// For a process to end by itself once its input ended.
    pub(crate) stop_timeout: Span,
}

/// The program as it is written; its arguments may be secrets.
fn without_arguments<S: Serializer>(command: &[String], serializer: S) -> Result<S::Ok, S::Error> {
    let words = command.iter().enumerate();
    serializer.collect_seq(words.map(|(n, word)| Masked::text_if(n > 0, word)))
}

/// What becomes of copies while the script is down.
#[derive(Clone, Copy, Debug, Deserialize, Serialize, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub(crate) enum WhenDown {
    /// They are sent as if there were no script.
    Send,
    /// They are not sent.
    HoldBack,
}

/// What one shadow says of scripts.
#[derive(Clone, Debug)]
pub(crate) enum OwnScript {
    /// `script = false`: its copies go to none.
    Off,
    Own(Script),
}

impl Serialize for OwnScript {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Own(script) => script.serialize(serializer),
            Self::Off => serializer.collect_map([("enabled", false)]),
        }
    }
}

impl OwnScript {
    /// The shadow's own `script`, where it has one.
    pub(super) fn read(table: &mut Table<'_>) -> Option<Self> {
        if !table.has("script") {
            table.table("script").finish();
            return None;
        }
        let mut own = table.table_or("script", "enabled");
        if own.value("enabled", true) {
            Script::read(own).map(Self::Own)
        } else {
            Some(Self::Off)
        }
    }
}

impl Script {
    /// This command, with all else as it is by default.
    pub(crate) fn of(command: Vec<String>) -> Self {
        Self {
            command,
            directory: None,
            processes: 1,
            by: None,
            timeout: Span::seconds(2),
            hang_timeout: Span::seconds(10),
            when_down: WhenDown::HoldBack,
            answers: false,
            request_bytes: Size::mib(1),
            answer_bytes: Size::kib(256),
            queue: Size::mib(16),
            memory: None,
            stop_timeout: Span::seconds(2),
        }
    }

    /// This command, for requests that can wait.
    pub(crate) fn replaying(command: Vec<String>) -> Self {
        Self {
            timeout: Span::seconds(5),
            queue: Size::mib(256),
            request_bytes: Size::mib(64),
            ..Self::of(command)
        }
    }

    pub(super) fn read(mut table: Table<'_>) -> Option<Self> {
        // A relative directory is relative to the file, and so is a relative script.
        let folder = table.folder_of("command");
        let command: Option<Vec<String>> = table.required(
            "command",
            "write the program and its arguments, for example command = [\"node\", \"mask.js\"]",
        );
        let is_said = |command: &Vec<String>| command.first().is_some_and(|word| !word.is_empty());
        if command.as_ref().is_some_and(|command| !is_said(command)) {
            table.mistake(
                "command",
                "is empty; write the program and its arguments, for example [\"node\", \"mask.js\"]",
            );
        }
        let with_nul = |command: &Vec<String>| command.iter().any(|word| word.contains('\0'));
        if command.as_ref().is_some_and(with_nul) {
            table.mistake("command", "has a NUL, which no argument may have");
        }
        let default = Self::of(Vec::new());
        table.whole(|table| {
            Some(Self {
                directory: table.path("directory").or(folder),
                processes: table.within("processes", default.processes, 1..=64),
                by: table.optional("by"),
                timeout: table.time("timeout", default.timeout),
                hang_timeout: table.time("hang_timeout", default.hang_timeout),
                when_down: table.value("when_down", default.when_down),
                answers: table.value("answers", default.answers),
                request_bytes: table.within(
                    "request_bytes",
                    default.request_bytes,
                    ..=Size::mib(64),
                ),
                answer_bytes: table.within("answer_bytes", default.answer_bytes, ..=Size::mib(64)),
                queue: table.within("queue", default.queue, Size::kib(64)..),
                memory: table.optional("memory"),
                stop_timeout: table.time("stop_timeout", default.stop_timeout),
                command: command.filter(is_said)?,
            })
        })
    }

    /// The program's file, as the system would find it.
    pub(crate) fn program(&self) -> Result<PathBuf, String> {
        let name = &self.command[0];
        if let Some(folder) = self.directory.as_ref().filter(|folder| !folder.is_dir()) {
            return Err(format!(
                "can't run in {}, which is not a folder",
                folder.display()
            ));
        }
        let is_program = |file: &PathBuf| {
            fs::metadata(file)
                .is_ok_and(|about| about.is_file() && about.permissions().mode() & 0o111 != 0)
        };
        if name.contains('/') {
            let folder = self.directory.clone().unwrap_or_default();
            let file = folder.join(name);
            return match file.exists() {
                _ if is_program(&file) => Ok(file),
                true => Err(format!(
                    "{} is not a program that can be run",
                    file.display()
                )),
                false => Err(format!("there is no program {}", file.display())),
            };
        }
        let path = env::var_os("PATH").unwrap_or_default();
        let found = env::split_paths(&path)
            .map(|folder| folder.join(name))
            .find(is_program);
        found.ok_or_else(|| {
            format!("there is no program {name} in the folders of PATH; write its whole path")
        })
    }
}

/// The words of a command line, with '…' and "…" around what holds spaces. Nothing else of a shell is known.
///
/// # Errors
/// Where there are none, or a quote is left open.
pub(crate) fn words(text: &str) -> Result<Vec<String>, String> {
    let (mut words, mut word, mut quote) = (Vec::new(), None::<String>, None);
    for c in text.chars() {
        match quote {
            Some(open) if c == open => quote = None,
            None if c == '\'' || c == '"' => {
                quote = Some(c);
                word.get_or_insert_default();
            }
            None if c.is_whitespace() => words.extend(word.take()),
            _ => word.get_or_insert_default().push(c),
        }
    }
    words.extend(word);
    match (quote, words.first()) {
        (Some(open), _) => Err(format!("the quote {open} is not closed")),
        (None, Some(first)) if !first.is_empty() => Ok(words),
        _ => Err("write a program and its arguments, such as 'node mask.js'".into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_line_is_split_without_a_shell() {
        let split = |text| words(text).unwrap();
        assert_eq!(split("node  mask.js"), ["node", "mask.js"]);
        assert_eq!(
            split("a 'b c' \"d'e\" f''g ''"),
            ["a", "b c", "d'e", "fg", ""]
        );
        assert_eq!(split("echo $HOME;ls"), ["echo", "$HOME;ls"]);
        assert!(words(" ").is_err() && words("a 'b").is_err() && words("''").is_err());
    }
}
