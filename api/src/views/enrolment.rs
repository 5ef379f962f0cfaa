//! The registration page in one object (R30): the record that was confirmed, what is done and what is still to do,
//! claims with deadlines and places, what is due, and when what may be deleted.

use kaowei_core::seats::ClaimState as State;
use kaowei_core::sites::{Paper, Sitting};
use kaowei_core::time::Moment;
use kaowei_engine::{ClaimView, EnrolmentView, StudentRecord};
use serde::Serialize;
use utoipa::ToSchema;

use super::todo::{to_pay, todo};
use super::{Choices, Claim, Instant, NextCall, OWN_NEXT_POLL_MS, Order, Review, SubjectView, Todo, mask};

/// A student record, as its school imported it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Record {
    /// The province's code.
    pub province: String,
    /// The kind of ID document.
    #[schema(example = "resident_id")]
    pub id_type: String,
    /// Its number, masked.
    pub id_number: String,
    /// The name.
    pub name: String,
    /// 性别
    pub gender: String,
    /// 学校, its code.
    pub school: String,
    /// 校区, its code.
    pub campus: String,
    /// 学历
    pub degree: String,
    /// 学制
    pub program_years: String,
    /// 入学年份
    pub entry_year: String,
    /// 年级
    pub grade: String,
    /// 院系
    pub department: String,
    /// 专业
    pub major: String,
    /// 班级
    pub class: String,
    /// 学号
    pub student_number: String,
    /// 备注
    pub remarks: String,
}

impl From<&StudentRecord> for Record {
    fn from(record: &StudentRecord) -> Self {
        Self {
            province: record.province.to_string(),
            id_type: record.id_type.clone(),
            id_number: mask(&record.id_number),
            name: record.name.clone(),
            gender: record.gender.clone(),
            school: record.school.to_string(),
            campus: record.campus.to_string(),
            degree: record.degree.clone(),
            program_years: record.program_years.clone(),
            entry_year: record.entry_year.clone(),
            grade: record.grade.clone(),
            department: record.department.clone(),
            major: record.major.clone(),
            class: record.class.clone(),
            student_number: record.student_number.clone(),
            remarks: record.remarks.clone(),
        }
    }
}

/// The answer to the qualification query (R3, R4).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Qualification {
    /// The record that matches.
    pub record: Record,
    /// Its version, to confirm with `POST /v1/enrolment`.
    pub record_version: i32,
    /// What may be sat.
    pub eligible_subjects: Vec<SubjectView>,
    /// The CET6 eligibility review.
    pub review: Review,
}

/// A step of the flow (R30).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Step {
    /// 报名协议
    Agreement,
    /// 资格信息查询
    Qualification,
    /// 资格信息确认
    Confirmation,
    /// 笔试报考
    WrittenClaim,
    /// 笔试缴费
    WrittenPayment,
    /// 口试报考
    OralClaim,
    /// 口试缴费
    OralPayment,
}

/// How a step stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum StepState {
    /// Nothing is left to do in it.
    Done,
    /// The candidate's turn.
    Todo,
    /// In a queue.
    Waiting,
    /// An earlier step comes first.
    Locked,
}

/// One step of the progress bar.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
pub struct Progress {
    /// Which.
    pub step: Step,
    /// How it stands.
    pub state: StepState,
    /// Whether one must do it to sit the exam.
    pub required: bool,
}

/// What is to be paid together: written and oral apart (R25).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Due {
    /// `written` or `oral`.
    #[schema(example = "written")]
    pub paper: &'static str,
    /// The sum, in fen.
    pub amount_fen: u64,
    /// The claims that it is for.
    pub claims: Vec<String>,
    /// The earliest of their deadlines.
    pub pay_before: Instant,
}

/// The registration page.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct EnrolmentPage {
    /// The record as it was confirmed; later edits do not reach it.
    pub record: Record,
    /// Its version.
    pub record_version: i32,
    /// The version of the agreement that was accepted.
    pub agreement_version: Option<String>,
    /// When it was accepted.
    pub agreed_at: Option<Instant>,
    /// When the enrolment was saved.
    pub saved_at: Instant,
    /// From when on it is deleted if it has no active claim.
    pub delete_after: Instant,
    /// What may be sat, live.
    pub eligible_subjects: Vec<SubjectView>,
    /// The CET6 eligibility review.
    pub review: Review,
    /// What is done and what is still to do.
    pub progress: Vec<Progress>,
    /// What is still to do, the required first, each in the order of the flow.
    pub todo: Vec<Todo>,
    /// The next call to make: that of the first thing to do which has one and can be done now.
    pub next: Option<NextCall>,
    /// Claims in the order in which they were made.
    pub claims: Vec<Claim>,
    /// Orders, in the order in which they were opened.
    pub orders: Vec<Order>,
    /// What was chosen for after the exam.
    pub choices: Choices,
    /// What is due, by payment group.
    pub due: Vec<Due>,
    /// When to ask again.
    pub next_poll_ms: u32,
}

impl EnrolmentPage {
    /// The page of an enrolment.
    pub fn new(view: &EnrolmentView, sitting: Option<&Sitting>, now: Moment) -> Self {
        let agreed = view.agreed.as_ref().is_some_and(|agreed| {
            sitting.is_none_or(|sitting| *agreed.version == *sitting.agreement.version)
        });
        let progress = progress(agreed, &view.claims);
        let todo = todo(view, &progress, sitting, now);
        Self {
            record: Record::from(&view.record),
            record_version: view.enrolment.record_version.0,
            agreement_version: view.agreed.as_ref().map(|agreed| agreed.version.to_string()),
            agreed_at: view.agreed.as_ref().map(|agreed| agreed.at.into()),
            saved_at: view.enrolment.saved_at.into(),
            delete_after: view.enrolment.delete_after.into(),
            eligible_subjects: view.eligible_subjects.iter().map(SubjectView::from).collect(),
            review: Review::from(view.review),
            next: next(&todo),
            progress,
            todo,
            claims: view.claims.iter().map(Claim::from).collect(),
            orders: view.orders.iter().map(Order::from).collect(),
            choices: Choices::from(&view.choices),
            due: [Paper::Written, Paper::Oral]
                .into_iter()
                .filter_map(|paper| due(paper, &view.claims))
                .collect(),
            next_poll_ms: OWN_NEXT_POLL_MS,
        }
    }
}

/// The call of the first thing that can be done now.
fn next(todo: &[Todo]) -> Option<NextCall> {
    let mut open = todo.iter().filter(|todo| todo.opens_at.is_none());
    open.find_map(|todo| todo.call.clone())
}

fn due(paper: Paper, claims: &[ClaimView]) -> Option<Due> {
    let due = || to_pay(claims, paper);
    let pay_before = due().map(|(_, until)| until).min()?;
    Some(Due {
        paper: paper.as_str(),
        amount_fen: due().map(|(standing, _)| u64::from(standing.fee.0)).sum(),
        claims: due().map(|(standing, _)| standing.id.to_string()).collect(),
        pay_before: pay_before.into(),
    })
}

fn progress(agreed: bool, claims: &[ClaimView]) -> Vec<Progress> {
    let states = |paper: Paper| {
        claims
            .iter()
            .filter(move |claim| claim.standing.paper == paper)
            .map(|claim| claim.standing.state)
    };
    let has = |paper, wanted: fn(State) -> bool| states(paper).any(wanted);
    let is_held: fn(State) -> bool = |state| matches!(state, State::Held { .. });
    let is_paid: fn(State) -> bool = |state| matches!(state, State::Paid { .. });
    let is_waiting: fn(State) -> bool = |state| matches!(state, State::Waiting);

    let claimed = |paper, may_claim: bool| {
        if has(paper, is_held) || has(paper, is_paid) {
            StepState::Done
        } else if has(paper, is_waiting) {
            StepState::Waiting
        } else if may_claim {
            StepState::Todo
        } else {
            StepState::Locked
        }
    };
    let paid = |paper, may_pay: bool| {
        if has(paper, is_held) && may_pay {
            StepState::Todo
        } else if !has(paper, is_held) && has(paper, is_paid) {
            StepState::Done
        } else {
            StepState::Locked
        }
    };
    let has_written = has(Paper::Written, is_held) || has(Paper::Written, is_paid);
    let step = |step, state, required| Progress {
        step,
        state,
        required,
    };
    vec![
        step(
            Step::Agreement,
            if agreed { StepState::Done } else { StepState::Todo },
            true,
        ),
        step(Step::Qualification, StepState::Done, true),
        step(Step::Confirmation, StepState::Done, true),
        step(Step::WrittenClaim, claimed(Paper::Written, agreed), true),
        step(Step::WrittenPayment, paid(Paper::Written, true), true),
        step(
            Step::OralClaim,
            claimed(Paper::Oral, agreed && has_written),
            false,
        ),
        step(
            Step::OralPayment,
            paid(Paper::Oral, has(Paper::Written, is_paid)),
            false,
        ),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn states(claims: &[ClaimView]) -> Vec<StepState> {
        progress(true, claims)
            .into_iter()
            .map(|step| step.state)
            .collect()
    }

    #[test]
    fn r30_who_has_no_claim_yet_is_to_claim_a_written_subject_first() {
        use StepState::{Done, Locked, Todo};
        assert_eq!(states(&[]), [Done, Done, Done, Todo, Locked, Locked, Locked]);
    }
}
