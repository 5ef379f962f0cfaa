//! Applies slices of good lines. Doing it twice changes nothing.

use std::collections::HashMap;
use std::sync::Arc;

use kaowei_core::seats::Refusal;

use super::super::Staff;
use super::BadLine;
use super::line::{Cet4Result, Line};
use crate::Engine;
use crate::failure::{Denied, Failure};
use crate::fault::Fault;
use crate::incarnation::Incarnation;
use crate::people::{ImportedStudent, unavailable};
use crate::store::Kind::{Bytes, Integer, Text};
use crate::store::{Column, upsert};

/// Applies an import.
pub(super) struct Applier<'a> {
    pub(super) engine: &'a Engine,
    pub(super) staff: &'a Staff,
    pub(super) incarnation: Arc<Incarnation>,
}

impl Applier<'_> {
    /// Applies a slice. Lines that the rules refuse only now.
    pub(super) async fn apply(&self, lines: Vec<(u64, Line)>) -> Result<Vec<BadLine>, Denied> {
        let mut campuses = Vec::new();
        let mut pools = Vec::new();
        let mut students = HashMap::new();
        let mut results = HashMap::new();
        for (number, line) in lines {
            match line {
                Line::Campus(campus) => campuses.push(campus),
                Line::Pool(id, new) => pools.push((number, id, new)),
                // Twice the same person or ticket within a slice: the later line counts.
                Line::Student(student) => {
                    let record = &student.record;
                    let person = (
                        record.province,
                        record.id_type.clone(),
                        record.id_number.to_ascii_uppercase(),
                    );
                    students.insert(person, *student);
                }
                Line::Result(result) => {
                    results.insert(result.ticket.clone(), result);
                }
            }
        }
        self.engine.save_campuses(self.staff, campuses).await?;
        self.apply_students(students.into_values().collect()).await?;
        self.apply_results(results.into_values().collect()).await?;
        self.apply_pools(pools).await
    }

    async fn apply_students(&self, students: Vec<ImportedStudent>) -> Result<(), Denied> {
        if students.is_empty() {
            return Ok(());
        }
        let touched = self.engine.inner.students.import(&students).await?;
        for record in touched {
            // What the record allows is live (R4): looked up again at the next request.
            if let Some(candidate) = self.incarnation.bound_to(record) {
                self.incarnation.candidate(candidate).forget_eligibility();
            }
        }
        Ok(())
    }

    async fn apply_results(&self, results: Vec<Cet4Result>) -> Result<(), Denied> {
        const COLUMNS: [Column; 5] = [
            ("ticket", Text),
            ("person", Bytes),
            ("name", Text),
            ("year", Integer),
            ("score", Integer),
        ];
        if results.is_empty() {
            return Ok(());
        }
        let store = &self.engine.inner.store;
        let rows: Vec<_> = results
            .iter()
            .map(|result| {
                let person = store.secrets.index(&result.id_number.to_ascii_uppercase());
                (
                    &result.ticket,
                    hex::encode(person),
                    &result.name,
                    result.year,
                    result.score,
                )
            })
            .collect();
        let rows = serde_json::to_string(&rows).map_err(|_| Failure::Internal)?;
        let statement = upsert(&store.people, "cet4_results", &["ticket"], &COLUMNS, rows);
        store
            .people
            .write(&[statement])
            .await
            .map_err(|error| unavailable(&error))?;
        Ok(())
    }

    /// Hands over all pools of the slice, then waits for all.
    async fn apply_pools(
        &self,
        pools: Vec<(u64, kaowei_core::ids::PoolId, super::super::NewPool)>,
    ) -> Result<Vec<BadLine>, Denied> {
        let mut refused = Vec::new();
        // Twice the same pool within a slice: one after the other.
        let mut waits: HashMap<_, Vec<_>> = HashMap::new();
        for (line, id, new) in pools {
            if let Some(earlier) = waits.remove(&id) {
                settle(earlier, &mut refused).await?;
            }
            let made = Engine::save_pool(&self.incarnation, self.staff, id, new)?;
            waits.insert(id, vec![(line, made)]);
        }
        for made in waits.into_values() {
            settle(made, &mut refused).await?;
        }
        refused.sort_by_key(|bad| bad.line);
        Ok(refused)
    }
}

async fn settle(
    waits: Vec<(u64, super::super::pools::Made)>,
    refused: &mut Vec<BadLine>,
) -> Result<(), Denied> {
    for (line, made) in waits {
        match made.await.unwrap_or(Err(Failure::StoreUnavailable.into())) {
            Ok(()) => {}
            Err(Denied::Refused(Refusal::CapacityBelowTaken { held, paid })) => {
                refused.push(BadLine {
                    line,
                    column: Some("capacity"),
                    fault: Fault::CapacityBelowTaken { held, paid },
                });
            }
            Err(denied) => return Err(denied),
        }
    }
    Ok(())
}
