//! Pictures are re-made, served alone, and nobody's but their owner's (API-6, API-8).

use std::io::Cursor;

use image::{ImageFormat, Rgb, RgbImage};

use crate::crawl::person::Person;
use crate::crawl::sample::PNG;
use crate::crawl::site::Site;
use crate::crawl::wire::{Answer, Call};

/// Nothing of what is hidden in a file may come out again.
const HIDDEN: &[u8] = b"<script>alert('hidden')</script>";

fn picture(format: ImageFormat) -> Vec<u8> {
    let image = RgbImage::from_fn(64, 48, |x, y| Rgb([u8::try_from(x).unwrap() * 3, u8::try_from(y).unwrap() * 5, 90]));
    let mut file = Cursor::new(Vec::new());
    image.write_to(&mut file, format).expect("a picture");
    file.into_inner()
}

/// A JPEG with an Exif segment, behind its first marker.
fn with_exif(jpeg: &[u8]) -> Vec<u8> {
    let mut exif = b"Exif\0\0MM\0*\0\0\0\x08".to_vec();
    exif.extend_from_slice(HIDDEN);
    let length = u16::try_from(exif.len() + 2).unwrap().to_be_bytes();
    [&jpeg[..2], &[0xff, 0xe1], &length, &exif, &jpeg[2..]].concat()
}

/// A PNG with a text chunk before its end; its checksum is right.
fn with_text(png: &[u8]) -> Vec<u8> {
    let mut chunk = b"tEXtComment\0".to_vec();
    chunk.extend_from_slice(HIDDEN);
    let length = u32::try_from(chunk.len() - 4).unwrap().to_be_bytes();
    let checksum = crc(&chunk).to_be_bytes();
    let end = png.len() - 12;
    [&png[..end], &length, &chunk, &checksum, &png[end..]].concat()
}

fn crc(bytes: &[u8]) -> u32 {
    let step = |crc: u32, byte: &u8| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| (crc >> 1) ^ (0xedb8_8320 & (crc & 1).wrapping_neg()))
    };
    !bytes.iter().fold(!0, step)
}

fn upload(file: &[u8], name: &str, media_type: &str) -> Call {
    Call::new("POST", "/api/v1/auth/profile/avatar").parts(&[("avatar", name, media_type, file)])
}

async fn set(person: &Person, file: &[u8]) -> String {
    let set = person.send(upload(file, "me.png", "image/png")).await.ok();
    set["avatar_url"].as_str().expect("an address").to_owned()
}

fn served(answer: &Answer, media_type: &str) {
    assert_eq!(answer.status, 200);
    for (name, value) in [
        ("content-type", media_type),
        ("x-content-type-options", "nosniff"),
        ("cache-control", "public, max-age=31536000, immutable"),
    ] {
        assert_eq!(answer.header(name), Some(value), "{name}");
    }
    assert!(answer.header("content-security-policy").is_some_and(|policy| policy.contains("sandbox")));
    assert_eq!(answer.all("set-cookie").count(), 0, "a picture sets no cookie");
}

fn contains(bytes: &[u8], part: &[u8]) -> bool {
    bytes.windows(part.len()).any(|window| window == part)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_served_was_made_anew() {
    let site = Site::open().await;
    let person = site.account("lovelace").await;
    person.sign_in().await;
    let (png, jpeg, webp) = (picture(ImageFormat::Png), picture(ImageFormat::Jpeg), picture(ImageFormat::WebP));
    let trailing = |file: &[u8]| [file, HIDDEN].concat();
    for (file, name, said) in [
        (png.clone(), "a.png", "image/png"),
        (jpeg.clone(), "a.jpg", "image/jpeg"),
        (webp.clone(), "a.webp", "image/webp"),
        // What the file says it is does not count; what it is does.
        (png.clone(), "a.svg", "image/svg+xml"),
        (jpeg.clone(), "../../etc/passwd", "text/html"),
        (with_text(&png), "a.png", "image/png"),
        (with_exif(&jpeg), "a.jpg", "image/jpeg"),
        (trailing(&png), "polyglot.html", "text/html"),
        (trailing(&jpeg), "polyglot.php", "image/jpeg"),
        (PNG.to_vec(), "one-pixel.png", ""),
    ] {
        let answer = person.send(upload(&file, name, said)).await;
        let url = answer.ok()["avatar_url"].as_str().expect("an address").to_owned();
        let file_name = url.strip_prefix("/avatars/").expect("a path of pictures");
        assert!(file_name.len() == 32 + 5 && !file_name.contains("love"), "{url} says nothing of the person");
        for (url, media_type, format) in [
            (url.clone(), "image/webp", ImageFormat::WebP),
            (url.replace(".webp", ".png"), "image/png", ImageFormat::Png),
        ] {
            let answer = site.wire.send(Call::get(&url)).await;
            served(&answer, media_type);
            let again = image::load_from_memory_with_format(&answer.body, format).expect("a picture");
            assert_eq!((again.width(), again.height()), (256, 256), "{name}");
            assert!(
                !contains(&answer.body, b"script") && !contains(&answer.body, b"Exif"),
                "{name}: metadata came out again"
            );
            assert_ne!(answer.body, file);
        }
        assert_eq!(person.get("/api/v1/auth/profile").await["avatar_url"], url);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_no_picture_is_refused_and_the_old_one_stays() {
    let site = Site::open().await;
    let person = site.account("ada").await;
    person.sign_in().await;
    let url = set(&person, PNG).await;
    let png = picture(ImageFormat::Png);
    let svg = b"<svg xmlns=\"http://www.w3.org/2000/svg\"><script>alert(1)</script></svg>";
    let huge = huge_png();
    for (file, name, said, status) in [
        (svg.to_vec(), "a.svg", "image/svg+xml", 415),
        (svg.to_vec(), "a.png", "image/png", 415),
        (b"<html><script>alert(1)</script>".to_vec(), "a.png", "image/png", 415),
        (b"GIF89a\x01\0\x01\0\0\0\0;".to_vec(), "a.gif", "image/gif", 415),
        (b"BM\x1a\0\0\0\0\0\0\0".to_vec(), "a.bmp", "image/bmp", 415),
        (Vec::new(), "a.png", "image/png", 415),
        (vec![0; 1000], "a.png", "image/png", 415),
        (png[..png.len() / 2].to_vec(), "a.png", "image/png", 422),
        (huge, "a.png", "image/png", 422),
        (vec![7; 2 * 1024 * 1024 + 1], "a.png", "image/png", 413),
        ([png.clone(), vec![0; 3 * 1024 * 1024]].concat(), "a.png", "image/png", 413),
    ] {
        let answer = person.send(upload(&file, name, said)).await;
        assert_eq!(answer.status, status, "{} bytes as {name}: {}", file.len(), answer.text());
        assert!(status != 422 || answer.code() == "image_invalid", "{}", answer.code());
    }
    for (call, status) in [
        (Call::new("POST", "/api/v1/auth/profile/avatar").body("image/png", &png), 415),
        (Call::new("POST", "/api/v1/auth/profile/avatar").body("application/json", "{\"avatar\":\"x\"}"), 415),
        (Call::new("POST", "/api/v1/auth/profile/avatar").body("multipart/form-data", &png), 422),
        (Call::new("POST", "/api/v1/auth/profile/avatar").parts(&[("picture", "a.png", "image/png", &png)]), 422),
        (Call::new("POST", "/api/v1/auth/profile/avatar").parts(&[]), 422),
    ] {
        let answer = person.send(call).await;
        assert_eq!(answer.status, status, "{}", answer.text());
    }
    served(&site.wire.send(Call::get(&url)).await, "image/webp");
    assert_eq!(person.get("/api/v1/auth/profile").await["avatar_url"], url);
}

/// A PNG whose head says 30 000 × 30 000 pixels.
fn huge_png() -> Vec<u8> {
    let mut head = b"IHDR".to_vec();
    for side in [30_000_u32, 30_000] {
        head.extend(side.to_be_bytes());
    }
    head.extend([8, 6, 0, 0, 0]);
    let checksum = crc(&head).to_be_bytes();
    [&PNG[..8], &13_u32.to_be_bytes(), &head, &checksum, &PNG[33..]].concat()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_new_picture_takes_the_old_ones_place() {
    let site = Site::open().await;
    let person = site.account("ada").await;
    person.sign_in().await;
    let first = set(&person, &picture(ImageFormat::Png)).await;
    let second = set(&person, &picture(ImageFormat::Jpeg)).await;
    assert_ne!(first, second);
    let gone = |url: String| async { site.wire.send(Call::get(url)).await.verdict() };
    for old in [first.clone(), first.replace(".webp", ".png")] {
        assert_eq!(gone(old).await, "404 not_found");
    }
    served(&site.wire.send(Call::get(&second)).await, "image/webp");
    person.send(Call::new("DELETE", "/api/v1/auth/profile/avatar")).await.ok();
    for old in [second.clone(), second.replace(".webp", ".png")] {
        assert_eq!(gone(old).await, "404 not_found");
    }
    assert!(person.get("/api/v1/auth/profile").await["avatar_url"].is_null());
    person.send(Call::new("DELETE", "/api/v1/auth/profile/avatar")).await.ok();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_changes_somebody_elses_picture() {
    let site = Site::open().await;
    let (ada, eve) = (site.account("ada").await, site.account("eve").await);
    ada.sign_in().await;
    eve.sign_in().await;
    let url = set(&ada, PNG).await;
    let stranger = Person::stranger(&site.wire, &site.address());
    let file = picture(ImageFormat::Png);
    assert_eq!(stranger.send(upload(&file, "a.png", "image/png")).await.verdict(), "401 unauthenticated");
    assert_eq!(
        stranger.send(Call::new("DELETE", "/api/v1/auth/profile/avatar")).await.verdict(),
        "401 unauthenticated"
    );
    let id = &ada.id;
    for target in [
        format!("/api/v1/auth/profile/avatar?user_id={id}"),
        format!("/api/v1/auth/profile/avatar/{id}"),
        format!("/api/v1/auth/profile/{id}/avatar"),
        format!("/api/v1/users/{id}/avatar"),
        url.clone(),
    ] {
        for method in ["POST", "PUT", "DELETE"] {
            let call =
                Call::new(method, &target).parts(&[("avatar", "a.png", "image/png", &file)]).header("X-User-Id", id);
            eve.send(call.header("X-On-Behalf-Of", id)).await;
        }
    }
    let with_id = Call::new("POST", "/api/v1/auth/profile/avatar")
        .parts(&[("user_id", "", "", id.as_bytes()), ("avatar", "a", "", &file)]);
    assert_eq!(eve.send(with_id).await.verdict(), "422 unknown_field");
    assert_eq!(ada.get("/api/v1/auth/profile").await["avatar_url"], url);
    served(&site.wire.send(Call::get(&url)).await, "image/webp");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_path_leads_out_of_the_folder_of_pictures() {
    let site = Site::open().await;
    let person = site.account("ada").await;
    person.sign_in().await;
    let url = set(&person, PNG).await;
    let name = url.strip_prefix("/avatars/").unwrap().to_owned();
    let tricks = tricks(&name, &site.app.data_dir().to_string_lossy());
    assert!(tricks.len() >= 80, "{} tricks", tricks.len());
    for trick in &tricks {
        for method in ["GET", "HEAD"] {
            let Some(answer) = site.wire.sent(&Call::new(method, format!("/avatars/{trick}"))).await else { continue };
            assert!([400, 404, 414].contains(&answer.status), "{method} /avatars/{trick}: {}", answer.status);
            for inside in ["SQLite format", "root:", "[package]", "ops_session", "PRIVATE KEY"] {
                assert!(!answer.text().contains(inside), "/avatars/{trick}");
            }
        }
    }
    served(&site.wire.send(Call::get(&url)).await, "image/webp");
}

/// Ways to say "one folder up".
const UPS: [&str; 14] = [
    "../",
    "..%2f",
    "..%2F",
    "%2e%2e/",
    "%2e%2e%2f",
    "..\\",
    "..%5c",
    "%252e%252e%252f",
    "..%c0%af",
    "..%ef%bc%8f",
    "....//",
    "..;/",
    ".%00./",
    "..//",
];

/// Names that mean something to a file system.
const ABSOLUTE: [&str; 13] = [
    "%2fetc%2fpasswd",
    "/etc/passwd",
    "//etc/passwd",
    "file:%2f%2f%2fetc%2fpasswd",
    "C:%5cwindows%5cwin.ini",
    "~root/.bashrc",
    ".",
    "..",
    "%2e",
    "%00",
    "*",
    "CON",
    "%e0%80%ae%e0%80%ae%2fetc%2fpasswd",
];

/// Ways that have led out of folders elsewhere.
fn tricks(name: &str, data: &str) -> Vec<String> {
    let stem = name.trim_end_matches(".webp");
    let targets = ["ops-center.db", "etc/passwd", "outbox", "Cargo.toml"];
    let times = |target: &str| if target == "etc/passwd" { 12 } else { 1 };
    let from = |up: &&str| targets.map(|target| format!("{}{target}", up.repeat(times(target))));
    let mut tricks: Vec<String> = UPS.iter().flat_map(from).collect();
    tricks.extend(ABSOLUTE.map(str::to_owned));
    tricks.extend([
        format!("{data}/ops-center.db"),
        data.replace('/', "%2f") + "%2fops-center.db",
        format!("{name}/"),
        format!("{name}/../{name}"),
        format!("./{name}"),
        format!(".%2f{name}"),
        format!("{name}%00"),
        format!("{name}%00.png"),
        format!("{name}%20"),
        format!("{name}."),
        format!("{name};.png"),
        format!("{name}~"),
        format!("{name}.bak"),
        stem.to_owned(),
        format!("{stem}."),
        format!("{stem}.svg"),
        format!("{stem}.WEBP"),
        format!("{stem}.html"),
        format!("{}.webp", stem.to_uppercase()).replace(|c: char| c.is_ascii_digit(), "A"),
        format!("{}.webp", &stem[..31]),
        format!("{stem}0.webp"),
        format!("{stem}.webp.png"),
        format!("{}.webp", "a".repeat(4000)),
        format!("blobs/{name}"),
        format!("../avatars/{name}"),
        format!("..%2favatars%2f{name}"),
    ]);
    tricks
}
