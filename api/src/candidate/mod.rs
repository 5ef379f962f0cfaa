//! What a candidate may ask and do (2.3), one operation a file.

mod accept_agreement;
mod apply_for_review;
mod cancel_claim;
mod change_account;
mod choose_score_reports;
mod claim;
mod close_session;
mod delete_enrolment;
mod delete_review;
mod follow_events;
mod list_claims;
mod list_notices;
mod open_order;
mod refresh_order;
mod refused;
mod router;
mod save_enrolment;
mod set_quick_print;
mod show_account;
mod show_claim;
mod show_enrolment;
mod show_order;
mod show_qualification;
mod show_review;

pub use router::routes;
