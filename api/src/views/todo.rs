//! What is still to do (R30, S26–S27), as a program reads it: what, by when, and which call does it.

use kaowei_core::ids::SubjectCode;
use kaowei_core::payment::{Order, State};
use kaowei_core::seats::{ClaimState, Standing};
use kaowei_core::sites::{Paper, Sitting, Terms};
use kaowei_core::time::Moment;
use kaowei_engine::{ClaimView, EnrolmentView};
use serde::Serialize;
use serde_json::{Value, json};
use utoipa::ToSchema;

use super::{Instant, Progress, Step, StepState};

/// What is to be done in a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Action {
    /// To accept the agreement in force.
    Accept,
    /// To claim a seat, or a place in the queue.
    Claim,
    /// To choose the score report, without which nothing is paid (R24).
    ChooseScoreReport,
    /// To pay what is held: with an order, and at its provider's.
    Pay,
    /// To wait: for a seat, or for what the provider says of an order.
    Wait,
}

/// One thing to do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Todo {
    /// In which step of the flow.
    pub step: Step,
    /// What.
    pub action: Action,
    /// Whether one must do it to sit the exam.
    pub required: bool,
    /// From when on it can be done; null where that is now. By the windows of the own school.
    pub opens_at: Option<Instant>,
    /// Until when: a window's or a queue's end, a payment deadline, or the moment from which on an enrolment without a
    /// claim is deleted, whichever comes first.
    pub by: Option<Instant>,
    /// The claims that it is about.
    pub claims: Vec<String>,
    /// The call that does it, or that comes first; null where none does.
    pub call: Option<NextCall>,
}

/// A call to make.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct NextCall {
    /// Its method.
    #[schema(example = "POST")]
    pub method: &'static str,
    /// Its path; where an order is to be paid, its `pay_url`, which may be elsewhere.
    #[schema(example = "/v1/claims")]
    pub path: String,
    /// What of its body is known.
    #[schema(value_type = Object)]
    pub body: Value,
    /// Where to find what the candidate is to choose from, if anything.
    #[schema(example = "/v1/pools?offered_to=me&paper=written")]
    pub choose_from: Option<&'static str>,
}

/// What is to be done, the required first, each in the order of the flow.
pub(super) fn todo(
    view: &EnrolmentView,
    progress: &[Progress],
    sitting: Option<&Sitting>,
    now: Moment,
) -> Vec<Todo> {
    let Some(sitting) = sitting else {
        return Vec::new();
    };
    let mut todo: Vec<Todo> = progress
        .iter()
        .filter_map(|progress| one(view, *progress, sitting, now))
        .collect();
    todo.sort_by_key(|todo| !todo.required);
    todo
}

fn one(view: &EnrolmentView, progress: Progress, sitting: &Sitting, now: Moment) -> Option<Todo> {
    let item = Todo {
        step: progress.step,
        action: Action::Accept,
        required: progress.required,
        opens_at: None,
        by: None,
        claims: Vec::new(),
        call: None,
    };
    let site = view.enrolment.site;
    let terms = |paper| sitting.terms(site.province, site.school, paper);
    match (progress.step, progress.state) {
        (_, StepState::Done | StepState::Locked) => None,
        (Step::Agreement | Step::Qualification | Step::Confirmation, _) => Some(Todo {
            call: Some(NextCall {
                method: "PUT",
                path: "/v1/agreement".into(),
                body: json!({"version": sitting.agreement.version}),
                choose_from: None,
            }),
            ..item
        }),
        (Step::WrittenClaim, StepState::Waiting) => {
            Some(wait(view, Paper::Written, &terms(Paper::Written), item))
        }
        (Step::OralClaim, StepState::Waiting) => Some(wait(view, Paper::Oral, &terms(Paper::Oral), item)),
        (Step::WrittenClaim, _) => claim(view, Paper::Written, &terms(Paper::Written), now, item),
        (Step::OralClaim, _) => claim(view, Paper::Oral, &terms(Paper::Oral), now, item),
        (Step::WrittenPayment, _) => pay(view, Paper::Written, &item),
        (Step::OralPayment, _) => pay(view, Paper::Oral, &item),
    }
}

/// Nothing is to be claimed any more once the window is closed.
fn claim(view: &EnrolmentView, paper: Paper, terms: &Terms, now: Moment, item: Todo) -> Option<Todo> {
    if now >= terms.closes_at {
        return None;
    }
    let has_claim = view.claims.iter().any(|claim| claim.standing.state.is_active());
    let by = if has_claim {
        terms.closes_at
    } else {
        terms.closes_at.min(view.enrolment.delete_after)
    };
    Some(Todo {
        action: Action::Claim,
        opens_at: (now < terms.opens_at).then_some(Instant(terms.opens_at)),
        by: Some(by.into()),
        call: Some(NextCall {
            method: "POST",
            path: "/v1/claims".into(),
            body: json!({}),
            choose_from: Some(match paper {
                Paper::Written => "/v1/pools?offered_to=me&paper=written",
                Paper::Oral => "/v1/pools?offered_to=me&paper=oral",
            }),
        }),
        ..item
    })
}

fn wait(view: &EnrolmentView, paper: Paper, terms: &Terms, item: Todo) -> Todo {
    let waiting = view.claims.iter().map(|claim| &claim.standing);
    let waiting = waiting.filter(|claim| claim.paper == paper && claim.state == ClaimState::Waiting);
    Todo {
        action: Action::Wait,
        by: Some(terms.waitlist_closes_at.into()),
        claims: waiting.map(|claim| claim.id.to_string()).collect(),
        ..item
    }
}

/// The choice of score reports comes first (R24), then the order, then the provider's page.
fn pay(view: &EnrolmentView, paper: Paper, item: &Todo) -> Option<Todo> {
    // None where all that is held is about to go.
    let by = to_pay(&view.claims, paper).map(|(_, until)| until).min();
    let mut orders = view.orders.iter();
    if let Some(order) = orders.find(|order| order.paper() == paper && order.keeps_holds()) {
        return Some(pay_order(order, by.is_some(), item));
    }
    let by = by?;
    let mut unchosen: Vec<SubjectCode> = to_pay(&view.claims, paper)
        .map(|(claim, _)| claim.requires.unwrap_or(claim.id.pool.subject))
        .filter(|written| view.choices.score_report(*written).is_none())
        .collect();
    unchosen.dedup();
    let (action, method, path, body) = if unchosen.is_empty() {
        let body = json!({"paper": paper.as_str()});
        (Action::Pay, "POST", "/v1/orders", body)
    } else {
        let choices = unchosen.iter();
        let choices: Vec<Value> = choices
            .map(|subject| json!({"subject": subject.to_string()}))
            .collect();
        let body = json!({"choices": choices});
        (
            Action::ChooseScoreReport,
            "PUT",
            "/v1/enrolment/score-reports",
            body,
        )
    };
    Some(Todo {
        step: item.step,
        action,
        required: item.required,
        opens_at: None,
        by: Some(by.into()),
        claims: to_pay(&view.claims, paper)
            .map(|(claim, _)| claim.id.to_string())
            .collect(),
        call: Some(NextCall {
            method,
            path: path.into(),
            body,
            choose_from: None,
        }),
    })
}

/// An order that can be paid is to be paid, if it still pays for anything; of any other its provider is asked.
fn pay_order(order: &Order, is_wanted: bool, item: &Todo) -> Todo {
    let (action, by, method, path) = match order.state() {
        State::Payable { pay_url, .. } if is_wanted => {
            let by = Some(order.expires_at().into());
            (Action::Pay, by, "GET", pay_url.to_string())
        }
        State::Attaching
        | State::Placed { .. }
        | State::Payable { .. }
        | State::Closing { .. }
        | State::Closed { .. }
        | State::Paid { .. } => {
            let refresh = format!("/v1/orders/{}/refresh", order.id());
            (Action::Wait, None, "POST", refresh)
        }
    };
    let claims = order.claims().iter();
    Todo {
        step: item.step,
        action,
        required: item.required,
        opens_at: None,
        by,
        claims: claims.map(|ordered| ordered.claim.to_string()).collect(),
        call: Some(NextCall {
            method,
            path,
            body: json!({}),
            choose_from: None,
        }),
    }
}

/// What of a paper is to be paid, and by when: what is held, unless it is about to go.
pub(super) fn to_pay(claims: &[ClaimView], paper: Paper) -> impl Iterator<Item = (&Standing, Moment)> {
    let claims = claims.iter().map(|claim| &claim.standing);
    claims.filter_map(move |claim| {
        let leaves = claim.attached.is_some_and(|attached| attached.asked_at.is_some());
        let until = claim.state.held_until()?;
        (claim.paper == paper && !leaves).then_some((claim, until))
    })
}
