//! One half-yearly sitting: its subjects, windows and agreement, as its file says it (2.8).

use serde::{Deserialize, Serialize};

use super::schedule::{WindowProvince, rfc3339};
use super::{Level, Paper, Subject, Terms, Window, WindowPaper};
use crate::ids::{ProvinceCode, SchoolCode, SubjectCode};
use crate::time::{Moment, Span};

/// A sitting. Read from JSON, then [`Sitting::validate`]d before anything uses it.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sitting {
    /// Such as `2026-2`.
    pub id: String,
    /// Such as 2026年下半年全国大学英语四、六级考试.
    pub name: String,
    /// How long a seat is held for payment (R16), in seconds, at least 1.
    #[serde(default = "one_day")]
    pub hold_seconds: u32,
    /// How long an enrolment without a claim is kept (R9), in seconds, at least 1.
    #[serde(default = "one_day")]
    pub enrolment_seconds: u32,
    /// No order is opened in the last so many seconds of a hold (R25), at least 1.
    #[serde(default = "six_minutes")]
    pub order_margin_seconds: u32,
    /// The grace after an order's expiry before "unknown order" counts as closed (R27), in seconds, at least 1.
    #[serde(default = "two_minutes")]
    pub payment_grace_seconds: u32,
    /// Until when score reports and quick print may be changed (R31).
    #[serde(default, with = "rfc3339::option", skip_serializing_if = "Option::is_none")]
    pub choices_close_at: Option<Moment>,
    /// What every candidate accepts first (R2).
    pub agreement: Agreement,
    /// When what is open for whom (R18).
    pub windows: Vec<Window>,
    /// What is sat (1.2).
    pub subjects: Vec<Subject>,
}

/// The agreement and integrity pledge (R2).
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Agreement {
    /// A candidate accepts this version; a new one is asked of everybody again.
    pub version: String,
    /// The text.
    pub text: String,
    /// Terms of service, privacy policy: further documents of the same version.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub documents: Vec<Document>,
}

/// A further document of the agreement.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Document {
    /// Such as `privacy`.
    pub id: String,
    /// Its title.
    pub title: String,
    /// Its text.
    pub text: String,
}

/// Something wrong with a sitting.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SittingProblem {
    /// JSON pointer of the place in the file.
    pub at: String,
    /// What is wrong there.
    pub fault: SittingFault,
}

/// Why a sitting can't be used. Typed: whoever shows it says it in the reader's language.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SittingFault {
    /// A text must have 1 to so many characters, none of them U+0000.
    Text {
        /// The most characters.
        max: usize,
    },
    /// A number of seconds is zero or more than so many.
    Seconds {
        /// The most seconds.
        max: u32,
    },
    /// A list must not be empty.
    Empty,
    /// A subject of that code is listed before.
    SubjectTwice(SubjectCode),
    /// A subject requires something else than a written subject of its level.
    Requires,
    /// A window of the same province, school and paper is listed before.
    WindowTwice,
    /// A window closes before it opens.
    ClosesBeforeItOpens,
    /// Whoever is promoted last would not have the full time to pay (R18).
    PaymentEndsTooEarly {
        /// When it may end at the earliest.
        earliest: Moment,
    },
    /// A seat taken at the end of the window could not be paid (R18).
    PaymentEndsBeforeTheWindow,
    /// A school's window does not name its province.
    SchoolWithoutProvince,
    /// A school's window does not lie inside its province's (R18).
    OutsideTheProvince,
}

/// No span of a sitting is longer than a year.
const SECONDS_MAX: u32 = 31_536_000;

const fn one_day() -> u32 {
    86_400
}

const fn six_minutes() -> u32 {
    360
}

const fn two_minutes() -> u32 {
    120
}

impl Sitting {
    /// How long a seat is held.
    pub fn hold(&self) -> Span {
        Span::from_secs(self.hold_seconds)
    }

    /// How long an enrolment without a claim is kept.
    pub fn enrolment_span(&self) -> Span {
        Span::from_secs(self.enrolment_seconds)
    }

    /// Whether what was chosen can't be changed any more (R31).
    pub fn choices_are_closed(&self, now: Moment) -> bool {
        self.choices_close_at.is_some_and(|closes_at| closes_at <= now)
    }

    /// The subject with that code.
    pub fn subject(&self, code: SubjectCode) -> Option<&Subject> {
        self.subjects.iter().find(|subject| subject.code == code)
    }

    /// 英语六级笔试, the subject that reviews are about (R5); none in a sitting without it.
    pub fn cet6(&self) -> Option<&Subject> {
        self.subjects.iter().find(|subject| {
            subject.paper == Paper::Written && subject.level == Level(6) && subject.language == "en"
        })
    }

    /// The window in force for a school and paper: its own, else its province's, else that of every province.
    pub fn window(&self, province: ProvinceCode, school: SchoolCode, paper: WindowPaper) -> Option<&Window> {
        let mine =
            |window: &&Window| window.paper == paper && window.province == WindowProvince::One(province);
        let of_paper = |window: &&Window| window.paper == paper && window.school.is_none();
        self.windows
            .iter()
            .find(|window| mine(window) && window.school == Some(school))
            .or_else(|| {
                self.windows
                    .iter()
                    .find(|window| mine(window) && window.school.is_none())
            })
            .or_else(|| {
                self.windows
                    .iter()
                    .find(|window| of_paper(window) && matches!(window.province, WindowProvince::Any(_)))
            })
    }

    /// Whether enrolments are taken (R8): while any window of the province and school is open.
    pub fn enrolment_is_open(&self, province: ProvinceCode, school: SchoolCode, now: Moment) -> bool {
        [
            WindowPaper::Qualification,
            WindowPaper::Written,
            WindowPaper::Oral,
        ]
        .into_iter()
        .filter_map(|paper| self.window(province, school, paper))
        .any(|window| window.is_open(now))
    }

    /// The times that a pool of that school and paper decides by.
    pub fn terms(&self, province: ProvinceCode, school: SchoolCode, paper: Paper) -> Terms {
        match self.window(province, school, paper.into()) {
            Some(window) => window.terms(paper, self.hold()),
            None => Terms::closed(paper, self.hold()),
        }
    }

    /// Everything that is wrong with it; nothing when it can be used.
    pub fn validate(&self) -> Vec<SittingProblem> {
        let mut problems = Vec::new();
        self.validate_texts(&mut problems);
        self.validate_seconds(&mut problems);
        self.validate_subjects(&mut problems);
        self.validate_windows(&mut problems);
        problems
    }

    fn validate_texts(&self, problems: &mut Vec<SittingProblem>) {
        let mut text = |at: &str, text: &str, max: usize| {
            let length = text.chars().count();
            // No store has to keep what PostgreSQL can't.
            if length == 0 || length > max || text.contains('\0') {
                problems.push(problem(at, SittingFault::Text { max }));
            }
        };
        text("/id", &self.id, 64);
        text("/name", &self.name, 200);
        text("/agreement/version", &self.agreement.version, 64);
        text("/agreement/text", &self.agreement.text, 100_000);
        for (n, document) in self.agreement.documents.iter().enumerate() {
            text(&format!("/agreement/documents/{n}/id"), &document.id, 64);
            text(&format!("/agreement/documents/{n}/title"), &document.title, 200);
            text(&format!("/agreement/documents/{n}/text"), &document.text, 100_000);
        }
        for (n, subject) in self.subjects.iter().enumerate() {
            text(&format!("/subjects/{n}/name"), &subject.name, 100);
            text(&format!("/subjects/{n}/language"), &subject.language, 35);
        }
    }

    fn validate_seconds(&self, problems: &mut Vec<SittingProblem>) {
        for (name, seconds) in [
            ("hold_seconds", self.hold_seconds),
            ("enrolment_seconds", self.enrolment_seconds),
            ("order_margin_seconds", self.order_margin_seconds),
            ("payment_grace_seconds", self.payment_grace_seconds),
        ] {
            if seconds == 0 || seconds > SECONDS_MAX {
                let fault = SittingFault::Seconds { max: SECONDS_MAX };
                problems.push(problem(format!("/{name}"), fault));
            }
        }
    }

    fn validate_subjects(&self, problems: &mut Vec<SittingProblem>) {
        if self.subjects.is_empty() {
            problems.push(problem("/subjects", SittingFault::Empty));
        }
        for (n, subject) in self.subjects.iter().enumerate() {
            if self.subjects[..n]
                .iter()
                .any(|earlier| earlier.code == subject.code)
            {
                let fault = SittingFault::SubjectTwice(subject.code);
                problems.push(problem(format!("/subjects/{n}/code"), fault));
            }
            let required = subject.requires.map(|code| self.subject(code));
            let fits = match required {
                None => true,
                Some(None) => false,
                Some(Some(written)) => {
                    subject.paper == Paper::Oral
                        && written.paper == Paper::Written
                        && written.level == subject.level
                }
            };
            if !fits {
                problems.push(problem(format!("/subjects/{n}/requires"), SittingFault::Requires));
            }
        }
    }

    fn validate_windows(&self, problems: &mut Vec<SittingProblem>) {
        if self.windows.is_empty() {
            problems.push(problem("/windows", SittingFault::Empty));
        }
        for (n, window) in self.windows.iter().enumerate() {
            let at = format!("/windows/{n}");
            let same = |other: &Window| {
                other.province == window.province
                    && other.school == window.school
                    && other.paper == window.paper
            };
            if self.windows[..n].iter().any(same) {
                problems.push(problem(at.clone(), SittingFault::WindowTwice));
            }
            if let Some(fault) = self.window_fault(window) {
                problems.push(problem(at, fault));
            }
        }
    }

    fn window_fault(&self, window: &Window) -> Option<SittingFault> {
        if window.opens_at >= window.closes_at {
            return Some(SittingFault::ClosesBeforeItOpens);
        }
        if window.paper != WindowPaper::Qualification {
            let payment_end = window.payment_end(self.hold());
            let earliest = window.waitlist_end() + self.hold();
            if payment_end < earliest {
                return Some(SittingFault::PaymentEndsTooEarly { earliest });
            }
            if payment_end < window.closes_at {
                return Some(SittingFault::PaymentEndsBeforeTheWindow);
            }
        }
        window.school?;
        let WindowProvince::One(province) = window.province else {
            return Some(SittingFault::SchoolWithoutProvince);
        };
        let outer = self
            .windows
            .iter()
            .filter(|outer| outer.school.is_none() && outer.paper == window.paper)
            .filter(|outer| match outer.province {
                WindowProvince::One(other) => other == province,
                WindowProvince::Any(_) => true,
            })
            .min_by_key(|outer| matches!(outer.province, WindowProvince::Any(_)))?;
        let inside = outer.opens_at <= window.opens_at
            && window.closes_at <= outer.closes_at
            && window.waitlist_end() <= outer.waitlist_end().max(outer.closes_at)
            && window.payment_end(self.hold()) <= outer.payment_end(self.hold());
        (!inside).then_some(SittingFault::OutsideTheProvince)
    }
}

fn problem(at: impl Into<String>, fault: SittingFault) -> SittingProblem {
    SittingProblem { at: at.into(), fault }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sitting(windows: &str) -> Sitting {
        let text = format!(
            r#"{{"id":"2026-2","name":"考试","hold_seconds":86400,
                "agreement":{{"version":"1","text":"协议"}},
                "windows":[{windows}],
                "subjects":[{{"code":"1","name":"英语四级笔试","paper":"written","language":"en","level":4}},
                            {{"code":"F","name":"英语四级口试","paper":"oral","language":"en","level":4,"requires":"1"}}]}}"#
        );
        serde_json::from_str(&text).unwrap()
    }

    fn window(rest: &str, opens: &str, closes: &str) -> String {
        format!(r#"{{{rest},"paper":"written","opens_at":"{opens}","closes_at":"{closes}"}}"#)
    }

    const OPEN: &str = "2026-09-10T01:00:00Z";
    const CLOSE: &str = "2026-09-20T01:00:00Z";

    fn at(text: &str) -> Moment {
        chrono::DateTime::parse_from_rfc3339(text)
            .unwrap()
            .to_utc()
            .into()
    }

    #[test]
    fn a_school_s_window_goes_before_its_province_s_and_that_before_the_star() {
        let sitting = sitting(
            &[
                window(r#""province":"*""#, OPEN, CLOSE),
                window(r#""province":"99""#, "2026-09-11T01:00:00Z", CLOSE),
                window(
                    r#""province":"99","school":"99101""#,
                    "2026-09-12T01:00:00Z",
                    CLOSE,
                ),
            ]
            .join(","),
        );
        assert_eq!(sitting.validate(), []);
        let opens = |province: &str, school: &str| {
            sitting
                .terms(province.parse().unwrap(), school.parse().unwrap(), Paper::Written)
                .opens_at
        };
        assert_eq!(opens("32", "32001"), at(OPEN));
        assert_eq!(opens("99", "99102"), at("2026-09-11T01:00:00Z"));
        assert_eq!(opens("99", "99101"), at("2026-09-12T01:00:00Z"));
        assert!(!sitting.enrolment_is_open("99".parse().unwrap(), "99101".parse().unwrap(), at(OPEN)));
        assert!(sitting.enrolment_is_open("32".parse().unwrap(), "32001".parse().unwrap(), at(OPEN)));
        let oral = sitting.terms("32".parse().unwrap(), "32001".parse().unwrap(), Paper::Oral);
        assert!(
            !oral.is_open(at("2026-09-15T01:00:00Z")),
            "no window for oral means never open"
        );
    }

    #[test]
    fn r18_payment_that_ends_before_the_last_promoted_has_had_his_time_is_refused() {
        let short = r#"{"province":"*","paper":"written","opens_at":"2026-09-10T01:00:00Z","closes_at":"2026-09-20T01:00:00Z",
            "payment_closes_at":"2026-09-20T20:00:00Z"}"#;
        let problems = sitting(short).validate();
        let earliest = at("2026-09-21T01:00:00Z");
        let fault = SittingFault::PaymentEndsTooEarly { earliest };
        assert_eq!(problems, [problem("/windows/0", fault)]);
    }

    #[test]
    fn r18_whoever_claims_last_can_pay_also_where_the_queue_ends_before_the_window() {
        let early_queue = |rest: &str| {
            let text = format!(
                r#"{{"province":"*","paper":"written","opens_at":"{OPEN}","closes_at":"{CLOSE}",
                "waitlist_closes_at":"2026-09-12T01:00:00Z"{rest}}}"#
            );
            sitting(&text)
        };
        let by_default = early_queue("");
        assert_eq!(by_default.validate(), []);
        let terms = by_default.terms("32".parse().unwrap(), "32001".parse().unwrap(), Paper::Written);
        assert_eq!(terms.payment_closes_at, at("2026-09-21T01:00:00Z"));
        let too_early = early_queue(r#","payment_closes_at":"2026-09-15T01:00:00Z""#);
        assert_eq!(too_early.validate().len(), 1);
    }

    #[test]
    fn a_school_s_window_outside_its_province_s_and_twice_the_same_are_refused() {
        let outside = [
            window(r#""province":"*""#, OPEN, CLOSE),
            window(
                r#""province":"99","school":"99101""#,
                "2026-09-09T01:00:00Z",
                CLOSE,
            ),
            window(r#""province":"*""#, OPEN, CLOSE),
        ];
        let problems = sitting(&outside.join(",")).validate();
        let pointers: Vec<_> = problems.iter().map(|problem| problem.at.as_str()).collect();
        assert_eq!(pointers, ["/windows/1", "/windows/2"]);
    }

    #[test]
    fn a_sitting_reads_back_as_it_was_written() {
        let sitting = sitting(&window(r#""province":"*""#, OPEN, CLOSE));
        let text = serde_json::to_string(&sitting).unwrap();
        assert_eq!(serde_json::from_str::<Sitting>(&text).unwrap(), sitting);
    }

    #[test]
    fn deadlines_never_pass_the_end_of_payment() {
        let sitting = sitting(&window(r#""province":"*""#, OPEN, CLOSE));
        let terms = sitting.terms("32".parse().unwrap(), "32001".parse().unwrap(), Paper::Written);
        assert_eq!(terms.deadline(at(OPEN)), at("2026-09-11T01:00:00Z"));
        assert_eq!(terms.deadline(at(CLOSE)), at("2026-09-21T01:00:00Z"));
        assert_eq!(
            terms.deadline(at("2026-09-20T12:00:00Z")),
            at("2026-09-21T01:00:00Z")
        );
    }
}
