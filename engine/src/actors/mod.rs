//! One actor per pool, and how it is found, asked and kept alive.

mod handle;
mod pool;

pub(crate) use handle::{Campus, Numbers, PoolHandle};
pub(crate) use pool::{Ask, PoolActor};
