//! `kaowei rebuild`, `kaowei migrate`, `kaowei openapi`

use std::io::Write;
use std::process::ExitCode;

use anyhow::{Context, Result};
use indicatif::{ProgressBar, ProgressStyle};

use crate::openapi;
use crate::settings::StoreSettings;

/// Makes the tables anew from the journal, and compares both.
pub(super) async fn rebuild(store: &StoreSettings) -> Result<ExitCode> {
    let style = ProgressStyle::with_template("{bar:40} {pos}/{len} events {per_sec}, {eta} left");
    let bar = ProgressBar::new(0).with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
    let report = kaowei_engine::rebuild(&store.engine()?, &|done, total| {
        bar.set_length(total);
        bar.set_position(done);
    })
    .await;
    bar.finish_and_clear();
    let report = report?;
    eprintln!(
        "the tables are made anew from {} events and agree with the journal: {} pools, {} candidates",
        report.events, report.pools, report.candidates
    );
    Ok(ExitCode::SUCCESS)
}

/// Brings the store's schema up to date.
pub(super) async fn migrate(store: &StoreSettings) -> Result<ExitCode> {
    kaowei_engine::migrate(&store.engine()?).await?;
    eprintln!("the store's schema is up to date");
    Ok(ExitCode::SUCCESS)
}

/// Writes the OpenAPI document.
pub(super) fn openapi() -> Result<ExitCode> {
    let document = openapi::document().context("the document can't be written")?;
    let mut out = std::io::stdout().lock();
    writeln!(out, "{document}").context("the document can't be written")?;
    Ok(ExitCode::SUCCESS)
}
