//! Our own subjects: the engine in process, on both stores.

pub mod engine;
