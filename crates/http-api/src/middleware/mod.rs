//! What every request passes on its way in and out.
pub mod headers;
pub mod request_id;
