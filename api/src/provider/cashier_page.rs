//! The page of the sandbox's cashier: what is to be paid, and a button that does as if. Says loudly that no money moves.

use kaowei_engine::CashierBill;

use crate::problem::{Language, Text};

/// The page as HTML.
pub(super) fn page(bill: &CashierBill, language: Language) -> String {
    let say = |zh, en| Text { zh, en }.in_language(language);
    let (yuan, fen) = (bill.amount.0 / 100, bill.amount.0 % 100);
    let title = say("沙箱收银台", "Sandbox cashier");
    let now = if bill.paid {
        say(
            "已支付。请返回报名页面，点击“更新”查看结果。",
            "Paid. Go back to the registration page and refresh to see the result.",
        )
    } else if bill.payable {
        say("待支付", "To be paid")
    } else {
        say(
            "此订单已关闭，不能再支付。",
            "This order is closed and can't be paid any more.",
        )
    };
    let button = |value: &str, label: &str| {
        format!("<form method=\"post\"><button name=\"outcome\" value=\"{value}\">{label}</button></form>\n")
    };
    let buttons = if bill.payable {
        button("paid", say("确认支付", "Pay")) + &button("failed", say("模拟支付失败", "Fail to pay"))
    } else {
        String::new()
    };
    format!(
        "<!doctype html>\n<html lang=\"{lang}\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<title>{title}</title>\n</head>\n\
         <body>\n<main>\n<h1>{title}</h1>\n<p><strong>{warning}</strong></p>\n<dl>\n\
         <dt>{for_what}</dt><dd>{subject}</dd>\n<dt>{order_is}</dt><dd><code>{order}</code></dd>\n\
         <dt>{amount_is}</dt><dd>¥{yuan}.{fen:02}</dd>\n<dt>{until}</dt><dd>{expires}</dd>\n</dl>\n\
         <p role=\"status\">{now}</p>\n{buttons}</main>\n</body>\n</html>\n",
        lang = language.tag(),
        warning = say(
            "这是测试用的收银台，不会发生真实扣款。",
            "This cashier is for tests: no money moves."
        ),
        for_what = say("项目", "For"),
        order_is = say("订单号", "Order"),
        amount_is = say("金额", "Amount"),
        until = say("支付截止（北京时间）", "Pay before (China time)"),
        subject = escaped(&bill.subject),
        order = bill.order,
        expires = china_time(bill.expires_at.unix_ms()),
    )
}

/// The sitting's name is staff's text.
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            other => escaped.push(other),
        }
    }
    escaped
}

/// To the second, as clocks in China show it.
fn china_time(unix_ms: i64) -> String {
    const EIGHT_HOURS_MS: i64 = 8 * 3_600_000;
    let shown = kaowei_core::time::Moment::from_unix_ms(unix_ms.saturating_add(EIGHT_HOURS_MS)).to_string();
    shown.chars().take(19).collect::<String>().replace('T', " ")
}

#[cfg(test)]
mod tests {
    use kaowei_core::ids::{Fen, OrderId};
    use kaowei_core::time::Moment;

    use super::*;

    #[test]
    fn the_cashier_shows_the_sum_the_deadline_and_buttons_while_it_can_be_paid() {
        let bill = CashierBill {
            order: OrderId(0xa1),
            amount: Fen(3_005),
            subject: "<考试>".into(),
            expires_at: Moment::from_unix_ms(1_790_000_000_000),
            paid: false,
            payable: true,
        };
        let html = page(&bill, Language::Chinese);
        for text in [
            "¥30.05",
            "&lt;考试&gt;",
            "00000000000000a1",
            "2026-09-21 22:13:20",
            "确认支付",
        ] {
            assert!(html.contains(text), "{text}");
        }
        let paid = CashierBill {
            paid: true,
            payable: false,
            ..bill
        };
        let html = page(&paid, Language::English);
        assert!(html.contains("Paid.") && !html.contains("<button"), "{html}");
    }
}
