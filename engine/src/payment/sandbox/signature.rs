//! How the sandbox signs what it tells: HMAC-SHA256 over the time and the body, with a key that only it and this store
//! have.

use aws_lc_rs::hmac;
use kaowei_core::ids::{Fen, OrderId};
use kaowei_core::payment::{Heard, TradeId};
use kaowei_core::time::{Moment, Span};
use serde::{Deserialize, Serialize};

use super::super::{News, NotVerified, Notification};

/// The header with the time of sending, in milliseconds since 1970.
pub(super) const TIMESTAMP: &str = "sandbox-timestamp";
/// The header with the signature, in hex digits.
pub(super) const SIGNATURE: &str = "sandbox-signature";

/// Whom it takes money for.
const MERCHANT: &str = "kaowei";

/// How far a notification's time may be from now, either way (R26).
const AGE_MAX: Span = Span::from_secs(5 * 60);

/// What a notification says: that an order was paid.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct PaymentTold {
    merchant: String,
    order: OrderId,
    trade: TradeId,
    amount_fen: u32,
    paid_at: Moment,
}

impl PaymentTold {
    pub(super) fn new(order: OrderId, trade: TradeId, amount: Fen, paid_at: Moment) -> Self {
        Self {
            merchant: MERCHANT.into(),
            order,
            trade,
            amount_fen: amount.0,
            paid_at,
        }
    }
}

/// Signs and verifies.
#[derive(Debug)]
pub(super) struct Signer(hmac::Key);

impl Signer {
    pub(super) fn new(key: &[u8; 32]) -> Self {
        Self(hmac::Key::new(hmac::HMAC_SHA256, key))
    }

    pub(super) fn sign(&self, timestamp: &str, body: &[u8]) -> String {
        let mut context = hmac::Context::with_key(&self.0);
        context.update(timestamp.as_bytes());
        context.update(b"\n");
        context.update(body);
        hex::encode(context.sign())
    }

    pub(super) fn verify(&self, notification: &Notification<'_>, now: Moment) -> Result<News, NotVerified> {
        let timestamp = notification.header(TIMESTAMP).ok_or(NotVerified::Forged)?;
        let signature = notification.header(SIGNATURE).ok_or(NotVerified::Forged)?;
        let signature = hex::decode(signature).map_err(|_| NotVerified::Forged)?;
        let signed = [timestamp.as_bytes(), b"\n", notification.body].concat();
        hmac::verify(&self.0, &signed, &signature).map_err(|_| NotVerified::Forged)?;

        let sent_at = timestamp.parse().map_err(|_| NotVerified::Unreadable)?;
        let sent_at = Moment::from_unix_ms(sent_at);
        if now.since(sent_at).max(sent_at.since(now)) > AGE_MAX {
            return Err(NotVerified::Stale);
        }
        let paid: PaymentTold =
            serde_json::from_slice(notification.body).map_err(|_| NotVerified::Unreadable)?;
        if paid.merchant != MERCHANT {
            return Err(NotVerified::Foreign);
        }
        let heard = Heard::Paid {
            trade: paid.trade,
            amount: Fen(paid.amount_fen),
            at: paid.paid_at,
        };
        Ok(News::Order(paid.order, heard))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(ms: i64) -> Moment {
        Moment::from_unix_ms(1_790_000_000_000 + ms)
    }

    fn verified(
        signer: &Signer,
        paid: &PaymentTold,
        sent_at: Moment,
        tamper: bool,
    ) -> Result<News, NotVerified> {
        let mut body = serde_json::to_string(paid).unwrap();
        let timestamp = sent_at.unix_ms().to_string();
        let signature = signer.sign(&timestamp, body.as_bytes());
        if tamper {
            body = body.replace("3000", "3001");
        }
        let headers = [(TIMESTAMP, timestamp.as_str()), (SIGNATURE, signature.as_str())];
        let notification = Notification {
            headers: &headers,
            body: body.as_bytes(),
        };
        Signer::new(&[7; 32]).verify(&notification, at(0))
    }

    /// R26
    #[test]
    fn r26_only_what_it_signed_for_this_merchant_within_five_minutes_is_heard() {
        let (ours, other) = (Signer::new(&[7; 32]), Signer::new(&[8; 32]));
        let paid = PaymentTold::new(OrderId(1), TradeId("t".into()), Fen(3_000), at(-9_000));
        let foreign = PaymentTold {
            merchant: "another".into(),
            ..paid.clone()
        };
        let five_minutes = 5 * 60 * 1_000;
        assert!(verified(&ours, &paid, at(-five_minutes), false).is_ok());
        assert!(verified(&ours, &paid, at(five_minutes), false).is_ok());
        assert_eq!(verified(&other, &paid, at(0), false), Err(NotVerified::Forged));
        assert_eq!(verified(&ours, &paid, at(0), true), Err(NotVerified::Forged));
        assert_eq!(
            verified(&ours, &paid, at(-five_minutes - 1), false),
            Err(NotVerified::Stale)
        );
        assert_eq!(
            verified(&ours, &paid, at(five_minutes + 1), false),
            Err(NotVerified::Stale)
        );
        assert_eq!(verified(&ours, &foreign, at(0), false), Err(NotVerified::Foreign));
        let unsigned = Notification {
            headers: &[],
            body: b"{}",
        };
        assert_eq!(ours.verify(&unsigned, at(0)), Err(NotVerified::Forged));
    }
}
