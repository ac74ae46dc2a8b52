//! `shadowtee report`.

use std::{
    fmt::Display,
    fs,
    io::{self, Write},
    process::ExitCode,
    time::Duration,
};

use anyhow::{Context, bail};
use bytes::Bytes;
use http::{
    Method, Request, StatusCode,
    header::{AUTHORIZATION, CONTENT_TYPE, HOST},
};
use http_body_util::{BodyExt, Full};
use hyper_util::rt::TokioIo;
use serde::Deserialize;
use tokio::{runtime::Builder, time::timeout};

use crate::{
    cli::{CauseCondition, Finding, Report as Arguments, ReportFormat, ReportOut},
    compare::{Report, Since, Style, html, junit, markdown, text},
    net::Connector,
};

/// How long the administration may take.
const PATIENCE: Duration = Duration::from_secs(60);

/// Reports of several shadows.
#[derive(Deserialize)]
struct Several {
    shadows: Vec<Report>,
}

/// Asks a running program what it found, or reads what another one found, and writes it as it is to be read.
pub(super) fn report(arguments: &Arguments) -> anyhow::Result<ExitCode> {
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
    let is_failure = publish(&reports, &arguments.out, &arguments.fail_on)?;
    Ok(ExitCode::from(if is_failure { 2 } else { 0 }))
}

/// Writes reports, and returns whether they are a failure.
pub(super) fn publish(
    reports: &[Report],
    out: &ReportOut,
    fail_on: &[CauseCondition],
) -> anyhow::Result<bool> {
    let written = written(reports, out)?;
    match &out.output {
        Some(path) => {
            fs::write(path, written).with_context(|| format!("can't write {}", path.display()))?;
        }
        None => io::stdout()
            .write_all(written.as_bytes())
            .context("can't write to standard output")?,
    }
    let older = match &out.since {
        Some(file) => parse(&fs::read(file).with_context(|| unreadable(file.display()))?)?,
        None => Vec::new(),
    };
    let mut is_failure = false;
    for condition in fail_on {
        for report in reports {
            let (count, what) = match condition.finding {
                Finding::Causes => (report.confirmed().count(), "causes"),
                Finding::NewCauses => {
                    let known = older.iter().find(|older| older.shadow == report.shadow);
                    let nothing = Report::default();
                    let since = Since::of(report, known.unwrap_or(&nothing));
                    for cause in &since.new {
                        eprintln!("shadowtee: new: {} ({})", cause.title, cause.id);
                    }
                    (since.new.len(), "new causes")
                }
            };
            if count as u64 > condition.most {
                eprintln!(
                    "shadowtee: failed by {condition}: {count} {what} of {}",
                    report.shadow
                );
                is_failure = true;
            }
        }
    }
    Ok(is_failure)
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
    let write = |report| match format {
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
        several => Ok(several.iter().map(write).collect::<Vec<_>>().join("\n")),
    }
}

/// One report, or several.
fn parse(json: &[u8]) -> anyhow::Result<Vec<Report>> {
    let reports = match serde_json::from_slice::<Several>(json) {
        Ok(several) => several.shadows,
        Err(_) => vec![serde_json::from_slice(json).context("this is not a report in JSON")?],
    };
    Ok(reports)
}

/// Asks the administration of a running program.
fn ask(arguments: &Arguments) -> anyhow::Result<Vec<Report>> {
    let mut path = "/api/report".to_owned();
    if arguments.reset {
        path += "/reset";
    }
    if let Some(shadow) = &arguments.shadow {
        path.push_str("?shadow=");
        path.push_str(shadow);
    }
    let runtime = Builder::new_current_thread().enable_all().build()?;
    let asked = runtime.block_on(async { timeout(PATIENCE, request(arguments, &path)).await });
    let (status, body) = asked.context("the administration does not answer")??;
    match status {
        StatusCode::OK if arguments.reset => Ok(Vec::new()),
        StatusCode::OK => parse(&body),
        status => bail!("{status}: {}", String::from_utf8_lossy(&body).trim_end()),
    }
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
