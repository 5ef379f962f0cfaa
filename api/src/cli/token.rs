//! `kaowei token`: tokens made with the server's own key, for operators and load tests.

use std::io::{BufWriter, Write};
use std::path::Path;
use std::process::ExitCode;
use std::str::FromStr;

use anyhow::{Context, Result, bail};
use aws_lc_rs::digest::{SHA256, digest};
use kaowei_core::ids::{ProvinceCode, StaffAccountId};
use kaowei_core::sites::Scope;
use kaowei_engine::{IdType, peek};
use serde::Deserialize;

use super::task::TokenTask;
use crate::auth::{Keys, MintError, OWN_ISSUER, Role, TokenClaims, subject_of};
use crate::settings::StoreSettings;

/// How long a token lives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lifetime {
    /// In seconds.
    seconds: i64,
}

impl FromStr for Lifetime {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        let expected = || "expected a number with its unit, such as 30d, 12h, 90m or 45s".to_owned();
        let unit_at = text.len().checked_sub(1).ok_or_else(expected)?;
        let (number, unit) = text.split_at_checked(unit_at).ok_or_else(expected)?;
        let unit = match unit {
            "d" => 86_400,
            "h" => 3_600,
            "m" => 60,
            "s" => 1,
            _ => return Err(expected()),
        };
        let number: u32 = number.parse().map_err(|_| expected())?;
        let seconds = i64::from(number) * unit;
        if seconds == 0 || seconds > 3_660 * 86_400 {
            return Err("a token lives at least a second and at most ten years".into());
        }
        Ok(Self { seconds })
    }
}

/// Prints tokens.
pub(super) async fn token(task: TokenTask) -> Result<ExitCode> {
    match task {
        TokenTask::Staff {
            scope,
            subject,
            valid_for,
            store,
        } => {
            let scope: Scope = scope.parse()?;
            if subject.parse::<StaffAccountId>().is_ok() {
                bail!("{subject} names an account of staff, whose holder logs in: choose another --subject");
            }
            let token = staff_token(&keys(&store).await?, &subject, scope, valid_for.seconds)?;
            print(&token)?;
        }
        TokenTask::Candidates {
            students,
            valid_for,
            store,
        } => print_all(&keys(&store).await?, &students, valid_for)?,
        TokenTask::Candidate {
            province,
            id_type,
            id_number,
            name,
            valid_for,
            store,
        } => {
            let person = Student {
                province_code: province,
                id_type,
                id_number,
                name,
            };
            let token = candidate_token(&keys(&store).await?, &person, valid_for.seconds)?;
            print(&token)?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

async fn keys(store: &StoreSettings) -> Result<Keys> {
    Ok(Keys::new(&peek(&store.engine()?).await?.token_key))
}

fn print(token: &str) -> Result<()> {
    writeln!(std::io::stdout().lock(), "{token}").context("the token can't be written")
}

/// The columns of a students file that a token needs.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Student {
    pub(crate) province_code: String,
    pub(crate) id_type: String,
    pub(crate) id_number: String,
    pub(crate) name: String,
}

fn print_all(keys: &Keys, students: &Path, valid_for: Lifetime) -> Result<()> {
    let file = students.display();
    let other = || format!("{file} is not a students file with province_code,id_type,id_number,name");
    let mut reader = csv::Reader::from_path(students).with_context(|| format!("{file} can't be read"))?;
    // Asked for by itself: a header that can't be read would pass as a file without lines.
    if reader
        .headers()
        .with_context(|| format!("{file} can't be read"))?
        .is_empty()
    {
        bail!("{}", other());
    }
    let mut out = BufWriter::with_capacity(262_144, std::io::stdout().lock());
    for student in reader.deserialize() {
        let student: Student = student.with_context(other)?;
        let token = candidate_token(keys, &student, valid_for.seconds).with_context(|| {
            format!(
                "{file}, the student with ID number ending {}",
                ending(&student.id_number)
            )
        })?;
        writeln!(out, "{},{token}", student.id_number).context("the tokens can't be written")?;
    }
    out.flush().context("the tokens can't be written")
}

fn ending(number: &str) -> String {
    let letters: Vec<char> = number.chars().collect();
    letters[letters.len().saturating_sub(2)..].iter().collect()
}

/// A token of staff.
pub(crate) fn staff_token(
    keys: &Keys,
    subject: &str,
    scope: Scope,
    seconds: i64,
) -> Result<String, MintError> {
    keys.mint(&TokenClaims {
        iss: OWN_ISSUER.into(),
        sub: subject.into(),
        role: Role::Staff,
        exp: ends_at(seconds),
        sid: None,
        generation: 0,
        province: None,
        scope: Some(scope.to_string()),
        id_type: None,
        id_number: None,
        name: None,
        phone: None,
    })
}

/// A candidate's token, with all that an outside passport's carries, so that its first request makes the account.
pub(crate) fn candidate_token(keys: &Keys, student: &Student, seconds: i64) -> Result<String> {
    let province: ProvinceCode = student.province_code.parse()?;
    let id_type: IdType = student.id_type.parse()?;
    if !id_type.accepts(student.id_number.trim()) {
        bail!("that is not a number of a {id_type}");
    }
    let subject = subject_of(province, id_type.as_str(), &student.id_number);
    let token = keys.mint(&TokenClaims {
        iss: OWN_ISSUER.into(),
        phone: Some(made_up_phone(&subject)),
        sub: subject,
        role: Role::Candidate,
        exp: ends_at(seconds),
        sid: None,
        generation: 0,
        province: Some(province.to_string()),
        scope: None,
        id_type: Some(id_type.to_string()),
        id_number: Some(student.id_number.trim().into()),
        name: Some(student.name.clone()),
    })?;
    Ok(token)
}

fn ends_at(seconds: i64) -> i64 {
    chrono::Utc::now().timestamp() + seconds
}

/// A phone number that depends on the subject only, so that minting twice says the same.
fn made_up_phone(subject: &str) -> String {
    let hash = digest(&SHA256, subject.as_bytes());
    let digits = hash.as_ref()[..4]
        .iter()
        .fold(0_u32, |number, byte| (number << 8) | u32::from(*byte));
    format!("170{:08}", digits % 100_000_000)
}

#[cfg(test)]
mod tests {
    use kaowei_core::time::Moment;

    use super::*;

    #[test]
    fn a_lifetime_is_a_number_with_its_unit() {
        let seconds = |text: &str| text.parse::<Lifetime>().map(|lifetime| lifetime.seconds);
        assert_eq!(seconds("30d"), Ok(2_592_000));
        assert_eq!(seconds("12h"), Ok(43_200));
        assert_eq!(seconds("45s"), Ok(45));
        for text in ["", "d", "30", "30y", "-1d", "0s", "99999999d", "一天"] {
            assert!(seconds(text).is_err(), "{text}");
        }
    }

    #[test]
    fn minting_twice_gives_one_subject_and_one_phone() {
        let keys = Keys::new(&[1; 32]);
        let student = Student {
            province_code: "99".into(),
            id_type: "resident_id".into(),
            id_number: "990101200501010010".into(),
            name: "测试一".into(),
        };
        let claims = |seconds| {
            let token = candidate_token(&keys, &student, seconds).unwrap();
            keys.check(token.as_bytes(), Moment::MIN).unwrap()
        };
        let (one, two) = (claims(100), claims(200));
        assert_eq!((&one.sub, &one.phone), (&two.sub, &two.phone));
        assert_eq!(one.id_number.as_deref(), Some("990101200501010010"));
        assert_eq!(one.phone.unwrap().len(), 11);
        let wrong = Student {
            id_number: "990101200501010011".into(),
            ..student
        };
        assert!(
            candidate_token(&keys, &wrong, 1).is_err(),
            "the check digit is wrong"
        );
    }
}
