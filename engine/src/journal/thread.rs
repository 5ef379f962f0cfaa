//! The journal's own thread and runtime: its connection must not share them with anything.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use kaowei_core::ids::Cell;
use kaowei_core::time::Moment;
use tokio::sync::{mpsc, oneshot, watch};

use super::{CellState, Entry, Writer, WriterEnd};
use crate::clock::EngineClock;
use crate::failure::OpenError;
use crate::incarnation::Incarnation;
use crate::recovery::{self, Lead};
use crate::store::Store;

/// The thread.
pub(crate) struct JournalThread {
    lead: Option<oneshot::Receiver<Result<Option<Lead>, OpenError>>>,
    start: Option<oneshot::Sender<Start>>,
    ended: Option<oneshot::Receiver<WriterEnd>>,
}

/// What it writes with.
pub(crate) struct Start {
    pub(crate) cells: HashMap<Cell, CellState>,
    pub(crate) incarnation: Arc<Incarnation>,
    pub(crate) clock: Arc<EngineClock>,
    pub(crate) entries: mpsc::UnboundedReceiver<Entry>,
    pub(crate) batch_max: usize,
    pub(crate) commit_time_max: Duration,
    /// The latest sign of life of whoever wrote before.
    pub(crate) alive_at: Option<Moment>,
}

impl JournalThread {
    /// Starts it: it connects and takes the lead, then waits. When the engine has given up, it leaves off whatever it
    /// waits for: nobody reads the journal after that.
    pub(crate) fn start(
        store: Arc<Store>,
        leader: Arc<str>,
        again: bool,
        mut given_up: watch::Receiver<bool>,
    ) -> Self {
        let (leads, lead) = oneshot::channel();
        let (start, started) = oneshot::channel::<Start>();
        let (ends, ended) = oneshot::channel();
        let work = async move {
            let taking = async {
                let mut connection = store.connect_journal().await?;
                let lead = recovery::take_the_lead(&mut connection, &leader, again).await?;
                Ok::<_, OpenError>((connection, lead))
            };
            let connection = match taking.await {
                Ok((connection, lead)) => {
                    leads.send(Ok(lead)).ok();
                    connection
                }
                Err(error) => {
                    leads.send(Err(error)).ok();
                    return;
                }
            };
            drop(store);
            if let Ok(Start {
                cells,
                incarnation,
                clock,
                entries,
                batch_max,
                commit_time_max,
                alive_at,
            }) = started.await
            {
                let writer = Writer {
                    connection,
                    leader,
                    cells,
                    incarnation,
                    clock,
                    entries,
                    batch_max,
                    commit_time_max,
                    alive_at,
                };
                ends.send(writer.run().await).ok();
            } else {
                connection.close().await;
            }
        };
        let work = async move {
            tokio::select! {
                () = work => {}
                Ok(_) = given_up.wait_for(|given_up| *given_up) => {}
            }
        };
        let spawned = std::thread::Builder::new().name("journal".into()).spawn(move || {
            match tokio::runtime::Builder::new_current_thread().enable_all().build() {
                Ok(runtime) => runtime.block_on(work),
                Err(error) => tracing::error!(%error, "the journal's runtime can't be built"),
            }
        });
        if let Err(error) = spawned {
            tracing::error!(%error, "the journal's thread can't be started");
        }
        Self {
            lead: Some(lead),
            start: Some(start),
            ended: Some(ended),
        }
    }

    /// The cells as this server leads them.
    pub(crate) async fn lead(&mut self) -> Result<Lead, OpenError> {
        let gone = || OpenError::JournalThread;
        let lead = self.lead.take().ok_or_else(gone)?.await.map_err(|_| gone())??;
        lead.ok_or(OpenError::DatabaseTaken)
    }

    /// Lets it write.
    pub(crate) fn write(&mut self, with: Start) -> oneshot::Receiver<WriterEnd> {
        if let Some(start) = self.start.take() {
            start.send(with).ok();
        }
        self.ended.take().unwrap_or_else(|| oneshot::channel().1)
    }
}
