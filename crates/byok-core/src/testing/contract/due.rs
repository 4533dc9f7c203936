use std::collections::BTreeSet;

use chrono::TimeDelta;
use kernel::testing::race;
use kernel::{ProviderKeyId, Timestamp};

use super::stage::Stage;
use crate::{Deleted, ProviderKey, Put, Remembered, Verdict};

/// Claims; the ids, in their order.
async fn claim(s: &Stage<'_>, before: Timestamp, now: Timestamp, until: Timestamp, limit: u32) -> Vec<ProviderKeyId> {
    let claimed = s.stores.keys.claim_untested(before, now, until, limit).await.unwrap();
    assert!(claimed.len() <= usize::try_from(limit).unwrap(), "no more than was asked for");
    claimed.into_iter().map(|key| key.id).collect()
}

/// Claims, for ever, whatever others left behind.
async fn clear(s: &Stage<'_>) {
    let now = s.tick();
    while !claim(s, now, now, now + TimeDelta::days(10_000), 1000).await.is_empty() {}
}

/// The part of the contract about keys whose time to be tested has come.
pub(super) async fn gives_out_what_is_due(s: &Stage<'_>) {
    clear(s).await;
    let (never, long_ago, lately) = (s.stored().await, s.stored().await, s.stored().await);
    let now = s.tick() + TimeDelta::days(1);
    let before = now - TimeDelta::hours(1);
    let tested = async |key: &ProviderKey, hours: i64, verdict| {
        assert_eq!(s.tested(key, now - TimeDelta::hours(hours), verdict).await, Remembered::Kept);
    };
    tested(&long_ago, 3, Verdict::Invalid).await;
    tested(&lately, 2, Verdict::Valid).await;
    let minute = TimeDelta::minutes(1);
    assert_eq!(claim(s, before, now, now + minute, 0).await, [], "none when none is wanted");
    assert_eq!(claim(s, before, now, now + minute, 2).await, [never.id, long_ago.id], "the longest untested first");
    assert_eq!(claim(s, before, now, now + minute, 9).await, [lately.id], "nobody else gets the claimed ones");
    assert_eq!(claim(s, before, now + minute / 2, now + minute, 9).await, []);
    tested(&never, 0, Verdict::Error).await;
    tested(&lately, 0, Verdict::Unknown).await;
    let later = now + minute;
    assert_eq!(claim(s, before, later, later + minute, 9).await, [long_ago.id], "a claim ends, a test lasts");
    assert_eq!(s.delete(&long_ago).await, Deleted::Deleted);
    let next = s.draft(never.org, "openai", Some(&never));
    assert_eq!(s.put(&next).await, Put::Kept);
    let later = later + minute;
    let claimed = s.stores.keys.claim_untested(before, later, later + minute, 9).await.unwrap();
    assert_eq!(claimed, [next], "a new secret was never tested, a deleted one never will be");
    clear(s).await;
}

/// Of 32 who claim at once nobody gets what another one got, and nothing is left.
pub(super) async fn claims_each_once(s: &Stage<'_>) {
    clear(s).await;
    let mut due = BTreeSet::new();
    for _ in 0..100 {
        due.insert(s.stored().await.id);
    }
    let now = s.tick();
    let until = now + TimeDelta::days(10_000);
    let claims = race(32, async |_| claim(s, now, now, until, 7).await).await;
    let claimed: Vec<ProviderKeyId> = claims.into_iter().flatten().collect();
    let mut each: BTreeSet<ProviderKeyId> = claimed.iter().copied().collect();
    assert_eq!(each.len(), claimed.len(), "each is given to one");
    loop {
        let rest = claim(s, now, now, until, 7).await;
        if rest.is_empty() {
            break;
        }
        assert!(rest.into_iter().all(|id| each.insert(id)), "each is given to one");
    }
    assert_eq!(each, due, "and each to somebody");
}
