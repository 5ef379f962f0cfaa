//! What orders and choices change in the tables. An order's row holds all of it, so the orders that a slice goes on with
//! are read back first.

use std::collections::{BTreeMap, BTreeSet};

use kaowei_core::ids::{CandidateId, OrderId, SubjectCode};
use kaowei_core::payment::{Event, Order};
use kaowei_core::registration::ScoreReport;
use kaowei_core::time::Moment;

use crate::failure::OpenError;
use crate::store::{Db, Statement};

const KNOWN: &str = "SELECT cell, position, body FROM orders WHERE order_id IN ({rows})";

/// An order's row.
#[derive(Debug)]
pub(super) struct OrderRow {
    pub(super) order: Order,
    /// All of it, as the row keeps it.
    pub(super) body: String,
    pub(super) cell: String,
    /// Where the event that opened it lies in the journal.
    pub(super) position: i64,
}

/// One event of an order, where it lies.
#[derive(Debug)]
struct Placed<'a> {
    event: Event,
    at: Moment,
    cell: &'a str,
    position: i64,
}

/// What a slice changes of orders and choices.
#[derive(Debug, Default)]
pub(super) struct OrderFold<'a> {
    events: Vec<Placed<'a>>,
    pub(super) orders: BTreeMap<OrderId, OrderRow>,
    /// Candidates whose choices are gone with their enrolment; what they chose since is in the other two.
    pub(super) unchosen: BTreeSet<CandidateId>,
    pub(super) score_reports: BTreeMap<(CandidateId, SubjectCode), ScoreReport>,
    pub(super) quick_prints: BTreeMap<CandidateId, bool>,
}

impl<'a> OrderFold<'a> {
    pub(super) fn add(&mut self, event: Event, at: Moment, cell: &'a str, position: i64) {
        self.events.push(Placed {
            event,
            at,
            cell,
            position,
        });
    }

    /// An enrolment is deleted: what was chosen goes with it.
    pub(super) fn unchoose(&mut self, candidate: CandidateId) {
        self.score_reports.retain(|(of, _), _| *of != candidate);
        self.quick_prints.remove(&candidate);
        self.unchosen.insert(candidate);
    }

    /// Makes the events so, on top of what the tables know of their orders.
    pub(super) async fn settle(&mut self, tables: &Db) -> Result<(), OpenError> {
        if self.events.is_empty() {
            return Ok(());
        }
        self.orders = self.known(tables).await?;
        for Placed {
            event,
            at,
            cell,
            position,
        } in self.events.drain(..)
        {
            let (id, _) = event.order();
            match (self.orders.get_mut(&id), Order::opened(&event, at)) {
                (Some(row), _) => row.order.evolve(&event, at),
                (None, Some(order)) => {
                    let row = OrderRow {
                        order,
                        body: String::new(),
                        cell: cell.to_owned(),
                        position,
                    };
                    self.orders.insert(id, row);
                }
                (None, None) => {
                    return Err(OpenError::Damaged(format!(
                        "order {id}: its first event is missing"
                    )));
                }
            }
        }
        for row in self.orders.values_mut() {
            row.body = serde_json::to_string(&row.order)
                .map_err(|error| OpenError::Damaged(format!("order {}: {error}", row.order.id())))?;
        }
        Ok(())
    }

    async fn known(&self, tables: &Db) -> Result<BTreeMap<OrderId, OrderRow>, OpenError> {
        let ids: BTreeSet<OrderId> = self
            .events
            .iter()
            .filter(|placed| !matches!(placed.event, Event::OrderOpened { .. }))
            .map(|placed| placed.event.order().0)
            .collect();
        let ids = ids.iter().map(|id| [id.to_string().into()]);
        let found: Vec<(String, i64, String)> =
            tables.find(&Statement::new(KNOWN, &["order_id"], ids)).await?;
        let mut known = BTreeMap::new();
        for (cell, position, body) in found {
            let order = read_order(&body)?;
            let row = OrderRow {
                order,
                body,
                cell,
                position,
            };
            known.insert(row.order.id(), row);
        }
        Ok(known)
    }
}

/// An order as its row keeps it.
pub(crate) fn read_order(body: &str) -> Result<Order, OpenError> {
    serde_json::from_str(body).map_err(|error| OpenError::Damaged(format!("an order can't be read: {error}")))
}
