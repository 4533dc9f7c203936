//! The trail over its double.

use std::sync::Arc;

use audit_core::testing::{MemoryAudit, Recorder, trail_store_contract};
use audit_core::{AuditError, Trail, TrailFilter, policy};
use kernel::testing::manual_ambient;
use kernel::{Action, Actor, Page, Record};

#[tokio::test]
async fn the_double_keeps_its_contract() {
    let (store, (_, ambient)) = (MemoryAudit::new(), manual_ambient(1));
    trail_store_contract(&store, &store, &ambient).await;
}

#[tokio::test]
async fn the_trail_answers_what_the_store_keeps_and_never_hides_an_outage() {
    let (store, (_, ambient)) = (Arc::new(MemoryAudit::new()), manual_ambient(2));
    let trail = Trail::new(store.clone());
    let record = Record::new(&ambient, &Actor::system(), Action::Login, "user", "ann");
    store.keep(&record).await;
    let found = trail.page(&TrailFilter::default(), Page::default()).await.unwrap();
    assert_eq!((found.total, found.items.first().map(|entry| entry.id)), (1, Some(record.id)));
    store.break_down(true);
    let failed = trail.page(&TrailFilter::default(), Page::default()).await;
    assert!(matches!(failed, Err(AuditError::Store(_))), "an outage is not an empty trail");
}

#[test]
fn texts_are_cut_between_characters() {
    assert_eq!(policy::truncated("äöü\u{1f980}", 3), "äöü");
    assert_eq!(policy::truncated("äöü", 3), "äöü");
    assert_eq!(policy::truncated("", 3), "");
}
