//! The operations of staff, in the order in which the document lists them.

use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::{
    apply_on_behalf, change_pool, create_account, decide_review, export, follow_events, import,
    list_accounts, list_audit, list_pools, list_refunds, list_reviews, list_settling, preview_pool, put_pool,
    put_sitting, refund_order, revoke_account, sandbox, set_expiry, show_expiry, show_order, show_overview,
    show_pool, show_sitting,
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
        .routes(routes!(
            list_reviews::list_reviews,
            apply_on_behalf::apply_on_behalf
        ))
        .routes(routes!(decide_review::decide_review))
        .routes(routes!(list_audit::list_audit))
        .routes(routes!(
            list_accounts::list_staff_accounts,
            create_account::create_staff_account
        ))
        .routes(routes!(revoke_account::revoke_staff_account))
        .routes(routes!(show_expiry::show_expiry, set_expiry::set_expiry))
        .routes(routes!(follow_events::follow_staff_events))
        .routes(routes!(list_refunds::list_refunds))
        .routes(routes!(list_settling::list_settling))
        .routes(routes!(show_order::show_staff_order))
        .routes(routes!(refund_order::refund_order))
        .routes(routes!(sandbox::show_sandbox, sandbox::set_sandbox))
}
