//! What follows a commit, in its order: the change is published, then answered. Who was answered reads his change
//! at once.

use std::sync::Arc;

use kaowei_core::seats::Refusal;
use tokio::sync::mpsc::UnboundedReceiver;

use super::{Entry, Fate, Happened};
use crate::fail_points::{FailPoint, pass};
use crate::incarnation::{Incarnation, Orphan};

/// Publishes and answers batches until the writer ends.
pub(super) async fn publish_all(incarnation: Arc<Incarnation>, mut batches: UnboundedReceiver<Vec<Entry>>) {
    while let Some(batch) = batches.recv().await {
        for entry in batch {
            publish(&incarnation, entry);
        }
    }
}

fn publish(incarnation: &Arc<Incarnation>, entry: Entry) {
    let Entry { happened, then } = entry;
    match happened {
        Happened::InPool {
            pool,
            events,
            numbers,
            outcome,
            ..
        } => {
            let orphans = incarnation.publish_pool(&pool, &events, numbers);
            pass(FailPoint::PublishedNotAnswered);
            let Some(orphans) = orphans else {
                then(
                    incarnation,
                    Fate::Committed {
                        outcome,
                        events: &events,
                    },
                );
                pass(FailPoint::Answered);
                return;
            };
            // An oral claim goes with its written one: the answer waits until it is gone (R13). Where it was the answer,
            // it is refused instead, as it would have been a moment later.
            let outcome = if orphans.iter().any(Orphan::was_granted_too_late) {
                Err(Refusal::WrittenRequired)
            } else {
                outcome
            };
            let answer = move |incarnation: &Arc<Incarnation>,
                               cascaded: Result<(), crate::failure::Failure>| {
                let fate = match cascaded {
                    Ok(()) => Fate::Committed {
                        outcome,
                        events: &events,
                    },
                    Err(failure) => Fate::Failed(failure),
                };
                then(incarnation, fate);
            };
            incarnation.cascade(orphans, Box::new(answer));
        }
        Happened::InCell { cell, events } => {
            for event in &events {
                incarnation.publish_cell(cell, event);
            }
            then(
                incarnation,
                Fate::Committed {
                    outcome: Ok(()),
                    events: &[],
                },
            );
        }
        Happened::Heartbeat | Happened::Barrier => {
            then(
                incarnation,
                Fate::Committed {
                    outcome: Ok(()),
                    events: &[],
                },
            );
        }
    }
}
