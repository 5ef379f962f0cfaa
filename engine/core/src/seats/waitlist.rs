//! The queue of a pool: first in, first out; a place, a withdrawal and the head each in O(log n) (R20).
//!
//! Slots in order of acceptance, live or left, with a Fenwick tree of live counts over them. Claim numbers rise
//! with acceptance, so the slot of a claim is found by a search between two bounds. Slots that everybody before has
//! left are dropped when they are half of all.

use std::hash::{Hash, Hasher};

use crate::ids::ClaimNumber;

/// A first-in-first-out queue of claims with places.
#[derive(Debug, Clone, Default)]
pub struct Waitlist {
    slots: Vec<Slot>,
    /// `tree[i]` counts the live slots of the range that ends at slot `i` and is `lowest_set_bit(i + 1)` long.
    tree: Vec<u32>,
    live: u32,
    /// No slot before this one is live.
    head: usize,
}

#[derive(Debug, Clone, Copy)]
struct Slot {
    claim: ClaimNumber,
    live: bool,
}

impl Waitlist {
    /// How many wait.
    pub fn len(&self) -> u32 {
        self.live
    }

    /// Whether nobody waits.
    pub fn is_empty(&self) -> bool {
        self.live == 0
    }

    /// Who is next.
    pub fn head(&self) -> Option<ClaimNumber> {
        self.iter().next()
    }

    /// Those who wait, in order.
    pub fn iter(&self) -> impl Iterator<Item = ClaimNumber> {
        self.slots[self.head..]
            .iter()
            .filter(|slot| slot.live)
            .map(|slot| slot.claim)
    }

    /// The place of a claim, from 1; none when it does not wait.
    pub fn position(&self, claim: ClaimNumber) -> Option<u32> {
        let index = self.index(claim)?;
        Some(self.live_up_to(index))
    }

    /// Adds a claim at the end. Its number must be higher than that of every claim before; otherwise nothing
    /// changes.
    pub fn push(&mut self, claim: ClaimNumber) {
        let in_order = self.slots.last().is_none_or(|last| last.claim < claim);
        debug_assert!(in_order, "claims queue in the order of their numbers");
        if !in_order {
            return;
        }
        self.slots.push(Slot { claim, live: true });
        self.append_count(1);
        self.live += 1;
    }

    /// Takes a claim out, wherever it stands; `false` when it does not wait.
    pub fn remove(&mut self, claim: ClaimNumber) -> bool {
        let Some(index) = self.index(claim) else {
            return false;
        };
        self.slots[index].live = false;
        self.live -= 1;
        let mut node = index;
        while node < self.tree.len() {
            self.tree[node] -= 1;
            node += lowest_set_bit(node + 1);
        }
        self.skip_left_slots();
        true
    }

    /// The slot of a claim that waits. Numbers rise by one or more from slot to slot, so a claim's slot is at most as
    /// far from an end as its number is from that end's: exactly so, with nothing left to search, where nobody in
    /// between went elsewhere, which is what a full pool's queue looks like.
    fn index(&self, claim: ClaimNumber) -> Option<usize> {
        let (first, last) = (self.slots.first()?.claim, self.slots.last()?.claim);
        let from_first = usize::try_from(claim.0.checked_sub(first.0)?).ok()?;
        let from_last = usize::try_from(last.0.checked_sub(claim.0)?).ok()?;
        let highest = from_first.min(self.slots.len() - 1);
        let lowest = (self.slots.len() - 1).saturating_sub(from_last);
        let offset = self.slots[lowest..=highest]
            .binary_search_by_key(&claim, |slot| slot.claim)
            .ok()?;
        let index = lowest + offset;
        self.slots[index].live.then_some(index)
    }

    fn live_up_to(&self, index: usize) -> u32 {
        let mut end = index + 1;
        let mut live = 0;
        while end > 0 {
            live += self.tree[end - 1];
            end -= lowest_set_bit(end);
        }
        live
    }

    /// Appends the tree's node for a slot just pushed: its own count and those of the ranges it covers.
    fn append_count(&mut self, own: u32) {
        let end = self.tree.len() + 1;
        let start = end - lowest_set_bit(end);
        let mut count = own;
        let mut covered = end - 1;
        while covered > start {
            count += self.tree[covered - 1];
            covered -= lowest_set_bit(covered);
        }
        self.tree.push(count);
    }

    fn skip_left_slots(&mut self) {
        while self.slots.get(self.head).is_some_and(|slot| !slot.live) {
            self.head += 1;
        }
        if self.head > 64 && self.head * 2 > self.slots.len() {
            let live: Vec<ClaimNumber> = self.iter().collect();
            *self = live.into_iter().collect();
        }
    }
}

fn lowest_set_bit(number: usize) -> usize {
    number & number.wrapping_neg()
}

impl FromIterator<ClaimNumber> for Waitlist {
    fn from_iter<I: IntoIterator<Item = ClaimNumber>>(claims: I) -> Self {
        let mut waitlist = Self::default();
        for claim in claims {
            waitlist.push(claim);
        }
        waitlist
    }
}

impl PartialEq for Waitlist {
    fn eq(&self, other: &Self) -> bool {
        self.live == other.live && self.iter().eq(other.iter())
    }
}

impl Eq for Waitlist {}

impl Hash for Waitlist {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.live.hash(state);
        for claim in self.iter() {
            claim.hash(state);
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn r20_places_count_from_one_and_move_up_when_somebody_leaves() {
        let mut waitlist: Waitlist = (1..=5).map(ClaimNumber).collect();
        assert_eq!(waitlist.position(ClaimNumber(4)), Some(4));
        assert!(waitlist.remove(ClaimNumber(2)));
        assert!(!waitlist.remove(ClaimNumber(2)));
        assert_eq!(waitlist.position(ClaimNumber(4)), Some(3));
        assert_eq!(waitlist.position(ClaimNumber(2)), None);
        assert_eq!(waitlist.head(), Some(ClaimNumber(1)));
    }

    proptest! {
        #[test]
        fn r20_it_agrees_with_a_plain_list(steps in prop::collection::vec((0_u8..4, 0_usize..400), 1..600)) {
            let mut waitlist = Waitlist::default();
            let mut plain: Vec<ClaimNumber> = Vec::new();
            let mut next = 0;
            for (step, pick) in steps {
                match step {
                    0 | 1 => {
                        next += 1 + u32::try_from(pick % 3).unwrap();
                        waitlist.push(ClaimNumber(next));
                        plain.push(ClaimNumber(next));
                    }
                    2 if !plain.is_empty() => {
                        let claim = plain.remove(pick % plain.len());
                        prop_assert!(waitlist.remove(claim));
                    }
                    _ if !plain.is_empty() => {
                        let claim = plain.remove(0);
                        prop_assert_eq!(waitlist.head(), Some(claim));
                        waitlist.remove(claim);
                    }
                    _ => prop_assert_eq!(waitlist.head(), None),
                }
                prop_assert_eq!(waitlist.len() as usize, plain.len());
                for (index, claim) in plain.iter().enumerate() {
                    prop_assert_eq!(waitlist.position(*claim), Some(u32::try_from(index).unwrap() + 1));
                }
            }
            let rebuilt: Waitlist = plain.into_iter().collect();
            prop_assert_eq!(waitlist, rebuilt);
        }
    }
}
