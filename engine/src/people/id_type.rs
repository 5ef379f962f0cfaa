//! The kinds of identity document (1.1).

use std::fmt;
use std::str::FromStr;

/// 证件类型
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum IdType {
    /// 中华人民共和国居民身份证, with its check digit
    ResidentId,
    /// 护照
    Passport,
    /// 港澳居民来往内地通行证
    HkMacaoPermit,
    /// 台湾居民来往大陆通行证
    TaiwanPermit,
    /// 外国人永久居留身份证
    PermanentResidentId,
    /// 其他
    Other,
}

/// A text that names no kind of document.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "{0:?} is not an ID type: expected resident_id, passport, hk_macao_permit, taiwan_permit, permanent_resident_id or other"
)]
pub struct InvalidIdType(String);

impl IdType {
    /// All of them, as the contract writes them.
    pub const NAMES: &[&str] = &[
        "resident_id",
        "passport",
        "hk_macao_permit",
        "taiwan_permit",
        "permanent_resident_id",
        "other",
    ];

    /// As the contract writes it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::ResidentId => "resident_id",
            Self::Passport => "passport",
            Self::HkMacaoPermit => "hk_macao_permit",
            Self::TaiwanPermit => "taiwan_permit",
            Self::PermanentResidentId => "permanent_resident_id",
            Self::Other => "other",
        }
    }

    /// Whether that can be a number of this kind of document: the check digit of a resident ID is right, others have
    /// 1 to 32 letters, digits or hyphens.
    pub fn accepts(self, number: &str) -> bool {
        match self {
            Self::ResidentId => is_resident_id(number),
            Self::Passport
            | Self::HkMacaoPermit
            | Self::TaiwanPermit
            | Self::PermanentResidentId
            | Self::Other => {
                (1..=32).contains(&number.len())
                    && number
                        .bytes()
                        .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
            }
        }
    }
}

/// GB 11643: seventeen digits and a check digit by ISO 7064 MOD 11-2.
fn is_resident_id(number: &str) -> bool {
    const WEIGHTS: [u32; 17] = [7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2];
    const CHECKS: &[u8; 11] = b"10X98765432";
    let Ok(digits) = <&[u8; 18]>::try_from(number.as_bytes()) else {
        return false;
    };
    if !digits[..17].iter().all(u8::is_ascii_digit) {
        return false;
    }
    let sum: u32 = digits
        .iter()
        .zip(WEIGHTS)
        .map(|(digit, weight)| u32::from(digit - b'0') * weight)
        .sum();
    CHECKS[(sum % 11) as usize] == digits[17].to_ascii_uppercase()
}

impl FromStr for IdType {
    type Err = InvalidIdType;
    fn from_str(text: &str) -> Result<Self, InvalidIdType> {
        Ok(match text {
            "resident_id" => Self::ResidentId,
            "passport" => Self::Passport,
            "hk_macao_permit" => Self::HkMacaoPermit,
            "taiwan_permit" => Self::TaiwanPermit,
            "permanent_resident_id" => Self::PermanentResidentId,
            "other" => Self::Other,
            _ => return Err(InvalidIdType(text.into())),
        })
    }
}

impl fmt::Display for IdType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn r1_a_resident_id_has_its_check_digit() {
        assert!(IdType::ResidentId.accepts("11010519491231002X"));
        assert!(IdType::ResidentId.accepts("11010519491231002x"));
        assert!(!IdType::ResidentId.accepts("110105194912310021"));
        assert!(!IdType::ResidentId.accepts("1101051949123100"));
        assert!(IdType::Passport.accepts("E12345678"));
        assert!(!IdType::Passport.accepts(""));
    }
}
