//! The whole way over HTTP, on both stores: what candidates and staff do, what they are refused, what is kept. Every
//! answer is checked against the server's own OpenAPI document, and every test ends with the audit trail verified.

mod claims;
mod hostile;
mod http;
mod imports;
mod journey;
mod keys;
mod languages;
mod operation;
mod payment;
mod people;
mod precedence;
mod sittings;
mod staff;
mod tokens;
mod walk;
