//! The whole way over HTTP, on both stores: what candidates and staff do, what they are refused, what is kept. Every
//! answer is checked against the server's own OpenAPI document, and every test ends with the audit trail verified.

mod accounts;
mod claims;
mod events;
mod hostile;
mod http;
mod imports;
mod journey;
mod keys;
mod languages;
mod notices;
mod operation;
mod passports;
mod passwords;
mod payment;
mod people;
mod precedence;
mod reviews;
mod secrecy;
mod sessions;
mod sittings;
mod staff;
mod staff_accounts;
mod steps;
mod tokens;
mod walk;
