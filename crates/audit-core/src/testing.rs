//! A double of the port and its contract test.
