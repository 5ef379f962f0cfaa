//! The server and command line of Kaowei (考位).
//!
//! - [`public`], [`candidate`], [`provider`], [`staff`]: the operations of the HTTP contract, one a file.
//! - [`server`]: connections and what surrounds every request; metrics.
//! - [`notices`], [`events`]: what people are told without asking: words, webhook, streams.
//! - [`auth`]: tokens, and how often an account may ask.
//! - [`entry`], [`captcha`]: what stands before an account: limits by address and account, captchas.
//! - [`problem`]: refusals and failures as RFC 9457 problems, with their pages.
//! - [`views`], [`wire`]: how things look on the wire, and what handlers read and write with.
//! - [`openapi`]: the published form of all that, from the code.
//! - [`cli`], [`settings`], [`demo`]: the command line, its settings, the demo sitting.
//!
//! Deliberately absent: any decision about seats. The engine decides; this package translates.

pub mod auth;
pub mod candidate;
pub mod captcha;
pub mod cli;
pub mod demo;
pub mod entry;
pub mod events;
pub mod notices;
pub mod openapi;
pub mod problem;
pub mod provider;
pub mod public;
pub mod server;
pub mod settings;
pub mod staff;
pub mod state;
pub mod views;
pub mod wire;
