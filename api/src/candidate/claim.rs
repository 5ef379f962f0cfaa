//! `POST /v1/claims`: a seat, or a place in the queue (R12–R20). The hot path: its body is read in place and its
//! answer written into one buffer.

use std::borrow::Cow;

use axum::extract::State;
use axum::response::Response;
use http::StatusCode;
use kaowei_core::ids::PoolId;
use kaowei_core::seats::OnFull;
use kaowei_engine::ClaimRequest;
use serde::Deserialize;
use utoipa::ToSchema;

use super::refused::with_claim;
use crate::auth::Candidate;
use crate::openapi::problems;
use crate::problem::{Code, Problem};
use crate::state::App;
use crate::views::{Claim, ClaimAnswer};
use crate::wire::{IdempotencyKey, Operation, RawJson, bytes_json, parse};

/// What if no seat is free.
#[derive(Debug, Clone, Copy, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum OnFullChoice {
    /// To be told so.
    Reject,
    /// A place in the queue.
    Waitlist,
}

/// What is claimed.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct PostClaim<'a> {
    /// The pool.
    #[serde(borrow)]
    #[schema(example = "991010-1")]
    pool: Cow<'a, str>,
    /// What if no seat is free.
    on_full: OnFullChoice,
}

problems!(ClaimProblems: CANDIDATE ENGINE BODY;
    AgreementRequired, NotEnrolled, OutsideWindow, NotEligible, WrittenRequired, LevelTaken, AlreadyWaiting,
    PoolClosed, PoolFull, WaitlistClosed, NotFound, IdempotencyMismatch);

/// Claims a seat, or with `on_full: waitlist` a place in the queue if none is free.
///
/// An answer given is durable. Repeating an active claim returns it with 200. Refusals come in this order:
/// `agreement_required`, `not_enrolled`, `outside_window`, `not_eligible`, `written_required`, `level_taken`, then
/// the pool's own. A pool that does not exist is `not_found`.
#[utoipa::path(post, path = "/v1/claims", tag = "candidate", security(("bearer" = [])),
    params(("Idempotency-Key" = Option<String>, Header, description = "1 to 255 visible ASCII letters.")),
    request_body = PostClaim,
    responses((status = 201, description = "Made: `held` with its deadline, or `waiting` with its place.", body = ClaimAnswer),
              (status = 200, description = "It was there already.", body = ClaimAnswer),
              ClaimProblems))]
pub(super) async fn post_claim(
    State(app): State<App>,
    Candidate(account): Candidate,
    key: IdempotencyKey,
    RawJson(body): RawJson,
) -> Result<Response, Problem> {
    let asked: PostClaim = parse(&body)?;
    // Ids are opaque: one that can't be one of ours names no pool.
    let pool: PoolId = asked.pool.parse().map_err(|_| Problem::new(Code::NotFound))?;
    let request = ClaimRequest {
        pool,
        on_full: match asked.on_full {
            OnFullChoice::Reject => OnFull::Reject,
            OnFullChoice::Waitlist => OnFull::Waitlist,
        },
        key: key.with(Operation::Claim, &body),
    };
    match app.engine.claim(account, request).await {
        Ok(answer) => {
            let status = if answer.created {
                StatusCode::CREATED
            } else {
                StatusCode::OK
            };
            Ok(bytes_json(status, Claim::from(&answer.claim).to_answer()))
        }
        Err(denied) => Err(with_claim(&app, account, denied).await),
    }
}
