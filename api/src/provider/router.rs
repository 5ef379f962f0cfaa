//! The operations of providers, and of people at the sandbox's cashier.

use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::{cashier, notify};
use crate::state::App;

/// The operations of providers.
pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(notify::notify))
        .routes(routes!(cashier::show_cashier, cashier::pay_at_cashier))
}
