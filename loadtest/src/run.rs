//! A run from beginning to end: set-up, warm-up, load, exports, verdict, report.
//!
//! Promises: whatever happens, the server that was started is ended before this returns; the first Ctrl-C ends the
//! load early and still judges what was done, the second ends everything. If something was violated or failed, the
//! folder with logs, exports and history is kept and named.

mod gather;
mod load;
mod prepare;

use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::{Context, Result};
use chrono::{SecondsFormat, Utc};

use crate::check::{Exports, check};
use crate::cli::RunOptions;
use crate::history::History;
use crate::processes::{Interrupt, Server};
use crate::report::{self, LoginFigures, Phases, RunReport, Setting, Summary, WorldFigures};
use crate::scenario::Scenario;

/// The folder of a run: the user's, or a temporary one that goes with it.
enum Folder {
    Kept(PathBuf),
    Temporary(tempfile::TempDir),
}

impl Folder {
    fn open(options: &RunOptions) -> Result<Self> {
        if let Some(folder) = &options.work_dir {
            std::fs::create_dir_all(folder).with_context(|| format!("can't make {}", folder.display()))?;
            return Ok(Self::Kept(folder.clone()));
        }
        let folder = tempfile::Builder::new().prefix("kaowei-loadtest-").tempdir()?;
        Ok(Self::Temporary(folder))
    }

    fn path(&self) -> &Path {
        match self {
            Self::Kept(path) => path,
            Self::Temporary(folder) => folder.path(),
        }
    }

    /// Keeps what is in it, and says where.
    fn keep(self) {
        let path = match self {
            Self::Kept(path) => path,
            Self::Temporary(folder) => folder.keep(),
        };
        eprintln!("logs, exports and data are kept in {}", path.display());
    }
}

/// Runs a scenario and writes its report; whether every check held.
pub async fn run(scenario: Scenario, options: &RunOptions, interrupt: &Interrupt) -> Result<bool> {
    let folder = Folder::open(options)?;
    let mut server = None;
    let result = tokio::select! {
        result = stages(scenario, options, folder.path(), &mut server, interrupt) => result,
        () = interrupt.nth(2) => Err(anyhow::anyhow!("interrupted twice: ended without a verdict")),
    };
    if let Some(server) = server.take() {
        let log = server.log.clone();
        if !server.stop().await {
            eprintln!("the server did not end well; its log is {}", log.display());
        }
    }
    if !matches!(result, Ok(true)) {
        folder.keep();
    }
    result
}

async fn stages(
    scenario: Scenario,
    options: &RunOptions,
    folder: &Path,
    server: &mut Option<Server>,
    interrupt: &Interrupt,
) -> Result<bool> {
    let started_at = Utc::now().to_rfc3339_opts(SecondsFormat::Secs, true);
    eprintln!("{}", scenario.title);
    for line in &scenario.told {
        eprintln!("  {line}");
    }
    let ready = prepare::prepare(&scenario, options, folder, server, interrupt).await?;
    let (set_up, plan) = (ready.took, ready.plan.clone());
    let loaded = load::load(&scenario, ready, interrupt).await?;

    let began = Instant::now();
    let kept = options
        .keep_exports
        .clone()
        .unwrap_or_else(|| folder.join("exports"));
    std::fs::create_dir_all(&kept).with_context(|| format!("can't make {}", kept.display()))?;
    let history_file = options
        .history
        .clone()
        .unwrap_or_else(|| folder.join("history.jsonl"));
    let gathered = gather::gather(&loaded.staff, &kept, scenario.hold_seconds).await;
    if options.history.is_some() || gathered.is_err() {
        write_history(&loaded.history, &history_file)?;
    }
    let exports = gathered?;
    let export_seconds = began.elapsed().as_secs_f64();

    let began = Instant::now();
    let count = loaded.history.requests().len();
    eprintln!("judging {count} requests against the exports");
    let (history, verdict) = judge(loaded.history, exports).await?;
    if !verdict.holds() && options.history.is_none() {
        write_history(&history, &history_file)?;
    }
    let report = RunReport {
        scenario: scenario.name.into(),
        title: scenario.title,
        told: scenario.told,
        started_at,
        setting: plan,
        world: WorldFigures::of(&scenario.world, loaded.enrolled),
        phases: Phases {
            set_up_seconds: set_up.as_secs_f64(),
            warm_up_seconds: loaded.warm_up.as_secs_f64(),
            load_seconds: loaded.load.as_secs_f64(),
            export_seconds,
            check_seconds: began.elapsed().as_secs_f64(),
        },
        logins: loaded
            .stormed
            .map(|stormed| LoginFigures::of(&history, loaded.load_from_us, stormed)),
        summary: Summary::of(&history, loaded.load_from_us),
        verdict,
        interrupted: interrupt.has_come(),
    };
    write_reports(&report, options)?;
    report::print(&report);
    eprintln!("report: {}", options.report.display());
    Ok(report.verdict.holds())
}

async fn judge(history: History, exports: Exports) -> Result<(History, crate::check::Verdict)> {
    let judging = tokio::task::spawn_blocking(move || {
        let verdict = check(&history, &exports);
        verdict.map(|verdict| (history, verdict))
    });
    Ok(judging.await.context("the judge panicked")??)
}

fn write_history(history: &History, file: &Path) -> Result<()> {
    let out = std::fs::File::create(file).with_context(|| format!("can't write {}", file.display()))?;
    history.write_lines(std::io::BufWriter::with_capacity(1 << 20, out))?;
    eprintln!("history: {}", file.display());
    Ok(())
}

fn write_reports(report: &RunReport, options: &RunOptions) -> Result<()> {
    let write = |file: &Path, text: String| {
        std::fs::write(file, text).with_context(|| format!("can't write {}", file.display()))
    };
    write(&options.report, report::page(report))?;
    if let Some(file) = &options.json {
        write(file, serde_json::to_string_pretty(report)?)?;
    }
    Ok(())
}

/// What is ready before the load.
struct Ready {
    target: crate::client::Target,
    staff: crate::client::StaffClient,
    crew: crate::driver::Crew,
    times: crate::world::SittingTimes,
    took: std::time::Duration,
    plan: Setting,
}

/// What the load leaves.
struct Loaded {
    staff: crate::client::StaffClient,
    history: History,
    enrolled: u64,
    load_from_us: u64,
    warm_up: std::time::Duration,
    load: std::time::Duration,
    stormed: Option<crate::logins::Stormed>,
}
