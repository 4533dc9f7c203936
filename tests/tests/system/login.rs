//! Signing in: guessing is slow and locks nobody out (LOG-1), and tells nothing about who exists (LOG-2).

mod enumeration;
mod guessing;
mod link;
