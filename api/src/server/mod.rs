//! The server: connections, what surrounds every request, metrics, and how it stops.

mod assemble;
mod connections;
mod drain;
mod frame;
mod metrics;
mod request_id;
mod routes;
mod working;

pub use assemble::assemble;
pub use connections::{Connections, HttpServer, ListenError, bind};
pub use frame::Frame;
pub use metrics::{HTTP_METRICS, MetricsServer, Recorder};
pub use routes::Routes;
