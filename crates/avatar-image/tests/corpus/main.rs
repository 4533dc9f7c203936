//! Strangers' files, each made by code, each with what must come of it.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

mod cases;
mod corpus;
mod files;
mod limits;
mod orientation;

use account_core::{AvatarRenderer, NotRendered, Rendered};
use avatar_image::ImageRenderer;
use image::{ImageFormat, RgbaImage, load_from_memory_with_format};

/// What must come of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Outcome {
    Picture,
    UnknownFormat,
    TooLarge,
    Animated,
    Damaged,
}

impl Outcome {
    fn of(answer: &Result<Rendered, NotRendered>) -> Self {
        match answer {
            Ok(_) => Self::Picture,
            Err(NotRendered::UnknownFormat) => Self::UnknownFormat,
            Err(NotRendered::TooLarge) => Self::TooLarge,
            Err(NotRendered::Animated) => Self::Animated,
            Err(NotRendered::Damaged) => Self::Damaged,
            Err(NotRendered::Busy) => panic!("nobody else is asking"),
        }
    }
}

async fn render(file: &[u8]) -> Result<Rendered, NotRendered> {
    ImageRenderer::default().render(file.to_vec()).await
}

/// Whatever came out is two files of the same 256×256 pixels and nothing else.
fn assert_clean(name: &str, rendered: &Rendered) -> RgbaImage {
    let webp = load_from_memory_with_format(&rendered.webp, ImageFormat::WebP).unwrap();
    let png = load_from_memory_with_format(&rendered.png, ImageFormat::Png).unwrap();
    assert_eq!((webp.width(), webp.height()), (256, 256), "{name}");
    assert_eq!(webp.to_rgba8(), png.to_rgba8(), "{name}");
    let mut chunks = files::png_chunks(&rendered.png);
    chunks.dedup();
    assert_eq!(chunks, ["IHDR", "IDAT", "IEND"], "{name}");
    assert_eq!(files::webp_chunks(&rendered.webp), ["VP8L"], "{name}");
    for file in [&rendered.webp, &rendered.png] {
        assert!(
            !file.windows(files::CANARY.len()).any(|piece| piece == files::CANARY),
            "{name}: the canary came through"
        );
    }
    webp.to_rgba8()
}
