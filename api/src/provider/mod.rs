//! What payment providers call, and the sandbox's cashier (2.4).

mod cashier;
mod cashier_page;
mod notify;
mod router;

pub use router::routes;
