//! The candidate's operations, in the order of the flow.

use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::{
    accept_agreement, apply_for_review, cancel_claim, change_account, choose_score_reports, claim,
    close_session, delete_enrolment, delete_review, follow_events, list_claims, list_notices, open_order,
    refresh_order, save_enrolment, set_quick_print, show_account, show_claim, show_enrolment, show_order,
    show_qualification, show_review,
};
use crate::state::App;

/// The candidate's operations.
pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(close_session::close_session))
        .routes(routes!(
            show_account::show_account,
            change_account::change_account
        ))
        .routes(routes!(accept_agreement::accept_agreement))
        .routes(routes!(show_qualification::show_qualification))
        .routes(routes!(
            apply_for_review::apply_for_review,
            show_review::show_review,
            delete_review::delete_review
        ))
        .routes(routes!(
            save_enrolment::save_enrolment,
            show_enrolment::show_enrolment,
            delete_enrolment::delete_enrolment
        ))
        .routes(routes!(claim::post_claim, list_claims::list_claims))
        .routes(routes!(show_claim::show_claim))
        .routes(routes!(cancel_claim::cancel_claim))
        .routes(routes!(list_notices::list_notices))
        .routes(routes!(follow_events::follow_events))
        .routes(routes!(choose_score_reports::choose_score_reports))
        .routes(routes!(set_quick_print::set_quick_print))
        .routes(routes!(open_order::open_order))
        .routes(routes!(show_order::show_order))
        .routes(routes!(refresh_order::refresh_order))
}
