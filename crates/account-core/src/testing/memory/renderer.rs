use async_trait::async_trait;

use crate::{AvatarRenderer, NotRendered, Rendered};

/// An [`AvatarRenderer`] that draws nothing: it stamps the file's bytes with the name of the format.
#[derive(Debug, Clone, Copy, Default)]
pub struct StampRenderer;

impl StampRenderer {
    /// A file of these bytes cannot be rendered.
    pub const NO_PICTURE: &'static [u8] = b"no picture";
}

#[async_trait]
impl AvatarRenderer for StampRenderer {
    async fn render(&self, file: Vec<u8>) -> Result<Rendered, NotRendered> {
        if file == Self::NO_PICTURE {
            return Err(NotRendered::UnknownFormat);
        }
        let stamped = |stamp: &[u8]| [stamp, &file].concat();
        Ok(Rendered { webp: stamped(b"webp:"), png: stamped(b"png:") })
    }
}
