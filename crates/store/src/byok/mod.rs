//! Customers' own provider keys, sealed, and what is known of the master keys that seal them.
//!
//! On PostgreSQL whoever stores or destroys a key first locks its organization's row; whoever seals one then locks the row of the master
//! key, and the rows of keys last. So a master key is not retired while something is being sealed with it, and its uses are all counted.
pub(crate) mod custody;
mod handing;
pub(crate) mod keys;
mod row;
