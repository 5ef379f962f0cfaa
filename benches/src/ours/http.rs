//! P3 and P5: the whole server over HTTP, as its own process, with wrk on the same cores.
//!
//! Each claim is another one: 50,000 enrolled candidates, each of whom may claim in 100 pools. The full way: token,
//! validation, candidate's rules, pool, chain, journal, metrics. Enrolling is done by wrk too, before the clock
//! starts.

mod sustained;
mod world;

pub use sustained::{Sustained, sustained};

use world::{Script, Server, World};

use super::engine::Store;
use crate::measure::{Budget, Measured};
use crate::registry::Subject;
use crate::wrk;

/// What is asked of the server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Asked {
    /// `POST /v1/claims`, each a new one (P3).
    Claims,
    /// `GET /v1/pools` of a campus with ten pools (P5).
    Pools,
    /// The same with `If-None-Match`, answered 304 (P5).
    PoolsUnchanged,
    /// `GET /v1/claims`: a candidate's own state (P5).
    OwnClaims,
}

impl Asked {
    fn name(self) -> &'static str {
        match self {
            Self::Claims => "claims",
            Self::Pools => "a campus's pools",
            Self::PoolsUnchanged => "a campus's pools, 304",
            Self::OwnClaims => "own claims",
        }
    }

    fn script(self, server: &Server) -> anyhow::Result<Script> {
        Ok(match self {
            Self::Claims => Script::Claim,
            Self::Pools => Script::Pools,
            Self::PoolsUnchanged => Script::PoolsUnchanged(server.etag()?),
            Self::OwnClaims => Script::OwnClaims,
        })
    }
}

/// The server on a store, asked by so many connections.
pub fn subject(store: Store, asked: Asked, connections: usize) -> Subject {
    let name = format!(
        "server, {}, {}, {connections} connections",
        store.name(),
        asked.name()
    );
    Subject::new(name, move |budget| measure(store, asked, connections, budget))
}

fn measure(store: Store, asked: Asked, connections: usize, budget: &Budget) -> anyhow::Result<Measured> {
    let Some(world) = World::on(store)? else {
        return Ok(Measured::Skipped("PostgreSQL is not installed".into()));
    };
    let server = world.serve()?;
    world.enrol(&server)?;
    let script = world.script(&asked.script(&server)?)?;
    wrk::measure(&server.address, connections, Some(&script), budget)
}
