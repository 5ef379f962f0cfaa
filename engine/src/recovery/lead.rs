//! Taking the lead of all cells.

use std::collections::HashMap;

use kaowei_core::audit::ChainHead;
use kaowei_core::ids::Cell;
use kaowei_core::time::Moment;

use crate::failure::OpenError;
use crate::journal::CellState;
use crate::store::JournalConnection;

/// The cells as this server leads them.
#[derive(Debug)]
pub(crate) struct Lead {
    pub(crate) cells: HashMap<Cell, CellState>,
    /// The latest sign of life of whoever led before.
    pub(crate) heartbeat_at: Option<Moment>,
}

impl Lead {
    /// Where each cell's journal ends.
    pub(crate) fn positions(&self) -> HashMap<Cell, i64> {
        self.cells
            .iter()
            .map(|(cell, state)| (*cell, state.position))
            .collect()
    }
}

/// Takes the lead; none where `again` and another server has led since.
pub(crate) async fn take_the_lead(
    connection: &mut JournalConnection,
    leader: &str,
    again: bool,
) -> Result<Option<Lead>, OpenError> {
    if !connection.lead(leader, again).await? {
        return Ok(None);
    }
    // Read afterwards: a commit that was waited for has moved its cell on.
    let mut lead = Lead {
        cells: HashMap::new(),
        heartbeat_at: None,
    };
    for (cell, epoch, batch, position, heartbeat_at) in connection.cells().await? {
        let cell: Cell = cell
            .parse()
            .map_err(|_| OpenError::Damaged(format!("{cell:?} is not a cell")))?;
        let stream = CellState::stream_name(cell);
        lead.cells.insert(
            cell,
            CellState {
                epoch,
                batch,
                position,
                chain: ChainHead::default(),
                stream,
            },
        );
        lead.heartbeat_at = lead.heartbeat_at.max(Some(Moment::from_unix_ms(heartbeat_at)));
    }
    Ok(Some(lead))
}
