//! What a candidate has been told (R36).

use std::collections::HashMap;

use kaowei_core::notices::NoticeId;

use crate::Engine;
use crate::failure::{Denied, Failure};
use crate::tables::notices_of;
use crate::views::{Account, NoticeView};

impl Engine {
    /// A candidate's notices after one, or from the first, oldest first. Each is there from the moment in which its
    /// event is published.
    ///
    /// # Errors
    /// [`Failure::StoreUnavailable`].
    pub async fn notices(
        &self,
        account: Account,
        after: Option<NoticeId>,
        limit: usize,
    ) -> Result<Vec<NoticeView>, Denied> {
        let incarnation = self.incarnation()?;
        let cell = account.province;
        // The tables come later than what was published: they are waited for where they lack something of this
        // candidate, and after a start where they may.
        let latest = incarnation.feed.noticed(account.candidate);
        let position = latest.map_or(0, |id| id.position).max(incarnation.began_at(cell));
        self.tables_show(&incarnation, &HashMap::from([(cell, position)]))
            .await?;
        let first = NoticeId { cell, position: 0 };
        // An id of another cell is none of this candidate's.
        let after = after.filter(|id| id.cell == cell).unwrap_or(first);
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        let rows = notices_of(&self.inner.store.tables, account.candidate, after, limit).await;
        let rows = rows.map_err(|error| {
            tracing::warn!(%error, "notices can't be read");
            Failure::StoreUnavailable
        })?;
        Ok(rows.iter().map(NoticeView::from).collect())
    }
}
