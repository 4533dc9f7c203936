//! The words that every feature shares.

mod email;
mod ids;
mod surroundings;
