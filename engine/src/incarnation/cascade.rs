//! Oral claims go with their written one (R13).

use std::sync::Arc;

use kaowei_core::ids::{CandidateId, ClaimId};
use kaowei_core::seats::{Command, RemovalCause};

use super::{Incarnation, settled};
use crate::actors::Ask;
use crate::fail_points::{FailPoint, pass};
use crate::failure::Failure;
use crate::journal::Fate;

/// What to do when a cascade is done.
pub(crate) type AfterCascade = Box<dyn FnOnce(&Arc<Incarnation>, Result<(), Failure>) + Send>;

/// An oral claim whose written one is gone.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Orphan {
    pub(crate) claim: ClaimId,
    pub(crate) candidate: CandidateId,
}

impl Incarnation {
    /// Takes away oral claims whose written one is gone (R13); `after` runs when they are.
    pub(crate) fn cascade(self: &Arc<Self>, orphans: Vec<Orphan>, after: AfterCascade) {
        pass(FailPoint::CascadeNoticed);
        let (incarnation, mut left) = (self.clone(), orphans);
        let Some(orphan) = left.pop() else {
            after(self, Ok(()));
            return;
        };
        let next: AfterCascade = if left.is_empty() {
            after
        } else {
            Box::new(move |incarnation, done| match done {
                Ok(()) => incarnation.cascade(left, after),
                Err(failure) => after(incarnation, Err(failure)),
            })
        };
        incarnation.remove_orphan(orphan, next);
    }

    fn remove_orphan(self: &Arc<Self>, orphan: Orphan, after: AfterCascade) {
        let Some(pool) = self.pool(orphan.claim.pool) else {
            after(self, Ok(()));
            return;
        };
        // Nothing else of this candidate is decided until the oral claim is gone.
        let held_back = self.candidate(orphan.candidate).hold_back();
        let command = Command::Remove {
            claim: orphan.claim.number,
            cause: RemovalCause::WithWritten,
        };
        let then = Box::new(move |incarnation: &Arc<Self>, fate: Fate<'_>| {
            let done = settled(&fate);
            if done.is_err() && !incarnation.is_over() {
                incarnation.retry_orphan(orphan);
            }
            drop(held_back);
            after(incarnation, done);
        });
        if let Err(failure) = pool.ask(Ask {
            command,
            then: Box::new(then),
        }) {
            tracing::warn!(claim = %orphan.claim, %failure, "an oral claim can't be taken away yet; it is tried again");
            self.retry_orphan(orphan);
        }
        pass(FailPoint::CascadeAsked);
    }

    /// Tries again, until it is done or recovery does it.
    fn retry_orphan(self: &Arc<Self>, orphan: Orphan) {
        let incarnation = self.clone();
        self.runtime.spawn(async move {
            tokio::time::sleep(std::time::Duration::from_millis(100)).await;
            if !incarnation.is_over() {
                incarnation.remove_orphan(orphan, Box::new(|_, _| {}));
            }
        });
    }
}
