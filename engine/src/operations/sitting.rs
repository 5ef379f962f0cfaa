//! The sitting and the sites (R18, R33).

use std::sync::Arc;

use kaowei_core::ids::national_cell;
use kaowei_core::registration::Event;
use kaowei_core::sites::{Campus, Sitting};

use super::{Staff, promises};
use crate::Engine;
use crate::failure::{Denied, Failure};
use crate::fault::WrongField;
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
    /// [`Denied::Invalid`] with everything that is wrong with it, or that it would break of what the one in force has
    /// promised; [`Denied::OutOfScope`] for all but national staff.
    pub async fn put_sitting(&self, staff: &Staff, sitting: Sitting) -> Result<Arc<Sitting>, Denied> {
        staff.national_only()?;
        let problems = sitting.validate();
        if !problems.is_empty() {
            return Err(Denied::Invalid(
                problems.into_iter().map(WrongField::from).collect(),
            ));
        }
        let _one_at_a_time = self.take_changes_as(staff).await?;
        let incarnation = self.incarnation()?;
        let sitting = match incarnation.catalogue().sitting.clone() {
            None => sitting,
            Some(current) if *current == sitting => return Ok(current),
            Some(current) => kept(&incarnation, current, sitting).await?,
        };
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

/// The next sitting, where it keeps what the current one has promised. Looking at millions of candidates takes a while.
async fn kept(
    incarnation: &Arc<Incarnation>,
    current: Arc<Sitting>,
    next: Sitting,
) -> Result<Sitting, Denied> {
    let incarnation = incarnation.clone();
    let look = move || {
        let broken = promises::broken(&incarnation, &current, &next);
        if broken.is_empty() {
            Ok(next)
        } else {
            Err(Denied::Invalid(broken))
        }
    };
    let looked = tokio::task::spawn_blocking(look).await;
    looked.unwrap_or(Err(Failure::Internal.into()))
}
