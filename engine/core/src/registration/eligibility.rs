//! What a student record allows its candidate to sit, and where (R4, R5, R11). Live: a later import changes it. What a
//! review grants is the candidate's ([`super::Candidate::granted`]), and still subject to what the record bars.

use smallvec::SmallVec;

use crate::ids::{CampusCode, SubjectCode};
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
    /// The subjects that this candidate may sit in that sitting (R4), with the one that a review granted.
    pub fn subjects<'a>(
        &'a self,
        sitting: &'a Sitting,
        granted: Option<SubjectCode>,
    ) -> impl Iterator<Item = &'a Subject> {
        sitting
            .subjects
            .iter()
            .filter(move |subject| self.may_sit(subject.code, granted))
    }

    /// Whether that pool is open to this candidate (R11): written where the school opened it, oral anywhere in
    /// the province; of the subjects of the record and the one that a review granted.
    pub fn allows(&self, facts: &PoolFacts, granted: Option<SubjectCode>) -> bool {
        self.may_sit(facts.id.subject, granted)
            && facts.site.province == self.site.province
            && match facts.paper {
                Paper::Written => self.campuses().contains(&facts.id.campus),
                Paper::Oral => true,
            }
    }

    /// Whether that pool is one that only an approved review opens to this candidate (R5): of a subject that the
    /// record does not allow and the candidate is not barred from, at a campus where he may sit it.
    pub fn review_would_open(&self, facts: &PoolFacts) -> bool {
        !self.subjects.contains(&facts.id.subject) && self.allows(facts, Some(facts.id.subject))
    }

    /// The campuses where the candidate may sit written papers.
    pub fn campuses(&self) -> &[CampusCode] {
        if self.open_campuses.is_empty() {
            std::slice::from_ref(&self.campus)
        } else {
            &self.open_campuses
        }
    }

    fn may_sit(&self, subject: SubjectCode, granted: Option<SubjectCode>) -> bool {
        (self.subjects.contains(&subject) || granted == Some(subject)) && !self.barred.contains(&subject)
    }
}
