//! What a field takes, and when two drafts are the same event.

use kernel::testing::manual_ambient;
use kernel::{Limit, OrgId, Period, UserId};
use proptest::prelude::*;
use usage_core::{ActionName, Count, Draft, EntryKind, EventId, FieldError, Grain, Quantity, Tally, Wall};

use crate::world::{cost, service};

#[test]
fn a_quantity_is_a_safe_whole_number() {
    for good in [1, 2, 1_000_000_000] {
        assert_eq!(Quantity::new(good).map(Quantity::get), Ok(good));
    }
    for bad in [0, 1_000_000_001, u64::MAX] {
        assert_eq!(Quantity::new(bad), Err(FieldError::Quantity));
    }
}

#[test]
fn names_are_plain() {
    let long = "x".repeat(128);
    for good in ["a", "evt_1", "~!@#", long.as_str()] {
        assert_eq!(good.parse::<EventId>().map(|name| name.to_string()), Ok(good.to_owned()));
    }
    for bad in ["", " ", "a b", "ä", "a\n", "a\0", &format!("{long}x")] {
        assert_eq!(bad.parse::<EventId>(), Err(FieldError::EventId), "{bad:?}");
    }
    assert_eq!(" completion ".parse::<ActionName>().map(|name| name.as_str().to_owned()), Ok("completion".to_owned()));
    for bad in ["", "  ", "a\nb", "a\u{7}", &"x".repeat(65)] {
        assert_eq!(bad.parse::<ActionName>(), Err(FieldError::Action), "{bad:?}");
    }
    for kind in EntryKind::ALL {
        assert_eq!(EntryKind::parse(kind.as_str()), Some(kind));
    }
    for grain in Grain::ALL {
        assert_eq!(Grain::parse(grain.as_str()), Some(grain));
    }
    assert_eq!((EntryKind::parse("Call"), Grain::parse("yearly")), (None, None));
}

fn draft() -> Draft {
    let (_, ambient) = manual_ambient(1);
    Draft {
        org: OrgId::mint(&ambient),
        event: "evt".parse().unwrap(),
        user: Some(UserId::mint(&ambient)),
        service: service("chat"),
        action: "completion".parse().ok(),
        quantity: Quantity::ONE,
        occurred_at: Some(ambient.now()),
        received_at: ambient.now(),
        metadata: Some("{}".to_owned()),
    }
}

#[test]
fn a_fingerprint_covers_all_but_the_time_of_receipt() {
    let (one, (_, ambient)) = (draft(), manual_ambient(2));
    let later = Draft { received_at: one.received_at + chrono::TimeDelta::days(3), ..one.clone() };
    assert_eq!(later.fingerprint(), one.fingerprint());
    let others = [
        Draft { org: OrgId::mint(&ambient), ..one.clone() },
        Draft { event: "evt2".parse().unwrap(), ..one.clone() },
        Draft { user: Some(UserId::mint(&ambient)), ..one.clone() },
        Draft { user: None, ..one.clone() },
        Draft { service: service("search"), ..one.clone() },
        Draft { action: "embedding".parse().ok(), ..one.clone() },
        Draft { action: None, ..one.clone() },
        Draft { quantity: cost(2), ..one.clone() },
        Draft { occurred_at: one.occurred_at.map(|at| at + chrono::TimeDelta::microseconds(1)), ..one.clone() },
        Draft { occurred_at: None, ..one.clone() },
        Draft { metadata: Some("{ }".to_owned()), ..one.clone() },
        Draft { metadata: None, ..one.clone() },
        // The same bytes, cut elsewhere.
        Draft { event: "ev".parse().unwrap(), service: service("tchat"), ..one.clone() },
        Draft { action: None, metadata: Some("completion{}".to_owned()), ..one.clone() },
    ];
    let mut prints: Vec<_> = others.iter().chain([&one]).map(Draft::fingerprint).collect();
    prints.sort_unstable();
    prints.dedup();
    assert_eq!(prints.len(), others.len() + 1, "no two are alike");
}

#[test]
fn a_fingerprint_is_the_same_for_ever() {
    let plain = Draft {
        org: "org_018f3f3e-7c00-7000-8000-000000000001".parse().unwrap(),
        user: None,
        action: None,
        occurred_at: None,
        metadata: None,
        ..draft()
    };
    let hex: String = plain.fingerprint().iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!(
        hex, "212de2d4ae032f113484748aa6fdc086ff3756497f057020e6b2fa8540024432",
        "as any other program would compute it"
    );
}

proptest! {
    #[test]
    fn what_is_left_is_never_negative(used in any::<u64>(), reserved in any::<u64>(), limit in any::<u64>(), more in any::<u64>()) {
        let period = Period::day(draft().received_at);
        let count = Count { used, reserved, limit: Limit::Of(limit), period };
        let left = u128::from(limit).saturating_sub(u128::from(used) + u128::from(reserved));
        if used.checked_add(reserved).is_some() {
            prop_assert_eq!(count.remaining().map(u128::from), Some(left));
            prop_assert_eq!(count.admits(more), u128::from(used) + u128::from(reserved) + u128::from(more) <= u128::from(limit));
        }
        let endless = Count { limit: Limit::Unlimited, ..count };
        prop_assert!(endless.remaining().is_none() && endless.admits(more));
    }
}

#[test]
fn the_first_limit_in_the_way_is_named() {
    let period = Period::day(draft().received_at);
    let count = |limit| Count { used: 0, reserved: 0, limit: Limit::Of(limit), period };
    let tally = Tally { tier: "t".to_owned(), month: count(5), day: count(4), user: Some(count(3)) };
    let walls = [(3, None), (4, Some(Wall::User)), (5, Some(Wall::Day)), (6, Some(Wall::Month))];
    for (more, wall) in walls {
        assert_eq!(usage_core::policy::wall(&tally, more), wall, "{more}");
    }
    let nobody = Tally { user: None, ..tally };
    assert_eq!(nobody.wall(4), None);
    assert_eq!(nobody.count(Wall::User), None);
    assert_eq!(Wall::ALL.map(Wall::as_str), ["monthly", "daily", "user_monthly"]);
}
