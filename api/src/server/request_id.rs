//! Ids of requests: short, different in every request of every start, in the header `x-request-id` and in problems.

use std::sync::atomic::{AtomicU64, Ordering};

use http::HeaderValue;

/// Makes the ids.
#[derive(Debug)]
pub(super) struct RequestIds {
    start: u32,
    next: AtomicU64,
}

/// One id, as text in place.
#[derive(Debug, Clone, Copy)]
pub(super) struct RequestId([u8; 20]);

impl RequestIds {
    pub(super) fn new(start: u32) -> Self {
        Self {
            start,
            next: AtomicU64::new(1),
        }
    }

    pub(super) fn next(&self) -> RequestId {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        let mut text = *b"00000000-00000000000";
        write_hex(&mut text[..8], u64::from(self.start));
        write_hex(&mut text[9..], number);
        RequestId(text)
    }
}

impl RequestId {
    pub(super) fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).unwrap_or("")
    }

    pub(super) fn header(&self) -> HeaderValue {
        // Hex digits are always fit for a header.
        HeaderValue::from_bytes(&self.0).unwrap_or_else(|_| HeaderValue::from_static(""))
    }
}

fn write_hex(place: &mut [u8], mut number: u64) {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    for digit in place.iter_mut().rev() {
        *digit = DIGITS[usize::try_from(number & 15).unwrap_or(0)];
        number >>= 4;
    }
}

#[cfg(test)]
mod tests {
    use super::RequestIds;

    #[test]
    fn ids_follow_each_other() {
        let ids = RequestIds::new(0xdead_beef);
        assert_eq!(ids.next().as_str(), "deadbeef-00000000001");
        assert_eq!(ids.next().as_str(), "deadbeef-00000000002");
    }
}
