//! The engine: time, threads and I/O around the pure rules of `kaowei-core`.
//!
//! What it promises, and where that is kept:
//!
//! - **Never oversold, never overtaken.** One actor a pool decides one request at a time (`actors`).
//! - **Nothing is said before it is durable**, refusals included (`journal`): group commit, then publish, then answer.
//! - **Fail-stop.** A commit whose outcome is unknown drops all that was decided on top of it; the next
//!   [`incarnation`] is read from the store (`recovery`).
//! - **A claim has one leader.** Every batch passes a fence of epoch and batch number (`store`).
//! - **Rules across pools** hold because a candidate's requests run one at a time (`candidate_entry`).
//! - **Money** is received, settled, refunded or on its way: each order has a worker that goes on by what is recorded
//!   (`payment`).
//! - **Persons' data stays out of the journal** (`people`).
//! - **Passwords** are hashed on a few threads of low priority (`costly`): a storm of logins never starves a claim.
//! - **Tables** are made from the journal in the background and are disposable (`tables`).
//!
//! What may be asked is in `operations`, each a method of [`Engine`].
//!
//! Deliberately absent: HTTP, tokens, command lines.

mod actors;
mod background;
mod candidate_entry;
pub mod clock;
mod costly;
mod engine;
mod fail_points;
mod failure;
mod fault;
mod feed;
mod incarnation;
mod journal;
mod low_priority;
pub mod metrics;
mod operations;
mod outbox;
mod payment;
mod peek;
mod people;
mod recovery;
mod settings;
mod store;
mod tables;
mod views;

pub use engine::{Engine, Readiness};
pub use fail_points::FailPoint;
pub use failure::{Denied, Failure, NotClosed, OpenError};
pub use fault::{Fault, WrongField};
pub use feed::{FeedPlace, InvalidPlace, OwnFeed, OwnNews, StaffFeed, StaffNews};
pub use operations::{
    AuditRecord, AuditStream, BadLine, ClaimRequest, CsvStream, EnrolRequest, ExportKind, ImportOptions,
    ImportReport, Invitation, KeyHashes, LoggedIn, Login, NewPassword, NewPool, NewStaffAccount, OrderAnswer,
    OrderRequest, PasswordReset, Progress, Registration, ReviewOnBehalf, ReviewRequest, ReviewVerdict,
    Settling, Staff, StaffAccountView, StaffLogin, UnfinishedRefund, Unheard,
};
pub use outbox::{Content, Outbox, Parcel};
pub use payment::{
    Acknowledgement, Behaviour, Bill, CashierBill, CashierRefusal, Created, News, NotVerified, Notification,
    Outcome, Provider, RefundBill, RefundManner, Reply, Sandbox, Says, Unanswered,
};
pub use peek::{Peek, migrate, peek, rebuild};
pub use people::{
    AccountDetails, CodePurpose, IdType, Identity, InvalidIdType, Message, Password, Person, SentCode,
};
pub use settings::{InvalidKey, Settings, StoreUrl, SuppliedKey, SuppliedKeys};
pub use tables::RebuildReport;
pub use views::{
    Account, Applicant, Catalogue, ClaimAnswer, ClaimView, Enrolled, EnrolmentView, ExpiryStatus,
    NamedResult, NoticeView, Overview, Papers, PoolFilter, PoolView, Preview, Qualification, ReviewCase,
    ReviewStatus, StudentRecord, Sums,
};
