//! Persons' data: accounts, student records, CET4 results. Apart from the journal, which knows pseudonyms only;
//! committed before any event that names the pseudonym.

mod accounts;
mod id_type;
mod remarks;
mod students;

pub use accounts::{AccountDetails, Identity, Person};
pub(crate) use accounts::{AccountWriter, Accounts};
pub use id_type::{IdType, InvalidIdType};
pub(crate) use remarks::keep_remark;
pub(crate) use students::{Found, ImportedStudent, SealedStudent, Students, split};

/// A store of persons' data that does not answer, logged once.
pub(crate) fn unavailable(error: &sqlx::Error) -> crate::failure::Failure {
    tracing::warn!(%error, "the store of persons' data does not answer");
    crate::failure::Failure::StoreUnavailable
}
