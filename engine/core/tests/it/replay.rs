//! Replay is live (3.1): from the journal's text alone the same pool and the same candidates come to be.

use std::collections::BTreeMap;

use kaowei_core::audit::ChainHead;
use kaowei_core::ids::CandidateId;
use kaowei_core::registration::{Candidate, Choices, KeyAnswer, Keys};
use kaowei_core::seats::{By, Event, Pool, Settings};
use kaowei_core::sites::Paper;
use proptest::prelude::*;

use crate::journal::Row;
use crate::properties::{config, live, some_terms, steps};
use crate::town::{enrolled, facts, midnight, settings, site};

proptest! {
    #![proptest_config(config(8))]

    #[test]
    fn r35_what_the_journal_says_makes_the_same_pool_and_the_same_candidates(
        capacity in 0_u32..4,
        terms in some_terms(),
        steps in steps(),
    ) {
        let pool_facts = facts(if terms.paper == Paper::Oral { "991010-F" } else { "991010-1" });
        let (pool, journal) = live(capacity, &terms, &steps);
        let created = Event::PoolCreated {
            site: site(),
            paper: pool_facts.paper,
            level: pool_facts.level,
            requires: pool_facts.requires,
            capacity,
            open: true,
            fee_fen: settings(capacity).fee,
            exam_date: None,
            by: By::System,
        };
        let history = [(midnight(), created)].into_iter().chain(journal);

        let mut head = ChainHead::default();
        let mut candidates: BTreeMap<CandidateId, Candidate> =
            (0..8).map(CandidateId).map(|id| (id, enrolled(id))).collect();
        let mut rows = Vec::new();
        for (at, event) in history {
            let row = Row::write(&mut head, "991010-1", at, &event);
            if let Some((_, candidate)) = event.claim() {
                candidates.get_mut(&candidate).unwrap().settle(&pool_facts, &event, &row.seal);
            }
            rows.push(row);
        }

        let mut replayed = Pool::new(Settings::none());
        let mut recovered: BTreeMap<CandidateId, Candidate> =
            (0..8).map(CandidateId).map(|id| (id, enrolled(id))).collect();
        let mut verified = ChainHead::default();
        for row in &rows {
            prop_assert!(row.verify(&mut verified));
            let event = row.read();
            replayed.fits(&event).unwrap();
            replayed.evolve(&event);
            if let Some((_, candidate)) = event.claim() {
                recovered.get_mut(&candidate).unwrap().settle(&pool_facts, &event, &row.seal);
            }
        }
        prop_assert_eq!(&replayed, &pool);
        prop_assert_eq!(&recovered, &candidates);

        for candidate in candidates.values() {
            let keys: Vec<(_, KeyAnswer)> = candidate.keys().iter().cloned().collect();
            let restored = Candidate::restore(
                candidate.agreed().cloned(),
                candidate.enrolment().copied(),
                candidate.claims().to_vec(),
                Keys::restore(keys),
                Vec::new(),
                Choices::default(),
            );
            prop_assert_eq!(&restored, candidate);
        }
    }
}

#[test]
fn r34_a_checkpoint_that_missed_the_end_of_a_drain_restores_the_same_pool() {
    let stale = Settings {
        draining: true,
        ..settings(2)
    };
    assert_eq!(Pool::restore(stale, [], []), Pool::new(settings(2)));
}
