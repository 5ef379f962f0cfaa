//! `POST /v1/orders` (R24, R25)

use axum::extract::State;
use axum::response::Response;
use http::StatusCode;
use kaowei_core::payment::Method;
use kaowei_core::sites::Paper;
use kaowei_engine::{OrderAnswer as Answer, OrderRequest};
use serde::Deserialize;
use utoipa::ToSchema;

use crate::auth::Candidate;
use crate::openapi::problems;
use crate::problem::Problem;
use crate::state::App;
use crate::views::OrderAnswer;
use crate::wire::{IdempotencyKey, Operation, RawJson, json, parse};

/// Which claims are paid together.
#[derive(Debug, Clone, Copy, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum PaperChoice {
    /// 笔试
    Written,
    /// 口试
    Oral,
}

/// How they are paid.
#[derive(Debug, Clone, Copy, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum MethodChoice {
    /// The server's own, for demos and tests: no money moves.
    Sandbox,
    /// 支付宝
    Alipay,
    /// 微信支付
    WechatPay,
}

/// What is to be paid, and how.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct OpenOrder {
    /// Written and oral are paid by separate orders.
    paper: PaperChoice,
    /// By which provider; one that is not set up here is `invalid_request`.
    method: MethodChoice,
}

problems!(OrderProblems: CANDIDATE ENGINE BODY;
    AgreementRequired, NotEnrolled, PaymentClosed, NothingDue, WrittenUnpaid, ScoreReportMissing, HoldEnding,
    AlreadyPaid, IdempotencyMismatch);

/// Opens an order for all held claims of a paper that can be paid now.
///
/// Asking again by the same method returns the open order with 200. By another method, the open one is closed first:
/// where the provider takes a while for that (it closes no order younger than 5 minutes), the answer is 202 with that
/// order, and the request is to be sent again. `pay_url` may be null while the provider does not answer: ask for the
/// order again. The same idempotency key finds the same order, as it is by then. Refusals come in this order:
/// `agreement_required`, `not_enrolled`, `payment_closed`, `nothing_due`, `written_unpaid`, `score_report_missing`,
/// `hold_ending`.
#[utoipa::path(post, path = "/v1/orders", tag = "candidate", security(("bearer" = [])),
    params(("Idempotency-Key" = Option<String>, Header, description = "1 to 255 visible ASCII letters.")),
    request_body = OpenOrder,
    responses((status = 201, description = "Opened.", body = OrderAnswer),
              (status = 200, description = "It was open already.", body = OrderAnswer),
              (status = 202, description = "This one has to be closed first: send the request again.", body = OrderAnswer),
              OrderProblems))]
pub(super) async fn open_order(
    State(app): State<App>,
    Candidate(account): Candidate,
    key: IdempotencyKey,
    RawJson(body): RawJson,
) -> Result<Response, Problem> {
    let asked: OpenOrder = parse(&body)?;
    let request = OrderRequest {
        paper: match asked.paper {
            PaperChoice::Written => Paper::Written,
            PaperChoice::Oral => Paper::Oral,
        },
        method: match asked.method {
            MethodChoice::Sandbox => Method::Sandbox,
            MethodChoice::Alipay => Method::Alipay,
            MethodChoice::WechatPay => Method::WechatPay,
        },
        key: key.with(Operation::Order, &body),
    };
    let (status, order) = match app.engine.open_order(account, request).await? {
        Answer::Created(order) => (StatusCode::CREATED, order),
        Answer::Existing(order) => (StatusCode::OK, order),
        Answer::EndsFirst(order) => (StatusCode::ACCEPTED, order),
    };
    Ok(json(status, &OrderAnswer::from(&order)))
}
