//! Imports that a crash cut off: the spooled file tells what is left to do.

use std::path::{Path, PathBuf};

use kaowei_core::registration::ImportKind;
use tokio::sync::MutexGuard;

use super::super::Staff;
use super::file_failed;
use crate::Engine;
use crate::failure::{Denied, Failure, OpenError};
use crate::people::unavailable;
use crate::store::on;

/// A file kept in the data folder until it is applied.
pub(super) struct Spooled {
    id: String,
    pub(super) path: PathBuf,
}

type ImportRow = (String, String, String, String, String);

const ADD: &str =
    "INSERT INTO imports (id, kind, spool, skip_bad, staff, scope) VALUES ($1, $2, $3, 1, $4, $5)";
const OPEN: &str = "SELECT id, kind, spool, staff, scope FROM imports ORDER BY id";
const REMOVE: &str = "DELETE FROM imports WHERE id = $1";

impl Engine {
    /// Keeps a copy of the file and the note that it is being applied.
    pub(super) async fn spool(
        &self,
        staff: &Staff,
        kind: ImportKind,
        file: &Path,
    ) -> Result<Spooled, Denied> {
        let id = uuid::Uuid::now_v7().to_string();
        let folder = self.inner.settings.data_dir.join("imports");
        let path = folder.join(format!("{id}.csv"));
        let (from, to) = (file.to_path_buf(), path.clone());
        let copied = tokio::task::spawn_blocking(move || {
            std::fs::create_dir_all(&folder)?;
            std::fs::copy(from, &to)?;
            std::fs::File::open(&to)?.sync_all()?;
            // Its name too: the note must not outlive the file.
            std::fs::File::open(&folder)?.sync_all()
        });
        copied
            .await
            .map_err(std::io::Error::other)
            .and_then(|copied| copied)
            .map_err(|error| file_failed(&error))?;
        let spool = path
            .file_name()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned();
        let noted = on!(&self.inner.store.people, pool => {
            sqlx::query(ADD)
                .bind(&id)
                .bind(kind.as_str())
                .bind(&spool)
                .bind(&*staff.subject)
                .bind(staff.scope.to_string())
                .execute(pool)
                .await
                .map(|_| ())
        });
        noted.map_err(|error| unavailable(&error))?;
        Ok(Spooled { id, path })
    }

    /// All of it is applied.
    pub(super) async fn forget_spool(&self, spooled: Spooled) -> Result<(), Failure> {
        let removed = on!(&self.inner.store.people, pool => {
            sqlx::query(REMOVE).bind(&spooled.id).execute(pool).await.map(|_| ())
        });
        removed.map_err(|error| unavailable(&error))?;
        if let Err(error) = std::fs::remove_file(&spooled.path) {
            tracing::warn!(%error, file = %spooled.path.display(), "an applied import's file could not be deleted; it may be");
        }
        Ok(())
    }

    /// The turn of a change by staff: one at a time, and what a lost store cut off comes first.
    pub(crate) async fn take_changes(&self) -> Result<MutexGuard<'_, ()>, Failure> {
        let turn = self.inner.changes.lock().await;
        self.resume_imports().await.map_err(|error| {
            tracing::warn!(%error, "an import that was cut off can't be finished yet; no other change goes before it");
            Failure::StoreUnavailable
        })?;
        Ok(turn)
    }

    /// The turn of that member of staff, whose account may have ended while they waited for it.
    pub(crate) async fn take_changes_as(&self, staff: &Staff) -> Result<MutexGuard<'_, ()>, Denied> {
        let turn = self.take_changes().await?;
        self.check_staff(staff)?;
        Ok(turn)
    }

    /// Finishes what a crash cut off; files that nothing was applied of are discarded.
    pub(crate) async fn resume_imports(&self) -> Result<(), OpenError> {
        let rows: Vec<ImportRow> =
            on!(&self.inner.store.people, pool => sqlx::query_as(OPEN).fetch_all(pool).await?);
        let folder = self.inner.settings.data_dir.join("imports");
        for (id, kind, spool, subject, scope) in rows {
            let damaged = || OpenError::Damaged(format!("the note of import {id} can't be read"));
            let kind: ImportKind =
                serde_json::from_value(serde_json::Value::String(kind)).map_err(|_| damaged())?;
            let staff = Staff {
                subject: subject.into(),
                scope: scope.parse().map_err(|_| damaged())?,
            };
            let spooled = Spooled {
                id: id.clone(),
                path: folder.join(spool),
            };
            if spooled.path.exists() {
                tracing::info!(%id, ?kind, "an import that was cut off is resumed");
                let applied = self.apply(&staff, kind, &spooled.path, &|_, _| {}).await;
                applied.map_err(|denied| match denied {
                    Denied::Failed(failure) => failure.into(),
                    denied => OpenError::Damaged(format!("import {id} could not be resumed: {denied}")),
                })?;
            } else {
                tracing::warn!(%id, ?kind, "an import that was cut off is discarded: its file is gone; import it again");
            }
            self.forget_spool(spooled).await?;
        }
        Ok(())
    }
}
