//! Imports of CSV files (2.8, R33): validated as a whole first, then applied in slices between claims' batches.
//!
//! A file with bad lines changes nothing unless told to skip them. Memory stays flat: a thread of its own reads the
//! file, makes slices of it ready – which takes most of the time – and hands them over. The file is copied into the data
//! folder first, so that an import that a crash cut off while it was applied is resumed at the next start, and one that a
//! lost store cut off before staff change anything else, so that it never comes back over what was changed since;
//! applying a line twice changes nothing.

mod apply;
mod line;
mod reader;
mod resume;

use std::path::Path;

use kaowei_core::ids::national_cell;
use kaowei_core::registration::{Event, ImportKind};

use super::Staff;
use crate::Engine;
use crate::fail_points::{FailPoint, pass};
use crate::failure::{Denied, Failure};
use crate::fault::Fault;
use apply::Applier;
use reader::{Chunk, Purpose, read};

/// At most so many bad lines are listed; all are counted.
const BAD_LINES_LISTED: usize = 1_000;

/// How to import.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ImportOptions {
    /// Only say what would be done.
    pub dry_run: bool,
    /// Apply the good lines even if there are bad ones.
    pub skip_bad: bool,
}

/// A line that can't be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BadLine {
    /// Its number in the file; the header is line 1.
    pub line: u64,
    /// In which column, where it is one cell's fault.
    pub column: Option<&'static str>,
    /// What is wrong with it.
    pub fault: Fault,
}

/// What an import did, or would do.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ImportReport {
    /// Good lines.
    pub accepted: u64,
    /// Bad lines; the first 1,000.
    pub rejected: Vec<BadLine>,
    /// How many bad lines there are.
    pub rejected_total: u64,
    /// Whether anything was changed.
    pub applied: bool,
}

impl ImportReport {
    fn reject(&mut self, bad: BadLine) {
        self.rejected_total += 1;
        if self.rejected.len() < BAD_LINES_LISTED {
            self.rejected.push(bad);
        }
    }
}

/// How far an import has come, in bytes: done and in all. The file is read twice.
pub type Progress<'a> = &'a (dyn Fn(u64, u64) + Sync);

impl Engine {
    /// Imports a file.
    ///
    /// # Errors
    /// [`Denied::Unreadable`] where the file is not a CSV file with the columns of its kind.
    pub async fn import(
        &self,
        staff: &Staff,
        kind: ImportKind,
        file: &Path,
        options: ImportOptions,
        progress: Progress<'_>,
    ) -> Result<ImportReport, Denied> {
        if kind == ImportKind::Cet4Results {
            // Results belong to no province, so nobody below the nation may overwrite them (R32).
            staff.national_only()?;
        }
        let _one_at_a_time = self.take_changes_as(staff).await?;
        let report = self.validate(staff, kind, file, progress).await?;
        if options.dry_run || (report.rejected_total > 0 && !options.skip_bad) {
            return Ok(report);
        }
        pass(FailPoint::ImportValidated);
        let spooled = self.spool(staff, kind, file).await?;
        let applied = self.apply(staff, kind, &spooled.path, progress).await;
        if let Err(Denied::Failed(failure)) = applied {
            // The note stays: it is finished before anything else is changed, or at the next start.
            return Err(failure.into());
        }
        self.forget_spool(spooled).await?;
        applied
    }

    async fn validate(
        &self,
        staff: &Staff,
        kind: ImportKind,
        file: &Path,
        progress: Progress<'_>,
    ) -> Result<ImportReport, Denied> {
        let mut report = ImportReport::default();
        let mut chunks = read(self.incarnation()?, staff.scope, kind, file, Purpose::Validate)?;
        while let Some(chunk) = chunks.recv().await {
            let Chunk {
                good,
                bad,
                bytes_read,
                bytes,
                ..
            } = chunk?;
            report.accepted += good;
            for bad in bad {
                report.reject(bad);
            }
            progress(bytes_read / 2, bytes);
        }
        Ok(report)
    }

    /// Applies the good lines of a file. What came of them, counted here: claims go on between the two readings.
    async fn apply(
        &self,
        staff: &Staff,
        kind: ImportKind,
        file: &Path,
        progress: Progress<'_>,
    ) -> Result<ImportReport, Denied> {
        let mut report = ImportReport {
            applied: true,
            ..ImportReport::default()
        };
        let incarnation = self.incarnation()?;
        let mut chunks = read(incarnation.clone(), staff.scope, kind, file, Purpose::Apply)?;
        let applier = Applier {
            engine: self,
            staff,
            incarnation: incarnation.clone(),
        };
        while let Some(chunk) = chunks.recv().await {
            let Chunk {
                slice,
                good,
                bad: mut rejected,
                bytes_read,
                bytes,
            } = chunk?;
            let refused = applier.apply(slice).await?;
            report.accepted += good - refused.len() as u64;
            rejected.extend(refused);
            rejected.sort_by_key(|bad| bad.line);
            for bad in rejected {
                report.reject(bad);
            }
            pass(FailPoint::ImportSlice);
            progress(u64::midpoint(bytes, bytes_read), bytes);
        }
        let event = Event::Imported {
            kind,
            accepted: report.accepted,
            rejected: report.rejected_total,
            by: staff.by(),
        };
        incarnation.record(national_cell(), vec![event]).await?;
        Ok(report)
    }
}

fn file_failed(error: &std::io::Error) -> Denied {
    tracing::warn!(%error, "an import's file can't be read or kept");
    Denied::Failed(Failure::StoreUnavailable)
}
