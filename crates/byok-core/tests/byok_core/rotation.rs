//! Every key is wrapped again while it is in use, whoever is stopped and whatever happens meanwhile.

use std::sync::Arc;

use byok_core::policy::seal::{open_key, seal};
use byok_core::testing::World as _;
use byok_core::{
    Binding, Custody, CustodyError, CustodyStore, KeyRing, KeyStatus, KeyStore, MasterKey, MasterKeyId, ProviderKey,
    RingHolder, Rotation, Sealed,
};
use kernel::testing::race;
use kernel::{Action, Actor, OrgId, StoreError};

use crate::meddler::Meddler;
use crate::world::{OTHER, SECRET, World, id, new, secret};

/// More than one step of a rotation.
const MANY: usize = 201;

fn k(name: &str) -> MasterKeyId {
    name.parse().unwrap()
}

/// Organizations that have each a key of k1.
async fn populated(w: &World, count: usize) -> Vec<OrgId> {
    let mut orgs = Vec::new();
    for _ in 0..count {
        let org = w.memory.org().await;
        w.byok.add(&Actor::system(), org, new("openai", SECRET, None)).await.unwrap();
        orgs.push(org);
    }
    orgs
}

/// Whether each key opens for a process that has served all the time, and is what it was.
async fn assert_open(w: &World, orgs: &[OrgId]) {
    for org in orgs {
        let views = w.byok.list(*org).await.unwrap();
        assert_eq!(views.iter().map(|view| view.status).collect::<Vec<_>>(), [KeyStatus::Active]);
        let opened = open_key(&w.ring.ring(), &views[0].key).unwrap();
        assert!([SECRET, OTHER].contains(&opened.expose()));
    }
}

/// Whether all keys are sealed with this master key.
async fn assert_sealed_with(w: &World, id: &MasterKeyId) {
    let others = w.memory.known().await.unwrap().into_iter().filter(|known| known.id != *id && known.sealing > 0);
    assert_eq!(others.map(|known| known.id).collect::<Vec<_>>(), []);
}

async fn rewrap(custody: &Custody) -> Result<Rotation, CustodyError> {
    custody.rewrap(&Actor::system(), |_, _| ()).await
}

#[tokio::test]
async fn all_of_them_and_no_secret_changes() {
    let w = World::new(1).await;
    let orgs = populated(&w, 450).await;
    let before = w.memory.now(orgs[0], &id("openai")).await.unwrap().unwrap();
    let renewed = w.custody.renew(&Actor::system()).await.unwrap();
    let mut told = Vec::new();
    let rotation = w.custody.rewrap(&Actor::system(), |done, of| told.push((done, of))).await.unwrap();
    assert_eq!(rotation, Rotation { active: renewed.clone(), rewrapped: 450, undecryptable: 0 });
    assert_eq!(told, [(200, 450), (400, 450), (450, 450)]);
    assert_sealed_with(&w, &renewed).await;
    assert_open(&w, &orgs).await;
    let after = w.memory.now(orgs[0], &id("openai")).await.unwrap().unwrap();
    let put_back = ProviderKey { sealed: before.sealed.clone(), master_key: before.master_key.clone(), ..after };
    assert_eq!(put_back, before, "nothing of it changed but its wrapping");
    let record = w.records(Action::MasterKeyRotated).pop().unwrap();
    assert_eq!(record.metadata, [("rewrapped", "450".to_owned()), ("undecryptable", "0".to_owned())]);
    let known = w.memory.known().await.unwrap();
    assert_eq!(known.iter().map(|known| (known.uses, known.sealing)).collect::<Vec<_>>(), [(450, 0), (450, 450)]);

    let again = rewrap(&w.custody).await.unwrap();
    assert_eq!(again, Rotation { active: renewed, rewrapped: 0, undecryptable: 0 }, "a second time there is nothing");
}

#[tokio::test]
async fn stopped_at_any_step_it_is_begun_again() {
    for call in 0.. {
        let w = World::new(2).await;
        let orgs = populated(&w, MANY).await;
        let stopped = Meddler::stopped_at(&w, call).custody(&w);
        let over = async {
            stopped.renew(&Actor::system()).await?;
            rewrap(&stopped).await?;
            stopped.retire(&Actor::system(), &k("k1")).await
        };
        let over = over.await.is_ok();
        assert_open(&w, &orgs).await;
        // The next process starts, finds everything in order and goes on where the other one was stopped.
        w.custody.check(&Actor::system()).await.unwrap();
        if *w.ring.reread().await.unwrap().active() == k("k1") {
            w.custody.renew(&Actor::system()).await.unwrap();
        }
        let rotation = rewrap(&w.custody).await.unwrap();
        assert_eq!(rotation.undecryptable, 0);
        assert_sealed_with(&w, &rotation.active).await;
        if w.ring.ring().get(&k("k1")).is_some() {
            w.custody.retire(&Actor::system(), &k("k1")).await.unwrap();
        }
        assert_open(&w, &orgs).await;
        if over {
            assert!(call > 15, "there were calls to be stopped at");
            break;
        }
    }
}

/// A key stored anew with an old ring by a server that has not read the new one yet.
fn put_with(w: &World, ring: &Arc<KeyRing>, org: OrgId) -> impl Fn() + Send + use<> {
    let (memory, ring, ambient) = (w.memory.clone(), ring.clone(), w.ambient.clone());
    move || {
        memory.tamper(org, &id("openai"), |key| {
            let place = Binding { version: key.version + 1, ..key.binding() };
            key.sealed = seal(&ring, &place, &secret(OTHER), &ambient).unwrap();
            key.version += 1;
            key.master_key = ring.active().clone();
        });
    }
}

#[tokio::test]
async fn what_a_server_seals_with_the_old_key_meanwhile_is_found() {
    let w = World::new(3).await;
    let (orgs, old) = (populated(&w, 20).await, w.ring.ring());
    let renewed = w.custody.renew(&Actor::system()).await.unwrap();
    // The walk has passed both of these, the second one on the next walk.
    let (first, second) = (put_with(&w, &old, orgs[0]), put_with(&w, &old, orgs[1]));
    // And these it has read, and not written yet.
    let third = put_with(&w, &old, orgs[2]);
    let busy = Meddler::new(&w)
        .before("sealed_otherwise", move |n| match n {
            1 => first(),
            3 => second(),
            _ => (),
        })
        .before("rewrap", move |n| {
            if n == 0 {
                third();
            }
        });
    let rotation = rewrap(&busy.custody(&w)).await.unwrap();
    assert_eq!((rotation.active.clone(), rotation.rewrapped, rotation.undecryptable), (renewed.clone(), 22, 0));
    assert_sealed_with(&w, &renewed).await;
    assert_open(&w, &orgs).await;
    for org in &orgs[..3] {
        let key = w.memory.now(*org, &id("openai")).await.unwrap().unwrap();
        assert_eq!(open_key(&w.ring.ring(), &key).unwrap().expose(), OTHER, "the newer secret stays");
    }
    w.custody.retire(&Actor::system(), &k("k1")).await.unwrap();
    assert_open(&w, &orgs).await;
}

#[tokio::test]
async fn a_master_key_that_is_made_active_meanwhile_wins() {
    let w = World::new(4).await;
    let orgs = populated(&w, 20).await;
    w.custody.renew(&Actor::system()).await.unwrap();
    let (ring, bits) = (w.ring.clone(), MasterKey::new(w.ambient.random()).unwrap());
    let busy = Meddler::new(&w).before("sealed_otherwise", move |n| {
        if n == 1 {
            ring.put(ring.ring().rotated(k("newest"), bits.clone()).unwrap());
        }
    });
    let rotation = rewrap(&busy.custody(&w)).await.unwrap();
    assert_eq!((rotation.active.as_str(), rotation.undecryptable), ("newest", 0));
    assert_sealed_with(&w, &k("newest")).await;
    assert_open(&w, &orgs).await;
    w.custody.check(&Actor::system()).await.unwrap();
}

#[tokio::test]
async fn two_rotations_at_once_end_with_one_master_key() {
    let w = World::new(5).await;
    let orgs = populated(&w, MANY).await;
    let processes = [Meddler::new(&w).custody(&w), Meddler::new(&w).custody(&w), Meddler::new(&w).custody(&w)];
    race(3, async |n| {
        if n < 2 {
            processes[n].renew(&Actor::system()).await.unwrap();
            rewrap(&processes[n]).await.unwrap();
            return;
        }
        // Whoever is too early is told so, and nothing is lost.
        for _ in 0..40 {
            let retired = processes[n].retire(&Actor::system(), &k("k1")).await;
            let expected = matches!(retired, Ok(()) | Err(CustodyError::InUse { .. } | CustodyError::NotRetirable(_)));
            assert!(expected, "{retired:?}");
        }
    })
    .await;
    let ring = w.ring.reread().await.unwrap();
    assert_sealed_with(&w, ring.active()).await;
    assert_open(&w, &orgs).await;
    w.custody.check(&Actor::system()).await.unwrap();
}

#[tokio::test]
async fn a_store_that_never_stands_still_is_told() {
    let w = World::new(6).await;
    let (orgs, old) = (populated(&w, 1).await, w.ring.ring());
    w.custody.renew(&Actor::system()).await.unwrap();
    let put = put_with(&w, &old, orgs[0]);
    let error = rewrap(&Meddler::new(&w).before("rewrap", move |_| put()).custody(&w)).await.unwrap_err();
    assert!(matches!(error, CustodyError::Store(StoreError::Unavailable(_))), "{error:?}");
    assert_open(&w, &orgs).await;
    assert!(w.records(Action::MasterKeyRotated).is_empty());
}

#[tokio::test]
async fn what_does_not_open_is_counted_and_keeps_its_master_key() {
    let w = World::new(7).await;
    let orgs = populated(&w, 5).await;
    w.memory.tamper(orgs[1], &id("openai"), |key| key.sealed = Sealed::from_bytes(vec![1, 2, 3]));
    w.memory.tamper(orgs[3], &id("openai"), |key| key.version += 1);
    let renewed = w.custody.renew(&Actor::system()).await.unwrap();
    for rewrapped in [3, 0] {
        let rotation = rewrap(&w.custody).await.unwrap();
        assert_eq!(rotation, Rotation { active: renewed.clone(), rewrapped, undecryptable: 2 });
    }
    let in_use = w.custody.retire(&Actor::system(), &k("k1")).await;
    assert!(matches!(in_use, Err(CustodyError::InUse { count: 2, .. })), "{in_use:?}");
    // Stored again or deleted, nothing needs it any more.
    w.byok.add(&Actor::system(), orgs[1], new("openai", SECRET, None)).await.unwrap();
    w.byok.delete(&Actor::system(), orgs[3], &id("openai")).await.unwrap();
    w.custody.retire(&Actor::system(), &k("k1")).await.unwrap();
    assert_open(&w, &orgs[..3]).await;
    assert_open(&w, &orgs[4..]).await;
}

#[tokio::test]
async fn a_record_that_names_another_master_key_than_its_bytes_heals() {
    let w = World::new(8).await;
    let orgs = populated(&w, 2).await;
    let renewed = w.custody.renew(&Actor::system()).await.unwrap();
    rewrap(&w.custody).await.unwrap();
    w.memory.tamper(orgs[0], &id("openai"), |key| key.master_key = k("k1"));
    assert_eq!(w.byok.list(orgs[0]).await.unwrap()[0].status, KeyStatus::Undecryptable);
    assert_eq!(rewrap(&w.custody).await.unwrap().rewrapped, 1);
    assert_sealed_with(&w, &renewed).await;
    assert_open(&w, &orgs).await;
}

/// The ring is exchanged between two steps for one whose active key has the same name.
#[tokio::test]
async fn a_foreign_ring_wraps_nothing() {
    let w = World::new(9).await;
    let orgs = populated(&w, 3).await;
    let renewed = w.custody.renew(&Actor::system()).await.unwrap();
    let good = w.ring.ring();
    let bits = MasterKey::new(w.ambient.random()).unwrap();
    let foreign = good.activated(&k("k1")).unwrap().without(&renewed).unwrap().rotated(renewed, bits).unwrap();
    let ring = w.ring.clone();
    let busy = Meddler::new(&w).before("sealed_otherwise", move |_| ring.put(foreign.clone()));
    let error = rewrap(&busy.custody(&w)).await.unwrap_err();
    assert!(matches!(error, CustodyError::Different(_)), "{error:?}");
    assert_sealed_with(&w, &k("k1")).await;
    w.ring.put((*good).clone());
    assert_eq!(rewrap(&w.custody).await.unwrap().rewrapped, 3);
    assert_open(&w, &orgs).await;
}
