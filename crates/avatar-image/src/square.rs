use image::{DynamicImage, imageops::FilterType};

/// Width and height of what we make, in pixels.
const SIDE: u32 = 256;

/// The middle square, scaled to our size. The square and its scaling look the same from every side, so the picture can be turned
/// afterwards, when it is small.
pub(crate) fn square(picture: DynamicImage) -> DynamicImage {
    let (width, height) = (picture.width(), picture.height());
    let side = width.min(height);
    let middle =
        if width == height { picture } else { picture.crop_imm((width - side) / 2, (height - side) / 2, side, side) };
    let small = middle.resize_exact(SIDE, SIDE, FilterType::Triangle);
    if small.color().has_alpha() { small.into_rgba8().into() } else { small.into_rgb8().into() }
}
