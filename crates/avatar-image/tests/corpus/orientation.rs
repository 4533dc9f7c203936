use image::{ImageFormat, Rgb, RgbImage};

use crate::{
    assert_clean,
    files::{encode, exif, jpeg_with, png_chunk, png_with, riff, riff_chunk, vp8x},
    render,
};

const RED: [u8; 3] = [255, 0, 0];
const GREEN: [u8; 3] = [0, 255, 0];
const BLUE: [u8; 3] = [0, 0, 255];
const WHITE: [u8; 3] = [255, 255, 255];

/// Red, green / blue, white, in a square of this side amid grey.
fn quarters(width: u32, height: u32) -> RgbImage {
    let side = width.min(height);
    let (left, top) = ((width - side) / 2, (height - side) / 2);
    RgbImage::from_fn(width, height, |x, y| {
        if x < left || y < top || x >= left + side || y >= top + side {
            return Rgb([128, 128, 128]);
        }
        Rgb(match (x - left < side / 2, y - top < side / 2) {
            (true, true) => RED,
            (false, true) => GREEN,
            (true, false) => BLUE,
            (false, false) => WHITE,
        })
    })
}

/// The colours of the corners, clockwise from the top left, as EXIF 2.32 (tag 274) turns the picture.
const EXPECTED: [[[u8; 3]; 4]; 8] = [
    [RED, GREEN, WHITE, BLUE],
    [GREEN, RED, BLUE, WHITE],
    [WHITE, BLUE, RED, GREEN],
    [BLUE, WHITE, GREEN, RED],
    [RED, BLUE, WHITE, GREEN],
    [BLUE, RED, GREEN, WHITE],
    [WHITE, GREEN, RED, BLUE],
    [GREEN, WHITE, BLUE, RED],
];

async fn assert_corners(name: &str, file: &[u8], expected: [[u8; 3]; 4]) {
    let rendered = render(file).await.unwrap();
    let picture = assert_clean(name, &rendered);
    for ((x, y), color) in [(8, 8), (247, 8), (247, 247), (8, 247)].into_iter().zip(expected) {
        let pixel = picture.get_pixel(x, y).0;
        let near = pixel[..3].iter().zip(color).all(|(&is, ought)| is.abs_diff(ought) < 24);
        assert!(near, "{name}: {pixel:?} at {x},{y} instead of {color:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn exif_turns_the_picture_and_the_crop_takes_the_middle() {
    for (turn, expected) in (1..).zip(EXPECTED) {
        for (width, height) in [(256, 256), (500, 300), (300, 500)] {
            let picture = quarters(width, height).into();
            let app1 = [b"Exif\0\0".as_slice(), &exif(turn)].concat();
            let jpeg = jpeg_with(&encode(&picture, ImageFormat::Jpeg), 0xe1, &app1);
            assert_corners(&format!("JPEG {turn}, {width}x{height}"), &jpeg, expected).await;
            let png = png_with(&encode(&picture, ImageFormat::Png), &[png_chunk(*b"eXIf", &exif(turn))]);
            assert_corners(&format!("PNG {turn}, {width}x{height}"), &png, expected).await;
            let pixels = encode(&picture, ImageFormat::WebP)[12..].to_vec();
            let webp = riff(&[vp8x(0x08, width, height), pixels, riff_chunk(*b"EXIF", &exif(turn))]);
            assert_corners(&format!("WebP {turn}, {width}x{height}"), &webp, expected).await;
        }
    }
}

#[tokio::test]
async fn an_orientation_that_is_none_is_ignored() {
    for wrong in [0, 9, 255] {
        let app1 = [b"Exif\0\0".as_slice(), &exif(wrong)].concat();
        let jpeg = jpeg_with(&encode(&quarters(256, 256).into(), ImageFormat::Jpeg), 0xe1, &app1);
        assert_corners("JPEG", &jpeg, EXPECTED[0]).await;
    }
    let cut_off = [b"Exif\0\0".as_slice(), &exif(6)[..14]].concat();
    let jpeg = jpeg_with(&encode(&quarters(256, 256).into(), ImageFormat::Jpeg), 0xe1, &cut_off);
    assert_corners("JPEG", &jpeg, EXPECTED[0]).await;
}

#[tokio::test]
async fn transparency_is_kept() {
    let picture = image::RgbaImage::from_pixel(300, 300, image::Rgba([10, 200, 30, 0])).into();
    for format in [ImageFormat::Png, ImageFormat::WebP] {
        let rendered = render(&encode(&picture, format)).await.unwrap();
        assert_eq!(assert_clean("transparent", &rendered).get_pixel(128, 128).0[3], 0);
    }
}
