//! `kaowei import`

use std::path::Path;
use std::process::ExitCode;

use anyhow::{Context, Result, bail};
use futures_util::TryStreamExt;
use http::{Method, StatusCode};
use http_body_util::{BodyExt, StreamBody};
use hyper::body::Frame;
use indicatif::{ProgressBar, ProgressStyle};
use kaowei_core::registration::ImportKind;
use kaowei_core::sites::Sitting;
use kaowei_engine::{Engine, ImportOptions, WrongField};
use serde::Deserialize;
use tokio_util::io::ReaderStream;

use super::client::{Client, Outgoing, succeeded, text, whole};
use super::target::{Target, operator, told};
use super::task::{ImportArguments, ImportFile};
use crate::problem::{Language, Words};

/// What became of a file, from the engine or from the server.
#[derive(Debug, Deserialize)]
struct Report {
    accepted: u64,
    rejected: Vec<Rejected>,
    rejected_total: u64,
    applied: bool,
}

#[derive(Debug, Deserialize)]
struct Rejected {
    line: u64,
    problem: String,
}

/// Imports a file.
pub(super) async fn import(arguments: ImportArguments) -> Result<ExitCode> {
    let file = &arguments.file;
    let found = std::fs::metadata(file).with_context(|| format!("{} can't be read", file.display()))?;
    if found.is_dir() {
        bail!("{} is a folder, not a file", file.display());
    }
    let kind = match arguments.kind {
        ImportFile::Sitting => return import_sitting(&arguments).await,
        ImportFile::Campuses => ImportKind::Campuses,
        ImportFile::Pools => ImportKind::Pools,
        ImportFile::Students => ImportKind::Students,
        ImportFile::Cet4Results => ImportKind::Cet4Results,
    };
    let report = match Target::of(&arguments.store).await? {
        Target::Store(engine) => {
            let report = into_engine(&engine, kind, &arguments).await;
            engine.close().await;
            report?
        }
        Target::Server(client) => through_server(&client, kind, &arguments).await?,
    };
    Ok(tell(&report, &arguments))
}

async fn into_engine(engine: &Engine, kind: ImportKind, arguments: &ImportArguments) -> Result<Report> {
    let bar = progress_bar();
    let options = ImportOptions {
        dry_run: arguments.dry_run,
        skip_bad: arguments.skip_bad,
    };
    let progress = |done: u64, total: u64| {
        bar.set_length(total);
        bar.set_position(done);
    };
    let report = engine
        .import(&operator(), kind, &arguments.file, options, &progress)
        .await;
    bar.finish_and_clear();
    let report = report.map_err(told)?;
    Ok(Report {
        accepted: report.accepted,
        rejected: report
            .rejected
            .into_iter()
            .map(|bad| Rejected {
                line: bad.line,
                problem: Words::from(&bad).in_language(Language::English).into(),
            })
            .collect(),
        rejected_total: report.rejected_total,
        applied: report.applied,
    })
}

async fn through_server(client: &Client, kind: ImportKind, arguments: &ImportArguments) -> Result<Report> {
    let path = format!(
        "/v1/staff/imports/{}?dry_run={}&skip_bad={}",
        kind.as_str(),
        arguments.dry_run,
        arguments.skip_bad
    );
    let bar = progress_bar();
    let body = upload(&arguments.file, bar.clone()).await?;
    let response = client.send(Method::POST, &path, "text/csv", body).await?;
    bar.finish_and_clear();
    // A file with bad lines is refused with its report: that is no error of this command, but its result.
    if response.status() == StatusCode::UNPROCESSABLE_ENTITY {
        let body = text(response).await?;
        if let Ok(report) = serde_json::from_slice(&body) {
            return Ok(report);
        }
        let problem: serde_json::Value = serde_json::from_slice(&body).unwrap_or_default();
        bail!(
            "{}",
            problem["detail"]
                .as_str()
                .unwrap_or("the server refused the file")
        );
    }
    let body = text(succeeded(response).await?).await?;
    serde_json::from_slice(&body).context("the server's answer can't be read: is it of another release?")
}

/// A file as the body of a request, with its progress.
async fn upload(file: &Path, bar: ProgressBar) -> Result<Outgoing> {
    let open = tokio::fs::File::open(file)
        .await
        .with_context(|| format!("{} can't be read", file.display()))?;
    bar.set_length(open.metadata().await?.len());
    let chunks = ReaderStream::with_capacity(open, 262_144).map_ok(move |chunk| {
        bar.inc(chunk.len() as u64);
        Frame::data(chunk)
    });
    Ok(BodyExt::boxed(StreamBody::new(chunks)))
}

fn tell(report: &Report, arguments: &ImportArguments) -> ExitCode {
    let file = arguments.file.display();
    for bad in &report.rejected {
        eprintln!("{file}, line {}: {}", bad.line, bad.problem);
    }
    let listed = report.rejected.len() as u64;
    if report.rejected_total > listed {
        eprintln!("{file}: and {} more bad lines", report.rejected_total - listed);
    }
    let (accepted, bad) = (report.accepted, report.rejected_total);
    if report.applied {
        eprintln!("{file}: {accepted} lines imported, {bad} left out");
    } else if arguments.dry_run {
        eprintln!("{file}: {accepted} lines are fine, {bad} are not; nothing was changed (--dry-run)");
    } else {
        eprintln!(
            "{file}: {bad} bad lines, so nothing was changed; correct them, or leave them out with --skip-bad"
        );
    }
    if bad > 0 && !arguments.skip_bad {
        ExitCode::FAILURE
    } else {
        ExitCode::SUCCESS
    }
}

async fn import_sitting(arguments: &ImportArguments) -> Result<ExitCode> {
    let file = arguments.file.display();
    let bytes = std::fs::read(&arguments.file).with_context(|| format!("{file} can't be read"))?;
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&bytes);
    let sitting: Sitting =
        serde_json::from_slice(bytes).with_context(|| format!("{file} is not a sitting file"))?;
    let problems = sitting.validate();
    if !problems.is_empty() {
        for problem in problems {
            let wrong = WrongField::from(problem);
            let words = Words::from(&wrong.fault).about(&wrong.pointer);
            eprintln!("{file}, {}", words.in_language(Language::English));
        }
        bail!("{file} can't be used as a sitting: correct what is listed above; nothing was changed");
    }
    if arguments.dry_run {
        eprintln!("{file}: it can be used; nothing was changed (--dry-run)");
        return Ok(ExitCode::SUCCESS);
    }
    match Target::of(&arguments.store).await? {
        Target::Store(engine) => {
            let saved = engine.put_sitting(&operator(), sitting).await;
            engine.close().await;
            saved.map_err(told)?;
        }
        Target::Server(client) => {
            let body = whole(bytes.to_vec());
            let response = client
                .send(Method::PUT, "/v1/staff/sitting", "application/json", body)
                .await?;
            succeeded(response).await?;
        }
    }
    eprintln!("{file}: the sitting is set");
    Ok(ExitCode::SUCCESS)
}

/// On standard error; invisible where that is no terminal.
fn progress_bar() -> ProgressBar {
    let style = "{bar:40} {bytes}/{total_bytes} {bytes_per_sec}, {eta} left";
    let bar = ProgressBar::new(0);
    // The template is ours and right; a plain bar would do too.
    match ProgressStyle::with_template(style) {
        Ok(style) => bar.with_style(style),
        Err(_) => bar,
    }
}
