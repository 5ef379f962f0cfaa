//! How far the tables are, cell by cell: what whoever waits for them looks at.

use std::collections::HashMap;

use kaowei_core::ids::Cell;

/// The position of the journal that each cell has reached in the tables.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Progress {
    pub(crate) reached: HashMap<String, i64>,
}

impl Progress {
    /// Whether the tables show so much of each of these cells. What one has beyond it makes up for no other.
    pub(crate) fn shows(&self, wanted: &HashMap<Cell, i64>) -> bool {
        wanted
            .iter()
            .all(|(cell, position)| self.position(cell.as_str()) >= *position)
    }

    /// How many events the tables show, over all cells.
    pub(crate) fn total(&self) -> i64 {
        self.reached.values().sum()
    }

    /// How far one cell is.
    pub(crate) fn position(&self, cell: &str) -> i64 {
        self.reached.get(cell).copied().unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cell(code: &str) -> Cell {
        code.parse().unwrap()
    }

    #[test]
    fn what_one_cell_has_beyond_what_is_waited_for_makes_up_for_no_other() {
        let wanted = HashMap::from([(cell("11"), 50), (cell("99"), 50)]);
        let mut progress = Progress::default();
        assert!(!progress.shows(&wanted));
        progress.reached = HashMap::from([("11".into(), 90), ("99".into(), 40)]);
        assert!(!progress.shows(&wanted), "cell 99 lacks ten events");
        progress.reached.insert("99".into(), 50);
        assert!(progress.shows(&wanted));
    }
}
