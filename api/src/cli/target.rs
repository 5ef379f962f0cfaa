//! What a command works on: the store itself, or the server that has it (through its staff API, so that nothing is
//! ever changed behind an actor's back).

use anyhow::{Context, Result, anyhow};
use kaowei_core::sites::Scope;
use kaowei_engine::{Denied, Engine, Staff, peek};

use super::client::Client;
use super::token::staff_token;
use crate::auth::Keys;
use crate::problem::{Language, Problem};
use crate::settings::StoreSettings;

/// As whom the audit trail names what is done on the command line.
const SUBJECT: &str = "cli";
/// How long a command's own token lives.
const TOKEN_SECONDS: i64 = 86_400;

/// What a command works on.
pub(super) enum Target {
    /// No server runs: the engine is opened here.
    Store(Engine),
    /// A server runs: it is asked.
    Server(Client),
}

impl Target {
    /// Finds out which.
    pub(super) async fn of(settings: &StoreSettings) -> Result<Self> {
        let engine = settings.engine()?;
        let peek = peek(&engine).await?;
        match peek.running {
            None => Ok(Self::Store(Engine::open(engine).await?)),
            Some(address) => {
                let keys = Keys::new(&peek.token_key);
                let token = staff_token(&keys, SUBJECT, Scope::National, TOKEN_SECONDS)?;
                let client = Client::new(&address, token)
                    .with_context(|| format!("the running server's address {address} can't be used"))?;
                Ok(Self::Server(client))
            }
        }
    }
}

/// The member of staff as whom a command works.
pub(super) fn operator() -> Staff {
    Staff {
        subject: SUBJECT.into(),
        scope: Scope::National,
    }
}

/// Why something was not done, in the words that the server's API has for it.
pub(super) fn told(denied: Denied) -> anyhow::Error {
    anyhow!("{}", Problem::from(denied).detail(Language::English))
}
