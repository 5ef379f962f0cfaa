//! `kaowei audit verify`

use std::process::ExitCode;

use anyhow::{Context, Result, bail};

use super::task::AuditTask;
use super::trail::{Line, Trail};

/// Verifies an export of the audit trail; the first breach is named.
pub(super) fn audit(task: &AuditTask) -> Result<ExitCode> {
    let AuditTask::Verify { export, .. } = task;
    let file = export.display();
    let mut reader = csv::Reader::from_path(export).with_context(|| format!("{file} can't be read"))?;
    let mut trail = Trail::default();
    for line in reader.deserialize() {
        let line: Line = line.with_context(|| {
            format!("{file} is not an export of the audit trail: `kaowei export audit` writes one")
        })?;
        if let Err(breach) = trail.add(&line) {
            bail!("{file}, cell {}, position {}: {breach}", line.cell, line.position);
        }
    }
    let verified = trail.verified();
    if verified.records == 0 {
        bail!("{file} has no records: `kaowei export audit` writes them");
    }
    eprintln!(
        "{file} holds: {} records in {} chains; {} pools with {} claims, nothing oversold, nobody jumped the queue",
        verified.records, verified.streams, verified.pools, verified.claims
    );
    Ok(ExitCode::SUCCESS)
}
