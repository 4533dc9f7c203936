//! Ops Center as a program: configuration, wiring, command line. The binary is one call of [`cli::main`]; [`Start`] runs the same
//! server inside another process, which is how tests use it.

mod billing;
mod bridge;
pub mod cli;
pub mod config;
mod data;
mod failure;
mod first;
mod housekeeping;
mod kept;
mod logging;
mod place;
mod readiness;
mod ring;
mod server;
mod tls;
mod wiring;

pub use self::{
    data::DataDir,
    failure::Failure,
    first::FirstAdmin,
    server::{Running, Start},
};
