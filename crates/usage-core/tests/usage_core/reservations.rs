//! Quantity that is held for a call under way.

use std::time::Duration;

use kernel::{OrgId, ReservationId};
use usage_core::testing::World as _;
use usage_core::{FieldError, Hold, Lease, Metering, Report, UsageError};

use crate::world::{World, cost, service};

pub(crate) fn lease(org: OrgId, quantity: u64) -> Lease {
    Lease { org, user: None, service: service("tts"), quantity: cost(quantity), seconds: Lease::DEFAULT_SECONDS }
}

#[tokio::test]
async fn held_quantity_is_settled_or_comes_back() {
    let w = World::new(1);
    let org = w.org(10).await;
    let held = w.metering.hold(lease(org, 8)).await.unwrap();
    assert_eq!((held.tally.month.used, held.tally.month.reserved), (0, 8));
    assert_eq!(held.expires_at, w.ambient.now() + Duration::from_mins(1));
    let refused = w.metering.hold(lease(org, 3)).await;
    assert!(matches!(refused, Err(UsageError::QuotaExceeded(..))), "{refused:?}");
    let tally = w.metering.settle(org, held.id, cost(5)).await.unwrap();
    assert_eq!((tally.month.used, tally.month.reserved), (5, 0));
    assert_eq!(w.metering.settle(org, held.id, cost(5)).await.unwrap().month.used, 5, "again");
    assert!(matches!(w.metering.settle(org, held.id, cost(6)).await, Err(UsageError::ReservationEnded)));
    assert!(matches!(w.metering.release(org, held.id).await, Err(UsageError::ReservationEnded)));

    let second = w.metering.hold(lease(org, 5)).await.unwrap();
    let more = w.metering.settle(org, second.id, cost(6)).await;
    assert!(matches!(more, Err(UsageError::QuotaExceeded(..))), "{more:?}");
    for _ in 0..2 {
        w.metering.release(org, second.id).await.unwrap();
    }
    assert!(matches!(w.metering.settle(org, second.id, cost(5)).await, Err(UsageError::ReservationEnded)));
    assert_eq!(w.use_up(org, "chat", 5).await, 10, "what was given back is there");
    assert_eq!(w.memory.open_reservations(), 0);
}

#[tokio::test]
async fn unknown_reservations_and_organizations_are_named_so() {
    let w = World::new(2);
    let (org, other) = (w.org(10).await, w.org(10).await);
    let held = w.metering.hold(lease(org, 1)).await.unwrap();
    for (whose, id) in [(other, held.id), (org, ReservationId::mint(&w.ambient))] {
        assert!(matches!(w.metering.settle(whose, id, cost(1)).await, Err(UsageError::NoSuchReservation)));
        assert!(matches!(w.metering.release(whose, id).await, Err(UsageError::NoSuchReservation)));
    }
    assert!(matches!(w.metering.hold(lease(OrgId::mint(&w.ambient), 1)).await, Err(UsageError::NoOrg)));
}

#[tokio::test]
async fn a_lease_has_its_bounds() {
    let w = World::new(3);
    let org = w.org(10).await;
    for seconds in [0, Lease::MAX_SECONDS + 1, u32::MAX] {
        let refused = w.metering.hold(Lease { seconds, ..lease(org, 1) }).await;
        assert!(matches!(refused, Err(UsageError::Invalid("ttl_s", FieldError::Lease))), "{seconds}");
    }
    for seconds in [1, Lease::MAX_SECONDS] {
        w.metering.hold(Lease { seconds, ..lease(org, 1) }).await.unwrap();
    }
    assert_eq!(w.memory.open_reservations(), 2);
}

#[tokio::test]
async fn what_nobody_settles_comes_back_by_itself() {
    let w = World::new(4);
    let org = w.org(2_000).await;
    for _ in 0..Metering::EXPIRE_STEP + 100 {
        w.metering.hold(lease(org, 3)).await.unwrap();
    }
    assert_eq!(w.metering.expire().await.unwrap(), 0, "not yet");
    let late = w.metering.track(Report { quantity: cost(1_000), ..Report::new(org, service("chat")) }).await;
    assert!(matches!(late, Err(UsageError::QuotaExceeded(..))));
    w.clock.advance(Duration::from_mins(1));
    assert_eq!(w.usage.tally(org, None).await.unwrap().month.reserved, 0, "before anybody cleaned up");
    let mut steps = Vec::new();
    while steps.last() != Some(&0) {
        steps.push(w.metering.expire().await.unwrap());
    }
    assert_eq!(steps, vec![u64::from(Metering::EXPIRE_STEP), 100, 0], "in steps");
    assert_eq!(w.memory.open_reservations(), 0);
    assert_eq!(w.use_up(org, "chat", 2_000).await, 2_000);
}

#[tokio::test]
async fn open_reservations_have_an_end() {
    let w = World::new(5);
    let org = w.org(1_000_000).await;
    let first = w.metering.hold(lease(org, 1)).await.unwrap();
    let (at, service) = (w.ambient.now(), service("tts"));
    let hold = Hold { id: first.id, org, user: None, service, quantity: cost(1), at, expires_at: first.expires_at };
    w.memory.hold_more(&hold, Hold::MOST_OPEN - 1).await;
    let refused = w.metering.hold(lease(org, 1)).await;
    let Err(UsageError::TooManyReservations(again)) = refused else { panic!("{refused:?}") };
    assert_eq!(again, first.expires_at, "when the first of them ends");
    assert_eq!(w.memory.open_reservations(), 10_000);
    w.clock.advance(Duration::from_mins(1));
    w.metering.hold(lease(org, 1)).await.unwrap();
}
