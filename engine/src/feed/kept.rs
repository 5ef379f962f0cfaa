//! The latest items, for those who come back.
//!
//! Kept in blocks that change no more once they are full: whoever comes back takes them along and looks for his own at
//! leisure, so that ten thousand who lost their connection at once hold up no publication.

use std::collections::VecDeque;
use std::sync::Arc;

use super::Item;

/// Items in a block. So many at most are copied under the lock.
const BLOCK: usize = 1_024;

/// Full blocks: with them about 20 s of an opening's items are kept, hours of a quiet day's.
const BLOCKS: usize = 128;

/// The latest items.
#[derive(Debug, Default)]
pub(super) struct Kept {
    /// The latest item's position; 0 before the first.
    latest: u64,
    full: VecDeque<Arc<[Item]>>,
    filling: Vec<Item>,
}

/// What somebody missed.
#[derive(Debug, Default)]
pub(super) struct Missed {
    after: u64,
    full: Vec<Arc<[Item]>>,
    filling: Vec<Item>,
}

impl Kept {
    pub(super) fn latest(&self) -> u64 {
        self.latest
    }

    pub(super) fn push(&mut self, item: Item) {
        self.latest = item.position;
        self.filling.push(item);
        if self.filling.len() == BLOCK {
            if self.full.len() == BLOCKS {
                self.full.pop_front();
            }
            self.full.push_back(self.filling.drain(..).collect());
        }
    }

    /// What came after that position; none where not all of it is there any more, or that has not been yet.
    pub(super) fn after(&self, position: u64) -> Option<Missed> {
        let kept = (self.full.len() * BLOCK + self.filling.len()) as u64;
        if position > self.latest || self.latest - position > kept {
            return None;
        }
        let is_after = |block: &[Item]| block.last().is_some_and(|last| last.position > position);
        Some(Missed {
            after: position,
            full: self
                .full
                .iter()
                .filter(|block| is_after(block))
                .cloned()
                .collect(),
            filling: self.filling.clone(),
        })
    }
}

impl Missed {
    /// Its items in their order.
    pub(super) fn iter(&self) -> impl Iterator<Item = &Item> {
        let items = self
            .full
            .iter()
            .flat_map(|block| block.iter())
            .chain(&self.filling);
        items.filter(|item| item.position > self.after)
    }
}

#[cfg(test)]
mod tests {
    use super::super::Change;
    use super::*;

    fn filled(items: u64) -> Kept {
        let mut kept = Kept::default();
        for position in 1..=items {
            kept.push(Item {
                position,
                site: None,
                change: Change::Catalogue,
            });
        }
        kept
    }

    fn missed(kept: &Kept, after: u64) -> Option<Vec<u64>> {
        Some(kept.after(after)?.iter().map(|item| item.position).collect())
    }

    #[test]
    fn all_that_came_after_a_position_is_found_across_blocks() {
        let block = BLOCK as u64;
        let kept = filled(3 * block + 2);
        for after in [
            0,
            1,
            block - 1,
            block,
            block + 1,
            3 * block,
            3 * block + 1,
            3 * block + 2,
        ] {
            assert_eq!(
                missed(&kept, after),
                Some((after + 1..=3 * block + 2).collect()),
                "{after}"
            );
        }
        assert_eq!(missed(&kept, 3 * block + 3), None, "it has not been yet");
    }

    #[test]
    fn what_is_kept_is_bounded_and_who_comes_later_reads_everything_anew() {
        let (block, blocks) = (BLOCK as u64, BLOCKS as u64);
        let kept = filled((blocks + 1) * block + 1);
        assert_eq!(kept.full.len(), BLOCKS);
        assert_eq!(missed(&kept, block - 1), None);
        let all = missed(&kept, block).expect("all is there");
        assert_eq!(all.len() as u64, blocks * block + 1);
    }
}
