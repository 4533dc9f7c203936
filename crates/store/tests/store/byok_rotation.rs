//! KEY-3: ten thousand keys are wrapped again while they are read, by a rotation that is stopped again and again.
use std::fmt::Write;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use byok_core::testing::MemoryRing;
use byok_core::{Custody, CustodyStore, KeyRing, KeyStore, MasterKeyId, ProviderKey, RingHolder, policy::seal};
use kernel::{Actor, OrgId};
use store::{Database, SeaCustody, SeaProviderKeys};

use crate::byok::{Keys, id, opened};
use crate::fixture::{Fixture, on_each};

const ORGS: usize = 500;
const PROVIDERS: usize = 20;
const ALL: usize = ORGS * PROVIDERS;

/// Keys of many organizations, written past the adapters, with their secrets.
async fn fill(k: &Keys<'_>) -> Vec<(ProviderKey, String)> {
    let f = k.f;
    let orgs: Vec<OrgId> = (0..ORGS).map(|_| OrgId::mint(&f.ambient)).collect();
    let rows = orgs.iter().enumerate().map(|(n, org)| {
        let org = id(f, org.uuid());
        format!("({org}, 'x', 'slug{n}', '', 'active', '{{}}', 0, 0, '2030-01-01T00:00:00+00:00')")
    });
    let head = "organization (id, name, slug, search_text, status, settings, member_count, active_count, created_at)";
    insert(f, head, rows.collect()).await;
    let provider = |n: usize| format!("p{n:02}");
    let keys: Vec<_> = orgs.iter().flat_map(|org| (0..PROVIDERS).map(|n| k.draft(*org, &provider(n), None))).collect();
    let rows = keys.iter().map(|(key, _)| {
        let (org, own) = (id(f, key.org.uuid()), id(f, key.id.uuid()));
        let mut sealed = String::new();
        key.sealed.as_bytes().iter().for_each(|byte| write!(sealed, "{byte:02x}").unwrap());
        let sealed = if f.is_postgres() { format!("'\\x{sealed}'") } else { format!("x'{sealed}'") };
        let (provider, master) = (&key.provider, &key.master_key);
        format!("({org}, '{provider}', {own}, 1, '{master}', {sealed}, '', '', false, '2030-01-01T00:00:00+00:00')")
    });
    let head = "provider_key (org_id, provider, id, version, master_key, sealed, tail, fingerprint, refused, added_at)";
    insert(f, head, rows.collect()).await;
    keys
}

async fn insert(f: &Fixture, head: &str, rows: Vec<String>) {
    for chunk in rows.chunks(500) {
        f.run(&format!("INSERT INTO {head} VALUES {}", chunk.join(", "))).await;
    }
}

/// Reads keys of all organizations and opens them, as a server does, until it is told to stop. How many, and what did not open.
async fn read(
    db: Database,
    ring: MemoryRing,
    keys: Arc<Vec<(ProviderKey, String)>>,
    (begin, stop, reads): (usize, Arc<AtomicBool>, Arc<AtomicUsize>),
) -> Vec<String> {
    let (store, mut failures, mut at) = (SeaProviderKeys::new(&db), Vec::new(), begin);
    while !stop.load(Ordering::SeqCst) {
        // A step that meets every key.
        at = (at + 7_919) % keys.len();
        let (key, secret) = &keys[at];
        let found = if at.is_multiple_of(2) {
            store.of(key.org, &key.provider).await.unwrap().unwrap()
        } else {
            store.now(key.org, &key.provider).await.unwrap().unwrap()
        };
        let ring = match ring.ring() {
            ring if ring.get(&found.master_key).is_some() => ring,
            _ => ring.reread().await.unwrap(),
        };
        if opened(&ring, &found).as_ref() != Some(secret) {
            failures.push(format!("{found:?}"));
        }
        reads.fetch_add(1, Ordering::SeqCst);
    }
    failures
}

/// How many keys another master key than this one sealed.
async fn left(custody: &SeaCustody, active: &MasterKeyId) -> u64 {
    let known = custody.known().await.unwrap();
    known.iter().filter(|key| key.id != *active).map(|key| key.sealing).sum()
}

/// Rotates, is stopped five times wherever it happens to be, and goes on where it was.
async fn rotate(custody: &Custody, store: &SeaCustody) -> MasterKeyId {
    let active = custody.renew(&Actor::system()).await.unwrap();
    for stopped in 1..=5 {
        let stoppable = custody.clone();
        let rotation = tokio::spawn(async move { stoppable.rewrap(&Actor::system(), |_, _| {}).await });
        let enough = u64::try_from(ALL * (6 - stopped) / 6).unwrap();
        while left(store, &active).await > enough {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        rotation.abort();
        assert!(rotation.await.is_err_and(|end| end.is_cancelled()), "stopped while it ran");
    }
    let rest = left(store, &active).await;
    assert!(rest > 0, "it was stopped before its end");
    let done = custody.rewrap(&Actor::system(), |_, _| {}).await.unwrap();
    assert_eq!((done.rewrapped, done.undecryptable), (rest, 0), "{done:?}");
    active
}

/// Of each key the secret is the same, and only what seals it is another.
async fn assert_rewrapped(k: &Keys<'_>, ring: &KeyRing, keys: &[(ProviderKey, String)]) {
    for (key, secret) in keys.iter().step_by(97) {
        let found = k.keys.now(key.org, &key.provider).await.unwrap().unwrap();
        assert_eq!(seal::master_key_of(&found.sealed).unwrap(), *ring.active(), "the bytes say so too");
        assert_eq!(opened(ring, &found).as_ref(), Some(secret));
        let before = ProviderKey { tail: String::new(), fingerprint: String::new(), ..key.clone() };
        let (sealed, master_key) = (key.sealed.clone(), key.master_key.clone());
        assert_eq!(ProviderKey { sealed, master_key, ..found }, before);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn ten_thousand_keys_are_wrapped_again_while_they_are_read() {
    on_each(async |f| {
        let k = Keys::new(f).await;
        let keys = Arc::new(fill(&k).await);
        let ring = MemoryRing::new(k.ring.clone());
        let (stop, reads) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
        let mut readers = Vec::new();
        for begin in 0..4 {
            let db = if begin % 2 == 0 { f.db.clone() } else { f.second().await };
            let told = (begin, Arc::clone(&stop), Arc::clone(&reads));
            readers.push(tokio::spawn(read(db, ring.of_another_process(), Arc::clone(&keys), told)));
        }
        let store = SeaCustody::new(&f.second().await);
        let holder = Arc::new(ring.of_another_process());
        let custody = Custody::new(Arc::new(store.clone()), holder.clone(), f.ambient.clone());
        let active = rotate(&custody, &store).await;
        while reads.load(Ordering::SeqCst) < ALL {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        stop.store(true, Ordering::SeqCst);
        for reader in readers {
            assert_eq!(reader.await.unwrap(), Vec::<String>::new(), "not one read failed");
        }
        assert_eq!(store.sealed_otherwise(&active, None, 1).await.unwrap(), []);
        let known = store.known().await.unwrap();
        let now = known.iter().find(|key| key.id == active).unwrap();
        let count = u64::try_from(ALL).unwrap();
        assert_eq!((now.uses, now.sealing), (count, count), "each was counted once");
        assert_rewrapped(&k, &holder.reread().await.unwrap(), &keys).await;
        for old in ["k1", "k2"] {
            custody.retire(&Actor::system(), &old.parse().unwrap()).await.unwrap();
        }
        custody.check(&Actor::system()).await.unwrap();
    })
    .await;
}
