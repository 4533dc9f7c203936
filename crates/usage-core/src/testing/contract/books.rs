use kernel::{OrgId, Period};

use super::stage::{DAY, SECOND, Stage};
use crate::Draft;
use crate::testing::UsageStores;

/// What every [`Bookkeeping`](crate::Bookkeeping) promises.
pub async fn bookkeeping_contract(stores: UsageStores<'_>) {
    lists_who_has_rows(&Stage::new(stores)).await;
    finds_and_mends_what_was_falsified(&Stage::new(stores)).await;
    rebuilding_changes_nothing_that_is_right(&Stage::new(stores)).await;
}

async fn lists_who_has_rows(s: &Stage<'_>) {
    let mut orgs = Vec::new();
    for _ in 0..3 {
        let org = s.org(&s.monthly(10)).await;
        s.record(&s.draft(org, 1)).await;
        orgs.push(org);
    }
    let listed = s.stores.books.organizations().await.unwrap();
    assert!(orgs.iter().all(|org| listed.contains(org)), "who has rows is listed");
    assert!(listed.is_sorted() && listed.windows(2).all(|pair| pair[0] != pair[1]), "in order, once");
    let unknown = OrgId::mint(s.stores.ambient);
    let found = s.stores.books.verify(unknown).await.unwrap();
    assert_eq!((found.entries, found.differences), (0, vec![]), "nothing is nothing");
    assert_eq!(s.stores.books.rebuild(unknown, s.noon).await.unwrap(), 0);
}

async fn finds_and_mends_what_was_falsified(s: &Stage<'_>) {
    let plan = s.monthly(100);
    let (org, other) = (s.org(&plan).await, s.org(&s.monthly(100)).await);
    for cost in [3, 4] {
        s.record(&s.draft(org, cost)).await;
        s.record(&s.draft(other, cost)).await;
    }
    let found = s.stores.books.verify(org).await.unwrap();
    assert_eq!((found.organizations, found.entries, found.differences), (1, 2, vec![]));
    s.stores.world.falsify(org, s.noon, 5).await;
    assert_eq!(s.month(org, s.noon).await, (12, 0), "the counter is what is read");
    let found = s.stores.books.verify(org).await.unwrap();
    assert_eq!(found.differences.len(), 1, "one number is wrong: {:?}", found.differences);
    let difference = &found.differences[0];
    assert_eq!((difference.org, difference.counted, difference.ledger), (org, 12, 7));
    let month = Period::month(plan.anchor, s.noon).start.to_rfc3339_opts(chrono::SecondsFormat::Secs, true);
    assert_eq!(difference.what, format!("month {month}"), "with the hour at which it begins");
    assert_eq!(s.stores.books.verify(other).await.unwrap().differences, vec![], "nobody else's");
    assert_eq!(s.stores.books.rebuild(other, s.noon).await.unwrap(), 2);
    assert_eq!(s.month(org, s.noon).await, (12, 0), "nobody else's");
    assert_eq!(s.stores.books.rebuild(org, s.noon).await.unwrap(), 2, "so many rows");
    assert_eq!(s.month(org, s.noon).await, (7, 0), "the ledger is the truth");
    s.assert_sound(org, &[], s.noon).await;
}

async fn rebuilding_changes_nothing_that_is_right(s: &Stage<'_>) {
    let (org, user) = (s.org(&s.monthly(100)).await, s.user().await);
    let on = |user, cost, at| Draft { user, received_at: at, ..s.draft(org, cost) };
    s.record(&on(Some(user), 9, s.noon - DAY * 40)).await;
    s.record(&on(Some(user), 2, s.noon - DAY)).await;
    s.reset(org, s.noon - DAY).await;
    s.record(&on(Some(user), 3, s.noon)).await;
    s.record(&on(None, 4, s.noon)).await;
    let (open, settled, over) = (s.lease(org, Some(user), 5), s.lease(org, None, 6), s.lease(org, None, 7));
    for hold in [&open, &settled, &over] {
        s.hold(hold).await;
    }
    s.settle(&settled, 8, s.noon + SECOND).await;
    s.release(&over, s.noon + SECOND).await;
    let now = s.noon + SECOND * 2;
    let everything = async || {
        let mut tallies = Vec::new();
        for at in [now, s.noon - DAY, s.noon - DAY * 40] {
            tallies.push(s.tally(org, Some(user), at).await);
        }
        (tallies, s.stores.reader.history(org, s.around(50)).await.unwrap(), s.ledger(org).await)
    };
    let before = everything().await;
    assert_eq!(super::stage::numbers(before.0[0].month), (15, 5));
    for _ in 0..2 {
        assert_eq!(s.stores.books.rebuild(org, now).await.unwrap(), 6);
        assert_eq!(everything().await, before, "counters, history, what is held, and the ledger itself");
    }
    s.assert_sound(org, &[user], now).await;
    assert!(matches!(s.settle(&open, 5, now).await, crate::Settled::Settled(_)), "what was held can be settled");
    s.assert_sound(org, &[user], now).await;
}
