//! What anybody may ask (2.2): is it alive, what is open, where are seats; and how one gets an account and a token.

mod ask_password_reset;
mod campuses;
mod documents;
mod health;
mod holder;
mod open_session;
mod open_staff_session;
mod opened_session;
mod pools;
mod problem_page;
mod readiness;
mod register_account;
mod reset_password;
mod router;
mod show_captcha;
mod sitting;

pub(crate) use pools::paper;
pub use router::routes;
pub(crate) use router::swagger;
