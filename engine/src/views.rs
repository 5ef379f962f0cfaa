//! What operations answer with: plain data, published and durable.

use std::sync::Arc;

use kaowei_core::ids::{
    CampusCode, CandidateId, ClaimId, Fen, ProvinceCode, RecordVersion, SchoolCode, Sequence,
};
use kaowei_core::notices::{Notice, NoticeId};
use kaowei_core::payment::Order;
use kaowei_core::registration::{Agreed, Choices, Enrolment, Review, ReviewState};
use kaowei_core::seats::{Answered, PoolFacts, Refusal, Standing};
use kaowei_core::sites::{Paper, Sitting, Subject, Terms, Tree};
use kaowei_core::time::Moment;
use serde::{Deserialize, Serialize};

use crate::actors::Numbers;
use crate::people::IdType;
use crate::tables::NoticeRow;

/// The sitting and the sites, as one version of both.
#[derive(Debug, Clone, Default)]
pub struct Catalogue {
    /// The sitting; none before one was set.
    pub sitting: Option<Arc<Sitting>>,
    /// All campuses.
    pub tree: Tree,
    /// Rises with every change.
    pub version: u64,
}

/// Which pools.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct PoolFilter {
    /// Of one campus.
    pub campus: Option<CampusCode>,
    /// Of one school.
    pub school: Option<SchoolCode>,
    /// Of one province.
    pub province: Option<ProvinceCode>,
    /// Written or oral.
    pub paper: Option<Paper>,
}

impl PoolFilter {
    /// Whether a pool is one of them.
    pub fn matches(&self, facts: &PoolFacts) -> bool {
        self.campus.is_none_or(|campus| campus == facts.id.campus)
            && self.school.is_none_or(|school| school == facts.site.school)
            && self
                .province
                .is_none_or(|province| province == facts.site.province)
            && self.paper.is_none_or(|paper| paper == facts.paper)
    }
}

/// A pool as it is published.
#[expect(
    clippy::struct_excessive_bools,
    reason = "four independent facts, each a field of the contract"
)]
#[derive(Debug, Clone)]
pub struct PoolView {
    /// What never changes about it.
    pub facts: PoolFacts,
    /// Its times.
    pub terms: Terms,
    /// Whether it takes claims.
    pub open: bool,
    /// Its seats.
    pub capacity: u32,
    /// Seats held, unpaid.
    pub held: u32,
    /// Seats paid.
    pub paid: u32,
    /// How many wait.
    pub waiting: u32,
    /// Whether released seats vanish (R34).
    pub draining: bool,
    /// What a seat costs.
    pub fee: Fen,
    /// When the exam is sat, as the school wrote it.
    pub exam_date: Option<Arc<str>>,
    /// Availability: whether a newcomer would get a seat (R11, R19).
    pub has_seat: bool,
    /// Whether one may join the queue now (R19).
    pub waitlist_open: bool,
    /// Its latest event.
    pub sequence: Sequence,
}

impl PoolView {
    pub(crate) fn new(
        facts: PoolFacts,
        terms: Terms,
        numbers: &Numbers,
        sequence: Sequence,
        now: Moment,
    ) -> Self {
        let takes_a_queue = numbers.open || facts.paper == Paper::Oral;
        let waitlist_open =
            takes_a_queue && !numbers.has_seat && terms.is_open(now) && now < terms.waitlist_closes_at;
        Self {
            facts,
            terms,
            open: numbers.open,
            capacity: numbers.capacity,
            held: numbers.held,
            paid: numbers.paid,
            waiting: numbers.waiting,
            draining: numbers.draining,
            fee: numbers.fee,
            exam_date: numbers.exam_date.clone(),
            has_seat: numbers.has_seat,
            waitlist_open,
            sequence,
        }
    }
}

/// A claim with its place in the queue.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ClaimView {
    /// How it stands.
    pub standing: Standing,
    /// Its place, from 1, while it waits.
    pub position: Option<u32>,
    /// Since when the seat is kept for nothing but its order's end (R27), if it is.
    pub settling_since: Option<Moment>,
}

impl From<Answered> for ClaimView {
    fn from(Answered { standing, position }: Answered) -> Self {
        Self {
            standing,
            position,
            settling_since: standing.settling_since(standing.state_at),
        }
    }
}

impl From<ClaimView> for Answered {
    fn from(view: ClaimView) -> Self {
        Self {
            standing: view.standing,
            position: view.position,
        }
    }
}

/// The answer to a claim.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ClaimAnswer {
    /// Whether this request made it, or a repeat found it.
    pub created: bool,
    /// The claim.
    pub claim: ClaimView,
}

/// A candidate's account.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Account {
    /// The pseudonym.
    pub candidate: CandidateId,
    /// The province, and so the cell.
    pub province: ProvinceCode,
}

/// A student record, as a school imported it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the fields are the columns of the import file (2.8)")]
pub struct StudentRecord {
    pub province: ProvinceCode,
    pub id_type: String,
    pub id_number: String,
    pub name: String,
    pub gender: String,
    pub school: SchoolCode,
    pub campus: CampusCode,
    pub degree: String,
    pub program_years: String,
    pub entry_year: String,
    pub grade: String,
    pub department: String,
    pub major: String,
    pub class: String,
    pub student_number: String,
    pub remarks: String,
}

/// The answer to a qualification query (R3, R4).
#[derive(Debug, Clone)]
pub struct Qualification {
    /// The record.
    pub record: StudentRecord,
    /// Its version now.
    pub record_version: RecordVersion,
    /// What it allows.
    pub eligible_subjects: Vec<Subject>,
    /// The review of the eligibility for CET6.
    pub review: ReviewStatus,
}

/// How the review of the eligibility for CET6 stands (R5, S10).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReviewStatus {
    /// Whether it is open to the candidate: where it would help, and is not approved.
    pub available: bool,
    /// How it stands; none before an application.
    pub state: Option<ReviewState>,
}

/// A review as staff see it.
#[derive(Debug, Clone)]
pub struct ReviewCase {
    /// Whose it is: its id too, since an account has one.
    pub candidate: CandidateId,
    /// How it stands.
    pub review: Review,
    /// What to decide by; none where the person was deleted.
    pub papers: Option<Papers>,
}

/// What staff decide a review by, in clear: mask it before anybody sees it.
#[derive(Debug, Clone)]
pub struct Papers {
    /// Who applied.
    pub applicant: Applicant,
    /// The ticket number; none where it was forgotten.
    pub ticket: Option<String>,
    /// The result of that ticket, if there is one.
    pub result: Option<NamedResult>,
}

/// Who applied, by the account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Applicant {
    /// The kind of document.
    pub id_type: IdType,
    /// Its number.
    pub id_number: String,
    /// The name.
    pub name: String,
}

/// A CET4 result beside its applicant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NamedResult {
    /// The ID number; none of a result that was imported when none was kept.
    pub id_number: Option<String>,
    /// Whether it is the applicant's.
    pub same_id_number: bool,
    /// The name.
    pub name: String,
    /// Whether it is the applicant's.
    pub same_name: bool,
    /// The year of the exam.
    pub year: u32,
    /// The score.
    pub score: u32,
}

/// The registration page in one object (R8–R13, R30).
#[derive(Debug, Clone)]
pub struct EnrolmentView {
    /// The record as it was confirmed.
    pub record: StudentRecord,
    /// The accepted agreement.
    pub agreed: Option<Agreed>,
    /// The binding.
    pub enrolment: Enrolment,
    /// What may be sat now.
    pub eligible_subjects: Vec<Subject>,
    /// The review of the eligibility for CET6.
    pub review: ReviewStatus,
    /// Claims, newest last.
    pub claims: Vec<ClaimView>,
    /// Orders, newest last.
    pub orders: Vec<Order>,
    /// What was chosen for after the exam.
    pub choices: Choices,
}

/// The answer to saving an enrolment.
#[derive(Debug, Clone)]
pub struct Enrolled {
    /// Whether this request made it, or a repeat found it.
    pub created: bool,
    /// The page.
    pub enrolment: EnrolmentView,
}

/// A notice, as its candidate is told it (R36).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NoticeView {
    /// Its id: the same whenever and however it is told.
    pub id: NoticeId,
    /// When it happened.
    pub at: Moment,
    /// What it says.
    pub notice: Notice,
}

impl From<&NoticeRow> for NoticeView {
    fn from(row: &NoticeRow) -> Self {
        Self {
            id: row.id,
            at: row.at,
            notice: row.notice.clone(),
        }
    }
}

/// What a change of a pool's capacity would do (R34).
#[derive(Debug, Clone)]
pub struct Preview {
    /// The pool now.
    pub pool: PoolView,
    /// Who would be promoted, head first.
    pub would_promote: Vec<ClaimId>,
    /// Why it would be refused unless the pool is drained.
    pub refused: Option<Refusal>,
}

/// Whether deadlines are acted on (1.4).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExpiryStatus {
    /// Whether holds expire.
    pub running: bool,
    /// Since when not.
    pub since: Option<Moment>,
    /// Why not, or why it was resumed.
    pub reason: Option<Arc<str>>,
}

/// What the console shows first.
#[derive(Debug, Clone)]
pub struct Overview {
    /// Sums below the scope.
    pub total: Sums,
    /// Sums by province.
    pub provinces: Vec<(ProvinceCode, Sums)>,
    /// The pools with the longest queues.
    pub longest_queues: Vec<PoolView>,
    /// Whether deadlines are acted on.
    pub expiry: ExpiryStatus,
    /// Claims being decided.
    pub claims_in_flight: usize,
    /// Events committed.
    pub journal_position: i64,
    /// Of them not in the tables yet.
    pub checkpoint_lag: i64,
}

/// Sums over pools.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[expect(missing_docs, reason = "the glossary's words")]
pub struct Sums {
    pub pools: u64,
    pub full_pools: u64,
    pub capacity: u64,
    pub held: u64,
    pub paid: u64,
    pub waiting: u64,
}

impl Sums {
    pub(crate) fn add(&mut self, pool: &PoolView) {
        self.pools += 1;
        self.full_pools += u64::from(!pool.has_seat);
        self.capacity += u64::from(pool.capacity);
        self.held += u64::from(pool.held);
        self.paid += u64::from(pool.paid);
        self.waiting += u64::from(pool.waiting);
    }
}
