//! `GET` and `PUT /v1/staff/sandbox`: how the sandbox misbehaves (2.4).

use axum::extract::State;
use axum::response::Response;
use http::StatusCode;
use kaowei_engine as engine;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::scope;
use crate::auth::StaffMember;
use crate::openapi::problems;
use crate::problem::{Code, Problem};
use crate::state::App;
use crate::wire::{RawJson, json, parse};

/// What a lying provider says of every order.
#[derive(Debug, Clone, Copy, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum Says {
    /// That it can be paid.
    Open,
    /// That it was closed unpaid.
    Closed,
    /// That it knows no such order.
    Unknown,
}

/// How refunds go.
#[derive(Debug, Clone, Copy, Default, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum RefundManner {
    /// At once.
    #[default]
    Done,
    /// Taken, and not done until it behaves otherwise.
    Pending,
    /// Not at all.
    Failed,
}

/// How the sandbox behaves; what is absent is as it should be.
#[derive(Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub(super) struct SandboxBehaviour {
    /// It answers nothing and tells nothing.
    down: bool,
    /// Every answer takes so much longer, in milliseconds.
    slow_ms: u32,
    /// What it says of every order that it is asked about, whatever is true.
    says: Option<Says>,
    /// How refunds go.
    refunds: RefundManner,
    /// Notifications are late by so much, in milliseconds.
    delay_ms: u32,
    /// Every notification comes so much more often than once.
    repeats: u32,
    /// The newest notification comes first.
    newest_first: bool,
}

/// How the sandbox behaves, and what its books say.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct SandboxState {
    /// How it behaves.
    behaviour: SandboxBehaviour,
    /// What it has taken, in fen.
    received_fen: u64,
    /// What it has given back, in fen.
    refunded_fen: u64,
}

impl SandboxState {
    async fn of(sandbox: &engine::Sandbox) -> Result<Self, Problem> {
        let (received_fen, refunded_fen) = sandbox.money().await?;
        Ok(Self {
            behaviour: sandbox.behaviour().into(),
            received_fen,
            refunded_fen,
        })
    }
}

impl From<engine::Behaviour> for SandboxBehaviour {
    fn from(behaviour: engine::Behaviour) -> Self {
        Self {
            down: behaviour.down,
            slow_ms: behaviour.slow_ms,
            says: behaviour.says.map(|says| match says {
                engine::Says::Open => Says::Open,
                engine::Says::Closed => Says::Closed,
                engine::Says::Unknown => Says::Unknown,
            }),
            refunds: match behaviour.refunds {
                engine::RefundManner::Done => RefundManner::Done,
                engine::RefundManner::Pending => RefundManner::Pending,
                engine::RefundManner::Failed => RefundManner::Failed,
            },
            delay_ms: behaviour.delay_ms,
            repeats: behaviour.repeats,
            newest_first: behaviour.newest_first,
        }
    }
}

impl From<SandboxBehaviour> for engine::Behaviour {
    fn from(behaviour: SandboxBehaviour) -> Self {
        Self {
            down: behaviour.down,
            slow_ms: behaviour.slow_ms,
            says: behaviour.says.map(|says| match says {
                Says::Open => engine::Says::Open,
                Says::Closed => engine::Says::Closed,
                Says::Unknown => engine::Says::Unknown,
            }),
            refunds: match behaviour.refunds {
                RefundManner::Done => engine::RefundManner::Done,
                RefundManner::Pending => engine::RefundManner::Pending,
                RefundManner::Failed => engine::RefundManner::Failed,
            },
            delay_ms: behaviour.delay_ms,
            repeats: behaviour.repeats,
            newest_first: behaviour.newest_first,
        }
    }
}

problems!(ShowProblems: STAFF ENGINE; NotFound);
problems!(BehaveProblems: STAFF ENGINE BODY; NotFound);

/// How the sandbox behaves, and what its books say. National staff only; `not_found` where there is no sandbox.
#[utoipa::path(get, path = "/v1/staff/sandbox", tag = "staff", security(("bearer" = [])),
    responses((status = 200, description = "As it is now.", body = SandboxState), ShowProblems))]
pub(super) async fn show_sandbox(
    State(app): State<App>,
    StaffMember(staff): StaffMember,
) -> Result<Response, Problem> {
    scope::national(&staff)?;
    let sandbox = app.engine.sandbox().ok_or_else(|| Problem::new(Code::NotFound))?;
    Ok(json(StatusCode::OK, &SandboxState::of(&sandbox).await?))
}

/// Tells the sandbox how to misbehave, for demos and tests. National staff only.
#[utoipa::path(put, path = "/v1/staff/sandbox", tag = "staff", security(("bearer" = [])),
    request_body = SandboxBehaviour,
    responses((status = 200, description = "As it is now.", body = SandboxState), BehaveProblems))]
pub(super) async fn set_sandbox(
    State(app): State<App>,
    StaffMember(staff): StaffMember,
    RawJson(body): RawJson,
) -> Result<Response, Problem> {
    scope::national(&staff)?;
    let sandbox = app.engine.sandbox().ok_or_else(|| Problem::new(Code::NotFound))?;
    let asked: SandboxBehaviour = parse(&body)?;
    sandbox.behave(asked.into()).await?;
    Ok(json(StatusCode::OK, &SandboxState::of(&sandbox).await?))
}
