use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};

use byok_core::MasterKeyId;
use tempfile::TempDir;

use super::*;

fn folder() -> TempDir {
    tempfile::tempdir().expect("a folder")
}

fn id(name: &str) -> MasterKeyId {
    name.parse().expect("a name")
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).expect("a file").permissions().mode() & 0o777
}

/// A ring in a file, and the file's text.
fn made(folder: &TempDir) -> (PathBuf, String) {
    let path = folder.path().join("keyring.toml");
    assert!(FileRing::create(&path, &Ambient::system()).expect("a ring"));
    let text = fs::read_to_string(&path).expect("its text");
    (path, text)
}

fn names(folder: &TempDir) -> BTreeSet<String> {
    let files = fs::read_dir(folder.path()).expect("a folder");
    files.map(|file| file.expect("a file").file_name().to_string_lossy().into_owned()).collect()
}

/// The value of a line of the file.
fn value<'a>(text: &'a str, name: &str) -> &'a str {
    let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(" = \""));
    line.and_then(|rest| rest.strip_suffix('"')).expect("a value")
}

#[test]
fn a_new_ring_is_for_its_owner_only_and_is_never_made_twice() {
    let folder = folder();
    let (path, text) = made(&folder);
    assert_eq!((mode(&path), names(&folder).len()), (0o600, 1), "no draft is left");
    assert!(!FileRing::create(&path, &Ambient::system()).expect("no ring"));
    assert_eq!(fs::read_to_string(&path).expect("its text"), text, "what is there stays");
    let ring = FileRing::open(&path).expect("the ring").ring();
    assert_eq!(ring.active().as_str(), value(&text, "active"));
    assert_ne!(ring.get(ring.active()).expect("the key").expose(), ring.fingerprint().expose());
    assert_eq!(*file::format(&ring), text, "what is read is what was written");
    assert!(!format!("{ring:?}").contains(value(&text, "fingerprint")));
}

#[test]
fn of_processes_that_make_a_ring_at_once_one_does() {
    let folder = folder();
    let path = folder.path().join("deep/keyring.toml");
    let made: Vec<bool> = std::thread::scope(|scope| {
        let makers: Vec<_> =
            (0..8).map(|_| scope.spawn(|| FileRing::create(&path, &Ambient::system()).expect("a ring"))).collect();
        makers.into_iter().map(|maker| maker.join().expect("an answer")).collect()
    });
    assert_eq!(made.iter().filter(|made| **made).count(), 1, "{made:?}");
    FileRing::open(&path).expect("a ring");
    assert_eq!(mode(path.parent().expect("a folder")), 0o700);
}

#[tokio::test]
async fn a_ring_is_replaced_whole_and_what_another_process_wrote_is_read() {
    let folder = folder();
    let (path, _) = made(&folder);
    let (mine, theirs) = (FileRing::open(&path).expect("a ring"), FileRing::open(&path).expect("the same"));
    let key = MasterKey::new([7; 32]).expect("a key");
    let rotated = mine.ring().rotated(id("k2"), key).expect("a ring");
    // What a killed process has left behind is no obstacle.
    fs::write(folder.path().join(".keyring.toml.new"), "half").expect("a draft");
    assert!(mine.replace(&mine.ring(), &rotated).await.expect("replaced"));
    assert_eq!(mine.ring().active(), &id("k2"));
    assert_ne!(theirs.ring().active(), &id("k2"), "nobody has told them");
    let late = theirs.ring().rotated(id("k3"), MasterKey::new([8; 32]).expect("a key")).expect("a ring");
    assert!(!theirs.replace(&theirs.ring(), &late).await.expect("an answer"), "it is another ring by now");
    assert_eq!(theirs.reread().await.expect("the ring").active(), &id("k2"));
    assert_eq!(theirs.ring().active(), &id("k2"));
    assert_eq!((mode(&path), names(&folder).len()), (0o600, 1));
}

#[tokio::test]
async fn a_ring_behind_a_link_stays_behind_it() {
    let (folder, elsewhere) = (folder(), folder());
    let (real, _) = made(&elsewhere);
    let link = folder.path().join("keyring.toml");
    symlink(&real, &link).expect("a link");
    let ring = FileRing::open(&link).expect("a ring");
    let rotated = ring.ring().rotated(id("k2"), MasterKey::new([7; 32]).expect("a key")).expect("a ring");
    assert!(ring.replace(&ring.ring(), &rotated).await.expect("replaced"));
    assert!(fs::symlink_metadata(&link).expect("the link").is_symlink());
    assert_eq!(FileRing::open(&real).expect("a ring").ring().active(), &id("k2"));
}

#[tokio::test(flavor = "multi_thread")]
async fn of_changes_at_once_none_loses_the_key_of_another() {
    let folder = folder();
    let (path, _) = made(&folder);
    let change = |n: u8| {
        let path = path.clone();
        tokio::spawn(async move {
            let ring = FileRing::open(&path).expect("a ring");
            let key = || MasterKey::new([n + 1; 32]).expect("a key");
            loop {
                let before = ring.reread().await.expect("the ring");
                let after = before.rotated(id(&format!("n{n}")), key()).expect("a ring");
                if ring.replace(&before, &after).await.expect("an answer") {
                    break;
                }
            }
        })
    };
    let changes: Vec<_> = (0..16).map(change).collect();
    for done in changes {
        done.await.expect("a change");
    }
    assert_eq!(FileRing::open(&path).expect("a ring").ring().iter().count(), 17);
}

#[tokio::test]
async fn a_file_that_is_gone_is_an_outage_and_the_ring_stays() {
    let folder = folder();
    let (path, _) = made(&folder);
    let ring = FileRing::open(&path).expect("a ring");
    let active = ring.ring().active().clone();
    fs::remove_file(&path).expect("gone");
    assert!(matches!(ring.reread().await, Err(StoreError::Unavailable(_))));
    assert_eq!(*ring.ring().active(), active);
    assert!(matches!(FileRing::open(&path), Err(RingError::Missing(_))));
}

#[tokio::test]
async fn a_ring_of_another_installation_does_not_take_its_place() {
    let (folder, elsewhere) = (folder(), folder());
    let ((path, good), (foreign, theirs)) = (made(&folder), made(&elsewhere));
    let ring = FileRing::open(&path).expect("a ring");
    let (before, active) = (ring.ring(), ring.ring().active().clone());
    assert_eq!(FileRing::open(foreign).expect("a ring").ring().active(), &active, "made on the same day");
    let overwritten = good.replace(value(&good, active.as_str()), value(&theirs, active.as_str()));
    let other_prints = good.replace(value(&good, "fingerprint"), value(&theirs, "fingerprint"));
    for (text, name) in [(&theirs, active.as_str()), (&overwritten, active.as_str()), (&other_prints, "fingerprint")] {
        fs::write(&path, text).expect("its text");
        let refused = ring.reread().await;
        let Err(StoreError::Unavailable(why)) = refused else { panic!("{refused:?}") };
        let said = why.to_string();
        assert!(said.contains(&format!("another key named {name} than before")), "{said}");
        assert!(!said.contains(value(&theirs, active.as_str())), "{said}");
        assert_eq!(*ring.ring(), *before, "what was read before stays");
    }
    fs::write(&path, &good).expect("its text");
    assert_eq!(*ring.reread().await.expect("the ring"), *before);
}

#[test]
fn others_must_not_read_it() {
    let folder = folder();
    let (path, _) = made(&folder);
    for open in [0o640, 0o604, 0o644] {
        fs::set_permissions(&path, fs::Permissions::from_mode(open)).expect("its mode");
        let said = FileRing::open(&path).err().expect("refused").to_string();
        assert!(said.contains("chmod 600") && said.contains("byok.keyring"), "{said}");
    }
}

const A: &str = "AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE=";
const B: &str = "AgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgI=";
const ZERO: &str = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";

#[test]
fn what_is_wrong_is_told_by_line_and_field_without_a_byte_of_a_key() {
    let (k, f) = (format!("k1 = \"{A}\""), format!("fingerprint = \"{B}\""));
    let ring =
        |active: &str, fingerprint: &str, keys: &str| format!("active = {active}\n{fingerprint}\n[keys]\n{keys}\n");
    let corpus = [
        (String::new(), "line 1: it is empty"),
        (" \n\n".to_owned(), "line 1: it is empty"),
        (ring("\"k2\"", &f, &k), "line 1: active: [keys] has no k2"),
        (ring("3", &f, &k), "line 1: active: must be text"),
        (ring("\"K1\"", &f, &k), "line 1: active: must be 1 to 32 of the characters"),
        (ring("\"k1\"", "", &k), "fingerprint: is missing"),
        (format!("active = \"k1\"\n{f}\n"), "keys: is missing"),
        (ring("\"k1\"", &f, ""), "line 1: active: [keys] has no k1"),
        (ring("\"k1\"", &f, &format!("{k}\nk1 = \"{B}\"")), "line 5: not valid TOML: duplicate key"),
        (ring("\"k1\"", &f, &format!("{k}\nk2 = \"{A}\"")), "line 5: keys: k2: is the same key as another one"),
        (ring("\"k1\"", &f, &format!("k1 = \"{B}\"")), "line 2: fingerprint: must not be one of the keys"),
        (ring("\"k1\"", &f, "k1 = \"\""), "line 4: keys: k1: has 0 bytes: it must have 32"),
        (ring("\"k1\"", &f, "k1 = \"AQEBAQEBAQEBAQEBAQEBAQ==\""), "line 4: keys: k1: has 16 bytes: it must have 32"),
        (ring("\"k1\"", &f, &format!("k1 = \"{ZERO}\"")), "line 4: keys: k1: is all zeros"),
        (ring("\"k1\"", &format!("fingerprint = \"{ZERO}\""), &k), "line 2: fingerprint: is all zeros"),
        (
            ring("\"k1\"", &f, &format!("k1 = \"{}\"", A.replace('=', "!"))),
            "line 4: keys: k1: must be 32 bytes in standard base64",
        ),
        (ring("\"k1\"", &f, &format!("k1 = \" {A}\"")), "line 4: keys: k1: must be 32 bytes in standard base64"),
        (ring("\"k1\"", &f, &format!("k1 = {A}")), "line 4: not valid TOML"),
        (ring("\"k1\"", &f, &format!("k1 = \"{A}")), "line 4: not valid TOML"),
        (ring("\"k1\"", &f, &format!("k1 = '{A}\nk2 = 3")), "line 4: not valid TOML"),
        (ring("\"k1\"", &f, "k1 = 16843009"), "line 4: keys: k1: must be text"),
        (ring("\"k1\"", &f, &format!("{k}\nK_2 = \"{A}\"")), "line 5: keys: K_2: must be 1 to 32 of the characters"),
        (format!("colour = 3\n{}", ring("\"k1\"", &f, &k)), "line 1: colour: there is no such key"),
        (format!("keys = 3\nactive = \"k1\"\n{f}\n"), "line 1: keys: must be a table"),
    ];
    for (text, expected) in corpus {
        let said = file::parse(&text, "the key ring /x/keyring.toml").expect_err(&text).to_string();
        assert!(
            said.contains(&format!("the key ring /x/keyring.toml {expected}")) || said.contains(expected),
            "{said}"
        );
        assert!(said.contains("the key ring /x/keyring.toml line"), "{said}");
        for secret in [A, B, "AQEBAQEB", "AgICAgIC", "AAAAAAAA", "16843009"] {
            assert!(!said.contains(secret), "{said}");
        }
    }
    file::parse(&ring("\"k1\"", &f, &k), "").expect("a ring");
}

#[test]
fn every_mistake_is_told_at_once() {
    let text = format!("active = \"k1\"\nfingerprint = \"x\"\n[keys]\nk1 = \"{ZERO}\"\nk2 = 3\n");
    let said = file::parse(&text, "the key ring r").expect_err("refused").to_string();
    assert!(said.starts_with("the configuration has 3 problems:"), "{said}");
    for line in ["line 2: fingerprint", "line 4: keys: k1", "line 5: keys: k2"] {
        assert!(said.contains(line), "{said}");
    }
}
