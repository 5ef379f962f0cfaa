//! The sandbox's books in the store: orders, payments, refunds, and what is still to be told.

use kaowei_core::ids::{Fen, OrderId, RefundId};
use kaowei_core::payment::{Heard, RefundHeard, TradeId};
use kaowei_core::time::{Moment, Span};

use super::super::{Bill, RefundBill};
use super::Behaviour;
use crate::store::{Db, Statement, on};

const OPEN: &str = "INSERT INTO sandbox_orders (order_id, amount_fen, subject, created_at, expires_at, close_after_ms) \
     VALUES ($1, $2, $3, $4, $5, $6)";
const ORDER: &str = "SELECT amount_fen, subject, created_at, expires_at, close_after_ms, closed FROM sandbox_orders WHERE order_id = $1";
const CLOSE: &str = "UPDATE sandbox_orders SET closed = 1 WHERE order_id = $1";
const TRADE: &str = "SELECT trade, amount_fen, paid_at FROM sandbox_trades WHERE order_id = $1 ORDER BY paid_at, trade LIMIT 1";
const REFUND: &str = "SELECT state FROM sandbox_refunds WHERE refund = $1";
const KEEP_REFUND: &str = "INSERT INTO sandbox_refunds (refund, trade, amount_fen, state) VALUES ($1, $2, $3, $4) \
     ON CONFLICT (refund) DO UPDATE SET state = excluded.state";
const END_REFUND: &str = "UPDATE sandbox_refunds SET state = $2 WHERE refund = $1";
const MONEY_OF: &str = "SELECT CAST(COALESCE((SELECT SUM(amount_fen) FROM sandbox_trades WHERE trade = $1), 0) AS BIGINT), \
     CAST(COALESCE((SELECT SUM(amount_fen) FROM sandbox_refunds WHERE trade = $1 AND refund <> $2 AND state <> 'failed'), 0) AS BIGINT)";
const MONEY: &str = "SELECT CAST(COALESCE((SELECT SUM(amount_fen) FROM sandbox_trades), 0) AS BIGINT), \
     CAST(COALESCE((SELECT SUM(amount_fen) FROM sandbox_refunds WHERE state = 'done'), 0) AS BIGINT)";
const DUE: &str = "SELECT id, body, due_at, left_over, in_vain FROM sandbox_notifications WHERE due_at <= $1 ORDER BY due_at, id LIMIT 100";
const NEXT: &str = "SELECT MIN(due_at) FROM sandbox_notifications";
const AGAIN: &str =
    "UPDATE sandbox_notifications SET due_at = $2, left_over = $3, in_vain = $4 WHERE id = $1";
const TOLD: &str = "DELETE FROM sandbox_notifications WHERE id = $1";
const BEHAVIOUR: &str = "SELECT body FROM sandbox_behaviour WHERE id = 1";
const BEHAVE: &str = "INSERT INTO sandbox_behaviour (id, body) VALUES (1, $1) ON CONFLICT (id) DO UPDATE SET body = excluded.body";

/// The books.
#[derive(Debug)]
pub(super) struct Books(Db);

/// An order as the sandbox knows it.
#[derive(Debug, Clone)]
pub(super) struct BookedOrder {
    pub(super) amount: Fen,
    pub(super) subject: String,
    pub(super) created_at: Moment,
    pub(super) expires_at: Moment,
    pub(super) close_after: Span,
    pub(super) closed: bool,
    /// Its first payment.
    pub(super) trade: Option<(TradeId, Fen, Moment)>,
}

impl BookedOrder {
    /// Whether it takes money, unless it has some.
    pub(super) fn is_open(&self, now: Moment) -> bool {
        !self.closed && now < self.expires_at
    }

    pub(super) fn heard(&self, now: Moment) -> Heard {
        match &self.trade {
            Some((trade, amount, at)) => Heard::Paid {
                trade: trade.clone(),
                amount: *amount,
                at: *at,
            },
            None if self.is_open(now) => Heard::Open,
            None => Heard::Closed,
        }
    }
}

/// How a refund stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Refund {
    Pending,
    Done,
    Failed,
}

impl Refund {
    fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Done => "done",
            Self::Failed => "failed",
        }
    }

    pub(super) fn heard(self) -> RefundHeard {
        match self {
            Self::Pending => RefundHeard::Pending,
            Self::Done => RefundHeard::Done,
            Self::Failed => RefundHeard::Failed,
        }
    }
}

/// Something to be told to the merchant.
#[derive(Debug, Clone)]
pub(super) struct Notice {
    pub(super) id: String,
    pub(super) body: String,
    pub(super) due_at: Moment,
    /// How often still.
    pub(super) left: i64,
    /// How often it was told in vain.
    pub(super) in_vain: i64,
}

/// A payment to be booked.
#[derive(Debug, Clone)]
pub(super) struct Payment {
    pub(super) order: OrderId,
    pub(super) trade: TradeId,
    pub(super) amount: Fen,
    pub(super) paid_at: Moment,
}

impl Books {
    pub(super) fn new(db: Db) -> Self {
        Self(db)
    }

    pub(super) async fn open(&self, bill: &Bill, now: Moment) -> Result<BookedOrder, sqlx::Error> {
        let close_after = bill.close_after.as_ms();
        on!(&self.0, pool => {
            sqlx::query(OPEN)
                .bind(bill.order.to_string())
                .bind(i64::from(bill.amount.0))
                .bind(&*bill.subject)
                .bind(now.unix_ms())
                .bind(bill.expires_at.unix_ms())
                .bind(close_after)
                .execute(pool)
                .await
                .map(|_| ())
        })?;
        Ok(BookedOrder {
            amount: bill.amount,
            subject: bill.subject.to_string(),
            created_at: now,
            expires_at: bill.expires_at,
            close_after: bill.close_after,
            closed: false,
            trade: None,
        })
    }

    pub(super) async fn order(&self, id: OrderId) -> Result<Option<BookedOrder>, sqlx::Error> {
        type Row = (i64, String, i64, i64, i64, i64);
        let (order, trade): (Option<Row>, Option<(String, i64, i64)>) = on!(&self.0, pool => {
            let order = sqlx::query_as(ORDER).bind(id.to_string()).fetch_optional(pool).await?;
            let trade = sqlx::query_as(TRADE).bind(id.to_string()).fetch_optional(pool).await?;
            (order, trade)
        });
        let Some((amount, subject, created_at, expires_at, close_after_ms, closed)) = order else {
            return Ok(None);
        };
        let trade = trade.map(|(trade, amount, paid_at)| {
            (TradeId(trade.into()), fen(amount), Moment::from_unix_ms(paid_at))
        });
        Ok(Some(BookedOrder {
            amount: fen(amount),
            subject,
            created_at: Moment::from_unix_ms(created_at),
            expires_at: Moment::from_unix_ms(expires_at),
            close_after: Span::from_ms(u32::try_from(close_after_ms).unwrap_or(u32::MAX)),
            closed: closed == 1,
            trade,
        }))
    }

    pub(super) async fn close(&self, id: OrderId) -> Result<(), sqlx::Error> {
        on!(&self.0, pool => sqlx::query(CLOSE).bind(id.to_string()).execute(pool).await.map(|_| ()))
    }

    /// Books a payment, and what is to be told of it, in one.
    pub(super) async fn pay(&self, payment: &Payment, tell: Option<&Notice>) -> Result<(), sqlx::Error> {
        const TRADES: [&str; 4] = ["trade", "order_id", "amount_fen", "paid_at"];
        const NOTIFICATIONS: [&str; 5] = ["id", "body", "due_at", "left_over", "in_vain"];
        let trade = [
            (&*payment.trade.0).into(),
            payment.order.into(),
            payment.amount.0.into(),
            payment.paid_at.into(),
        ];
        let notification = tell.map(|due| {
            [
                due.id.as_str().into(),
                due.body.as_str().into(),
                due.due_at.into(),
                due.left.into(),
                due.in_vain.into(),
            ]
        });
        let statements = [
            Statement::upsert("sandbox_trades", &["trade"], &TRADES, [trade]),
            Statement::upsert("sandbox_notifications", &["id"], &NOTIFICATIONS, notification),
        ];
        self.0.write(&statements).await
    }

    pub(super) async fn refund(&self, id: RefundId) -> Result<Option<Refund>, sqlx::Error> {
        let state: Option<(String,)> = on!(&self.0, pool => {
            sqlx::query_as(REFUND).bind(id.to_string()).fetch_optional(pool).await?
        });
        Ok(state.map(|(state,)| match state.as_str() {
            "done" => Refund::Done,
            "failed" => Refund::Failed,
            _ => Refund::Pending,
        }))
    }

    pub(super) async fn keep_refund(&self, bill: &RefundBill, state: Refund) -> Result<(), sqlx::Error> {
        on!(&self.0, pool => {
            sqlx::query(KEEP_REFUND)
                .bind(bill.refund.to_string())
                .bind(&*bill.trade.0)
                .bind(i64::from(bill.amount.0))
                .bind(state.as_str())
                .execute(pool)
                .await
                .map(|_| ())
        })
    }

    pub(super) async fn end_refund(&self, id: RefundId, state: Refund) -> Result<(), sqlx::Error> {
        on!(&self.0, pool => {
            sqlx::query(END_REFUND).bind(id.to_string()).bind(state.as_str()).execute(pool).await.map(|_| ())
        })
    }

    /// What came by a payment, and what of it went back or is going by other refunds than that one.
    pub(super) async fn money_of(
        &self,
        trade: &TradeId,
        refund: RefundId,
    ) -> Result<(u64, u64), sqlx::Error> {
        let (received, given_back): (i64, i64) = on!(&self.0, pool => {
            sqlx::query_as(MONEY_OF).bind(&*trade.0).bind(refund.to_string()).fetch_one(pool).await?
        });
        Ok((sum(received), sum(given_back)))
    }

    /// What came, and what went back.
    pub(super) async fn money(&self) -> Result<(u64, u64), sqlx::Error> {
        let (received, given_back): (i64, i64) =
            on!(&self.0, pool => sqlx::query_as(MONEY).fetch_one(pool).await?);
        Ok((sum(received), sum(given_back)))
    }

    /// What is to be told by now, oldest first.
    pub(super) async fn due(&self, now: Moment) -> Result<Vec<Notice>, sqlx::Error> {
        let rows: Vec<(String, String, i64, i64, i64)> = on!(&self.0, pool => {
            sqlx::query_as(DUE).bind(now.unix_ms()).fetch_all(pool).await?
        });
        let rows = rows.into_iter();
        Ok(rows
            .map(|(id, body, due_at, left, in_vain)| Notice {
                id,
                body,
                due_at: Moment::from_unix_ms(due_at),
                left,
                in_vain,
            })
            .collect())
    }

    /// When something is to be told next.
    pub(super) async fn next_due(&self) -> Result<Option<Moment>, sqlx::Error> {
        let (next,): (Option<i64>,) = on!(&self.0, pool => sqlx::query_as(NEXT).fetch_one(pool).await?);
        Ok(next.map(Moment::from_unix_ms))
    }

    /// Keeps that something is to be told again, or no more.
    pub(super) async fn keep_due(&self, due: &Notice) -> Result<(), sqlx::Error> {
        if due.left <= 0 {
            return on!(&self.0, pool => sqlx::query(TOLD).bind(&due.id).execute(pool).await.map(|_| ()));
        }
        on!(&self.0, pool => {
            sqlx::query(AGAIN)
                .bind(&due.id)
                .bind(due.due_at.unix_ms())
                .bind(due.left)
                .bind(due.in_vain)
                .execute(pool)
                .await
                .map(|_| ())
        })
    }

    pub(super) async fn behaviour(&self) -> Result<Behaviour, sqlx::Error> {
        let kept: Option<(String,)> =
            on!(&self.0, pool => sqlx::query_as(BEHAVIOUR).fetch_optional(pool).await?);
        let Some((kept,)) = kept else {
            return Ok(Behaviour::default());
        };
        serde_json::from_str(&kept).map_err(|error| sqlx::Error::Decode(error.into()))
    }

    pub(super) async fn keep_behaviour(&self, behaviour: &Behaviour) -> Result<(), sqlx::Error> {
        let body = serde_json::to_string(behaviour).map_err(|error| sqlx::Error::Encode(error.into()))?;
        on!(&self.0, pool => sqlx::query(BEHAVE).bind(body).execute(pool).await.map(|_| ()))
    }
}

fn sum(fen: i64) -> u64 {
    u64::try_from(fen).unwrap_or(0)
}

fn fen(amount: i64) -> Fen {
    Fen(u32::try_from(amount).unwrap_or(u32::MAX))
}
