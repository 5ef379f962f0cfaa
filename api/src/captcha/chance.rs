//! Random numbers for drawing, a buffer at a time.

use aws_lc_rs::error::Unspecified;
use aws_lc_rs::rand::fill;

/// A source of random numbers.
#[derive(Debug)]
pub(super) struct Chance {
    bytes: [u8; 1_024],
    used: usize,
}

impl Chance {
    pub(super) fn new() -> Result<Self, Unspecified> {
        let mut bytes = [0; 1_024];
        fill(&mut bytes)?;
        Ok(Self { bytes, used: 0 })
    }

    /// 0 to 65,535. Where the system has no more, what came before comes again: a picture may repeat itself.
    fn next(&mut self) -> u16 {
        if self.used + 2 > self.bytes.len() {
            let _ = fill(&mut self.bytes);
            self.used = 0;
        }
        let pair = [self.bytes[self.used], self.bytes[self.used + 1]];
        self.used += 2;
        u16::from_be_bytes(pair)
    }

    /// Somewhere between the two.
    pub(super) fn between(&mut self, low: f32, high: f32) -> f32 {
        low + (high - low) * f32::from(self.next()) / 65_535.0
    }

    /// One of them; of so few that the remainder favours none noticeably.
    pub(super) fn one_of<T: Copy>(&mut self, of: &[T]) -> T {
        of[usize::from(self.next()) % of.len()]
    }
}
