use std::collections::BTreeSet;

use kernel::ProviderKeyId;

use super::stage::{Stage, opened};
use crate::testing::ByokStores;
use crate::{Deleted, MasterKeyId, ProviderKey, Put, Retired, Rewrapped};

/// What every [`CustodyStore`](crate::CustodyStore) promises.
pub async fn custody_store_contract(stores: ByokStores<'_>) {
    knows_master_keys(&Stage::new(stores).await).await;
    finds_what_is_sealed_otherwise(&Stage::new(stores).await).await;
    rewraps_what_was_read(&Stage::new(stores).await).await;
    retires_what_nobody_needs(&Stage::new(stores).await).await;
}

async fn knows_master_keys(s: &Stage<'_>) {
    let known = s.known(s.first()).await.unwrap();
    let check = s.ring.get(s.first()).unwrap().check();
    assert_eq!((known.check, known.uses, known.sealing, known.retired_at), (check, 0, 0, None));
    assert!(s.register(s.first(), false).await, "a second time nothing happens");
    assert!(!s.register_rival(s.first()).await, "another key of the same name is told apart");
    assert_eq!(s.known(s.first()).await, Some(known), "and nothing changed");
    assert_eq!(s.known(&s.name("nobody")).await, None);
    let (org, provider) = (s.org().await, "openai");
    let first = s.stored_in(&s.ring, org, provider).await;
    let again = s.draft(org, provider, Some(&first));
    assert_eq!(s.put(&again).await, Put::Kept);
    let second = s.stored().await;
    assert_eq!(s.uses(s.first()).await, (3, 2));
    assert_eq!((s.delete(&second).await, s.delete(&again).await), (Deleted::Deleted, Deleted::Deleted));
    assert_eq!(s.uses(s.first()).await, (3, 0), "a use stays a use");
    assert_eq!(s.uses(&s.second).await, (0, 0));
    s.rotated().await;
}

/// The ids of all keys that another master key sealed, walked in steps.
async fn walk(s: &Stage<'_>, than: &MasterKeyId, step: u32) -> Vec<ProviderKey> {
    let (mut all, mut after) = (Vec::new(), None);
    loop {
        let found = s.stores.custody.sealed_otherwise(than, after, step).await.unwrap();
        assert!(found.len() <= usize::try_from(step).unwrap());
        assert!(found.iter().all(|key| key.master_key != *than && after.is_none_or(|after| after < key.id)));
        let Some(last) = found.last() else { return all };
        after = Some(last.id);
        all.extend(found);
    }
}

async fn finds_what_is_sealed_otherwise(s: &Stage<'_>) {
    let other = s.other_ring().await;
    let mut mine = Vec::new();
    for n in 0..7 {
        let ring = if n % 3 == 2 { &other } else { &s.ring };
        mine.push(s.stored_in(ring, s.org().await, "openai").await);
    }
    let ids = |keys: &[ProviderKey]| -> BTreeSet<ProviderKeyId> { keys.iter().map(|key| key.id).collect() };
    for step in [1, 2, 3, 100] {
        let all = walk(s, other.active(), step).await;
        assert!(all.windows(2).all(|pair| pair[0].id < pair[1].id), "by id, each once");
        let found: Vec<ProviderKey> = all.into_iter().filter(|key| ids(&mine).contains(&key.id)).collect();
        let mut wanted: Vec<ProviderKey> = mine.iter().filter(|key| key.master_key == *s.first()).cloned().collect();
        wanted.sort_by_key(|key| key.id);
        assert_eq!(found, wanted, "those, whole, of every organization");
    }
    assert!(ids(&walk(s, &s.second, 100).await).is_superset(&ids(&mine)), "none of them is sealed with this one");
    assert_eq!(s.stores.custody.sealed_otherwise(&s.second, None, 0).await.unwrap(), []);
}

async fn rewraps_what_was_read(s: &Stage<'_>) {
    let other = s.other_ring().await;
    let under = other.active();
    let (a, b, replaced, deleted) = (s.stored().await, s.stored().await, s.stored().await, s.stored().await);
    let new = [&a, &b, &replaced, &deleted].map(|key| s.rewrapped(&other, key));
    let secrets = (opened(&s.ring, &a), opened(&s.ring, &b));
    let next = s.draft(replaced.org, "openai", Some(&replaced));
    assert_eq!(s.put(&next).await, Put::Kept);
    assert_eq!(s.delete(&deleted).await, Deleted::Deleted);
    let wrong: Vec<Rewrapped> = vec![
        Rewrapped { org: b.org, ..new[0].clone() },
        Rewrapped { version: 2, ..new[0].clone() },
        Rewrapped { from: s.second.clone(), ..new[0].clone() },
        Rewrapped { id: ProviderKeyId::mint(s.stores.ambient), ..new[0].clone() },
    ];
    assert_eq!(s.rewrap(&wrong, under).await, 0, "not as it was read");
    assert_eq!(s.rewrap(&[], under).await, 0);
    assert_eq!(s.rewrap(&new, &s.name("nobody")).await, 0, "nobody registered it");
    assert_eq!(s.rewrap_as(&new, under, &s.ring.active_check()).await, 0, "another key of that name");
    assert_eq!((s.same(&a).await, s.same(&b).await), (Some(a.clone()), Some(b.clone())), "and nothing changed");
    assert_eq!(s.rewrap(&new, under).await, 2, "those that nobody else changed");
    let wrapped = |key: &ProviderKey, new: &Rewrapped| ProviderKey {
        sealed: new.sealed.clone(),
        master_key: under.clone(),
        ..key.clone()
    };
    let now = (s.same(&a).await.unwrap(), s.same(&b).await.unwrap());
    assert_eq!(now, (wrapped(&a, &new[0]), wrapped(&b, &new[1])), "at once, and nothing else of them changed");
    assert_eq!((opened(&other, &now.0), opened(&other, &now.1)), secrets, "the same secrets");
    assert_eq!((s.same(&replaced).await, s.same(&deleted).await), (Some(next), None));
    assert_eq!((s.uses(under).await, s.uses(s.first()).await), ((2, 2), (5, 1)), "counted");
    assert_eq!(s.rewrap(&new, under).await, 0, "a second time they are not as they were read");
    assert!(s.hand_out(&a).await, "it is the same key: who read it before may hand it out");
}

async fn retires_what_nobody_needs(s: &Stage<'_>) {
    let other = s.other_ring().await;
    let keys = [s.stored().await, s.stored().await];
    assert_eq!(s.retire(s.first()).await, Retired::InUse(2));
    assert_eq!(s.known(s.first()).await.unwrap().retired_at, None, "and nothing changed");
    assert_eq!(s.rewrap(&[s.rewrapped(&other, &keys[0])], other.active()).await, 1);
    assert_eq!(s.retire(s.first()).await, Retired::InUse(1));
    assert_eq!(s.delete(&keys[1]).await, Deleted::Deleted);
    assert_eq!(s.retire(s.first()).await, Retired::Retired);
    let known = s.known(s.first()).await.unwrap();
    assert!(known.retired_at.is_some(), "it stays known");
    assert_eq!(s.retire_again(s.first()).await, Retired::Retired, "a second time nothing happens");
    assert_eq!(s.known(s.first()).await, Some(known.clone()));
    assert!(s.register(s.first(), false).await, "it is known");
    assert_eq!(s.known(s.first()).await, Some(known), "and stays retired");
    let now = s.same(&keys[0]).await.unwrap();
    let back = s.rewrapped(&other, &now);
    assert_eq!(s.rewrap(&[back], s.first()).await, 0, "nothing goes back");
    assert_eq!(s.same(&keys[0]).await, Some(now));
    assert_eq!(s.retire(&s.name("nobody")).await, Retired::NotFound);
}
