//! What may be asked of the engine, an area a file. Each operation is a method of [`crate::Engine`].

mod accounts;
mod audit;
mod choices;
mod claims;
mod enrolments;
mod exports;
mod imports;
mod notices;
mod notifications;
mod orders;
mod passwords;
mod pools;
mod promises;
mod registration;
mod review_cases;
mod reviews;
mod sessions;
mod sitting;
mod staff;
mod staff_orders;

pub use audit::{AuditRecord, AuditStream};
pub(crate) use claims::view as claim_view;
pub use claims::{ClaimRequest, KeyHashes};
pub use enrolments::EnrolRequest;
pub use exports::{CsvStream, ExportKind};
pub use imports::{BadLine, ImportOptions, ImportReport, Progress};
pub use notifications::Unheard;
pub use orders::{OrderAnswer, OrderRequest};
pub use passwords::{NewPassword, PasswordReset};
pub use pools::NewPool;
pub use registration::Registration;
pub use review_cases::{ReviewOnBehalf, ReviewVerdict};
pub use reviews::ReviewRequest;
pub use sessions::{LoggedIn, Login};
pub use staff::Staff;
pub use staff_orders::{Settling, UnfinishedRefund};
