//! Master keys: checked at the start, renewed, retired.

use byok_core::policy::seal::ALARM_USES;
use byok_core::testing::{World as _, sample_ring};
use byok_core::{BadRing, ByokError, CustodyError, CustodyStore, InRing, KeyRing, MasterKey, MasterKeyId, RingHolder};
use kernel::testing::race;
use kernel::{Action, Actor, StoreError};

use crate::meddler::Meddler;
use crate::world::{DAY, OTHER, SECRET, World, id};

fn k(name: &str) -> MasterKeyId {
    name.parse().unwrap()
}

async fn check(w: &World) -> Result<(), CustodyError> {
    w.custody.check(&Actor::system()).await
}

/// The names in the ring's file.
async fn names(w: &World) -> Vec<String> {
    w.ring.reread().await.unwrap().iter().map(|(id, _)| id.to_string()).collect()
}

#[tokio::test]
async fn a_ring_that_fits_is_made_known_once() {
    let w = World::new(1).await;
    check(&w).await.unwrap();
    assert_eq!(w.records(Action::MasterKeyRegistered).len(), 1);
    let key = w.ring.ring().get(&k("k1")).unwrap().clone();
    assert_eq!(w.memory.known().await.unwrap()[0].check, key.check());
}

#[tokio::test]
async fn a_ring_without_a_needed_key_stops_the_start() {
    let w = World::new(2).await;
    for provider in ["openai", "cohere", "perplexity"] {
        w.add(provider, SECRET).await.unwrap();
    }
    w.ring.put(sample_ring(&w.ambient, &["k9"]));
    let error = check(&w).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "3 provider keys are sealed with master keys that the ring does not have: k1 (3)",
        "how many, and which"
    );
    let known: Vec<_> = w.memory.known().await.unwrap().into_iter().map(|known| known.id).collect();
    assert_eq!(known, [k("k1")], "nothing was made known");
}

#[tokio::test]
async fn a_ring_with_another_key_of_the_same_name_stops_the_start() {
    let w = World::new(3).await;
    w.ring.put(sample_ring(&w.ambient, &["k1"]));
    assert!(
        matches!(check(&w).await, Err(CustodyError::Different(id)) if id == k("k1")),
        "also before anything is sealed"
    );
}

#[tokio::test]
async fn a_ring_whose_active_key_was_retired_stops_the_start() {
    let w = World::new(4).await;
    let before = w.ring.ring();
    let renewed = w.custody.renew(&Actor::system()).await.unwrap();
    w.custody.retire(&Actor::system(), &k("k1")).await.unwrap();
    // An old copy of the file comes back.
    w.ring.put((*before).clone());
    assert!(matches!(check(&w).await, Err(CustodyError::Retired(id)) if id == k("k1")));
    assert!(matches!(w.custody.rewrap(&Actor::system(), |_, _| ()).await, Err(CustodyError::Retired(_))));
    let with_both = before.rotated(renewed.clone(), MasterKey::new(w.ambient.random()).unwrap()).unwrap();
    w.ring.put(with_both);
    assert!(matches!(check(&w).await, Err(CustodyError::Different(id)) if id == renewed));
}

#[tokio::test]
async fn an_outage_is_no_answer() {
    let w = World::new(5).await;
    w.ring.break_down(true);
    assert!(matches!(check(&w).await, Err(CustodyError::Store(_))));
    w.ring.break_down(false);
    w.memory.break_down(true);
    assert!(matches!(check(&w).await, Err(CustodyError::Store(_))));
    assert!(matches!(w.custody.status().await, Err(CustodyError::Store(_))));
}

#[tokio::test]
async fn a_new_master_key_has_the_name_of_its_day() {
    let w = World::new(6).await;
    let renew = async || w.custody.renew(&Actor::system()).await.unwrap().to_string();
    assert_eq!((renew().await.as_str(), renew().await.as_str()), ("k20300101", "k20300101-2"));
    w.custody.retire(&Actor::system(), &k("k20300101")).await.unwrap();
    assert_eq!(renew().await, "k20300101-3", "a name is never used again");
    w.clock.advance(DAY);
    assert_eq!(renew().await, "k20300102");
    assert_eq!(names(&w).await, ["k1", "k20300101-2", "k20300101-3", "k20300102"]);
    let ring = w.ring.ring();
    assert_eq!(ring.active(), &k("k20300102"));
    for known in w.memory.known().await.unwrap() {
        let own = ring.get(&known.id).map(MasterKey::check);
        assert!(own.is_none_or(|check| check == known.check), "the store knows them by their check values");
    }
    check(&w).await.unwrap();
}

#[tokio::test]
async fn a_master_key_can_be_brought_to_every_machine_before_it_seals() {
    let w = World::new(13).await;
    w.add("openai", SECRET).await.unwrap();
    let other_machine = w.ring.ring();
    let prepared = w.custody.prepare(&Actor::system()).await.unwrap();
    assert_eq!((names(&w).await, w.ring.ring().active()), (vec!["k1".into(), prepared.to_string()], &k("k1")));
    w.add("cohere", SECRET).await.unwrap();
    assert_eq!(w.stored("cohere").await.master_key, k("k1"), "it seals nothing yet");
    assert_eq!(w.ring.ring().fingerprint(), other_machine.fingerprint());
    let copied = w.ring.ring();
    w.custody.activate(&prepared).await.unwrap();
    w.add("cohere", SECRET).await.unwrap();
    let key = w.stored("cohere").await;
    assert_eq!(
        (&key.master_key, w.custody.rewrap(&Actor::system(), |_, _| ()).await.unwrap().rewrapped),
        (&prepared, 1)
    );
    let key = w.stored("openai").await;
    assert!(byok_core::policy::seal::open_key(&copied, &key).is_ok(), "a machine with the first copy opens it");
    assert!(byok_core::policy::seal::open_key(&other_machine, &key).is_err());

    let unknown = w.custody.activate(&k("nobody")).await;
    assert!(matches!(unknown, Err(CustodyError::Ring(BadRing::NoActive(_)))), "{unknown:?}");
    w.custody.activate(&k("k1")).await.unwrap();
    assert_eq!(w.ring.ring().active(), &k("k1"), "back, as long as it is not retired");
    w.custody.activate(&prepared).await.unwrap();
    w.custody.retire(&Actor::system(), &k("k1")).await.unwrap();
    w.ring.put((*copied).clone());
    assert!(matches!(w.custody.activate(&k("k1")).await, Err(CustodyError::Retired(_))), "it must not seal");
    w.custody.activate(&prepared).await.unwrap();
    check(&w).await.unwrap();
}

#[tokio::test]
async fn who_activates_what_is_being_retired_is_told() {
    let w = World::new(14).await;
    w.add("openai", SECRET).await.unwrap();
    let renewed = w.custody.renew(&Actor::system()).await.unwrap();
    w.custody.rewrap(&Actor::system(), |_, _| ()).await.unwrap();
    let processes = [Meddler::new(&w).custody(&w), Meddler::new(&w).custody(&w)];
    let answers = race(2, async |n| match n {
        0 => processes[n].activate(&k("k1")).await,
        n => processes[n].retire(&Actor::system(), &k("k1")).await,
    })
    .await;
    assert!(matches!(answers[0], Err(CustodyError::Retired(_))), "{answers:?}");
    assert!(matches!(answers[1], Err(CustodyError::NotRetirable(_))), "{answers:?}");
    assert!(matches!(check(&w).await, Err(CustodyError::Retired(_))));
    assert!(w.add("cohere", SECRET).await.is_err(), "it seals nothing");
    w.custody.activate(&renewed).await.unwrap();
    w.custody.retire(&Actor::system(), &k("k1")).await.unwrap();
    check(&w).await.unwrap();
    w.add("cohere", SECRET).await.unwrap();
    assert_eq!((w.secret("openai").await, w.secret("cohere").await), (SECRET.into(), SECRET.into()));
}

#[tokio::test]
async fn a_renewal_that_was_stopped_leaves_a_name_at_most() {
    for call in 0.. {
        let w = World::new(7).await;
        w.add("openai", SECRET).await.unwrap();
        let stopped = Meddler::stopped_at(&w, call).custody(&w);
        let over = stopped.renew(&Actor::system()).await.is_ok();
        check(&w).await.unwrap();
        let renewed = w.custody.renew(&Actor::system()).await.unwrap();
        check(&w).await.unwrap();
        w.add("cohere", SECRET).await.unwrap();
        assert_eq!(w.stored("cohere").await.master_key, renewed, "stopped at call {call}");
        assert_eq!((w.secret("openai").await, w.secret("cohere").await), (SECRET.into(), SECRET.into()));
        if over {
            assert!(call > 2, "there were calls to be stopped at");
            break;
        }
    }
}

#[tokio::test]
async fn of_several_who_change_the_ring_none_loses_the_others_key() {
    let w = World::new(8).await;
    let old = w.custody.renew(&Actor::system()).await.unwrap();
    w.custody.renew(&Actor::system()).await.unwrap();
    let processes: Vec<_> = (0..5).map(|_| Meddler::new(&w).custody(&w)).collect();
    let answers = race(5, async |n| match n {
        2 => processes[n].retire(&Actor::system(), &old).await.map(|()| None),
        n => processes[n].renew(&Actor::system()).await.map(Some),
    })
    .await;
    let answers: Vec<Option<MasterKeyId>> = answers.into_iter().map(Result::unwrap).collect();
    let (ring, names) = (w.ring.reread().await.unwrap(), names(&w).await);
    let mut made: Vec<String> = answers.iter().flatten().map(ToString::to_string).collect();
    made.sort();
    made.dedup();
    assert_eq!(made.len(), 4, "each has a name of its own");
    assert!(made.iter().all(|name| names.contains(name)), "{made:?} in {names:?}");
    assert!(!names.contains(&old.to_string()) && made.contains(&ring.active().to_string()));
    check(&w).await.unwrap();
}

#[tokio::test]
async fn a_ring_that_never_stands_still_is_told() {
    let w = World::new(9).await;
    let (ring, ambient) = (w.ring.clone(), w.ambient.clone());
    let restless = Meddler::new(&w).before("replace", move |n| {
        let bits = MasterKey::new(ambient.random()).unwrap();
        ring.put(ring.ring().rotated(k(&format!("other{n}")), bits).unwrap());
    });
    let error = restless.custody(&w).renew(&Actor::system()).await.unwrap_err();
    assert!(matches!(error, CustodyError::Store(StoreError::Unavailable(_))), "{error:?}");
}

#[tokio::test]
async fn a_master_key_is_retired_when_nothing_needs_it() {
    let w = World::new(10).await;
    w.add("openai", SECRET).await.unwrap();
    let retire = async |name: &str| w.custody.retire(&Actor::system(), &k(name)).await;
    assert!(matches!(retire("k1").await, Err(CustodyError::NotRetirable(_))), "it seals");
    assert!(matches!(retire("nobody").await, Err(CustodyError::NotRetirable(_))));
    w.custody.renew(&Actor::system()).await.unwrap();
    let in_use = retire("k1").await.unwrap_err();
    assert_eq!(
        in_use.to_string(),
        "1 provider keys are sealed with the master key k1; run ops-center keys rotate first"
    );
    assert_eq!(names(&w).await, ["k1", "k20300101"], "nothing changed");
    assert_eq!(w.secret("openai").await, SECRET);
    w.custody.rewrap(&Actor::system(), |_, _| ()).await.unwrap();
    retire("k1").await.unwrap();
    assert_eq!(names(&w).await, ["k20300101"]);
    assert!(matches!(retire("k1").await, Err(CustodyError::NotRetirable(_))), "it is not there any more");
    assert_eq!((w.secret("openai").await.as_str(), w.records(Action::MasterKeyRetired).len()), (SECRET, 1));
    check(&w).await.unwrap();
}

#[tokio::test]
async fn a_retirement_that_was_stopped_is_begun_again() {
    for call in 0.. {
        let w = World::new(11).await;
        w.add("openai", SECRET).await.unwrap();
        w.custody.renew(&Actor::system()).await.unwrap();
        w.custody.rewrap(&Actor::system(), |_, _| ()).await.unwrap();
        let stopped = Meddler::stopped_at(&w, call).custody(&w);
        let over = stopped.retire(&Actor::system(), &k("k1")).await.is_ok();
        check(&w).await.unwrap();
        if names(&w).await.contains(&"k1".to_owned()) {
            w.custody.retire(&Actor::system(), &k("k1")).await.unwrap();
        }
        assert_eq!((names(&w).await, w.secret("openai").await), (vec!["k20300101".into()], SECRET.into()));
        assert_eq!(w.records(Action::MasterKeyRetired).len(), 1);
        if over {
            assert!(call > 1, "there were calls to be stopped at");
            break;
        }
    }
}

#[tokio::test]
async fn states() {
    let w = World::new(12).await;
    w.add("openai", SECRET).await.unwrap();
    let renewed = w.custody.renew(&Actor::system()).await.unwrap();
    w.memory.wear(&k("k1"), ALARM_USES - 1).await;
    w.memory.wear(&renewed, ALARM_USES).await;
    // A copy of the file in which k1 is missing, and which has one that the store has not heard of.
    let ring = w.ring.ring();
    let keys = [(renewed.clone(), ring.get(&renewed).unwrap().clone()), (k("new"), MasterKey::new([7; 32]).unwrap())];
    w.ring.put(KeyRing::new(renewed.clone(), keys, ring.fingerprint().clone()).unwrap());
    let states: Vec<_> = w
        .custody
        .status()
        .await
        .unwrap()
        .master_keys
        .into_iter()
        .map(|state| (state.known.id.to_string(), state.known.sealing, state.in_ring, state.active, state.alarm))
        .collect();
    assert_eq!(
        states,
        [
            ("k1".to_owned(), 1, InRing::Missing, false, false),
            ("k20300101".to_owned(), 0, InRing::Same, true, true),
            ("new".to_owned(), 0, InRing::Same, false, false),
        ]
    );
}

/// Another installation's ring has a master key of the same name, made on the same day.
#[tokio::test]
async fn a_foreign_ring_seals_nothing_and_is_told() {
    let w = World::new(15).await;
    w.add("openai", SECRET).await.unwrap();
    let (good, before) = (w.ring.ring(), w.stored("openai").await);
    w.ring.put(sample_ring(&w.ambient, &["k1"]));
    for provider in ["openai", "cohere"] {
        let refused = w.add(provider, OTHER).await;
        let Err(ByokError::Store(StoreError::Unavailable(why))) = refused else { panic!("{refused:?}") };
        assert_eq!(why.to_string(), "the master key k1 of the ring is not the one that this database was sealed with");
    }
    assert_eq!(w.list().await.len(), 1, "nothing was kept");
    assert_eq!(w.stored("openai").await, before);
    assert_eq!(w.memory.known().await.unwrap()[0].uses, 1, "and nothing counted");
    let different = async || {
        let states = w.custody.status().await.unwrap().master_keys;
        states
            .iter()
            .filter(|state| state.in_ring == InRing::Different)
            .map(|state| state.known.id.to_string())
            .collect::<Vec<_>>()
    };
    assert_eq!(different().await, ["k1"]);
    w.ring.put((*good).clone());
    assert_eq!(different().await, Vec::<String>::new());
    w.add("cohere", OTHER).await.unwrap();
    assert_eq!((w.secret("openai").await, w.secret("cohere").await), (SECRET.into(), OTHER.into()));
}

/// A row that names a master key that nobody registered says nothing of the one that the ring has under this name.
#[tokio::test]
async fn what_only_a_row_names_is_not_taken_for_another_key() {
    let w = World::new(16).await;
    w.add("openai", SECRET).await.unwrap();
    let ring = w.ring.ring().with(k("k2"), MasterKey::new([7; 32]).unwrap()).unwrap();
    w.ring.put(ring);
    w.memory.tamper(w.org, &id("openai"), |key| key.master_key = k("k2"));
    let states = w.custody.status().await.unwrap().master_keys;
    assert!(states.iter().all(|state| state.in_ring == InRing::Same), "{states:?}");
}
