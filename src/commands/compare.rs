//! `shadowtee compare`.

use std::{collections::HashMap, path::Path, process::ExitCode, time::Duration, time::SystemTime};

use anyhow::{Context, bail};

use super::report::publish;
use crate::{
    app,
    capture::{Answered, Reader, Record},
    cli::Compare,
    compare::{CapturedMessage, Comparer, Settings, captured_pair_of_two},
    telemetry::text::unix_millis,
};

/// So many bytes of the other capture are kept in memory, to be found by the id of their request.
const LIMIT: usize = 4 << 30;

/// A response of the other capture.
struct Response {
    status: u16,
    after: u64,
    at: u64,
    message: Vec<u8>,
    is_cut: bool,
}

/// Compares the responses of two captures of the same requests.
pub(super) fn compare(arguments: &Compare) -> anyhow::Result<ExitCode> {
    let settings = app::compare_settings(&arguments.files.settings());
    let settings = settings.map_err(|wrong| anyhow::anyhow!("{}", wrong.what))?;
    let mut comparer = Comparer::new(Settings {
        shadow: arguments.other.display().to_string(),
        ..settings
    });
    let mut others = responses(&arguments.other)?;
    let (mut requests, mut alone) = (0_u64, 0_u64);
    read(&arguments.one, |record| {
        requests += 1;
        match others.remove(record.id) {
            Some(other) => pair(&mut comparer, record, &other),
            None => alone += 1,
        }
        Ok(())
    })?;
    if requests == 0 {
        bail!("{} holds no request", arguments.one.display());
    }
    for (count, file) in [
        (alone, &arguments.one),
        (others.len() as u64, &arguments.other),
    ] {
        if count > 0 {
            eprintln!(
                "shadowtee: {count} requests are in {} alone, and not compared",
                file.display()
            );
        }
    }
    comparer.finish();
    let report = comparer.report(unix_millis(SystemTime::now()));
    let is_failure = publish(&[report], &arguments.out, &arguments.fail_on)?;
    Ok(ExitCode::from(if is_failure { 2 } else { 0 }))
}

/// The responses of a capture, by the id of their request.
fn responses(file: &Path) -> anyhow::Result<HashMap<Vec<u8>, Response>> {
    let (mut responses, mut bytes) = (HashMap::new(), 0);
    read(file, |record| {
        let Some(answer) = record.answer else {
            return Ok(());
        };
        bytes += answer.message.len() + record.id.len() + size_of::<Response>();
        if bytes > LIMIT {
            bail!(
                "{} has more than 4 GiB of responses; compare a part of it, which shadowtee convert can make",
                file.display()
            );
        }
        let response = Response {
            status: answer.status,
            after: answer.after,
            at: record.time,
            message: answer.message.to_vec(),
            is_cut: answer.cut,
        };
        responses.insert(record.id.to_vec(), response);
        Ok(())
    })?;
    Ok(responses)
}

/// Shows each record of a file.
fn read(
    file: &Path,
    mut look: impl FnMut(&Record<'_>) -> anyhow::Result<()>,
) -> anyhow::Result<()> {
    let mut reader =
        Reader::open(file).with_context(|| format!("can't read {}", file.display()))?;
    while reader.advance() {
        look(&reader.record())?;
        super::tell(reader.troubles());
    }
    super::tell(reader.troubles());
    Ok(())
}

fn pair(comparer: &mut Comparer, record: &Record<'_>, other: &Response) {
    let Some(answer) = record.answer else {
        return comparer.not_compared("no_primary");
    };
    let shadow = Answered {
        status: other.status,
        after: other.after,
        message: &other.message,
        cut: other.is_cut,
    };
    captured_pair_of_two(
        comparer,
        record.id,
        record.request,
        &message(record.time, &answer),
        &message(other.at, &shadow),
    );
}

fn message<'a>(time: u64, answer: &Answered<'a>) -> CapturedMessage<'a> {
    let at = time.saturating_add(answer.after) / 1_000_000;
    CapturedMessage {
        message: answer.message,
        is_cut: answer.cut,
        at: i64::try_from(at).unwrap_or(i64::MAX),
        took: Duration::from_nanos(answer.after),
    }
}
