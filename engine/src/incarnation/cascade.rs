//! Oral claims go with their written one (R13).
//!
//! Each orphan holds its candidate back from the moment in which it was noticed until it is gone, and is asked for
//! again as often as that takes, less and less often: only the end of the incarnation ends that, and then recovery
//! finds it. Recovery itself does not ask again for what was refused: it fails, and says so.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use kaowei_core::ids::ClaimId;
use kaowei_core::seats::{Command, RemovalCause};
use parking_lot::Mutex;

use super::{Incarnation, settled};
use crate::actors::Ask;
use crate::candidate_entry::HeldBack;
use crate::fail_points::{FailPoint, pass};
use crate::failure::Failure;
use crate::journal::Fate;

/// Until an orphan that could not be asked for is asked for again: at first, and at the most.
const AGAIN_AFTER: Duration = Duration::from_millis(100);
const AGAIN_AFTER_MAX: Duration = Duration::from_secs(10);

/// What to do when a cascade is done.
pub(crate) type AfterCascade = Box<dyn FnOnce(&Arc<Incarnation>, Result<(), Failure>) + Send>;

/// An oral claim whose written one is gone.
#[derive(Debug)]
pub(crate) struct Orphan {
    pub(crate) claim: ClaimId,
    /// Whether its written one went, or was gone before it was granted.
    pub(crate) cause: RemovalCause,
    /// Nothing else of its candidate is decided until it is gone.
    #[expect(dead_code, reason = "it holds back by being kept")]
    pub(crate) held_back: HeldBack,
}

impl Orphan {
    /// Whether it was granted when its written one was gone already, and nobody has been told of it.
    pub(crate) fn was_granted_too_late(&self) -> bool {
        matches!(self.cause, RemovalCause::GrantedTooLate { .. })
    }
}

/// Counts orphans that are not gone yet; `after` runs when none is left.
struct Countdown {
    left: AtomicUsize,
    after: Mutex<Option<AfterCascade>>,
}

impl Countdown {
    fn count(&self, incarnation: &Arc<Incarnation>, done: Result<(), Failure>) {
        let last = self.left.fetch_sub(1, Ordering::AcqRel) == 1;
        if (last || done.is_err())
            && let Some(after) = self.after.lock().take()
        {
            after(incarnation, done);
        }
    }
}

/// One orphan under way. Dropped unsettled – an actor panicked, a mailbox was closed – it is asked for again.
struct Removal {
    incarnation: Arc<Incarnation>,
    orphan: Option<Orphan>,
    countdown: Arc<Countdown>,
    again_after: Duration,
}

impl Removal {
    fn ask(self) {
        let incarnation = self.incarnation.clone();
        let Some((claim, cause)) = self.orphan.as_ref().map(|orphan| (orphan.claim, orphan.cause)) else {
            return;
        };
        if incarnation.is_over() {
            self.settle(Err(Failure::StoreUnavailable));
            return;
        }
        let Some(pool) = incarnation.pool(claim.pool) else {
            self.settle(Ok(()));
            return;
        };
        let command = Command::Remove {
            claim: claim.number,
            cause,
        };
        let then = Box::new(
            move |incarnation: &Arc<Incarnation>, fate: Fate<'_>| match settled(&fate) {
                Err(failure) if incarnation.is_over() || !incarnation.is_serving() => {
                    self.settle(Err(failure));
                }
                Err(_) => drop(self),
                Ok(()) => self.settle(Ok(())),
            },
        );
        if let Err(failure) = pool.ask(Ask { command, then }) {
            tracing::warn!(%claim, %failure, "an oral claim can't be taken away yet; it is tried again");
        }
        pass(FailPoint::CascadeAsked);
    }

    fn settle(mut self, done: Result<(), Failure>) {
        drop(self.orphan.take());
        self.countdown.count(&self.incarnation, done);
    }
}

impl Drop for Removal {
    fn drop(&mut self) {
        let Some(orphan) = self.orphan.take() else { return };
        let (incarnation, countdown, wait) =
            (self.incarnation.clone(), self.countdown.clone(), self.again_after);
        self.incarnation.runtime.spawn(async move {
            tokio::time::sleep(wait).await;
            let again = Self {
                incarnation,
                orphan: Some(orphan),
                countdown,
                again_after: (wait * 2).min(AGAIN_AFTER_MAX),
            };
            again.ask();
        });
    }
}

impl Incarnation {
    /// Takes away oral claims whose written one is gone (R13); `after` runs when they are.
    pub(crate) fn cascade(self: &Arc<Self>, orphans: Vec<Orphan>, after: AfterCascade) {
        pass(FailPoint::CascadeNoticed);
        if orphans.is_empty() {
            after(self, Ok(()));
            return;
        }
        let (left, after) = (AtomicUsize::new(orphans.len()), Mutex::new(Some(after)));
        let countdown = Arc::new(Countdown { left, after });
        for orphan in orphans {
            let removal = Removal {
                incarnation: self.clone(),
                orphan: Some(orphan),
                countdown: countdown.clone(),
                again_after: AGAIN_AFTER,
            };
            removal.ask();
        }
    }
}
