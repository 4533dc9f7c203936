//! Files in a folder and in a bucket.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod s3;

use account_core::{
    AvatarName, BlobStore,
    testing::{blob_store_contract, blob_store_race},
};
use blob_store::{Blobs, S3Options};
use kernel::{Ambient, StoreError};
use tempfile::TempDir;

/// What every store of files promises, and that a name can be used again.
async fn keeps_files(blobs: &dyn BlobStore) {
    blob_store_contract(blobs, &Ambient::system()).await;
    blob_store_race(blobs, &Ambient::system()).await;
    let (name, other) = (AvatarName::mint(&Ambient::system()), AvatarName::mint(&Ambient::system()));
    assert_eq!(blobs.get(&name.webp()).await.unwrap(), None);
    blobs.delete(&name.webp()).await.unwrap();
    let bytes: Vec<u8> = (0..=255).cycle().take(300_000).collect();
    blobs.put(&name.webp(), bytes.clone()).await.unwrap();
    blobs.put(&name.png(), Vec::new()).await.unwrap();
    assert_eq!(blobs.get(&name.webp()).await.unwrap(), Some(bytes));
    assert_eq!(blobs.get(&name.png()).await.unwrap(), Some(Vec::new()));
    assert_eq!(blobs.get(&other.webp()).await.unwrap(), None);
    blobs.put(&name.png(), b"anew".to_vec()).await.unwrap();
    assert_eq!(blobs.get(&name.png()).await.unwrap(), Some(b"anew".to_vec()));
    blobs.delete(&name.webp()).await.unwrap();
    blobs.delete(&name.webp()).await.unwrap();
    assert_eq!(blobs.get(&name.webp()).await.unwrap(), None);
    assert!(blobs.get(&name.png()).await.unwrap().is_some());
}

/// Names that lead somewhere else, or could on some file system.
const TRICKS: &[&str] = &[
    "",
    ".",
    "..",
    "../x",
    "x/..",
    "..\\x",
    "a/b",
    "/etc/passwd",
    "a\\b",
    "C:x",
    "./x",
    ".hidden",
    "a..b",
    "a\0b",
    "a\nb",
    "a b",
    "%2e%2e%2fx",
    "a%2fb",
    "~",
    "a:b",
    "\u{2025}",
    "\u{ff0e}\u{ff0e}/x",
    "caf\u{e9}",
    "a#1",
    "a?b",
    "*",
];

async fn refuses_tricks(blobs: &dyn BlobStore) {
    let long = "a".repeat(129);
    for name in TRICKS.iter().copied().chain([long.as_str()]) {
        let answers = [blobs.put(name, vec![1]).await, blobs.get(name).await.map(|_| ()), blobs.delete(name).await];
        for answer in answers {
            assert!(matches!(answer, Err(StoreError::Broken(_))), "{name:?}: {answer:?}");
        }
    }
}

#[tokio::test]
async fn a_folder_keeps_files() {
    let dir = TempDir::new().unwrap();
    let blobs = Blobs::local(dir.path().join("made/if/need/be")).unwrap();
    keeps_files(&blobs).await;
}

#[tokio::test]
async fn a_folder_is_never_left() {
    let dir = TempDir::new().unwrap();
    let inside = dir.path().join("blobs");
    std::fs::write(dir.path().join("x"), "outside").unwrap();
    let blobs = Blobs::local(&inside).unwrap();
    refuses_tricks(&blobs).await;
    assert_eq!(std::fs::read(dir.path().join("x")).unwrap(), b"outside");
    assert_eq!(std::fs::read_dir(&inside).unwrap().count(), 0);
    assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 2);
}

#[tokio::test]
async fn a_folder_holds_whole_files_only() {
    let dir = TempDir::new().unwrap();
    let blobs = Blobs::local(dir.path()).unwrap();
    let name = AvatarName::mint(&Ambient::system()).webp();
    let (zeros, ones) = (vec![0_u8; 1 << 20], vec![1_u8; 1 << 20]);
    blobs.put(&name, zeros.clone()).await.unwrap();
    let writer = tokio::spawn({
        let (blobs, name, zeros, ones) = (blobs.clone(), name.clone(), zeros.clone(), ones.clone());
        async move {
            for _ in 0..20 {
                blobs.put(&name, ones.clone()).await.unwrap();
                blobs.put(&name, zeros.clone()).await.unwrap();
            }
        }
    });
    while !writer.is_finished() {
        let read = blobs.get(&name).await.unwrap().unwrap();
        assert!(read == zeros || read == ones, "half a file");
    }
    writer.await.unwrap();
    assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 1, "nothing is left beside the file");
}

#[tokio::test]
async fn a_folder_that_is_gone_is_an_outage_for_writers() {
    let dir = TempDir::new().unwrap();
    std::fs::write(dir.path().join("file"), "").unwrap();
    assert!(matches!(Blobs::local(dir.path().join("file/below")), Err(StoreError::Unavailable(_))));
    let inside = dir.path().join("blobs");
    let blobs = Blobs::local(&inside).unwrap();
    std::fs::remove_dir(&inside).unwrap();
    std::fs::write(&inside, "a file in its place").unwrap();
    let answer = blobs.put("a.png", vec![1]).await;
    assert!(matches!(answer, Err(StoreError::Unavailable(_))), "{answer:?}");
}

fn bucket(endpoint: &str) -> Blobs {
    Blobs::s3(S3Options {
        endpoint: endpoint.to_owned(),
        bucket: "avatars".to_owned(),
        region: "eu-central-1".to_owned(),
        access_key: "AKIDEXAMPLE".into(),
        secret_key: "hunter2hunter2".into(),
        allow_http: true,
    })
    .unwrap()
}

#[tokio::test]
async fn a_bucket_keeps_files() {
    let server = s3::Server::start().await;
    let blobs = bucket(&server.url());
    keeps_files(&blobs).await;
    refuses_tricks(&blobs).await;
    let seen = server.seen();
    assert!(seen.iter().any(|head| head.starts_with("PUT /avatars/")), "path style: {seen:?}");
    assert!(seen.iter().any(|head| head.starts_with("DELETE /avatars/")), "plain deletes: {seen:?}");
    for head in &seen {
        assert!(head.contains("AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/"), "signed: {head}");
        assert!(!head.contains("hunter2"), "the secret stays here: {head}");
    }
}

#[tokio::test]
async fn a_bucket_that_refuses_or_fails_is_an_outage() {
    let server = s3::Server::start().await;
    let blobs = bucket(&server.url());
    blobs.put("a.png", vec![1]).await.unwrap();
    for status in ["403 Forbidden", "401 Unauthorized", "500 Internal Server Error", "503 Slow Down"] {
        server.fail(status);
        let answers =
            [blobs.put("a.png", vec![1]).await, blobs.get("a.png").await.map(|_| ()), blobs.delete("a.png").await];
        for answer in answers {
            assert!(matches!(answer, Err(StoreError::Unavailable(_))), "{status}: {answer:?}");
        }
    }
    server.work();
    assert_eq!(blobs.get("a.png").await.unwrap(), Some(vec![1]));
}

#[tokio::test]
async fn a_bucket_that_is_not_there_is_an_outage() {
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    for endpoint in [format!("http://127.0.0.1:{port}"), format!("https://127.0.0.1:{port}")] {
        let answer = bucket(&endpoint).get("a.png").await;
        assert!(matches!(answer, Err(StoreError::Unavailable(_))), "{endpoint}: {answer:?}");
    }
}

#[tokio::test]
async fn plain_http_must_be_asked_for() {
    let server = s3::Server::start().await;
    let blobs = Blobs::s3(S3Options {
        endpoint: server.url(),
        bucket: "avatars".to_owned(),
        region: "eu-central-1".to_owned(),
        access_key: "AKIDEXAMPLE".into(),
        secret_key: "hunter2hunter2".into(),
        allow_http: false,
    });
    if let Ok(blobs) = blobs {
        assert!(blobs.put("a.png", vec![1]).await.is_err());
    }
    assert_eq!(server.seen(), Vec::<String>::new());
}
