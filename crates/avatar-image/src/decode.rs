use std::io::Cursor;

use account_core::NotRendered;
use image::{
    DynamicImage, ImageDecoder, ImageError, Limits,
    codecs::{jpeg::JpegDecoder, png::PngDecoder, webp::WebPDecoder},
    metadata::Orientation,
};

use crate::extent::{Format, extent, sniff};

/// The most pixels in each direction.
const MAX_SIDE: u32 = 4096;
/// The most memory that decoded pixels may take, in bytes.
const MAX_ALLOC: u64 = 64 * 1024 * 1024;

/// Decodes a stranger's file within the limits; with how it wants to be turned.
pub(crate) fn decode(file: &[u8]) -> Result<(DynamicImage, Orientation), NotRendered> {
    let format = sniff(file).ok_or(NotRendered::UnknownFormat)?;
    let whole = extent(format, file).and_then(|end| file.get(..end));
    match format {
        Format::Png => {
            let decoder = PngDecoder::with_limits(Cursor::new(file), limits()).map_err(refusal)?;
            let animated = decoder.is_apng().map_err(refusal)?;
            pixels(decoder, animated, whole.is_some())
        }
        Format::Jpeg => {
            let decoder = JpegDecoder::new(Cursor::new(whole.unwrap_or(file))).map_err(refusal)?;
            pixels(decoder, false, whole.is_some())
        }
        Format::WebP => {
            let decoder = WebPDecoder::new(Cursor::new(whole.unwrap_or(file))).map_err(refusal)?;
            let animated = decoder.has_animation();
            pixels(decoder, animated, whole.is_some())
        }
    }
}

/// Size and frames first, then whether the file is whole: the more telling refusal wins.
fn pixels(
    mut decoder: impl ImageDecoder,
    animated: bool,
    whole: bool,
) -> Result<(DynamicImage, Orientation), NotRendered> {
    let mut limits = limits();
    let (width, height) = decoder.dimensions();
    limits.check_dimensions(width, height).map_err(refusal)?;
    if animated {
        return Err(NotRendered::Animated);
    }
    if !whole || width == 0 || height == 0 {
        return Err(NotRendered::Damaged);
    }
    limits.reserve(decoder.total_bytes()).map_err(refusal)?;
    decoder.set_limits(limits).map_err(refusal)?;
    let orientation = decoder.orientation().map_err(refusal)?;
    Ok((DynamicImage::from_decoder(decoder).map_err(refusal)?, orientation))
}

fn limits() -> Limits {
    let mut limits = Limits::no_limits();
    limits.max_image_width = Some(MAX_SIDE);
    limits.max_image_height = Some(MAX_SIDE);
    limits.max_alloc = Some(MAX_ALLOC);
    limits
}

fn refusal(error: ImageError) -> NotRendered {
    match error {
        ImageError::Limits(_) => NotRendered::TooLarge,
        _ => NotRendered::Damaged,
    }
}
