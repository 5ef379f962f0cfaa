//! Whom a registration, a login or a reset is about: province, ID type, ID number.
//!
//! Neither this nor the bodies that it is read from can be written to a log: they have no `Debug`.

use kaowei_core::ids::ProvinceCode;
use kaowei_engine::{Fault, IdType};

use crate::auth::subject_of;
use crate::entry::{ClientAddress, Key};
use crate::problem::Problem;

/// The longest code of a province.
const PROVINCE_MAX: usize = 7;

/// The holder of an account, as somebody typed it.
#[derive(Clone, Copy)]
pub(super) struct Holder<'a> {
    pub(super) province: ProvinceCode,
    pub(super) id_type: IdType,
    pub(super) id_number: &'a str,
}

impl<'a> Holder<'a> {
    /// Reads it; the ID type is a resident ID where none was given. Whether there can be such a number is not looked
    /// at: what there is not, nobody can log in to.
    pub(super) fn read(province: &str, id_type: Option<&str>, id_number: &'a str) -> Result<Self, Problem> {
        let wrong = |pointer: &str, fault: &Fault| Problem::wrong_field(pointer, fault);
        let province = province.trim().parse().map_err(|_| {
            let given = province.into();
            let max = PROVINCE_MAX;
            wrong("/province", &Fault::Code { given, max })
        })?;
        let id_type = match id_type {
            None => IdType::ResidentId,
            Some(text) => {
                let unknown = |_| wrong("/id_type", &Fault::OneOf(IdType::NAMES));
                text.parse().map_err(unknown)?
            }
        };
        Ok(Self {
            province,
            id_type,
            id_number: id_number.trim(),
        })
    }

    /// The `sub` of the account's tokens.
    pub(super) fn subject(&self) -> String {
        subject_of(self.province, self.id_type.as_str(), self.id_number)
    }

    /// Whose tries from there are counted together.
    pub(super) fn tries_from(&self, address: ClientAddress) -> Key {
        Key::of(&[&self.subject(), &address.to_string()])
    }

    /// Whose messages are counted together.
    pub(super) fn messages(&self) -> Key {
        Key::of(&[&self.subject()])
    }
}
