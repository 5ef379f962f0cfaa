//! The public operations, in the order in which the document lists them.

use axum::Router;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use utoipa_swagger_ui::{Config, SwaggerUi};

use super::{
    ask_password_reset, campuses, documents, health, open_session, open_staff_session, pools, problem_page,
    readiness, register_account, reset_password, show_captcha, sitting,
};
use crate::state::App;

/// The public operations.
pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(health::show_health))
        .routes(routes!(readiness::show_readiness))
        .routes(routes!(sitting::show_sitting))
        .routes(routes!(campuses::list_campuses))
        .routes(routes!(pools::list_pools))
        .routes(routes!(show_captcha::show_captcha))
        .routes(routes!(register_account::register_account))
        .routes(routes!(open_session::open_session))
        .routes(routes!(open_staff_session::open_staff_session))
        .routes(routes!(ask_password_reset::ask_password_reset))
        .routes(routes!(reset_password::reset_password))
        .routes(routes!(problem_page::show_problem_page))
        .routes(routes!(documents::show_openapi))
}

/// The readable form of the document, at `/docs`, without the internet.
pub(crate) fn swagger() -> Router<App> {
    SwaggerUi::new("/docs")
        .config(Config::from("/openapi.json"))
        .into()
}
