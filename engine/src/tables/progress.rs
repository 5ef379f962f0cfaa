//! How far the tables are, cell by cell: what whoever waits for them looks at.

use std::collections::{BTreeMap, HashMap};

use kaowei_core::ids::Cell;

/// How far each cell is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Progress {
    /// The position of the journal that each cell has reached.
    pub(crate) reached: HashMap<String, i64>,
    /// The cells that have stopped before an event which the tables refuse, with the evidence.
    pub(crate) stuck: BTreeMap<String, String>,
}

impl Progress {
    /// Whether the tables show so much of each of these cells. What one has beyond it makes up for no other.
    pub(crate) fn shows(&self, wanted: &HashMap<Cell, i64>) -> bool {
        wanted
            .iter()
            .all(|(cell, position)| self.position(cell.as_str()) >= *position)
    }

    /// Whether waiting for that is in vain.
    pub(crate) fn never_shows(&self, wanted: &HashMap<Cell, i64>) -> bool {
        wanted.iter().any(|(cell, position)| {
            self.stuck.contains_key(cell.as_str()) && self.position(cell.as_str()) < *position
        })
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

    #[test]
    fn waiting_is_in_vain_where_a_cell_has_stopped_short_of_it() {
        let progress = Progress {
            reached: HashMap::from([("11".into(), 50), ("99".into(), 50)]),
            stuck: BTreeMap::from([("99".into(), "refused".into())]),
        };
        assert!(!progress.never_shows(&HashMap::from([(cell("11"), 60)])));
        assert!(!progress.never_shows(&HashMap::from([(cell("99"), 50)])));
        assert!(progress.never_shows(&HashMap::from([(cell("11"), 50), (cell("99"), 51)])));
    }
}
