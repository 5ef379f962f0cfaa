//! Problems: answers that say why a request was not done (RFC 9457), in Chinese or English.
//!
//! A handler returns a [`Problem`]; the frame around every request (`server/frame.rs`) gives it the language and the
//! request's id and writes it. Refusals of the engine become problems in `denied.rs`, and what is wrong with a value its
//! words in `fault.rs`, both exhaustively.

mod body;
mod code;
mod denied;
mod fault;
mod language;
mod page;
mod words;

pub use body::{FieldProblem, Problem, ProblemBody};
pub use code::{Code, Text};
pub use denied::refusal_code;
pub use language::Language;
pub use page::page;
pub use words::Words;
