//! What may be asked of the engine, an area a file. Each operation is a method of [`crate::Engine`].

mod accounts;
mod audit;
mod choices;
mod claims;
mod enrolments;
mod exports;
mod imports;
mod notifications;
mod orders;
mod pools;
mod promises;
mod sitting;
mod staff;
mod staff_orders;

pub use audit::{AuditRecord, AuditStream};
pub use claims::{ClaimRequest, KeyHashes};
pub use enrolments::EnrolRequest;
pub use exports::{CsvStream, ExportKind};
pub use imports::{BadLine, ImportOptions, ImportReport, Progress};
pub use notifications::Unheard;
pub use orders::{OrderAnswer, OrderRequest};
pub use pools::NewPool;
pub use staff::Staff;
pub use staff_orders::{Settling, UnfinishedRefund};
