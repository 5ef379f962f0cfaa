//! The operations of staff, in the order in which the document lists them.

use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::{
    change_pool, create_account, export, follow_events, import, list_accounts, list_audit, list_pools,
    preview_pool, put_pool, put_sitting, revoke_account, set_expiry, show_expiry, show_overview, show_pool,
    show_sitting,
};
use crate::state::App;

/// The operations of staff.
pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(show_overview::show_overview))
        .routes(routes!(list_pools::list_staff_pools))
        .routes(routes!(
            show_pool::show_staff_pool,
            put_pool::put_pool,
            change_pool::change_pool
        ))
        .routes(routes!(preview_pool::preview_pool))
        .routes(routes!(
            show_sitting::show_staff_sitting,
            put_sitting::put_sitting
        ))
        .routes(routes!(import::import))
        .routes(routes!(export::export))
        .routes(routes!(list_audit::list_audit))
        .routes(routes!(
            list_accounts::list_staff_accounts,
            create_account::create_staff_account
        ))
        .routes(routes!(revoke_account::revoke_staff_account))
        .routes(routes!(show_expiry::show_expiry, set_expiry::set_expiry))
        .routes(routes!(follow_events::follow_staff_events))
}
