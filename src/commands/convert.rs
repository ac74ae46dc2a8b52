//! `shadowtee convert`.

use std::{
    fs::File,
    io::{BufWriter, Write},
    path::Path,
};

use anyhow::{Context, bail};
use serde_json::json;

use crate::{
    capture::{
        CaptureFile, FORMAT_ENDINGS, Format, NotAdded, Reader, Record, Sink,
        export::{Har, Script},
        private_file,
    },
    cli::Convert,
};

/// Writes the records of one file into another, in the format that its name says.
pub(super) fn convert(arguments: &Convert) -> anyhow::Result<()> {
    let (from, to) = (&arguments.from, &arguments.to);
    let mut reader =
        Reader::open(from).with_context(|| format!("can't read {}", from.display()))?;
    let writing = || format!("can't write {}", to.display());
    let mut target = Target::create(to).with_context(writing)?;
    let (mut written, mut unwritable) = (0_u64, 0_u64);
    while reader.advance() {
        match target.add(&reader.record()) {
            Ok(()) => written += 1,
            Err(NotAdded::Failed(error)) => return Err(error.into()),
            Err(NotAdded::Unwritable(why)) => {
                unwritable += 1;
                let (file, offset) = (from.display(), reader.offset());
                eprintln!("{file}, at byte {offset}: left out: {why}");
            }
        }
        super::tell(reader.troubles());
    }
    target.end().with_context(writing)?;
    super::tell(reader.troubles());
    let troubles = reader.troubles();
    eprintln!(
        "{written} records written, {unwritable} left out; {} places are damaged, {} bytes skipped",
        troubles.count, troubles.skipped
    );
    if written == 0 && troubles.count > 0 {
        bail!("{} holds no record", from.display());
    }
    Ok(())
}

enum Target {
    Capture(Box<CaptureFile>),
    Har(Har<BufWriter<File>>),
    Curl(Script<BufWriter<File>>),
}

impl Target {
    fn create(path: &Path) -> anyhow::Result<Self> {
        if let Some(format) = Format::of(path) {
            let sink = CaptureFile::create(path, format, &json!({ "converted": true }))?;
            return Ok(Self::Capture(Box::new(sink)));
        }
        let ending = path.extension().unwrap_or_default();
        if ending != "har" && ending != "sh" {
            bail!("the name has to end in {FORMAT_ENDINGS}, or in .har or .sh");
        }
        let out = BufWriter::new(private_file(path)?);
        Ok(if ending == "har" {
            Self::Har(Har::begin(out)?)
        } else {
            Self::Curl(Script::begin(out)?)
        })
    }

    /// Writes a record.
    fn add(&mut self, record: &Record<'_>) -> Result<(), NotAdded> {
        match self {
            Self::Capture(sink) => {
                sink.add(record)?;
                if sink.wants_flush() {
                    sink.flush()?;
                }
            }
            Self::Har(har) => har.add(record)?,
            Self::Curl(script) => script.add(record)?,
        }
        Ok(())
    }

    fn end(self) -> anyhow::Result<()> {
        match self {
            Self::Capture(sink) => sink.finish()?,
            Self::Har(har) => har.end()?.flush()?,
            Self::Curl(script) => script.end().flush()?,
        }
        Ok(())
    }
}
