//! `shadowtee show`.

use std::{
    io::{self, BufWriter, IsTerminal, Write},
    time::{Duration, UNIX_EPOCH},
};

use anyhow::{Context, bail};

use super::{printable, tame};
use crate::{
    capture::{Answered, Reader, Record, split_head},
    cli::Show,
};

/// Lists the records of a file, or shows one in full.
pub(super) fn show(arguments: &Show) -> anyhow::Result<()> {
    let file = &arguments.file;
    let mut reader =
        Reader::open(file).with_context(|| format!("can't read {}", file.display()))?;
    let mut out = BufWriter::new(io::stdout().lock());
    let is_terminal = io::stdout().is_terminal();
    let mut number = 0_u64;
    while reader.advance() {
        number += 1;
        let record = reader.record();
        let shown = match arguments.record {
            None => line(number, &record, &mut out),
            Some(wanted) if wanted == number => {
                whole(number, &record, is_terminal, &mut out)
                    .context("can't write to standard output")?;
                return out.flush().context("can't write to standard output");
            }
            Some(_) => Ok(()),
        };
        match shown {
            // A reader that has gone away is no error.
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => return Ok(()),
            shown => shown.context("can't write to standard output")?,
        }
        super::tell(reader.troubles());
    }
    let _ = out.flush();
    super::tell(reader.troubles());
    let troubles = reader.troubles();
    if let Some(wanted) = arguments.record {
        bail!("there is no record {wanted}: the file has {number}");
    }
    if number == 0 && troubles.count > 0 {
        bail!("{} holds no record", file.display());
    }
    if troubles.count > 0 {
        eprintln!(
            "{number} records; {} places are damaged, {} bytes skipped",
            troubles.count, troubles.skipped
        );
    }
    Ok(())
}

fn time(record: &Record<'_>) -> String {
    let time = UNIX_EPOCH + Duration::from_nanos(record.time);
    humantime::format_rfc3339_micros(time).to_string()
}

fn text(bytes: &[u8]) -> String {
    printable(&String::from_utf8_lossy(bytes))
}

/// A message byte for byte, or as a terminal can bear it.
fn message(message: &[u8], is_terminal: bool, out: &mut impl Write) -> io::Result<()> {
    if !is_terminal {
        return out.write_all(message);
    }
    let (head, body) = split_head(message);
    let shown = |bytes: &[u8]| {
        let text = String::from_utf8_lossy(bytes).replace("\r\n", "\n");
        let tame = |c| if matches!(c, '\n' | '\t') { c } else { tame(c) };
        text.chars().map(tame).collect::<String>()
    };
    write!(out, "{}", shown(head))?;
    if body.contains(&0) || std::str::from_utf8(body).is_err() {
        return write!(out, "({} bytes that are no text)", body.len());
    }
    write!(out, "{}", shown(body))
}

fn line(number: u64, record: &Record<'_>, out: &mut impl Write) -> io::Result<()> {
    let mut words = record.request.split(|byte| *byte == b' ' || *byte == b'\n');
    let method = text(words.next().unwrap_or_default());
    let target = text(words.next().unwrap_or_default());
    let (status, after) = match record.answer {
        Some(Answered { status, after, .. }) => {
            let (millis, micros) = (after / 1_000_000, after / 1_000 % 1_000);
            (status.to_string(), format!("{millis}.{micros:03} ms"))
        }
        None => ("-".into(), "-".into()),
    };
    let (time, client) = (time(record), text(record.client));
    let client = if client.is_empty() { "-" } else { &client };
    writeln!(
        out,
        "{number:>6}  {time}  {status:>3}  {after:>12}  {:>8}  {client}  {method} {target}",
        record.request.len()
    )
}

fn whole(
    number: u64,
    record: &Record<'_>,
    is_terminal: bool,
    out: &mut impl Write,
) -> io::Result<()> {
    writeln!(out, "record  {number}\ntime    {}", time(record))?;
    let (id, client) = (text(record.id), text(record.client));
    writeln!(out, "id      {id}\nclient  {client}")?;
    match record.answer {
        Some(Answered { status, after, .. }) => {
            writeln!(out, "answer  {status} after {} us", after / 1_000)?;
        }
        None => writeln!(out, "answer  none")?,
    }
    writeln!(out, "\n--- request, {} bytes", record.request.len())?;
    message(record.request, is_terminal, out)?;
    if let Some(answer) = record.answer.filter(|answer| !answer.message.is_empty()) {
        let cut = if answer.cut { ", not all of it" } else { "" };
        writeln!(out, "\n--- answer, {} bytes{cut}", answer.message.len())?;
        message(answer.message, is_terminal, out)?;
    }
    writeln!(out)
}
