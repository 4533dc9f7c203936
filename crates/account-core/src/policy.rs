//! Pure decisions of this feature.

/// The greatest picture file that is accepted, in bytes (2 MiB).
pub const MAX_PICTURE_BYTES: usize = 2 * 1024 * 1024;
