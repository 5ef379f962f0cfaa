//! Who staff are, how far they see, and what the console shows first (R32).

use std::collections::BTreeMap;
use std::sync::Arc;

use kaowei_core::ids::{StaffAccountId, national_cell};
use kaowei_core::registration::Event;
use kaowei_core::seats::By;
use kaowei_core::sites::Scope;

use crate::Engine;
use crate::failure::{Denied, Failure};
use crate::fault::Fault;
use crate::incarnation::Incarnation;
use crate::views::{ExpiryStatus, Overview, PoolView, Sums};

/// How many queues the overview lists.
const QUEUES_LISTED: usize = 20;

/// The longest reason, in characters.
pub(super) const REASON_MAX: usize = 500;

/// A member of staff, as the token says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Staff {
    /// Whom the token names.
    pub subject: Arc<str>,
    /// How far they see.
    pub scope: Scope,
}

impl Staff {
    /// How events name them.
    pub(crate) fn by(&self) -> By {
        By::Staff(self.subject.clone())
    }

    /// The account that the token is of; none for a token that the command line made.
    pub(crate) fn account(&self) -> Option<StaffAccountId> {
        self.subject.parse().ok()
    }

    /// Only for those who see everything.
    pub(crate) fn national_only(&self) -> Result<(), Denied> {
        if self.scope == Scope::National {
            Ok(())
        } else {
            Err(Denied::OutOfScope)
        }
    }
}

impl Incarnation {
    /// Whether the account that a member of staff's token is of holds, with that scope. Tokens of the command line are of
    /// none and end by themselves.
    pub(crate) fn has_staff(&self, staff: &Staff) -> bool {
        staff
            .account()
            .is_none_or(|account| self.staff.read().scope_of(account) == Some(staff.scope))
    }
}

/// A reason is kept in the audit trail: it must be there, and not be too long.
pub(super) fn check_reason(reason: &str) -> Result<(), Denied> {
    match Fault::of_text(reason, 1, REASON_MAX) {
        None => Ok(()),
        Some(fault) => Err(Denied::wrong("/reason", fault)),
    }
}

impl Engine {
    /// Whether somebody may still act as that member of staff.
    ///
    /// # Errors
    /// [`Denied::StaffAccountEnded`].
    pub fn check_staff(&self, staff: &Staff) -> Result<(), Denied> {
        if staff.account().is_none() || self.incarnation()?.has_staff(staff) {
            Ok(())
        } else {
            Err(Denied::StaffAccountEnded)
        }
    }

    /// Sums and queues below a scope.
    ///
    /// # Errors
    /// [`Failure::StoreUnavailable`] while recovery runs.
    pub fn overview(&self, staff: &Staff) -> Result<Overview, Failure> {
        let incarnation = self.incarnation()?;
        let now = incarnation.now();
        let mut total = Sums::default();
        let mut provinces: BTreeMap<_, Sums> = BTreeMap::new();
        let mut pools: Vec<PoolView> = Vec::new();
        for pool in incarnation.all_pools() {
            if staff.scope.covers(pool.facts.site) {
                let view = pool.view(now);
                total.add(&view);
                provinces.entry(view.facts.site.province).or_default().add(&view);
                pools.push(view);
            }
        }
        pools.retain(|pool| pool.waiting > 0);
        pools.sort_by_key(|pool| std::cmp::Reverse(pool.waiting));
        pools.truncate(QUEUES_LISTED);
        let settings = &self.inner.settings;
        let journal_position: i64 = incarnation.published().values().sum();
        Ok(Overview {
            total,
            provinces: provinces.into_iter().collect(),
            longest_queues: pools,
            expiry: incarnation.expiry_status(),
            claims_in_flight: settings
                .claims_in_flight_max
                .saturating_sub(self.inner.door.available_permits()),
            journal_position,
            checkpoint_lag: journal_position - self.inner.checkpointed.borrow().total(),
        })
    }

    /// Whether deadlines are acted on (1.4).
    ///
    /// # Errors
    /// [`Failure::StoreUnavailable`] while recovery runs.
    pub fn expiry(&self) -> Result<ExpiryStatus, Failure> {
        Ok(self.incarnation()?.expiry_status())
    }

    /// Resumes expiry, or suspends it (1.4).
    ///
    /// # Errors
    /// [`Denied::OutOfScope`] for all but national staff; [`Denied::Invalid`] for a reason that is empty or too long.
    pub async fn set_expiry(
        &self,
        staff: &Staff,
        resume: bool,
        reason: &str,
    ) -> Result<ExpiryStatus, Denied> {
        staff.national_only()?;
        check_reason(reason)?;
        let incarnation: Arc<Incarnation> = self.incarnation()?;
        let (by, reason) = (staff.by(), reason.into());
        let event = if resume {
            Event::ExpiryResumed { by, reason }
        } else {
            Event::ExpirySuspended { by, reason }
        };
        incarnation.record(national_cell(), vec![event]).await?;
        Ok(incarnation.expiry_status())
    }
}
