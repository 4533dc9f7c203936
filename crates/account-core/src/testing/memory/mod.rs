mod blobs;
mod profiles;
mod renderer;

pub use self::{blobs::MemoryBlobs, profiles::MemoryProfiles, renderer::StampRenderer};
