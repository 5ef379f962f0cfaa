//! Persons' data: accounts and what they log in with, candidates' and staff's, student records, CET4 results. Apart from
//! the journal, which knows pseudonyms only; committed before any event that names the pseudonym.

mod accounts;
mod codes;
mod credentials;
mod id_type;
mod messages;
mod password;
mod remarks;
mod reviews;
mod sessions;
mod staff_credentials;
mod students;

pub use accounts::{AccountDetails, Identity, Person};
pub(crate) use accounts::{AccountWriter, Accounts, identity_hash, person_index};
pub use codes::Message;
pub(crate) use codes::{Codes, NewCode};
pub(crate) use credentials::{Credentials, NewCredentials};
pub use id_type::{IdType, InvalidIdType};
pub use messages::{CodePurpose, SentCode};
pub(crate) use messages::{MessageBody, due_messages};
pub use password::Password;
pub(crate) use remarks::keep_remark;
pub(crate) use reviews::{forget_tickets, keep_ticket, match_of, papers, result_index};
pub(crate) use sessions::{end_session, has_session_ended};
pub(crate) use staff_credentials::{StaffCredentials, StaffPerson, StaffRequest, StaffRow};
pub(crate) use students::{Found, ImportedStudent, SealedStudent, Students, split};

/// A store of persons' data that does not answer, logged once.
pub(crate) fn unavailable(error: &sqlx::Error) -> crate::failure::Failure {
    tracing::warn!(%error, "the store of persons' data does not answer");
    crate::failure::Failure::StoreUnavailable
}
