//! The shell around orders: what is asked of providers, by whom, and when. What it means is the core's
//! (`kaowei_core::payment`).

mod offered;
mod provider;
pub(crate) mod sandbox;
mod steps;
mod worker;

pub(crate) use offered::Providers;
pub use provider::{
    Acknowledgement, Bill, Created, News, NotVerified, Notification, Provider, RefundBill, Reply, Unanswered,
};
pub use sandbox::{Behaviour, CashierBill, CashierRefusal, Outcome, RefundManner, Sandbox, Says};
pub(crate) use steps::{cell_of, open, query, tell, verdict, with_pools};
pub(crate) use worker::{Alarm, unfinished};
