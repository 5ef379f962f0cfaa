//! Where and when exams are sat: the tree of campuses, the catalogue of subjects, the sitting with its windows.

mod catalogue;
mod schedule;
mod scope;
mod sitting;
mod tree;

pub use catalogue::{Level, Paper, Subject};
pub use schedule::{Terms, Window, WindowPaper, WindowProvince};
pub use scope::{InvalidScope, Scope};
pub use sitting::{Agreement, Document, Sitting, SittingFault, SittingProblem};
pub use tree::{Campus, Site, TicketPrinting, Tree};
