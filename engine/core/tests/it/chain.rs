//! The hash chain of a pool's history, tampered with (R35).

use kaowei_core::audit::ChainHead;
use kaowei_core::ids::Sequence;
use kaowei_core::sites::Paper;
use proptest::prelude::*;

use crate::journal::Row;
use crate::properties::{config, live, steps};
use crate::town::terms;

fn holds(rows: &[Row], head: ChainHead) -> bool {
    let mut verified = ChainHead::default();
    rows.iter().all(|row| row.verify(&mut verified)) && verified == head
}

proptest! {
    #![proptest_config(config(8))]

    #[test]
    fn r35_whatever_is_changed_removed_repeated_or_swapped_is_found(
        steps in steps(),
        at in any::<prop::sample::Index>(),
        other in any::<prop::sample::Index>(),
        tampering in 0_u8..8,
        noise in 1_u8..=255,
    ) {
        let (_, journal) = live(2, &terms(Paper::Written), &steps);
        let mut head = ChainHead::default();
        let rows: Vec<Row> =
            journal.iter().map(|(at, event)| Row::write(&mut head, "991010-1", *at, event)).collect();
        prop_assert!(holds(&rows, head));
        prop_assume!(!rows.is_empty());

        let mut forged = rows.clone();
        let (at, other) = (at.index(rows.len()), other.index(rows.len()));
        match tampering {
            0 => forged[at].payload.push(' '),
            1 => forged[at].kind.push('x'),
            2 => forged[at].seal.at = forged[at].seal.at + kaowei_core::time::Span::from_ms(1),
            3 => drop(forged.remove(at)),
            4 => forged.insert(at, rows[at].clone()),
            5 => forged.swap(at, other),
            6 => forged[at].seal.hash.0[usize::from(noise) % 32] ^= noise,
            _ => forged[at].seal.sequence = Sequence(forged[at].seal.sequence.0 + u64::from(noise)),
        }
        prop_assert!(forged == rows || !holds(&forged, head), "tampering {tampering} at {at}");
    }
}
