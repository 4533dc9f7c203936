//! Checking and mending what is derived from the ledger.

use usage_core::UsageError;
use usage_core::testing::World as _;

use crate::world::World;

#[tokio::test]
async fn every_organization_is_checked_and_mended() {
    let w = World::new(1);
    let mut orgs = Vec::new();
    for n in 1..=3 {
        let org = w.org(100).await;
        for _ in 0..n {
            w.use_up(org, "chat", 2).await;
        }
        orgs.push(org);
    }
    let right = w.books.verify(|_| {}).await.unwrap();
    assert_eq!((right.organizations, right.entries, right.differences), (3, 6, vec![]));
    for org in &orgs[..2] {
        w.memory.falsify(*org, w.ambient.now(), 50).await;
    }
    let mut seen = Vec::new();
    let wrong = w.books.verify(|progress| seen.push((progress.org, progress.done, progress.of))).await.unwrap();
    let mut expected: Vec<_> =
        wrong.differences.iter().map(|found| (found.org, found.counted - found.ledger)).collect();
    expected.sort();
    let mut falsified: Vec<_> = orgs[..2].iter().map(|org| (*org, 50)).collect();
    falsified.sort();
    assert_eq!(expected, falsified);
    let mut sorted = orgs.clone();
    sorted.sort();
    assert_eq!(seen, sorted.into_iter().zip(1..).map(|(org, done)| (org, done, 3)).collect::<Vec<_>>());
    let mut rows = Vec::new();
    assert_eq!(w.books.rebuild(|progress| rows.push(progress.entries)).await.unwrap(), 6);
    rows.sort_unstable();
    assert_eq!(rows, vec![1, 2, 3]);
    assert_eq!(w.books.verify(|_| {}).await.unwrap().differences, vec![]);
}

#[tokio::test]
async fn no_more_than_a_hundred_differences_are_named() {
    let w = World::new(2);
    let org = w.org(100).await;
    w.use_up(org, "chat", 2).await;
    for _ in 0..120 {
        w.memory.falsify(org, w.ambient.now(), 1).await;
    }
    assert_eq!(w.books.verify(|_| {}).await.unwrap().differences.len(), 100);
    w.memory.break_down(true);
    assert!(matches!(w.books.verify(|_| {}).await, Err(UsageError::Store(_))));
    assert!(matches!(w.books.rebuild(|_| {}).await, Err(UsageError::Store(_))));
}
