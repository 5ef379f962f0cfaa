//! What staff may see and change (2.5), one operation a file. What lies below a scope is the engine's to say.

mod apply_on_behalf;
mod change_pool;
mod create_account;
mod decide_review;
mod export;
mod follow_events;
mod import;
mod list_accounts;
mod list_audit;
mod list_pools;
mod list_refunds;
mod list_reviews;
mod list_settling;
mod preview_pool;
mod put_pool;
mod put_sitting;
mod refund_order;
mod revoke_account;
mod router;
mod sandbox;
mod scope;
mod set_expiry;
mod show_expiry;
mod show_order;
mod show_overview;
mod show_pool;
mod show_sitting;
mod spool;

pub use router::routes;
pub use spool::clear_spool;
