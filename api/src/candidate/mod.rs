//! What a candidate may ask and do (2.3), one operation a file.

mod accept_agreement;
mod cancel_claim;
mod choose_score_reports;
mod claim;
mod delete_enrolment;
mod list_claims;
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

pub use router::routes;
