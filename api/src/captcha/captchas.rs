//! Giving captchas out and checking their answers.

use std::str::FromStr;

use aws_lc_rs::aead::{AES_256_GCM, Aad, NONCE_LEN, Nonce, RandomizedNonceKey};
use aws_lc_rs::error::Unspecified;
use aws_lc_rs::rand::fill;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use kaowei_core::time::{Moment, Span};
use serde::Deserialize;
use utoipa::ToSchema;

use super::chance::Chance;
use super::glyphs::LETTERS;
use super::spent::{Spent, TooMany};

/// How long one may be answered.
pub(super) const LIFE: Span = Span::from_secs(300);

/// How hard one is: it grows with the tries that failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// Four letters.
    Easy,
    /// Five, with more in their way.
    Medium,
    /// Six, hard to read.
    Hard,
}

/// What one looks like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// A picture of letters.
    Image,
    /// Words, for a screen reader.
    Text,
}

/// One that was given out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Issued {
    /// What its answer is handed in with.
    pub id: String,
    /// The answer.
    pub code: String,
    /// Until when.
    pub ends_at: Moment,
}

/// An answer as it was handed in.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CaptchaAnswer {
    /// The captcha's id.
    id: String,
    /// What was read; capitals and small letters are alike.
    #[schema(example = "A7K3")]
    answer: String,
}

/// The captchas of this start of the server.
pub struct Captchas {
    key: RandomizedNonceKey,
    spent: Spent,
}

impl std::fmt::Debug for Captchas {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Captchas(…)")
    }
}

/// What an id has sealed.
struct Sealed {
    nonce: [u8; NONCE_LEN],
    level: Level,
    ends_at: Moment,
    code: String,
}

impl Level {
    /// The level for whoever failed so often.
    pub fn after(failures: u32) -> Self {
        match failures {
            0..=1 => Self::Easy,
            2..=4 => Self::Medium,
            _ => Self::Hard,
        }
    }

    /// As the contract writes it: 0, 1, 2.
    pub fn number(self) -> u8 {
        match self {
            Self::Easy => 0,
            Self::Medium => 1,
            Self::Hard => 2,
        }
    }

    fn numbered(number: u8) -> Option<Self> {
        [Self::Easy, Self::Medium, Self::Hard]
            .into_iter()
            .find(|level| level.number() == number)
    }
}

/// A text that is no level, or no form.
#[derive(Debug)]
pub struct Unknown;

impl FromStr for Level {
    type Err = Unknown;
    fn from_str(text: &str) -> Result<Self, Unknown> {
        text.parse().ok().and_then(Self::numbered).ok_or(Unknown)
    }
}

impl FromStr for Form {
    type Err = Unknown;
    fn from_str(text: &str) -> Result<Self, Unknown> {
        match text {
            "image" => Ok(Self::Image),
            "text" => Ok(Self::Text),
            _ => Err(Unknown),
        }
    }
}

impl Captchas {
    /// Captchas under a fresh key.
    ///
    /// # Errors
    /// Where the system has no random numbers.
    pub fn new() -> Result<Self, Unspecified> {
        let mut key = [0; 32];
        fill(&mut key)?;
        Ok(Self {
            key: RandomizedNonceKey::new(&AES_256_GCM, &key)?,
            spent: Spent::default(),
        })
    }

    /// Makes one.
    ///
    /// # Errors
    /// Where the system has no random numbers.
    pub fn issue(&self, level: Level, form: Form, now: Moment) -> Result<Issued, Unspecified> {
        let mut chance = Chance::new()?;
        let more = usize::from(level.number());
        let code: String = match form {
            Form::Image => (0..4 + more).map(|_| chance.one_of(LETTERS)).collect(),
            // Digits are fewer than letters.
            Form::Text => (0..5 + more).map(|_| chance.one_of(&DIGITS)).collect(),
        };
        let ends_at = now + LIFE;
        let mut text = vec![level.number()];
        text.extend(ends_at.unix_ms().to_be_bytes());
        text.extend(code.as_bytes());
        let nonce = self.key.seal_in_place_append_tag(Aad::empty(), &mut text)?;
        let id = URL_SAFE_NO_PAD.encode([nonce.as_ref().as_slice(), &text].concat());
        Ok(Issued { id, code, ends_at })
    }

    /// Whether an answer is right, of one that is hard enough. However it is, that captcha is spent.
    ///
    /// # Errors
    /// [`TooMany`] where more were answered than can be kept.
    pub fn check(&self, given: &CaptchaAnswer, level: Level, now: Moment) -> Result<bool, TooMany> {
        let Some(sealed) = self.open(&given.id).filter(|sealed| now < sealed.ends_at) else {
            return Ok(false);
        };
        let is_first = self.spent.spend(sealed.nonce, now)?;
        Ok(is_first && level <= sealed.level && normal(&given.answer) == sealed.code)
    }

    /// The answer to one that was given out: what a person would read.
    pub fn answer(&self, id: &str) -> Option<String> {
        self.open(id).map(|sealed| sealed.code)
    }

    fn open(&self, id: &str) -> Option<Sealed> {
        let bytes = URL_SAFE_NO_PAD.decode(id).ok()?;
        let (nonce, text) = bytes.split_first_chunk::<NONCE_LEN>()?;
        let mut text = text.to_vec();
        let opened = self
            .key
            .open_in_place(Nonce::from(nonce), Aad::empty(), &mut text)
            .ok()?;
        let (level, rest) = opened.split_first()?;
        let (ends_at, code) = rest.split_first_chunk::<8>()?;
        Some(Sealed {
            nonce: *nonce,
            level: Level::numbered(*level)?,
            ends_at: Moment::from_unix_ms(i64::from_be_bytes(*ends_at)),
            code: String::from_utf8(code.to_vec()).ok()?,
        })
    }
}

const DIGITS: [char; 10] = ['0', '1', '2', '3', '4', '5', '6', '7', '8', '9'];

/// Capitals without spaces; what a Chinese keyboard types in full width is what it looks like.
fn normal(answer: &str) -> String {
    let narrow = |letter: char| match letter {
        '\u{ff01}'..='\u{ff5e}' => char::from_u32(u32::from(letter) - 0xfee0).unwrap_or(letter),
        _ => letter,
    };
    answer
        .chars()
        .map(narrow)
        .filter(|letter| !letter.is_whitespace())
        .map(|letter| letter.to_ascii_uppercase())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn given(id: &str, answer: &str) -> CaptchaAnswer {
        CaptchaAnswer {
            id: id.into(),
            answer: answer.into(),
        }
    }

    fn now() -> Moment {
        Moment::from_unix_ms(1_790_000_000_000)
    }

    #[test]
    fn r1_a_captcha_works_once_and_only_while_it_holds() {
        let captchas = Captchas::new().unwrap();
        let issue = || captchas.issue(Level::Easy, Form::Image, now()).unwrap();
        let one = issue();
        assert_eq!(captchas.answer(&one.id), Some(one.code.clone()));
        let right = given(&one.id, &one.code);
        assert!(captchas.check(&right, Level::Easy, now()).unwrap());
        assert!(!captchas.check(&right, Level::Easy, now()).unwrap(), "twice");
        let two = issue();
        assert!(!captchas.check(&given(&two.id, "?"), Level::Easy, now()).unwrap());
        let late = given(&two.id, &two.code);
        assert!(
            !captchas.check(&late, Level::Easy, now()).unwrap(),
            "a wrong answer spends it"
        );
        let three = issue();
        let right = given(&three.id, &three.code);
        assert!(!captchas.check(&right, Level::Easy, three.ends_at).unwrap());
        let elsewhere = Captchas::new().unwrap().issue(Level::Easy, Form::Image, now());
        let elsewhere = elsewhere.unwrap();
        let foreign = given(&elsewhere.id, &elsewhere.code);
        assert!(!captchas.check(&foreign, Level::Easy, now()).unwrap());
        assert!(!captchas.check(&given("", ""), Level::Easy, now()).unwrap());
    }

    #[test]
    fn one_that_is_too_easy_does_not_do_and_its_answer_is_read_as_people_type() {
        let captchas = Captchas::new().unwrap();
        for (level, letters) in [(Level::Easy, 4), (Level::Medium, 5), (Level::Hard, 6)] {
            let one = captchas.issue(level, Form::Image, now()).unwrap();
            assert_eq!(one.code.chars().count(), letters);
            let typed = format!(" {} ", one.code.to_lowercase());
            let enough = captchas.check(&given(&one.id, &typed), Level::Medium, now());
            assert_eq!(enough.unwrap(), level >= Level::Medium);
        }
        assert_eq!(normal("ａ 7Ｋ３\u{3000}"), "A7K3");
        let words = captchas.issue(Level::Easy, Form::Text, now()).unwrap();
        assert!(words.code.len() == 5 && words.code.bytes().all(|byte| byte.is_ascii_digit()));
    }
}
