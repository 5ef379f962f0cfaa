//! Pools: what is published about them, and what staff change (R11, R33, R34).

use std::sync::Arc;

use kaowei_core::audit::{ChainHead, Record};
use kaowei_core::ids::{CampusCode, ClaimId, Fen, PoolId};
use kaowei_core::seats::{Change, Command, Event, Pool, PoolFacts, Refusal, Settings};
use tokio::sync::oneshot;

use super::Staff;
use crate::Engine;
use crate::actors::{Ask, Campus, PoolHandle};
use crate::failure::{Denied, Failure};
use crate::fault::Fault;
use crate::incarnation::Incarnation;
use crate::journal::{Entry, Fate, Happened, PoolEvents, Sealed};
use crate::views::{Account, PoolFilter, PoolView, Preview};

/// The longest date of an exam, in characters.
pub(super) const EXAM_DATE_MAX: usize = 100;

/// A pool as staff define it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewPool {
    /// Its seats.
    pub capacity: u32,
    /// Whether it takes claims.
    pub open: bool,
    /// What a seat costs.
    pub fee: Fen,
    /// When the exam is sat, as the school wrote it.
    pub exam_date: Option<Arc<str>>,
}

/// What waits for a pool to be durable.
pub(super) type Made = oneshot::Receiver<Result<(), Denied>>;

impl Engine {
    /// Pools with their published numbers, by id.
    ///
    /// # Errors
    /// [`Failure::StoreUnavailable`] while recovery runs.
    pub fn pools(&self, filter: &PoolFilter) -> Result<Vec<PoolView>, Failure> {
        let incarnation = self.incarnation()?;
        let now = incarnation.now();
        let pools = match filter.campus {
            Some(campus) => incarnation
                .campus(campus)
                .map(|campus| campus.pools.read().clone())
                .unwrap_or_default(),
            None => incarnation.all_pools(),
        };
        Ok(pools
            .iter()
            .filter(|pool| filter.matches(&pool.facts))
            .map(|pool| pool.view(now))
            .collect())
    }

    /// One pool with its published numbers.
    ///
    /// # Errors
    /// [`Denied::NotFound`].
    pub fn pool(&self, id: PoolId) -> Result<PoolView, Denied> {
        let incarnation = self.incarnation()?;
        Ok(incarnation
            .pool(id)
            .ok_or(Denied::NotFound)?
            .view(incarnation.now()))
    }

    /// The pools that are open to a candidate: written where the school opened it, oral anywhere (R11).
    ///
    /// # Errors
    /// [`Refusal::NoStudentRecord`] where none matches.
    pub async fn offered_pools(
        &self,
        account: Account,
        filter: &PoolFilter,
    ) -> Result<Vec<PoolView>, Denied> {
        let incarnation = self.incarnation()?;
        let entry = incarnation.candidate(account.candidate);
        let eligibility = self.record_allows(&incarnation, account, &entry).await?;
        let sitting = incarnation.catalogue().sitting.clone();
        let granted = sitting.and_then(|sitting| entry.read(|candidate| candidate.granted(&sitting)));
        let mut pools = self.pools(filter)?;
        pools.retain(|pool| eligibility.allows(&pool.facts, granted));
        Ok(pools)
    }

    /// Changes whenever anything published about the pools of a campus does.
    pub fn campus_version(&self, campus: CampusCode) -> u64 {
        let campus = self
            .incarnation()
            .ok()
            .and_then(|incarnation| incarnation.campus(campus));
        campus.map_or(0, |campus| campus.version())
    }

    /// Changes a pool's settings (R34). Waits for an import that is under way: one that a lost store cuts off is
    /// finished later, and would else come back over this change.
    ///
    /// # Errors
    /// [`Refusal::CapacityBelowTaken`] with the numbers, unless it is to be drained.
    pub async fn change_pool(&self, staff: &Staff, id: PoolId, change: Change) -> Result<PoolView, Denied> {
        let _one_at_a_time = self.take_changes_as(staff).await?;
        let incarnation = self.incarnation()?;
        let pool = incarnation.pool(id).ok_or(Denied::NotFound)?;
        if !staff.scope.covers(pool.facts.site) {
            return Err(Denied::OutOfScope);
        }
        check_exam_date(change.exam_date.as_deref())?;
        change_pool(staff, &pool, change)?
            .await
            .unwrap_or(Err(Failure::StoreUnavailable.into()))?;
        Ok(pool.view(incarnation.now()))
    }

    /// Makes a pool, or sets one to what is given.
    ///
    /// # Errors
    /// [`Denied::NoSuchPool`] where campus or subject are unknown.
    pub async fn put_pool(
        &self,
        staff: &Staff,
        id: PoolId,
        new: NewPool,
    ) -> Result<(bool, PoolView), Denied> {
        let _one_at_a_time = self.take_changes_as(staff).await?;
        let incarnation = self.incarnation()?;
        let created = incarnation.pool(id).is_none();
        let made = Self::save_pool(&incarnation, staff, id, new)?;
        made.await.unwrap_or(Err(Failure::StoreUnavailable.into()))?;
        let pool = incarnation.pool(id).ok_or(Denied::Failed(Failure::Internal))?;
        Ok((created, pool.view(incarnation.now())))
    }

    /// Hands over the making or changing of a pool; many may be under way at once.
    pub(super) fn save_pool(
        incarnation: &Arc<Incarnation>,
        staff: &Staff,
        id: PoolId,
        new: NewPool,
    ) -> Result<Made, Denied> {
        let facts = facts_of(incarnation, id).map_err(Denied::NoSuchPool)?;
        if !staff.scope.covers(facts.site) {
            return Err(Denied::OutOfScope);
        }
        let NewPool {
            capacity,
            open,
            fee,
            exam_date,
        } = new;
        check_exam_date(exam_date.as_deref())?;
        if let Some(pool) = incarnation.pool(id) {
            let change = Change {
                capacity: Some(capacity),
                open: Some(open),
                fee: Some(fee),
                exam_date,
                ..Change::default()
            };
            return change_pool(staff, &pool, change);
        }

        let event = Event::PoolCreated {
            site: facts.site,
            paper: facts.paper,
            level: facts.level,
            requires: facts.requires,
            capacity,
            open,
            fee_fen: fee,
            exam_date,
            by: staff.by(),
        };
        create_pool(incarnation, facts, event)
    }

    /// What a change of the capacity would do (R34).
    ///
    /// # Errors
    /// [`Denied::NotFound`], [`Denied::OutOfScope`].
    pub fn preview(&self, staff: &Staff, id: PoolId, capacity: u32) -> Result<Preview, Denied> {
        let incarnation = self.incarnation()?;
        let pool = incarnation.pool(id).ok_or(Denied::NotFound)?;
        if !staff.scope.covers(pool.facts.site) {
            return Err(Denied::OutOfScope);
        }
        let view = pool.view(incarnation.now());
        let would_promote: Vec<ClaimId> = pool
            .preview(capacity, incarnation.now())
            .into_iter()
            .map(|number| ClaimId { pool: id, number })
            .collect();
        let short = capacity < view.held + view.paid && capacity < view.capacity;
        let refused = short.then_some(Refusal::CapacityBelowTaken {
            held: view.held,
            paid: view.paid,
        });
        Ok(Preview {
            pool: view,
            would_promote,
            refused,
        })
    }
}

fn check_exam_date(text: Option<&str>) -> Result<(), Denied> {
    match text.and_then(|text| Fault::of_text(text, 0, EXAM_DATE_MAX)) {
        None => Ok(()),
        Some(fault) => Err(Denied::wrong("/exam_date", fault)),
    }
}

/// What a pool of that campus and subject would be.
fn facts_of(incarnation: &Incarnation, id: PoolId) -> Result<PoolFacts, Fault> {
    let catalogue = incarnation.catalogue();
    let campus = catalogue.tree.campus(id.campus);
    let campus = campus.ok_or(Fault::UnknownCampus(id.campus))?;
    let sitting = catalogue.sitting.as_ref().ok_or(Fault::NoSitting)?;
    let subject = sitting
        .subject(id.subject)
        .ok_or(Fault::UnknownSubject(id.subject))?;
    Ok(PoolFacts {
        id,
        site: campus.site(),
        paper: subject.paper,
        level: subject.level,
        requires: subject.requires,
    })
}

fn change_pool(staff: &Staff, pool: &Arc<PoolHandle>, change: Change) -> Result<Made, Denied> {
    let (made, wait) = oneshot::channel();
    let then = Box::new(move |_: &Arc<Incarnation>, fate: Fate<'_>| {
        let changed = match fate {
            Fate::Committed { outcome, .. } => outcome.map_err(Denied::Refused),
            Fate::Failed(failure) => Err(failure.into()),
        };
        made.send(changed).ok();
    });
    pool.ask(Ask {
        command: Command::Change {
            change,
            by: staff.by(),
        },
        then,
    })?;
    Ok(wait)
}

/// The first event of a pool; its actor starts when that is durable.
fn create_pool(incarnation: &Arc<Incarnation>, facts: PoolFacts, event: Event) -> Result<Made, Denied> {
    let mut pool = Pool::new(Settings::none());
    pool.evolve(&event);
    let mut head = ChainHead::default();
    let stream = facts.id.to_string();
    let payload = event.payload().map_err(|_| Failure::Internal)?;
    let record = Record {
        stream: &stream,
        kind: event.kind(),
        at: incarnation.now(),
        payload: &payload,
    };
    let seal = head.append(record);
    let terms = incarnation.terms(&facts);
    let alone = Arc::new(Campus::new());
    let handle = Arc::new(PoolHandle::new(facts, alone, terms, &pool, ChainHead::default()));
    let mut events = PoolEvents::new();
    events.push(Sealed { event, seal, payload });
    let happened = Happened::InPool {
        life: handle.life(),
        pool: handle,
        events,
        numbers: (&pool).into(),
        outcome: Ok(()),
    };
    let (made, wait) = oneshot::channel();
    let then = Box::new(move |incarnation: &Arc<Incarnation>, fate: Fate<'_>| {
        let created = match fate {
            Fate::Committed { .. } => {
                incarnation.add_pool(facts, pool, head);
                Ok(())
            }
            Fate::Failed(failure) => Err(failure.into()),
        };
        incarnation.pool_has_begun(facts.id);
        made.send(created).ok();
    });
    if !incarnation.begin_pool(facts.id) {
        // Whoever asked first may have hung up, but its event is on its way.
        return Err(Failure::StoreUnavailable.into());
    }
    incarnation.hand_over(Entry { happened, then });
    Ok(wait)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Engine, Settings as EngineSettings};
    use kaowei_core::seats::PoolFacts;
    use kaowei_core::sites::{Level, Paper, Site};

    /// Whoever looked before it was there, and asks for its beginning afterwards, would begin its chain twice.
    #[test]
    fn a_pool_that_is_there_is_not_begun() {
        actix_rt::System::new().block_on(async {
            let folder = std::env::temp_dir().join(format!("kaowei-{}", uuid::Uuid::now_v7()));
            let engine = Engine::open(EngineSettings::embedded(&folder)).await.unwrap();
            let incarnation = engine.incarnation().unwrap();
            let id = "991010-1".parse().unwrap();
            let site = Site {
                province: "99".parse().unwrap(),
                school: "99101".parse().unwrap(),
            };
            let facts = PoolFacts {
                id,
                site,
                paper: Paper::Written,
                level: Level(4),
                requires: None,
            };
            assert!(incarnation.begin_pool(id));
            assert!(!incarnation.begin_pool(id), "somebody else does");
            incarnation.add_pool(facts, Pool::new(Settings::none()), ChainHead::default());
            incarnation.pool_has_begun(id);
            assert!(!incarnation.begin_pool(id));
            engine.close().await;
            std::fs::remove_dir_all(folder).unwrap();
        });
    }
}
