use kernel::testing::race;

use super::due::claims_each_once;
use super::stage::{Stage, number_of, opened};
use crate::testing::ByokStores;
use crate::{Deleted, ProviderKey, Put, Remembered, Retired, Test, Verdict};

/// Whatever 32 do to one place at once: one of them is first, and nobody gets a key that was replaced or deleted.
pub async fn key_store_race(stores: ByokStores<'_>) {
    one_place(&Stage::new(stores).await).await;
    put_or_delete(&Stage::new(stores).await).await;
    handed_out_or_deleted(&Stage::new(stores).await).await;
    handed_out_or_replaced(&Stage::new(stores).await).await;
    read_while_it_changes(&Stage::new(stores).await).await;
    claims_each_once(&Stage::new(stores).await).await;
    tested_at_once(&Stage::new(stores).await).await;
}

/// Whatever races with a rotation: a key is sealed with a master key that will be there.
pub async fn custody_store_race(stores: ByokStores<'_>) {
    registered_once(&Stage::new(stores).await).await;
    put_or_retire(&Stage::new(stores).await).await;
    rewrap_or_put(&Stage::new(stores).await).await;
    rewrap_or_delete(&Stage::new(stores).await).await;
    rewrap_or_retire(&Stage::new(stores).await).await;
}

/// Who was told that theirs is kept.
fn winner(answers: &[Put]) -> usize {
    assert_eq!(number_of(answers, &Put::Kept), 1, "one version, one key: {answers:?}");
    assert_eq!(number_of(answers, &Put::Moved), answers.len() - 1);
    answers.iter().position(|answer| *answer == Put::Kept).unwrap()
}

async fn one_place(s: &Stage<'_>) {
    let org = s.org().await;
    let mut before: Option<ProviderKey> = None;
    for round in 1..=4 {
        let rivals: Vec<ProviderKey> = (0..32).map(|_| s.draft(org, "openai", before.as_ref())).collect();
        let answers = race(32, async |n| s.put(&rivals[n]).await).await;
        let kept = rivals[winner(&answers)].clone();
        assert_eq!(s.same(&kept).await.as_ref(), Some(&kept), "it is the one that was told so");
        assert_eq!(s.uses(s.first()).await, (round, 1), "the others sealed nothing that is kept");
        before = Some(kept);
    }
}

async fn put_or_delete(s: &Stage<'_>) {
    for _ in 0..4 {
        let key = s.stored().await;
        let next = s.draft(key.org, "openai", Some(&key));
        let answers =
            race(32, async |n| if n.is_multiple_of(2) { Ok(s.put(&next).await) } else { Err(s.delete(&key).await) })
                .await;
        let puts = number_of(&answers, &Ok(Put::Kept));
        assert!(puts <= 1 && puts + number_of(&answers, &Ok(Put::Moved)) == 16, "{answers:?}");
        assert_eq!(number_of(&answers, &Err(Deleted::Deleted)), 1, "deleted once, before the other or after it");
        assert_eq!(s.same(&key).await, None, "and what was deleted does not come back");
    }
}

async fn handed_out_or_deleted(s: &Stage<'_>) {
    for _ in 0..4 {
        let key = s.stored().await;
        let after = race(32, async |n| {
            if n == 16 {
                assert_eq!(s.delete(&key).await, Deleted::Deleted);
                return s.hand_out(&key).await;
            }
            s.hand_out(&key).await;
            false
        })
        .await;
        assert_eq!(number_of(&after, &true), 0, "nobody gets it once its deletion was answered");
        assert!(!s.hand_out(&key).await);
        assert_eq!(s.same(&key).await, None);
    }
}

async fn handed_out_or_replaced(s: &Stage<'_>) {
    for _ in 0..4 {
        let key = s.stored().await;
        let next = s.draft(key.org, "openai", Some(&key));
        let after = race(32, async |n| {
            if n == 16 {
                assert_eq!(s.put(&next).await, Put::Kept);
                return (s.hand_out(&key).await, s.hand_out(&next).await);
            }
            s.hand_out(&key).await;
            (false, true)
        })
        .await;
        assert!(after.iter().all(|answers| *answers == (false, true)), "the old one never, the new one at once");
        let now = s.same(&key).await.unwrap();
        assert_eq!(ProviderKey { last_used: next.last_used, ..now }, next, "and nothing else of it changed");
    }
}

/// Readers that began before a change must not leave what they saw to those who come after it.
async fn read_while_it_changes(s: &Stage<'_>) {
    for _ in 0..4 {
        let key = s.stored().await;
        let next = s.draft(key.org, "openai", Some(&key));
        race(32, async |n| match n {
            12 => drop(s.put(&next).await),
            20 => assert_eq!(s.delete(&key).await, Deleted::Deleted),
            n if n.is_multiple_of(2) => drop(s.stores.keys.of(key.org, &key.provider).await.unwrap()),
            _ => drop(s.stores.keys.list(key.org).await.unwrap()),
        })
        .await;
        // Every way to read it says the same.
        s.same(&key).await;
    }
}

/// Of 32 tests that began together the first one to end is remembered, whole.
async fn tested_at_once(s: &Stage<'_>) {
    let verdicts = [Verdict::Invalid, Verdict::Unknown, Verdict::Valid, Verdict::Error];
    for _ in 0..4 {
        let (key, began) = (s.stored().await, s.tick());
        let ends: Vec<_> = (0..32).map(|n| (s.tick(), verdicts[n % 4])).collect();
        let answers = race(32, async |n| s.tested_since(&key, began, ends[n].1, ends[n].0).await).await;
        assert_eq!(number_of(&answers, &Remembered::Kept), 1, "{answers:?}");
        assert_eq!(number_of(&answers, &Remembered::Overtaken), 31, "{answers:?}");
        let (at, verdict) = ends[answers.iter().position(|answer| *answer == Remembered::Kept).unwrap()];
        assert_eq!(s.same(&key).await.unwrap().tested, Some(Test::after(None, at, verdict)));
        assert_eq!(s.delete(&key).await, Deleted::Deleted);
    }
}

async fn registered_once(s: &Stage<'_>) {
    let name = s.name("wanted");
    let answers = race(32, async |_| s.register_rival(&name).await).await;
    assert_eq!(number_of(&answers, &true), 1, "one name, one master key");
}

async fn put_or_retire(s: &Stage<'_>) {
    for round in 0..8 {
        let ring = s.other_ring().await;
        let mut drafts = Vec::new();
        for _ in 0..31 {
            drafts.push(s.draft_in(&ring, s.org().await, "openai", None));
        }
        let answers = race(32, async |n| match n.cmp(&(round * 4)) {
            std::cmp::Ordering::Equal => Err(s.retire(ring.active()).await),
            std::cmp::Ordering::Less => Ok(s.put(&drafts[n]).await),
            std::cmp::Ordering::Greater => Ok(s.put(&drafts[n - 1]).await),
        })
        .await;
        let kept = number_of(&answers, &Ok(Put::Kept));
        let late = number_of(&answers, &Ok(Put::RetiredMasterKey));
        assert_eq!(kept + late, 31, "{answers:?}");
        let retired = number_of(&answers, &Err(Retired::Retired)) == 1;
        assert_eq!((kept == 0, late == 31), (retired, retired), "of the two one happens: {answers:?}");
        let known = s.known(ring.active()).await.unwrap();
        let count = u64::try_from(kept).unwrap();
        assert_eq!((known.uses, known.sealing, known.retired_at.is_some()), (count, count, retired));
    }
}

async fn rewrap_or_put(s: &Stage<'_>) {
    for _ in 0..4 {
        let (key, other) = (s.stored().await, s.other_ring().await);
        let next = s.draft(key.org, "openai", Some(&key));
        let answers = race(32, async |n| {
            if n.is_multiple_of(2) {
                return Ok(s.rewrap(&[s.rewrapped(&other, &key)], other.active()).await);
            }
            Err(s.put(&next).await)
        })
        .await;
        let wrapped = number_of(&answers, &Ok(1));
        assert!(wrapped <= 1, "one data key is wrapped once: {answers:?}");
        assert_eq!(number_of(&answers, &Err(Put::Kept)), 1, "a rotation hinders nobody");
        assert_eq!(s.same(&key).await, Some(next), "the new secret, whichever came first");
        assert_eq!(s.uses(other.active()).await, (u64::try_from(wrapped).unwrap(), 0));
    }
}

async fn rewrap_or_delete(s: &Stage<'_>) {
    for _ in 0..4 {
        let (key, other) = (s.stored().await, s.other_ring().await);
        let new = s.rewrapped(&other, &key);
        let answers = race(32, async |n| {
            if n == 16 {
                assert_eq!(s.delete(&key).await, Deleted::Deleted);
                return 0;
            }
            s.rewrap(std::slice::from_ref(&new), other.active()).await
        })
        .await;
        assert!(number_of(&answers, &1) <= 1, "{answers:?}");
        assert_eq!(s.same(&key).await, None, "no rotation brings a deleted key back");
    }
}

async fn rewrap_or_retire(s: &Stage<'_>) {
    for round in 0..8 {
        let (other, mut keys) = (s.other_ring().await, Vec::new());
        for _ in 0..31 {
            keys.push(s.stored().await);
        }
        let new: Vec<_> = keys.iter().map(|key| s.rewrapped(&other, key)).collect();
        let answers = race(32, async |n| match n.cmp(&(round * 4)) {
            std::cmp::Ordering::Equal => Err(s.retire(other.active()).await),
            std::cmp::Ordering::Less => Ok(s.rewrap(&new[n..=n], other.active()).await),
            std::cmp::Ordering::Greater => Ok(s.rewrap(&new[n - 1..n], other.active()).await),
        })
        .await;
        let wrapped = number_of(&answers, &Ok(1));
        let retired = number_of(&answers, &Err(Retired::Retired)) == 1;
        assert_eq!(wrapped == 0, retired, "of the two one happens: {answers:?}");
        assert!(retired || wrapped == 31, "{answers:?}");
        for key in &keys {
            let now = s.same(key).await.unwrap();
            assert_eq!(opened(&other, &now), opened(&s.ring, key), "it opens, whatever happened");
        }
    }
}
