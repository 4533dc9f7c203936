//! The program as an operator meets it: started as a process, judged by what it prints, its exit code and its files.
#![expect(clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

mod billing;
mod commands;
mod configuration;
mod database;
mod end;
mod first_start;
mod keys;
mod listener;
mod postgres;
mod program;
