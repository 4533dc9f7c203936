//! The pages that a person with a browser gets.

mod account;
mod form;
mod invitation;
mod sign_in;
mod static_file;
