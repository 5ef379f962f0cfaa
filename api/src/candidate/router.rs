//! The candidate's operations, in the order of the flow.

use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::{
    accept_agreement, cancel_claim, choose_score_reports, claim, delete_enrolment, list_claims, open_order,
    refresh_order, save_enrolment, set_quick_print, show_account, show_claim, show_enrolment, show_order,
    show_qualification,
};
use crate::state::App;

/// The candidate's operations.
pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(show_account::show_account))
        .routes(routes!(accept_agreement::accept_agreement))
        .routes(routes!(show_qualification::show_qualification))
        .routes(routes!(
            save_enrolment::save_enrolment,
            show_enrolment::show_enrolment,
            delete_enrolment::delete_enrolment
        ))
        .routes(routes!(claim::post_claim, list_claims::list_claims))
        .routes(routes!(show_claim::show_claim))
        .routes(routes!(cancel_claim::cancel_claim))
        .routes(routes!(choose_score_reports::choose_score_reports))
        .routes(routes!(set_quick_print::set_quick_print))
        .routes(routes!(open_order::open_order))
        .routes(routes!(show_order::show_order))
        .routes(routes!(refresh_order::refresh_order))
}
