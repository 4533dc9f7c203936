//! How many at once, and how much memory.
#![expect(
    clippy::disallowed_methods,
    reason = "the copy of this program that measures itself is told so by its environment"
)]

use std::{env, fs, process::Command, time::Duration};

use account_core::{AvatarRenderer, NotRendered};
use avatar_image::ImageRenderer;
use image::{DynamicImage, ImageFormat, RgbImage, RgbaImage};

use crate::{
    files::{encode, jpeg_declaring, png},
    render,
};

#[tokio::test(flavor = "multi_thread")]
async fn who_cannot_be_served_in_time_is_told_so() {
    let renderer = ImageRenderer::new(1, Duration::ZERO);
    let file = png(1500, 1500);
    let (first, second) = tokio::join!(renderer.render(file.clone()), renderer.render(file.clone()));
    assert!(first.is_ok());
    assert!(matches!(second, Err(NotRendered::Busy)));
    assert!(renderer.render(file).await.is_ok(), "the turn came back");
}

#[tokio::test(flavor = "multi_thread")]
async fn who_waits_long_enough_is_served() {
    let renderer = ImageRenderer::new(2, Duration::from_mins(1));
    let file = png(600, 600);
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..8 {
        let (renderer, file) = (renderer.clone(), file.clone());
        tasks.spawn(async move { renderer.render(file).await });
    }
    while let Some(rendered) = tasks.join_next().await {
        assert!(rendered.unwrap().is_ok());
    }
}

#[tokio::test]
async fn refused_files_give_their_turn_back() {
    let renderer = ImageRenderer::new(1, Duration::ZERO);
    for _ in 0..20 {
        assert!(matches!(renderer.render(b"GIF89a".to_vec()).await, Err(NotRendered::UnknownFormat)));
        assert!(matches!(renderer.render(jpeg_declaring(5000, 5000)).await, Err(NotRendered::TooLarge)));
    }
    assert!(renderer.render(png(1, 1)).await.is_ok());
}

/// Set for the copy of this program that measures itself.
const MEASURE: &str = "AVATAR_IMAGE_MEASURE";
/// Decoded pixels (64 MiB), what the decoder or the crop needs beside them, scaling and the program itself.
const MOST_KIB: u64 = 192 * 1024;

/// The largest pictures that are accepted, as small files, made where their pixels do not count.
fn bombs() -> Vec<(&'static str, Vec<u8>)> {
    let rgb: DynamicImage = RgbImage::new(4096, 4096).into();
    let rgba: DynamicImage = RgbaImage::new(4096, 4096).into();
    vec![
        ("png", encode(&rgba, ImageFormat::Png)),
        ("jpeg", encode(&rgb, ImageFormat::Jpeg)),
        ("webp", encode(&rgb, ImageFormat::WebP)),
        ("png that is cropped", encode(&RgbaImage::new(4096, 4095).into(), ImageFormat::Png)),
    ]
}

/// The most memory this program has had, in KiB.
fn peak_kib() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    line.trim().trim_end_matches(" kB").parse().unwrap()
}

#[tokio::test]
async fn the_largest_pictures_fit_into_bounded_memory() {
    if let Some(file) = env::var_os(MEASURE) {
        render(&fs::read(file).unwrap()).await.unwrap();
        println!("peak {}", peak_kib());
        return;
    }
    let dir = tempfile::TempDir::new().unwrap();
    for (name, bomb) in bombs() {
        assert!(bomb.len() <= 2 << 20, "{name} is small enough to be uploaded");
        let file = dir.path().join(name);
        fs::write(&file, bomb).unwrap();
        // In a program of its own: what other tests need does not count.
        let measured = Command::new(env::current_exe().unwrap())
            .args(["--exact", "limits::the_largest_pictures_fit_into_bounded_memory", "--nocapture"])
            .env(MEASURE, &file)
            .output()
            .unwrap();
        let said = String::from_utf8(measured.stdout).unwrap();
        assert!(measured.status.success(), "{name}: {said}");
        let peak = said.split("peak ").nth(1).unwrap().split_whitespace().next().unwrap();
        let peak: u64 = peak.parse().unwrap();
        println!("{name}: {} MiB", peak / 1024);
        assert!(peak <= MOST_KIB, "{name}: {} MiB", peak / 1024);
    }
}
