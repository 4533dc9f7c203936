//! KEY-1: of 100 000 encryptions by two processes, which are killed and started again, no nonce and no data key is the same as another.
//!
//! The processes are this test itself, started with the name of a file to seal into: they run the sealing of the product over the
//! machine's randomness, as the server does. What they wrote is opened by a second implementation, made after docs/byok.md.

use std::collections::HashSet;
use std::fs::{self, File};
use std::io::{BufWriter, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use aes_gcm::aead::{Aead, KeyInit, Payload};
use aes_gcm::{Aes256Gcm, Nonce};
use byok_core::policy::seal;
use byok_core::{Binding, Endpoint, KeyRing, MasterKey, ProviderSecret, Purpose};
use kernel::{Ambient, OrgId, ProviderKeyId};
use sea_orm::prelude::Uuid;
use secrecy::SecretString;

const NAME: &str = "byok::nonce::of_a_hundred_thousand_encryptions_none_repeats_a_nonce_or_a_data_key";
const SINK: &str = "OPS_CENTER_TEST_SEAL_INTO";
const ALL: usize = 100_000;
const MASTER: [u8; 32] = [0x2a; 32];
const SECRET: &str = "sk-proj-7Qz4LmVx2Rt9Yc5Wb8Nd3Fh6Jk1PsXqA";
/// Format, name, wrapped data key, sealed secret.
const BLOB: usize = 2 + 2 + (12 + 32 + 16) + (12 + SECRET.len() + 16);

fn place() -> Binding {
    Binding {
        purpose: Purpose::ProviderKey,
        org: OrgId::from_uuid(Uuid::from_u128(1)),
        provider: "custom".parse().expect("a provider"),
        id: ProviderKeyId::from_uuid(Uuid::from_u128(2)),
        version: 3,
        endpoint: Some(Endpoint::parse("https://models.example.com/v1").expect("an endpoint")),
    }
}

/// Seals until it is killed, or until there is as much as was asked for.
fn child(sink: &Path) {
    let id: byok_core::MasterKeyId = "k1".parse().expect("a name");
    let key = MasterKey::new(MASTER).expect("a key");
    let ring = KeyRing::new(id.clone(), [(id, key)], MasterKey::new([1; 32]).expect("a key")).expect("a ring");
    let (place, ambient) = (place(), Ambient::system());
    let secret = ProviderSecret::parse(SecretString::from(SECRET)).expect("a key");
    let mut sink = BufWriter::new(File::create(sink).expect("a file"));
    for _ in 0..ALL / 2 {
        let sealed = seal::seal(&ring, &place, &secret, &ambient).expect("sealed");
        assert_eq!(sealed.as_bytes().len(), BLOB);
        sink.write_all(sealed.as_bytes()).expect("room");
    }
    sink.flush().expect("room");
}

fn spawn(sink: &Path) -> Child {
    let mut command = Command::new(std::env::current_exe().expect("this test"));
    command.args(["--exact", NAME, "--test-threads", "1"]).env(SINK, sink);
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::inherit()).spawn().expect("the test starts")
}

fn sealed(sink: &Path) -> usize {
    fs::metadata(sink).map_or(0, |file| usize::try_from(file.len()).expect("a size") / BLOB)
}

/// The additional data of docs/byok.md: each part behind its length.
fn bound(what: &[u8], master_key: &[u8]) -> Vec<u8> {
    let parts: [&[u8]; 9] = [
        b"ops-center v1",
        what,
        b"provider_key",
        &1_u128.to_be_bytes(),
        b"custom",
        &2_u128.to_be_bytes(),
        &3_u32.to_be_bytes(),
        b"https://models.example.com/v1",
        master_key,
    ];
    let with_length =
        |part: &&[u8]| [u32::try_from(part.len()).expect("short").to_be_bytes().as_slice(), part].concat();
    parts.iter().flat_map(with_length).collect()
}

fn opened(key: &[u8], part: &[u8], aad: &[u8]) -> Vec<u8> {
    let (nonce, msg) = part.split_first_chunk::<12>().expect("a nonce");
    let cipher = Aes256Gcm::new_from_slice(key).expect("256 bits");
    cipher.decrypt(&Nonce::from(*nonce), Payload { msg, aad }).expect("sealed as the page says")
}

#[test]
fn of_a_hundred_thousand_encryptions_none_repeats_a_nonce_or_a_data_key() {
    #[expect(clippy::disallowed_methods, reason = "how this very test tells its processes what to do")]
    if let Some(sink) = std::env::var_os(SINK) {
        return child(Path::new(&sink));
    }
    let folder = tempfile::tempdir().expect("a folder");
    let sink = |number: usize| folder.path().join(number.to_string());
    let mut running: Vec<Child> = (0..2).map(|number| spawn(&sink(number))).collect();
    for (number, child) in running.iter_mut().enumerate() {
        let began = Instant::now();
        while sealed(&sink(number)) < 5_000 {
            assert!(began.elapsed() < Duration::from_mins(1), "the first thousands take too long");
            std::thread::park_timeout(Duration::from_millis(5));
        }
        child.kill().expect("an end");
        child.wait().expect("an end");
    }
    let again: Vec<Child> = (2..4).map(|number| spawn(&sink(number))).collect();
    for mut child in again {
        assert!(child.wait().expect("an end").success());
    }

    let (mut nonces, mut keys, mut count) = (HashSet::new(), HashSet::new(), 0);
    let (wraps, secrets) = (bound(b"data key", b"k1"), bound(b"secret", b""));
    for number in 0..4 {
        let all = fs::read(sink(number)).expect("a file");
        for blob in all.chunks_exact(BLOB) {
            assert_eq!(blob[..4], *b"\x01\x02k1");
            let (wrapped, secret) = blob[4..].split_at(60);
            let key = opened(&MASTER, wrapped, &wraps);
            // Opening a hundred thousand secrets besides would only show the same again.
            if count % 100 == 0 {
                assert_eq!(opened(&key, secret, &secrets), SECRET.as_bytes());
            }
            nonces.insert(wrapped[..12].to_vec());
            nonces.insert(secret[..12].to_vec());
            keys.insert(key);
            count += 1;
        }
    }
    assert!(count >= ALL + 10_000, "{count}");
    assert_eq!((nonces.len(), keys.len()), (2 * count, count), "none repeats");
}
