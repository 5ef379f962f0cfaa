//! What anybody may ask: is it alive, what is open, where are seats (2.2).

mod campuses;
mod documents;
mod health;
mod pools;
mod problem_page;
mod readiness;
mod router;
mod sitting;

pub(crate) use pools::paper;
pub use router::routes;
pub(crate) use router::swagger;
