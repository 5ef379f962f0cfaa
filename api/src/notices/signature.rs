//! How the webhook's receiver knows that a request is ours, and new: HMAC-SHA256 over its time and its body.

use aws_lc_rs::hmac;
use kaowei_core::time::Moment;

/// The value of the header `Kaowei-Signature`: `t=` the time of sending in seconds since 1970, `v1=` the HMAC-SHA256, in
/// hex digits, of that time's digits, a full stop and the body, under the shared secret.
pub fn sign(secret: &hmac::Key, sent_at: Moment, body: &[u8]) -> String {
    let seconds = sent_at.unix_ms() / 1_000;
    let mut context = hmac::Context::with_key(secret);
    context.update(seconds.to_string().as_bytes());
    context.update(b".");
    context.update(body);
    format!("t={seconds},v1={}", hex::encode(context.sign()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signature_is_what_the_documentation_says_it_is() {
        // printf '1790000000.{"id":"99-17"}' | openssl dgst -sha256 -hmac 'a secret of the school'
        let key = hmac::Key::new(hmac::HMAC_SHA256, b"a secret of the school");
        let signature = sign(
            &key,
            Moment::from_unix_ms(1_790_000_000_999),
            br#"{"id":"99-17"}"#,
        );
        assert_eq!(
            signature,
            "t=1790000000,v1=bae0818709336fa6dc11d00627a3c5df90e596b66921c65eb890794ebc7225ef"
        );
    }
}
