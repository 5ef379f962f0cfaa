//! Writes compact JSON into one buffer, without an allocation a field.

use std::io::Write as _;

use kaowei_core::audit::Hash;
use kaowei_core::ids::{ClaimId, OrderId, PoolId};
use kaowei_core::time::Moment;

const MS_PER_DAY: i64 = 86_400_000;

/// A buffer of JSON being written. The caller sees to commas and braces through [`Writer::raw`].
#[derive(Debug)]
pub(super) struct Writer(Vec<u8>);

impl Writer {
    pub(super) fn with_capacity(bytes: usize) -> Self {
        Self(Vec::with_capacity(bytes))
    }

    pub(super) fn finish(self) -> Vec<u8> {
        self.0
    }

    /// Text that is JSON already.
    pub(super) fn raw(&mut self, json: &str) {
        self.0.extend_from_slice(json.as_bytes());
    }

    /// A whole number.
    pub(super) fn number(&mut self, number: u64) {
        // Writing to a Vec can't fail.
        let _ = write!(self.0, "{number}");
    }

    /// A whole number, or null.
    pub(super) fn optional_number(&mut self, number: Option<u32>) {
        match number {
            Some(number) => self.number(number.into()),
            None => self.raw("null"),
        }
    }

    /// `true` or `false`.
    pub(super) fn flag(&mut self, flag: bool) {
        self.raw(if flag { "true" } else { "false" });
    }

    /// A text that needs no escaping: a code, a name of ours.
    pub(super) fn plain(&mut self, text: &str) {
        self.0.push(b'"');
        self.raw(text);
        self.0.push(b'"');
    }

    /// Any text.
    pub(super) fn text(&mut self, text: &str) {
        // A text always has a JSON form, and writing to a Vec can't fail.
        let _ = serde_json::to_writer(&mut self.0, text);
    }

    /// An order's id, or null.
    pub(super) fn optional_order(&mut self, order: Option<OrderId>) {
        match order {
            // Hexadecimal digits: nothing to escape.
            Some(order) => self.plain(&order.to_string()),
            None => self.raw("null"),
        }
    }

    /// A text, or null.
    pub(super) fn optional_text(&mut self, text: Option<&str>) {
        match text {
            Some(text) => self.text(text),
            None => self.raw("null"),
        }
    }

    pub(super) fn pool(&mut self, pool: &PoolId) {
        self.0.push(b'"');
        self.pool_digits(pool);
        self.0.push(b'"');
    }

    pub(super) fn claim(&mut self, claim: &ClaimId) {
        self.0.push(b'"');
        self.pool_digits(&claim.pool);
        self.0.push(b'-');
        self.number(claim.number.0.into());
        self.0.push(b'"');
    }

    fn pool_digits(&mut self, pool: &PoolId) {
        self.raw(pool.campus.as_str());
        self.0.push(b'-');
        self.raw(pool.subject.as_str());
    }

    pub(super) fn hash(&mut self, hash: &Hash) {
        let mut digits = [0; 64];
        // 32 bytes always fit 64 digits.
        let _ = hex::encode_to_slice(hash.0, &mut digits);
        self.0.push(b'"');
        self.0.extend_from_slice(&digits);
        self.0.push(b'"');
    }

    /// An instant, or null.
    pub(super) fn optional_moment(&mut self, moment: Option<Moment>) {
        match moment {
            Some(moment) => self.moment(moment),
            None => self.raw("null"),
        }
    }

    /// An instant as RFC 3339, UTC, to the millisecond.
    pub(super) fn moment(&mut self, moment: Moment) {
        let ms = moment.unix_ms();
        let (year, month, day) = date_of(ms.div_euclid(MS_PER_DAY));
        let ms = ms.rem_euclid(MS_PER_DAY);
        let mut text = *b"\"0000-00-00T00:00:00.000Z\"";
        digits(&mut text[1..5], year);
        digits(&mut text[6..8], month);
        digits(&mut text[9..11], day);
        digits(&mut text[12..14], ms / 3_600_000);
        digits(&mut text[15..17], ms / 60_000 % 60);
        digits(&mut text[18..20], ms / 1_000 % 60);
        digits(&mut text[21..24], ms % 1_000);
        self.0.extend_from_slice(&text);
    }
}

fn digits(place: &mut [u8], mut number: i64) {
    for digit in place.iter_mut().rev() {
        *digit = b'0' + u8::try_from(number % 10).unwrap_or(0);
        number /= 10;
    }
}

/// Year, month and day of a day since 1970-01-01, by counting eras of 400 years from 1 March of year 0.
fn date_of(days: i64) -> (i64, i64, i64) {
    let days = days + 719_468;
    let era = days.div_euclid(146_097);
    let day_of_era = days.rem_euclid(146_097);
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 {
        shifted_month + 3
    } else {
        shifted_month - 9
    };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    (year, month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn instants_are_written_as_chrono_writes_them() {
        let mut unix_ms = 0;
        while unix_ms <= Moment::MAX.unix_ms() {
            let moment = Moment::from_unix_ms(unix_ms);
            let mut writer = Writer::with_capacity(32);
            writer.moment(moment);
            assert_eq!(
                String::from_utf8(writer.finish()).unwrap(),
                format!("\"{moment}\"")
            );
            // A step that meets every month, leap days and all times of day.
            unix_ms += 86_400_000 * 9 + 3_723_457;
        }
    }

    #[test]
    fn texts_are_escaped() {
        let mut writer = Writer::with_capacity(8);
        writer.text("a\"\\\n考");
        assert_eq!(writer.finish(), "\"a\\\"\\\\\\n考\"".as_bytes());
    }
}
