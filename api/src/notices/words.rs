//! What a notice says to people, in both languages. Exhaustive: a kind without its words does not compile.

use chrono::{DateTime, FixedOffset, Utc};
use kaowei_core::ids::{ClaimId, Fen, RefundId};
use kaowei_core::notices::Notice;
use kaowei_core::registration::ReviewDecision;
use kaowei_core::time::Moment;
use kaowei_engine::{Catalogue, CodePurpose, SentCode};

use crate::problem::Words;

/// China Standard Time, which people are told times in (1.4).
const CHINA: Option<FixedOffset> = FixedOffset::east_opt(8 * 3_600);

/// A notice's words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NoticeWords {
    /// In a few words.
    pub title: Words,
    /// A sentence or two.
    pub text: Words,
}

/// What a notice says. The subject's name is the sitting's, which is Chinese: in English the claim's id stands for it.
pub fn words(notice: &Notice, catalogue: &Catalogue) -> NoticeWords {
    let subject = |claim: &ClaimId| subject(claim, catalogue);
    match notice {
        Notice::Promoted { claim, held_until } => NoticeWords {
            title: ("候补成功", "A seat is yours").into(),
            text: (
                format!(
                    "你候补的{}已获得考位，请在{}前完成缴费，逾期将释放考位。",
                    subject(claim),
                    zh_time(*held_until)
                ),
                format!(
                    "Your place in the queue, claim {claim}, has become a seat. Pay before {}, or it goes to the next.",
                    en_time(*held_until)
                ),
            )
                .into(),
        },
        Notice::DeadlineNear { claim, held_until } => NoticeWords {
            title: ("缴费即将截止", "The payment deadline is near").into(),
            text: (
                format!(
                    "你报考的{}尚未缴费，请在{}前完成缴费，逾期将释放考位。",
                    subject(claim),
                    zh_time(*held_until)
                ),
                format!(
                    "Your seat, claim {claim}, is not paid yet. Pay before {}, or it goes to the next.",
                    en_time(*held_until)
                ),
            )
                .into(),
        },
        Notice::Expired { claim } => NoticeWords {
            title: ("超时未缴费", "Not paid in time").into(),
            text: (
                format!("你报考的{}未在截止时间前缴费，考位已释放。", subject(claim)),
                format!("Your seat, claim {claim}, was not paid before its deadline and has been released."),
            )
                .into(),
        },
        Notice::Paid { claim } => NoticeWords {
            title: ("缴费成功", "Paid").into(),
            text: (
                format!("你报考的{}已缴费成功。", subject(claim)),
                format!("Your seat, claim {claim}, is paid."),
            )
                .into(),
        },
        Notice::ReviewDecided { decision } => review_words(*decision),
        Notice::RefundDue { refund, amount_fen } => refund_due_words(*refund, *amount_fen),
        Notice::Refunded { refund } => refunded_words(*refund),
    }
}

fn review_words(decision: ReviewDecision) -> NoticeWords {
    match decision {
        ReviewDecision::Approved => NoticeWords {
            title: ("六级资格复核通过", "CET6 review approved").into(),
            text: (
                "你的六级报考资格复核已通过，现在可以报考六级。",
                "Your eligibility for CET6 has been approved: you may claim a seat for it now.",
            )
                .into(),
        },
        ReviewDecision::Rejected => NoticeWords {
            title: ("六级资格复核未通过", "CET6 review rejected").into(),
            text: (
                "你的六级报考资格复核未通过。请查看原因，更正准考证号后重新提交，或联系学校。",
                "Your eligibility for CET6 has not been approved. See why, correct the ticket number and send it again, \
                 or ask your school.",
            )
                .into(),
        },
    }
}

fn refund_due_words(refund: RefundId, amount: Fen) -> NoticeWords {
    let (order, yuan) = (refund.order, yuan(amount));
    NoticeWords {
        title: ("将为你退款", "Money is on its way back").into(),
        text: (
            format!("订单{order}的{yuan}元将原路退回。"),
            format!("{yuan} yuan of order {order} go back the way they came."),
        )
            .into(),
    }
}

fn refunded_words(refund: RefundId) -> NoticeWords {
    let order = refund.order;
    NoticeWords {
        title: ("退款成功", "Refunded").into(),
        text: (
            format!("订单{order}的退款（{refund}）已退回。"),
            format!("Refund {refund} of order {order} has gone back."),
        )
            .into(),
    }
}

/// What the webhook calls the sending of a code.
pub(super) fn code_kind(purpose: CodePurpose) -> &'static str {
    match purpose {
        CodePurpose::PasswordReset => "password_reset_code",
        CodePurpose::PhoneChange => "phone_change_code",
    }
}

/// What goes to a phone with a code.
pub(super) fn code_words(sent: &SentCode) -> NoticeWords {
    let (code, zh_end, en_end) = (&sent.code, zh_time(sent.ends_at), en_time(sent.ends_at));
    let (title, zh_use, en_use) = match sent.purpose {
        CodePurpose::PasswordReset => (
            ("重置密码验证码", "Code for a new password"),
            "重置报名账号的密码",
            "to set a new password for your registration account",
        ),
        CodePurpose::PhoneChange => (
            ("更换手机号验证码", "Code for a new phone"),
            "将报名账号绑定到本手机号",
            "to bind your registration account to this phone",
        ),
    };
    NoticeWords {
        title: title.into(),
        text: (
            format!("验证码{code}，用于{zh_use}，{zh_end}前有效。请勿告诉他人；如非本人操作，请忽略。"),
            format!(
                "Your code is {code}, {en_use}. It holds until {en_end}. Tell nobody; if you did not ask for it, ignore it."
            ),
        )
            .into(),
    }
}

fn subject(claim: &ClaimId, catalogue: &Catalogue) -> String {
    let sitting = catalogue.sitting.as_deref();
    let subject = sitting.and_then(|sitting| sitting.subject(claim.pool.subject));
    match subject {
        Some(subject) => format!("“{}”（{claim}）", subject.name),
        None => format!("科目（{claim}）"),
    }
}

fn yuan(amount: Fen) -> String {
    format!("{}.{:02}", amount.0 / 100, amount.0 % 100)
}

fn zh_time(moment: Moment) -> String {
    local(moment, "%Y年%-m月%-d日%H:%M（北京时间）")
}

fn en_time(moment: Moment) -> String {
    local(moment, "%Y-%m-%d %H:%M (China Standard Time)")
}

fn local(moment: Moment, format: &str) -> String {
    let utc = DateTime::<Utc>::from_timestamp_millis(moment.unix_ms());
    match utc.zip(CHINA) {
        Some((utc, china)) => utc.with_timezone(&china).format(format).to_string(),
        None => moment.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::problem::Language;

    #[test]
    fn a_code_is_told_with_its_use_and_its_end() {
        let mut sent = SentCode {
            purpose: CodePurpose::PasswordReset,
            phone: "13800000000".into(),
            code: "00314159".into(),
            ends_at: Moment::from_unix_ms(1_790_086_400_000),
        };
        assert_eq!(
            code_words(&sent).text.in_language(Language::Chinese),
            "验证码00314159，用于重置报名账号的密码，2026年9月22日22:13（北京时间）前有效。请勿告诉他人；如非本人操作，请忽略。"
        );
        sent.purpose = CodePurpose::PhoneChange;
        assert_eq!(
            code_words(&sent).text.in_language(Language::English),
            "Your code is 00314159, to bind your registration account to this phone. It holds until 2026-09-22 22:13 (China \
             Standard Time). Tell nobody; if you did not ask for it, ignore it."
        );
    }

    #[test]
    fn a_deadline_is_told_to_the_minute_in_china_standard_time() {
        let notice = Notice::Promoted {
            claim: "991010-1-3".parse().unwrap(),
            held_until: Moment::from_unix_ms(1_790_086_400_000),
        };
        let words = words(&notice, &Catalogue::default());
        assert_eq!(
            words.text.in_language(Language::Chinese),
            "你候补的科目（991010-1-3）已获得考位，请在2026年9月22日22:13（北京时间）前完成缴费，逾期将释放考位。"
        );
        assert_eq!(
            words.text.in_language(Language::English),
            "Your place in the queue, claim 991010-1-3, has become a seat. Pay before 2026-09-22 22:13 (China Standard \
             Time), or it goes to the next."
        );
    }
}
