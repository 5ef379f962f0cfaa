//! What staff may see and change (2.5), one operation a file. What lies below a scope is the engine's to say.

mod change_pool;
mod create_account;
mod export;
mod follow_events;
mod import;
mod list_accounts;
mod list_audit;
mod list_pools;
mod preview_pool;
mod put_pool;
mod put_sitting;
mod revoke_account;
mod router;
mod scope;
mod set_expiry;
mod show_expiry;
mod show_overview;
mod show_pool;
mod show_sitting;
mod spool;

pub(crate) use export::ORDERS_HEADER;
pub use router::routes;
pub use spool::clear_spool;
