//! `shadowtee report`.

use std::{
    fmt::Display,
    fs,
    io::{self, Write},
    process::ExitCode,
    time::Duration,
};

use anyhow::{Context, anyhow, bail};
use bytes::Bytes;
use http::{
    Method, Request, StatusCode,
    header::{AUTHORIZATION, CONTENT_TYPE, HOST},
};
use http_body_util::{BodyExt, Full};
use hyper_util::rt::TokioIo;
use serde::Deserialize;
use tokio::{runtime::Builder, time::timeout};

use super::example;
use crate::{
    app, capture,
    cli::{CauseCondition, CompareFiles, Finding, Report as Arguments, ReportFormat, ReportOut},
    compare::{
        Report, Requests, Settings, Since, Style, WholeExample, html, junit, markdown, text,
    },
    net::Connector,
};

/// How long the administration may take.
const PATIENCE: Duration = Duration::from_secs(60);

/// Reports of several shadows.
#[derive(Deserialize)]
struct Several {
    shadows: Vec<Report>,
}

/// What a replay wrote in JSON.
#[derive(Deserialize)]
struct Replayed {
    comparison: Report,
}

/// Asks a running program what it found, or reads what another one found, and writes it as it is to be read.
pub(super) fn report(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    let older = older(&arguments.out)?;
    if let Some(cause) = &arguments.example {
        return whole_example(arguments, cause);
    }
    let reports = match (&arguments.file, &arguments.admin) {
        (Some(file), _) => parse(&fs::read(file).with_context(|| unreadable(file.display()))?)?,
        (None, Some(_)) => ask(arguments)?,
        (None, None) => {
            bail!("say where the administration is, for example --admin 127.0.0.1:9900")
        }
    };
    if arguments.reset {
        println!("all that was learned and counted is forgotten");
        return Ok(ExitCode::SUCCESS);
    }
    write(&reports, &arguments.out)?;
    let is_failure = judge(&reports, &arguments.out, &older, &arguments.fail_on);
    Ok(ExitCode::from(if is_failure { 2 } else { 0 }))
}

/// How captured responses are compared with those of `shadow`.
pub(super) fn captured_settings(files: &CompareFiles, shadow: &str) -> anyhow::Result<Settings> {
    let settings = app::compare_settings(&files.settings());
    Ok(Settings {
        shadow: shadow.to_owned(),
        is_redacted: capture::is_redacted,
        ..settings.map_err(|wrong| anyhow!(wrong.what))?
    })
}

/// Writes a cause's example with both responses.
fn whole_example(arguments: &Arguments, cause: &str) -> anyhow::Result<ExitCode> {
    let out = &arguments.out;
    if !cause
        .bytes()
        .all(|c| c.is_ascii_alphanumeric() || c == b'-')
    {
        bail!("--example: {cause:?} is no id of a cause; the report has it behind each");
    }
    let mut path = format!("/api/report/example?cause={cause}");
    if let Some(shadow) = &arguments.shadow {
        path.push_str("&shadow=");
        path.push_str(shadow);
    }
    let (status, body) = asked(arguments, &path)?;
    if status != StatusCode::OK {
        bail!("{}", String::from_utf8_lossy(&body).trim_end());
    }
    let example: WholeExample =
        serde_json::from_slice(&body).context("this is no example in JSON")?;
    let style = match &out.output {
        Some(_) => Style::default(),
        None => Style::of_output(),
    };
    let text = match out.format {
        ReportFormat::Json => serde_json::to_string_pretty(&example)? + "\n",
        ReportFormat::Text => example::text(&example, style),
        _ => bail!("--example is written as text or as json"),
    };
    put(&text, out)?;
    Ok(ExitCode::SUCCESS)
}

/// The older report that causes are new since. What would only fail once all is done is told here, before it begins.
pub(super) fn older(out: &ReportOut) -> anyhow::Result<Vec<Report>> {
    let folder = out.output.as_ref().and_then(|path| path.parent());
    if let Some(folder) = folder.filter(|folder| !folder.as_os_str().is_empty() && !folder.is_dir())
    {
        bail!("--output: there is no folder {}", folder.display());
    }
    let Some(file) = &out.since else {
        return Ok(Vec::new());
    };
    let json = fs::read(file).with_context(|| unreadable(file.display()))?;
    parse(&json).with_context(|| unreadable(file.display()))
}

/// Writes reports as they are asked for.
pub(super) fn write(reports: &[Report], out: &ReportOut) -> anyhow::Result<()> {
    put(&written(reports, out)?, out)
}

fn put(written: &str, out: &ReportOut) -> anyhow::Result<()> {
    match &out.output {
        Some(path) => {
            fs::write(path, written).with_context(|| format!("can't write {}", path.display()))
        }
        None => io::stdout()
            .write_all(written.as_bytes())
            .context("can't write to standard output"),
    }
}

/// Tells what is new, and returns whether reports meet a condition.
pub(super) fn judge(
    reports: &[Report],
    out: &ReportOut,
    older: &[Report],
    fail_on: &[CauseCondition],
) -> bool {
    let asks_for_new = |condition: &CauseCondition| condition.finding == Finding::NewCauses;
    let tells_new = out.since.is_some() || fail_on.iter().any(asks_for_new);
    let nothing = Report::default();
    let mut is_failure = false;
    for report in reports {
        let since = Since::of(report, before(report, reports, older).unwrap_or(&nothing));
        if tells_new {
            tell(&since);
        }
        for condition in fail_on {
            let (count, one, many) = match condition.finding {
                Finding::Causes => (report.confirmed().count(), "cause", "causes"),
                Finding::NewCauses => (since.new.len(), "new cause", "new causes"),
            };
            if count as u64 > condition.most {
                let what = if count == 1 { one } else { many };
                eprintln!(
                    "shadowtee: failed by {condition}: {count} {what} of {}",
                    report.shadow
                );
                is_failure = true;
            }
        }
    }
    is_failure
}

/// Why what was compared says nothing, which a pipeline must not take for a success.
pub(super) fn too_little(found: &Report) -> Option<String> {
    let bare = ["no_primary", "not_captured", "no_body"];
    let bare = bare.iter().filter_map(|why| found.not_compared.get(*why));
    let bare = bare.sum::<u64>();
    let Requests {
        answered, compared, ..
    } = found.requests;
    if answered == 0 {
        return Some("nothing was compared: the target answered no request".to_owned());
    }
    if bare > compared {
        return Some(format!(
            "{bare} of {answered} responses have no body in the capture to compare with; captures have them with answers = \"body\" in [capture]"
        ));
    }
    (compared == 0).then(|| "nothing was compared; the report says why".to_owned())
}

/// What an older report said of the same shadow. Where there is one on either side, its name says nothing: it may be that of
/// a file.
fn before<'a>(report: &Report, reports: &[Report], older: &'a [Report]) -> Option<&'a Report> {
    match (reports, older) {
        ([_], [one]) => Some(one),
        _ => older.iter().find(|older| older.shadow == report.shadow),
    }
}

fn tell(since: &Since<'_>) {
    for (what, causes) in [("new", &since.new), ("gone", &since.gone)] {
        for cause in causes {
            eprintln!(
                "shadowtee: {what}: {} ({})",
                super::printable(&cause.title),
                cause.id
            );
        }
    }
}

fn unreadable(file: impl Display) -> String {
    format!("can't read {file}")
}

fn written(reports: &[Report], out: &ReportOut) -> anyhow::Result<String> {
    let format = out.format;
    if format == ReportFormat::Json {
        let json = match reports {
            [report] => serde_json::to_string_pretty(report)?,
            several => serde_json::to_string_pretty(&serde_json::json!({ "shadows": several }))?,
        };
        return Ok(json + "\n");
    }
    let style = match &out.output {
        Some(_) => Style::default(),
        None => Style::of_output(),
    };
    let form = |report| match format {
        ReportFormat::Text | ReportFormat::Json => text(report, style),
        ReportFormat::Html => html(report),
        ReportFormat::Junit => junit(report),
        ReportFormat::Markdown => markdown(report),
    };
    match reports {
        [] => bail!("no shadow's responses are compared; set compare = true in a [[shadow]]"),
        [_, _, ..] if matches!(format, ReportFormat::Html | ReportFormat::Junit) => {
            bail!("several shadows are compared; choose one with --shadow")
        }
        several => Ok(several.iter().map(form).collect::<Vec<_>>().join("\n")),
    }
}

/// One report, that of a replay, or several.
fn parse(json: &[u8]) -> anyhow::Result<Vec<Report>> {
    if let Ok(several) = serde_json::from_slice::<Several>(json) {
        return Ok(several.shadows);
    }
    if let Ok(replayed) = serde_json::from_slice::<Replayed>(json) {
        return Ok(vec![replayed.comparison]);
    }
    let report = serde_json::from_slice(json);
    Ok(vec![report.context("this is not a report in JSON")?])
}

/// Asks the administration of a running program.
fn ask(arguments: &Arguments) -> anyhow::Result<Vec<Report>> {
    let path = if arguments.reset {
        "/api/report/reset?"
    } else {
        "/api/report?exact=true&"
    };
    let mut path = path.to_owned();
    if let Some(shadow) = &arguments.shadow {
        path.push_str("shadow=");
        path.push_str(shadow);
    }
    let (status, body) = asked(arguments, &path)?;
    match status {
        StatusCode::OK if arguments.reset => Ok(Vec::new()),
        StatusCode::OK => parse(&body),
        status => bail!("{status}: {}", String::from_utf8_lossy(&body).trim_end()),
    }
}

fn asked(arguments: &Arguments, path: &str) -> anyhow::Result<(StatusCode, Bytes)> {
    let runtime = Builder::new_current_thread().enable_all().build()?;
    let asked = runtime.block_on(async { timeout(PATIENCE, request(arguments, path)).await });
    asked.context("the administration does not answer")?
}

async fn request(arguments: &Arguments, path: &str) -> anyhow::Result<(StatusCode, Bytes)> {
    let address = arguments.admin.clone().context("there is no --admin")?;
    let connector = Connector::new(address.clone(), &arguments.tls(), PATIENCE)?;
    let stream = connector
        .connect()
        .await
        .with_context(|| format!("nobody answers at {address}"))?;
    let (mut sender, connection) =
        hyper::client::conn::http1::handshake(TokioIo::new(stream)).await?;
    let asking = async {
        let method = if arguments.reset {
            Method::POST
        } else {
            Method::GET
        };
        let mut request = Request::builder()
            .method(method)
            .uri(path)
            .header(HOST, "localhost")
            .header(CONTENT_TYPE, "application/json");
        if let Some(token) = arguments.token()? {
            request = request.header(AUTHORIZATION, format!("Bearer {token}"));
        }
        let response = sender
            .send_request(request.body(Full::<Bytes>::default())?)
            .await?;
        let status = response.status();
        Ok((status, response.into_body().collect().await?.to_bytes()))
    };
    tokio::select! {
        asked = asking => asked,
        ended = connection => {
            ended?;
            bail!("the administration closed the connection")
        }
    }
}
