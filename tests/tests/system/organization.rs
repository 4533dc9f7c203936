//! Organizations: who may do what to whom, what can never be, and that everything said is kept.

mod creation;
mod deletion;
mod demotion;
mod idempotency;
mod owner;
mod reach;
mod seat;
mod settings;
mod suspension;
mod transfer;
mod view;
