//! The corpus.

use image::{DynamicImage, ImageFormat};

use crate::{
    Outcome::{self, Animated, Damaged, Picture, TooLarge, UnknownFormat},
    files::{
        CANARY, encode, exif, jpeg, jpeg_declaring, jpeg_with, picture, png, png_chunk, png_declaring, png_with, riff,
        riff_chunk, vp8x, webp, webp_pixels,
    },
};

pub(crate) struct Case {
    pub(crate) name: String,
    pub(crate) file: Vec<u8>,
    pub(crate) outcome: Outcome,
}

fn case(name: impl Into<String>, file: impl Into<Vec<u8>>, outcome: Outcome) -> Case {
    Case { name: name.into(), file: file.into(), outcome }
}

pub(crate) fn all() -> Vec<Case> {
    [sizes(), colors(), too_large(), animated(), metadata(), polyglots(), cut(), damaged(), foreign()].concat_all()
}

trait ConcatAll {
    fn concat_all(self) -> Vec<Case>;
}

impl<const N: usize> ConcatAll for [Vec<Case>; N] {
    fn concat_all(self) -> Vec<Case> {
        self.into_iter().flatten().collect()
    }
}

fn sizes() -> Vec<Case> {
    let sizes = [(1, 1), (2, 3), (255, 256), (256, 256), (257, 100), (100, 700), (4096, 1), (1, 4096)];
    let mut cases = Vec::new();
    for (width, height) in sizes {
        cases.push(case(format!("PNG {width}x{height}"), png(width, height), Picture));
        cases.push(case(format!("JPEG {width}x{height}"), jpeg(width, height), Picture));
        cases.push(case(format!("WebP {width}x{height}"), webp(width, height), Picture));
    }
    cases
}

/// A lossy WebP of 1×1, as libwebp writes it.
const LOSSY: &[u8] =
    b"RIFF\x22\0\0\0WEBPVP8 \x16\0\0\0\x30\x01\0\x9d\x01\x2a\x01\0\x01\0\x0e\xc0\xfe\x25\xa4\0\x03\x70\0\0\0\0";

fn colors() -> Vec<Case> {
    let rgba = picture(30, 20);
    let colors: [(&str, DynamicImage); 8] = [
        ("grey", rgba.to_luma8().into()),
        ("grey and alpha", rgba.to_luma_alpha8().into()),
        ("RGB", rgba.to_rgb8().into()),
        ("RGBA", rgba.to_rgba8().into()),
        ("grey, 16 bits", rgba.to_luma16().into()),
        ("grey and alpha, 16 bits", rgba.to_luma_alpha16().into()),
        ("RGB, 16 bits", rgba.to_rgb16().into()),
        ("RGBA, 16 bits", rgba.to_rgba16().into()),
    ];
    let mut cases: Vec<Case> = colors
        .iter()
        .map(|(name, picture)| case(format!("PNG in {name}"), encode(picture, ImageFormat::Png), Picture))
        .collect();
    cases.push(case("JPEG in grey", encode(&colors[0].1, ImageFormat::Jpeg), Picture));
    cases.push(case("WebP in RGB", encode(&colors[2].1, ImageFormat::WebP), Picture));
    cases.push(case("WebP, lossy", LOSSY, Picture));
    cases
}

fn too_large() -> Vec<Case> {
    let mut cases = vec![
        case("JPEG that declares 65535x65535", jpeg_declaring(65_535, 65_535), TooLarge),
        case("JPEG that declares 4097x16", jpeg_declaring(4097, 16), TooLarge),
        case("PNG that declares 2^31-1 squared", png_declaring(0x7fff_ffff, 0x7fff_ffff, 8, 6), TooLarge),
        case("PNG that declares 65535x65535", png_declaring(65_535, 65_535, 1, 0), TooLarge),
        case("PNG that declares 4096x4096 of 8 bytes", png_declaring(4096, 4096, 16, 6), TooLarge),
        case("WebP that declares 2^24 x 200", riff(&[vp8x(0, 1 << 24, 200), webp_pixels(8, 8)]), TooLarge),
    ];
    for (width, height) in [(4097, 1), (1, 4097), (4097, 300)] {
        cases.push(case(format!("PNG {width}x{height}"), png(width, height), TooLarge));
    }
    for (width, height) in [(4097, 1), (1, 4097)] {
        cases.push(case(format!("JPEG {width}x{height}"), jpeg(width, height), TooLarge));
        cases.push(case(format!("WebP {width}x{height}"), webp(width, height), TooLarge));
    }
    cases
}

fn animated() -> Vec<Case> {
    let control = |frames: u8| png_chunk(*b"acTL", &[0, 0, 0, frames, 0, 0, 0, 0]);
    let frame = png_chunk(*b"fcTL", &[&[0; 4][..], &[0, 0, 0, 8, 0, 0, 0, 8], &[0; 8], &[0, 1, 0, 10, 0, 0]].concat());
    let anim = riff_chunk(*b"ANIM", &[0; 6]);
    let shot =
        || riff_chunk(*b"ANMF", &[&[0; 6][..], &[7, 0, 0, 7, 0, 0], &[10, 0, 0, 0], &webp_pixels(8, 8)].concat());
    vec![
        case("APNG", png_with(&png(8, 8), &[control(2), frame.clone()]), Animated),
        case("APNG of one frame", png_with(&png(8, 8), &[control(1), frame]), Animated),
        case("WebP of two frames", riff(&[vp8x(0x02, 8, 8), anim.clone(), shot(), shot()]), Animated),
        case("WebP of one frame", riff(&[vp8x(0x02, 8, 8), anim, shot()]), Animated),
    ]
}

fn metadata() -> Vec<Case> {
    let text = [b"Comment\0".as_slice(), CANARY].concat();
    let xmp = [b"XML:com.adobe.xmp\0\0\0\0\0".as_slice(), CANARY].concat();
    let app1 = [b"Exif\0\0".as_slice(), &exif(1)].concat();
    let app1_xmp = [b"http://ns.adobe.com/xap/1.0/\0".as_slice(), CANARY].concat();
    let app2 = [b"ICC_PROFILE\0\x01\x01".as_slice(), CANARY].concat();
    let app13 = [b"Photoshop 3.0\x008BIM".as_slice(), CANARY].concat();
    let with = |flags, chunks: &[Vec<u8>]| riff(&[&[vp8x(flags, 20, 20)], chunks].concat());
    vec![
        case("PNG with tEXt", png_with(&png(20, 20), &[png_chunk(*b"tEXt", &text)]), Picture),
        case("PNG with XMP", png_with(&png(20, 20), &[png_chunk(*b"iTXt", &xmp)]), Picture),
        case("PNG with eXIf", png_with(&png(20, 20), &[png_chunk(*b"eXIf", &exif(1))]), Picture),
        case("PNG with a private chunk", png_with(&png(20, 20), &[png_chunk(*b"prVt", CANARY)]), Picture),
        case("JPEG with EXIF", jpeg_with(&jpeg(20, 20), 0xe1, &app1), Picture),
        case("JPEG with XMP", jpeg_with(&jpeg(20, 20), 0xe1, &app1_xmp), Picture),
        case("JPEG with ICC", jpeg_with(&jpeg(20, 20), 0xe2, &app2), Picture),
        case("JPEG with IPTC", jpeg_with(&jpeg(20, 20), 0xed, &app13), Picture),
        case("JPEG with a comment", jpeg_with(&jpeg(20, 20), 0xfe, CANARY), Picture),
        case("WebP with EXIF", with(0x08, &[webp_pixels(20, 20), riff_chunk(*b"EXIF", &exif(1))]), Picture),
        case("WebP with XMP", with(0x04, &[webp_pixels(20, 20), riff_chunk(*b"XMP ", CANARY)]), Picture),
        case("WebP with ICC", with(0x20, &[riff_chunk(*b"ICCP", CANARY), webp_pixels(20, 20)]), Picture),
        case("WebP with a private chunk", with(0, &[webp_pixels(20, 20), riff_chunk(*b"prVt", CANARY)]), Picture),
    ]
}

fn polyglots() -> Vec<Case> {
    let zip = [b"PK\x03\x04\x14\0\0\0".as_slice(), CANARY, b"PK\x05\x06", &[0; 18]].concat();
    let html = [b"<html><script>alert('".as_slice(), CANARY, b"')</script>"].concat();
    let comment = [b"*/=1;alert('".as_slice(), CANARY, b"');/*"].concat();
    vec![
        case("PNG and ZIP", [png(20, 20), zip.clone()].concat(), Picture),
        case("JPEG and ZIP", [jpeg(20, 20), zip.clone()].concat(), Picture),
        case("WebP and ZIP", [webp(20, 20), zip].concat(), Picture),
        case("PNG and HTML", [png(20, 20), html.clone()].concat(), Picture),
        case("WebP and HTML", [webp(20, 20), html.clone()].concat(), Picture),
        case("JPEG and another JPEG", [jpeg(20, 20), jpeg(9000, 1), CANARY.to_vec()].concat(), Picture),
        case("JPEG and JavaScript", jpeg_with(&jpeg(20, 20), 0xfe, &comment), Picture),
        case("PNG with HTML in text", png_with(&png(20, 20), &[png_chunk(*b"tEXt", &html)]), Picture),
        case("HTML and PNG", [html, png(20, 20)].concat(), UnknownFormat),
    ]
}

/// The beginning of a file is no picture, wherever it ends.
fn cut() -> Vec<Case> {
    let mut cases = Vec::new();
    for (format, whole) in [("PNG", png(60, 60)), ("JPEG", jpeg(60, 60)), ("WebP", webp(60, 60))] {
        let ends =
            (1..12).map(|twelfth| whole.len() * twelfth / 12).chain([12, 20, 33, whole.len() - 2, whole.len() - 1]);
        cases.extend(ends.map(|end| case(format!("{format} cut after {end} bytes"), &whole[..end], Damaged)));
    }
    cases
}

fn damaged() -> Vec<Case> {
    let flipped = |file: Vec<u8>, at: usize| {
        let mut file = file;
        file[at] ^= 0x10;
        file
    };
    let png_file = png(60, 60);
    vec![
        case("PNG with a wrong CRC of the header", flipped(png_file.clone(), 30), Damaged),
        case("PNG with a wrong CRC of the pixels", flipped(png_file.clone(), png_file.len() - 14), Damaged),
        case("PNG of no width", png_declaring(0, 10, 8, 6), Damaged),
        case("PNG with too few pixels", png_declaring(100, 100, 8, 6), Damaged),
        case("PNG of 3 bits", png_declaring(10, 10, 3, 6), Damaged),
        case("PNG that is only a signature", png_file[..8].to_vec(), Damaged),
        case("JPEG that is only a start", [0xff, 0xd8, 0xff], Damaged),
        case("JPEG without pixels", [0xff, 0xd8, 0xff, 0xd9], Damaged),
        case("WebP without pixels", riff(&[]), Damaged),
        case("WebP with a header only", riff(&[vp8x(0, 8, 8)]), Damaged),
        case("WebP whose pixels are smaller", riff(&[vp8x(0, 400, 400), webp_pixels(8, 8)]), Damaged),
        case("WebP whose pixels are noise", riff(&[riff_chunk(*b"VP8L", &noise(500))]), Damaged),
    ]
}

/// Bytes without a meaning, the same each time.
pub(crate) fn noise(length: usize) -> Vec<u8> {
    let mut state = 0x2545_f491_4f6c_dd1d_u64;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.to_le_bytes()[3]
    };
    (0..length).map(|_| next()).collect()
}

fn foreign() -> Vec<Case> {
    let gif = b"GIF89a\x01\0\x01\0\x80\0\0\0\0\0\xff\xff\xff,\0\0\0\0\x01\0\x01\0\0\x02\x02D\x01\0;";
    let bmp =
        [b"BM\x3a\0\0\0\0\0\0\0\x36\0\0\0\x28\0\0\0\x01\0\0\0\x01\0\0\0\x01\0\x18\0".as_slice(), &[0; 28]].concat();
    let cases: [(&str, &[u8]); 18] = [
        ("empty", b""),
        ("one byte", b"\x89"),
        ("GIF", gif),
        ("BMP", &bmp),
        ("SVG", b"<svg xmlns=\"http://www.w3.org/2000/svg\" onload=\"alert(1)\"/>"),
        ("SVG with a declaration", b"<?xml version=\"1.0\"?><svg xmlns=\"http://www.w3.org/2000/svg\"/>"),
        ("PDF", b"%PDF-1.7\n1 0 obj<</Type/Catalog>>endobj"),
        ("HTML", b"<!doctype html><script>alert(1)</script>"),
        ("ZIP", b"PK\x03\x04\x14\0\0\0"),
        ("TIFF", b"II*\0\x08\0\0\0"),
        ("ICO", b"\0\0\x01\0\x01\0\x10\x10"),
        ("AVIF", b"\0\0\0\x1cftypavif\0\0\0\0avifmif1"),
        ("WAV", b"RIFF\x24\0\0\0WAVEfmt "),
        ("ELF", b"\x7fELF\x02\x01\x01\0"),
        ("text", b"PNG JPEG WEBP"),
        ("a PNG signature that went through a text transfer", b"\x89PNG\n\x1a\n\0\0\0\rIHDR"),
        ("a PNG behind a space", b" \x89PNG\r\n\x1a\n"),
        ("a WebP signature in small letters", b"riff\x22\0\0\0webpVP8 "),
    ];
    let mut cases: Vec<Case> = cases.iter().map(|(name, file)| case(*name, *file, UnknownFormat)).collect();
    cases.push(case("noise", noise(4096), UnknownFormat));
    cases
}
