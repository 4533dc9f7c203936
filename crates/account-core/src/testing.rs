//! Doubles of the ports, and the contract tests that every adapter runs.
