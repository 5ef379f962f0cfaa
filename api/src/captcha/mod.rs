//! Captchas: a picture of a few letters, drawn here, or a question in words for those who can't see it (R1).
//!
//! Nothing is kept of one that was given out: its id is the sealed answer. Only the ids that were used are kept, for
//! as long as they would hold, so that each works once. The key is made anew at every start, which spends all.
//!
//! A question in words is easier for a program than the picture. It need not be harder: whoever guesses passwords is
//! stopped by the limits of `entry`, which count every try.

mod captchas;
mod chance;
mod drawing;
mod glyphs;
mod png;
mod question;
mod spent;

pub use captchas::{CaptchaAnswer, Captchas, Form, Issued, Level};
pub use drawing::draw;
pub use question::question;
