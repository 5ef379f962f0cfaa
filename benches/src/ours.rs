//! Our own subjects: the engine in process and over HTTP, on both stores.

pub mod engine;
pub mod http;
