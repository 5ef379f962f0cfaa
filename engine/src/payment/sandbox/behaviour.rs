//! How the sandbox misbehaves, as staff tell it.

use kaowei_core::payment::Heard;
use serde::{Deserialize, Serialize};

/// How it behaves. By default, as it should.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Behaviour {
    /// It answers nothing and tells nothing.
    pub down: bool,
    /// Every answer takes so much longer, in milliseconds.
    pub slow_ms: u32,
    /// What it says of every order that it is asked about, whatever is true.
    pub says: Option<Says>,
    /// How refunds go.
    pub refunds: RefundManner,
    /// Notifications are late by so much, in milliseconds.
    pub delay_ms: u32,
    /// Every notification comes so much more often than once.
    pub repeats: u32,
    /// The newest notification comes first.
    pub newest_first: bool,
}

/// What a lying provider says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Says {
    /// That it can be paid.
    Open,
    /// That it was closed unpaid.
    Closed,
    /// That it knows no such order.
    Unknown,
}

/// How refunds go.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RefundManner {
    /// At once.
    #[default]
    Done,
    /// Taken, and not done until it behaves otherwise.
    Pending,
    /// Not at all.
    Failed,
}

impl Behaviour {
    pub(super) fn lie(&self) -> Option<Heard> {
        self.says.map(|says| match says {
            Says::Open => Heard::Open,
            Says::Closed => Heard::Closed,
            Says::Unknown => Heard::Unknown,
        })
    }
}
