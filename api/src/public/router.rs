//! The public operations, in the order in which the document lists them.

use axum::Router;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use utoipa_swagger_ui::{Config, SwaggerUi};

use super::{campuses, documents, health, pools, problem_page, readiness, sitting};
use crate::state::App;

/// The public operations.
pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(health::show_health))
        .routes(routes!(readiness::show_readiness))
        .routes(routes!(sitting::show_sitting))
        .routes(routes!(campuses::list_campuses))
        .routes(routes!(pools::list_pools))
        .routes(routes!(problem_page::show_problem_page))
        .routes(routes!(documents::show_openapi))
}

/// The readable form of the document, at `/docs`, without the internet.
pub(crate) fn swagger() -> Router<App> {
    SwaggerUi::new("/docs")
        .config(Config::from("/openapi.json"))
        .into()
}
