//! What a student record allows its candidate to sit, and where (R4, R11). Live: a later import changes it.

use smallvec::SmallVec;

use crate::ids::{CampusCode, PoolId, SubjectCode};
use crate::seats::PoolFacts;
use crate::sites::{Paper, Site, Sitting, Subject};

/// The part of a student record that rules ask for.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Eligibility {
    /// The school and province of the record.
    pub site: Site,
    /// The campus of the record.
    pub campus: CampusCode,
    /// Subjects the school imported for the candidate.
    pub subjects: SmallVec<[SubjectCode; 4]>,
    /// Subjects the candidate is barred from.
    pub barred: SmallVec<[SubjectCode; 1]>,
    /// Campuses opened to the candidate for written papers; the own campus when empty.
    pub open_campuses: SmallVec<[CampusCode; 1]>,
}

impl Eligibility {
    /// The subjects that this candidate may sit in that sitting (R4).
    pub fn subjects<'a>(&'a self, sitting: &'a Sitting) -> impl Iterator<Item = &'a Subject> {
        sitting
            .subjects
            .iter()
            .filter(|subject| self.may_sit(subject.code))
    }

    /// Whether that pool is open to this candidate (R11): written where the school opened it, oral anywhere in
    /// the province.
    pub fn allows(&self, facts: &PoolFacts) -> bool {
        self.may_sit(facts.id.subject)
            && facts.site.province == self.site.province
            && match facts.paper {
                Paper::Written => self.opens(facts.id),
                Paper::Oral => true,
            }
    }

    fn may_sit(&self, subject: SubjectCode) -> bool {
        self.subjects.contains(&subject) && !self.barred.contains(&subject)
    }

    fn opens(&self, pool: PoolId) -> bool {
        if self.open_campuses.is_empty() {
            pool.campus == self.campus
        } else {
            self.open_campuses.contains(&pool.campus)
        }
    }
}
