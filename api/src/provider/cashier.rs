//! `GET` and `POST /sandbox/pay/{order}`: the sandbox's cashier, as a person sees it and as a test does what a person
//! would (2.4).

use axum::body::to_bytes;
use axum::extract::{FromRequest, Request, State};
use axum::response::{Html, IntoResponse, Response};
use http::header::CONTENT_TYPE;
use http::{HeaderMap, StatusCode};
use kaowei_core::ids::{Fen, OrderId};
use kaowei_engine::{CashierBill, CashierRefusal, Outcome, Sandbox};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::cashier_page::page;
use crate::openapi::problems;
use crate::problem::{Code, Language, Problem};
use crate::state::App;
use crate::views::Instant;
use crate::wire::{PathId, RawJson, json, parse};

/// What became of the payment.
#[derive(Debug, Clone, Copy, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum OutcomeChoice {
    /// Paid.
    Paid,
    /// Tried in vain: the order stays open.
    Failed,
}

/// What a person at the cashier does, and how the sandbox misbehaves about it.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct PayAtCashier {
    /// What became of the payment.
    outcome: OutcomeChoice,
    /// How often the merchant is told; once if absent.
    #[schema(minimum = 0, maximum = 100)]
    times: Option<u32>,
    /// How much later it is told, in milliseconds.
    delay_ms: Option<u32>,
    /// Another amount than the bill's, in fen.
    amount_fen: Option<u32>,
    /// Whether the merchant is told at all; true if absent.
    notify: Option<bool>,
    /// Whether money is taken though the bill is paid, closed or expired.
    #[serde(default)]
    anyway: bool,
}

/// A bill at the cashier.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Bill {
    /// The order.
    order: String,
    /// How much, in fen.
    amount_fen: u32,
    /// What for.
    subject: String,
    /// Until when it can be paid.
    expires_at: Instant,
    /// Whether it was paid.
    paid: bool,
    /// Whether it can be paid now.
    payable: bool,
}

impl From<&CashierBill> for Bill {
    fn from(bill: &CashierBill) -> Self {
        Self {
            order: bill.order.to_string(),
            amount_fen: bill.amount.0,
            subject: bill.subject.clone(),
            expires_at: bill.expires_at.into(),
            paid: bill.paid,
            payable: bill.payable,
        }
    }
}

/// The page's form has one short field.
const FORM_BYTES_MAX: usize = 1_024;

/// The most notifications of one payment.
const TIMES_MAX: u32 = 100;

problems!(CashierProblems: ENGINE; NotFound);
problems!(PayProblems: ENGINE BODY; NotFound, AlreadyPaid, AlreadyGone);

/// The cashier's page of an order at the sandbox. No money moves.
#[utoipa::path(get, path = "/sandbox/pay/{order}", tag = "provider",
    params(("order" = String, Path, description = "The order's id.")),
    responses((status = 200, description = "The page.", content_type = "text/html", body = String), CashierProblems))]
pub(super) async fn show_cashier(
    State(app): State<App>,
    PathId(order): PathId<OrderId>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let bill = sandbox(&app)?.bill(order).await.map_err(problem)?;
    Ok(Html(page(&bill, Language::of(&headers))).into_response())
}

/// Pays at the sandbox's cashier, or tries in vain. A form of the page is answered with the page, JSON with the bill.
#[utoipa::path(post, path = "/sandbox/pay/{order}", tag = "provider",
    params(("order" = String, Path, description = "The order's id.")),
    request_body = PayAtCashier,
    responses((status = 200, description = "The bill as it is now.",
                   content((Bill = "application/json"), (String = "text/html"))), PayProblems))]
pub(super) async fn pay_at_cashier(
    State(app): State<App>,
    PathId(order): PathId<OrderId>,
    headers: HeaderMap,
    request: Request,
) -> Result<Response, Problem> {
    let sandbox = sandbox(&app)?;
    let is_form = headers
        .get(CONTENT_TYPE)
        .is_some_and(|kind| kind.as_bytes().starts_with(b"application/x-www-form-urlencoded"));
    let outcome = if is_form {
        let body = to_bytes(request.into_body(), FORM_BYTES_MAX).await;
        let body = body.map_err(|_| Problem::new(Code::PayloadTooLarge))?;
        Outcome {
            paid: &*body == b"outcome=paid",
            ..Outcome::default()
        }
    } else {
        let RawJson(body) = RawJson::from_request(request, &()).await?;
        outcome(&parse(&body)?)?
    };
    let bill = sandbox.pay(order, outcome).await;
    if is_form && matches!(bill, Err(CashierRefusal::Paid | CashierRefusal::Closed) | Ok(_)) {
        // Whoever presses twice sees what is.
        let bill = sandbox.bill(order).await.map_err(problem)?;
        return Ok(Html(page(&bill, Language::of(&headers))).into_response());
    }
    Ok(json(StatusCode::OK, &Bill::from(&bill.map_err(problem)?)))
}

fn outcome(asked: &PayAtCashier) -> Result<Outcome, Problem> {
    if asked.times.is_some_and(|times| times > TIMES_MAX) {
        let problem = (
            format!("须为 0 至 {TIMES_MAX} 的整数。"),
            format!("It must be a whole number from 0 to {TIMES_MAX}."),
        );
        return Err(Problem::wrong_field("/times", problem));
    }
    Ok(Outcome {
        paid: matches!(asked.outcome, OutcomeChoice::Paid),
        times: asked.times,
        delay_ms: asked.delay_ms,
        amount: asked.amount_fen.map(Fen),
        silent: asked.notify == Some(false),
        anyway: asked.anyway,
    })
}

fn sandbox(app: &App) -> Result<std::sync::Arc<Sandbox>, Problem> {
    app.engine.sandbox().ok_or_else(|| Problem::new(Code::NotFound))
}

fn problem(refusal: CashierRefusal) -> Problem {
    match refusal {
        CashierRefusal::Unknown => Problem::new(Code::NotFound),
        CashierRefusal::Paid => {
            Problem::new(Code::AlreadyPaid).detailed(("此订单已支付。", "This order is paid already."))
        }
        CashierRefusal::Closed => Problem::new(Code::AlreadyGone)
            .detailed(("此订单已关闭或已过期。", "This order is closed or expired.")),
        CashierRefusal::Down => kaowei_engine::Failure::ProviderUnavailable.into(),
        CashierRefusal::Failed(failure) => failure.into(),
    }
}
