//! Makes files, and takes them apart.

use image::{DynamicImage, ImageFormat, Rgba, RgbaImage};
use std::io::Cursor;

/// Must never be in what comes out.
pub(crate) const CANARY: &[u8] = b"CANARY-3f9a1c";

/// A picture with something in it.
pub(crate) fn picture(width: u32, height: u32) -> DynamicImage {
    let pixel = |x: u32, y: u32| Rgba([byte(x * 7 + y), byte(y * 5), byte(x ^ y), 255]);
    RgbaImage::from_fn(width, height, pixel).into()
}

fn byte(n: u32) -> u8 {
    n.to_le_bytes()[0]
}

pub(crate) fn encode(picture: &DynamicImage, format: ImageFormat) -> Vec<u8> {
    let mut file = Cursor::new(Vec::new());
    match format {
        // JPEG has no transparency.
        ImageFormat::Jpeg if picture.color().has_color() => picture.to_rgb8().write_to(&mut file, format).unwrap(),
        _ => picture.write_to(&mut file, format).unwrap(),
    }
    file.into_inner()
}

pub(crate) fn png(width: u32, height: u32) -> Vec<u8> {
    encode(&picture(width, height), ImageFormat::Png)
}

pub(crate) fn jpeg(width: u32, height: u32) -> Vec<u8> {
    encode(&picture(width, height), ImageFormat::Jpeg)
}

pub(crate) fn webp(width: u32, height: u32) -> Vec<u8> {
    encode(&picture(width, height), ImageFormat::WebP)
}

pub(crate) fn png_chunk(kind: [u8; 4], data: &[u8]) -> Vec<u8> {
    let body = [&kind[..], data].concat();
    [&length(data).to_be_bytes()[..], &body, &crc32(&body).to_be_bytes()].concat()
}

/// Puts chunks behind the header.
pub(crate) fn png_with(png: &[u8], chunks: &[Vec<u8>]) -> Vec<u8> {
    // Signature 8, IHDR 25.
    [&png[..33], &chunks.concat(), &png[33..]].concat()
}

/// A PNG that says it is so large, with a few bytes of pixels.
pub(crate) fn png_declaring(width: u32, height: u32, depth: u8, color: u8) -> Vec<u8> {
    let mut header = [width.to_be_bytes(), height.to_be_bytes()].concat();
    header.extend([depth, color, 0, 0, 0]);
    let pixels = png_chunk(*b"IDAT", &[0x78, 0x9c, 0x63, 0, 0, 0, 1, 0, 1]);
    [b"\x89PNG\r\n\x1a\n".to_vec(), png_chunk(*b"IHDR", &header), pixels, png_chunk(*b"IEND", b"")].concat()
}

pub(crate) fn png_chunks(png: &[u8]) -> Vec<String> {
    let (mut at, mut kinds) = (8, Vec::new());
    while at < png.len() {
        let length = u32::from_be_bytes(png[at..at + 4].try_into().unwrap());
        kinds.push(String::from_utf8(png[at + 4..at + 8].to_vec()).unwrap());
        at += 12 + usize::try_from(length).unwrap();
    }
    assert_eq!(at, png.len(), "nothing is behind the last chunk");
    kinds
}

/// CRC-32 as PNG has it (ISO 3309).
fn crc32(data: &[u8]) -> u32 {
    !data.iter().fold(u32::MAX, |crc, &byte| {
        (0..8).fold(crc ^ u32::from(byte), |crc, _| (crc >> 1) ^ (0xedb8_8320 & 0_u32.wrapping_sub(crc & 1)))
    })
}

/// Puts a segment behind the start of the picture.
pub(crate) fn jpeg_with(jpeg: &[u8], marker: u8, data: &[u8]) -> Vec<u8> {
    let length = u16::try_from(data.len() + 2).unwrap().to_be_bytes();
    [&jpeg[..2], &[0xff, marker], &length, data, &jpeg[2..]].concat()
}

/// A JPEG that says it is so large.
pub(crate) fn jpeg_declaring(width: u16, height: u16) -> Vec<u8> {
    let mut file = jpeg(16, 16);
    let frame = file.windows(2).position(|pair| pair == [0xff, 0xc0]).unwrap();
    file[frame + 5..frame + 7].copy_from_slice(&height.to_be_bytes());
    file[frame + 7..frame + 9].copy_from_slice(&width.to_be_bytes());
    file
}

pub(crate) fn riff_chunk(kind: [u8; 4], data: &[u8]) -> Vec<u8> {
    let padding: &[u8] = if data.len().is_multiple_of(2) { &[] } else { &[0] };
    [&kind[..], &length(data).to_le_bytes(), data, padding].concat()
}

pub(crate) fn riff(chunks: &[Vec<u8>]) -> Vec<u8> {
    riff_chunk(*b"RIFF", &[b"WEBP".to_vec(), chunks.concat()].concat())
}

/// The header of an extended WebP (RFC 9649, 2.7).
pub(crate) fn vp8x(flags: u8, width: u32, height: u32) -> Vec<u8> {
    let (w, h) = ((width - 1).to_le_bytes(), (height - 1).to_le_bytes());
    riff_chunk(*b"VP8X", &[flags, 0, 0, 0, w[0], w[1], w[2], h[0], h[1], h[2]])
}

/// The pixels of a simple WebP, as a chunk.
pub(crate) fn webp_pixels(width: u32, height: u32) -> Vec<u8> {
    webp(width, height)[12..].to_vec()
}

pub(crate) fn webp_chunks(webp: &[u8]) -> Vec<String> {
    let size = u32::from_le_bytes(webp[4..8].try_into().unwrap());
    assert_eq!(usize::try_from(size).unwrap() + 8, webp.len(), "nothing is behind the last chunk");
    let (mut at, mut kinds) = (12, Vec::new());
    while at < webp.len() {
        let length = usize::try_from(u32::from_le_bytes(webp[at + 4..at + 8].try_into().unwrap())).unwrap();
        kinds.push(String::from_utf8(webp[at..at + 4].to_vec()).unwrap());
        at += 8 + length + length % 2;
    }
    kinds
}

/// EXIF (TIFF, big-endian) with an orientation and the canary.
pub(crate) fn exif(orientation: u8) -> Vec<u8> {
    let entry = [0x01, 0x12, 0, 3, 0, 0, 0, 1, 0, orientation, 0, 0];
    [b"MM\0\x2a\0\0\0\x08\0\x01".as_slice(), &entry, &[0; 4], CANARY].concat()
}

fn length(data: &[u8]) -> u32 {
    u32::try_from(data.len()).unwrap()
}
