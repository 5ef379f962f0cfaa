//! The sitting and the sites (R18, R33).

use std::sync::Arc;

use kaowei_core::ids::national_cell;
use kaowei_core::registration::Event;
use kaowei_core::sites::{Campus, Sitting};

use super::Staff;
use crate::Engine;
use crate::failure::{Denied, Failure};
use crate::fault::{Fault, WrongField};
use crate::incarnation::Incarnation;
use crate::views::Catalogue;

impl Engine {
    /// The sitting and all campuses.
    ///
    /// # Errors
    /// [`Failure::StoreUnavailable`] while recovery runs.
    pub fn catalogue(&self) -> Result<Arc<Catalogue>, Failure> {
        Ok(self.incarnation()?.catalogue())
    }

    /// Sets the sitting. Pools decide by its times from then on.
    ///
    /// # Errors
    /// [`Denied::Invalid`] with everything that is wrong with it; [`Denied::OutOfScope`] for all but national
    /// staff.
    pub async fn put_sitting(&self, staff: &Staff, sitting: Sitting) -> Result<Arc<Sitting>, Denied> {
        staff.national_only()?;
        let problems = sitting.validate();
        if !problems.is_empty() {
            return Err(Denied::Invalid(
                problems.into_iter().map(WrongField::from).collect(),
            ));
        }
        let _one_at_a_time = self.take_changes().await?;
        let incarnation = self.incarnation()?;
        keeps_its_pools(&incarnation, &sitting)?;
        let current = incarnation.catalogue().sitting.clone();
        if let Some(current) = current.filter(|current| **current == sitting) {
            return Ok(current);
        }
        let event = Event::SittingSaved {
            sitting: Box::new(sitting),
            by: staff.by(),
        };
        incarnation.record(national_cell(), vec![event]).await?;
        incarnation
            .catalogue()
            .sitting
            .clone()
            .ok_or(Denied::Failed(Failure::Internal))
    }

    /// Adds campuses, or changes their names; unchanged ones cost nothing.
    pub(super) async fn save_campuses(&self, staff: &Staff, campuses: Vec<Campus>) -> Result<(), Denied> {
        let incarnation = self.incarnation()?;
        let catalogue = incarnation.catalogue();
        let changed = campuses
            .into_iter()
            .filter(|campus| catalogue.tree.campus(campus.code) != Some(campus));
        let mut by_cell: std::collections::BTreeMap<_, Vec<Event>> = std::collections::BTreeMap::new();
        for campus in changed {
            let event = Event::CampusSaved {
                campus: Box::new(campus.clone()),
                by: staff.by(),
            };
            by_cell.entry(campus.province).or_default().push(event);
        }
        for (cell, events) in by_cell {
            incarnation.record(cell, events).await?;
        }
        Ok(())
    }
}

/// A subject that has pools keeps what rules across pools ask for: whoever claimed in them was promised that (R12, R13).
fn keeps_its_pools(incarnation: &Incarnation, sitting: &Sitting) -> Result<(), Denied> {
    for pool in incarnation.all_pools() {
        let facts = pool.facts;
        let Some((n, subject)) = sitting
            .subjects
            .iter()
            .enumerate()
            .find(|(_, subject)| subject.code == facts.id.subject)
        else {
            continue;
        };
        if (subject.paper, subject.level, subject.requires) != (facts.paper, facts.level, facts.requires) {
            let fault = Fault::SubjectHasPools(subject.code);
            return Err(Denied::wrong(&format!("/subjects/{n}"), fault));
        }
    }
    Ok(())
}
