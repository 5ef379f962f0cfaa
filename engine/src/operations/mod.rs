//! What may be asked of the engine, an area a file. Each operation is a method of [`crate::Engine`].

mod accounts;
mod audit;
mod claims;
mod enrolments;
mod exports;
mod imports;
mod notices;
mod passwords;
mod pools;
mod promises;
mod registration;
mod sessions;
mod sitting;
mod staff;
mod staff_accounts;
mod staff_sessions;

pub use audit::{AuditRecord, AuditStream};
pub(crate) use claims::view as claim_view;
pub use claims::{ClaimRequest, KeyHashes};
pub use enrolments::EnrolRequest;
pub use exports::{CsvStream, ExportKind};
pub use imports::{BadLine, ImportOptions, ImportReport, Progress};
pub use passwords::PasswordReset;
pub use pools::NewPool;
pub use registration::Registration;
pub use sessions::{LoggedIn, Login};
pub use staff::Staff;
pub use staff_accounts::{Invitation, NewStaffAccount, StaffAccountView};
pub use staff_sessions::StaffLogin;
