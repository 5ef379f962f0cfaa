//! Slices of good lines, made ready where they are read and applied where claims are served. Applying one twice changes
//! nothing.

use std::collections::HashMap;
use std::sync::Arc;

use kaowei_core::ids::PoolId;
use kaowei_core::seats::Refusal;
use kaowei_core::sites::Campus;

use super::super::pools::Made;
use super::super::{NewPool, Staff};
use super::BadLine;
use super::line::{Cet4Result, Line};
use crate::Engine;
use crate::failure::{Denied, Failure};
use crate::fault::Fault;
use crate::incarnation::Incarnation;
use crate::people::{SealedStudent, unavailable};
use crate::store::{Secrets, Statement};

/// Good lines as they are stored: all that takes time without waiting for anything is done.
#[derive(Default)]
pub(super) struct Slice {
    campuses: Vec<Campus>,
    pools: Vec<(u64, PoolId, NewPool)>,
    students: Vec<SealedStudent>,
    results: Vec<SealedResult>,
}

/// A CET4 result as it is stored.
struct SealedResult {
    result: Cet4Result,
    person: Vec<u8>,
}

impl Slice {
    /// Makes lines ready, with their numbers in the file.
    pub(super) fn new(lines: Vec<(u64, Line)>, secrets: &Secrets) -> Result<Self, Failure> {
        let mut slice = Self::default();
        let mut students = HashMap::new();
        let mut results = HashMap::new();
        for (number, line) in lines {
            match line {
                Line::Campus(campus) => slice.campuses.push(campus),
                Line::Pool(id, new) => slice.pools.push((number, id, new)),
                // Twice the same person or ticket within a slice: the later line counts.
                Line::Student(student) => {
                    let student = SealedStudent::seal(*student, secrets)?;
                    students.insert(student.person().to_vec(), student);
                }
                Line::Result(result) => {
                    let person = secrets.index(&result.id_number.to_ascii_uppercase());
                    results.insert(
                        result.ticket.clone(),
                        SealedResult {
                            result,
                            person: person.into(),
                        },
                    );
                }
            }
        }
        slice.students.extend(students.into_values());
        slice.results.extend(results.into_values());
        Ok(slice)
    }
}

/// Applies an import.
pub(super) struct Applier<'a> {
    pub(super) engine: &'a Engine,
    pub(super) staff: &'a Staff,
    pub(super) incarnation: Arc<Incarnation>,
}

impl Applier<'_> {
    /// Applies a slice. Lines that the rules refuse only now.
    pub(super) async fn apply(&self, slice: Slice) -> Result<Vec<BadLine>, Denied> {
        self.engine.save_campuses(self.staff, slice.campuses).await?;
        self.apply_students(&slice.students).await?;
        self.apply_results(&slice.results).await?;
        self.apply_pools(slice.pools).await
    }

    async fn apply_students(&self, students: &[SealedStudent]) -> Result<(), Denied> {
        if students.is_empty() {
            return Ok(());
        }
        let touched = self.engine.inner.students.import(students).await?;
        for record in touched {
            // What the record allows is live (R4): looked up again at the next request.
            if let Some(candidate) = self.incarnation.bound_to(record) {
                self.incarnation.candidate(candidate).forget_eligibility();
            }
        }
        Ok(())
    }

    async fn apply_results(&self, results: &[SealedResult]) -> Result<(), Denied> {
        const COLUMNS: [&str; 5] = ["ticket", "person", "name", "year", "score"];
        if results.is_empty() {
            return Ok(());
        }
        let rows = results.iter().map(|SealedResult { result, person }| {
            [
                result.ticket.as_str().into(),
                person.as_slice().into(),
                result.name.as_str().into(),
                result.year.into(),
                result.score.into(),
            ]
        });
        let statement = Statement::upsert("cet4_results", &["ticket"], &COLUMNS, rows);
        let people = &self.engine.inner.store.people;
        people
            .write(&[statement])
            .await
            .map_err(|error| unavailable(&error))?;
        Ok(())
    }

    /// Hands over all pools of the slice, then waits for all.
    async fn apply_pools(&self, pools: Vec<(u64, PoolId, NewPool)>) -> Result<Vec<BadLine>, Denied> {
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
        Ok(refused)
    }
}

async fn settle(waits: Vec<(u64, Made)>, refused: &mut Vec<BadLine>) -> Result<(), Denied> {
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
