//! Questions about what was used.

use std::time::Duration;

use kernel::OrgId;
use usage_core::testing::World as _;
use usage_core::{Days, FieldError, Grain, Report, Span, Sum, Usage, UsageError};

use crate::world::{World, cost, service};

const DAY: Duration = Duration::from_hours(24);

#[tokio::test]
async fn the_current_month_by_service_and_its_peak() {
    let w = World::new(1);
    let org = w.org(100).await;
    let empty = w.usage.current(org, None).await.unwrap();
    assert_eq!((empty.services, empty.peak, empty.days_until_reset), (vec![], None, 31));
    w.use_up(org, "chat", 3).await;
    w.clock.advance(DAY);
    w.use_up(org, "search", 4).await;
    w.use_up(org, "chat", 5).await;
    let peak = w.ambient.now().date_naive();
    w.clock.advance(DAY);
    w.use_up(org, "chat", 9).await;
    w.clock.advance(Duration::from_hours(1));
    let current = w.usage.current(org, None).await.unwrap();
    let sum = |events, quantity| Sum { events, quantity };
    assert_eq!(current.services, vec![(service("chat"), sum(3, 17)), (service("search"), sum(1, 4))]);
    assert_eq!(current.peak, Some((peak, 9)), "the first of two days with 9");
    assert_eq!((current.tally.month.used, current.days_until_reset), (21, 29));
    assert_eq!(current.at, w.ambient.now());
    w.clock.advance(DAY * 40);
    let next = w.usage.current(org, None).await.unwrap();
    assert_eq!((next.tally.month.used, next.services, next.peak), (0, vec![], None), "a new month");
    assert!(matches!(w.usage.current(OrgId::mint(&w.ambient), None).await, Err(UsageError::NoOrg)));
    assert!(matches!(w.usage.tally(OrgId::mint(&w.ambient), None).await, Err(UsageError::NoOrg)));
}

#[tokio::test]
async fn history_has_every_day_and_users_when_asked_for() {
    let w = World::new(2);
    let (org, user) = (w.org(100).await, w.memory.user().await);
    w.use_up(org, "chat", 2).await;
    w.clock.advance(DAY * 2);
    let by = Report { user: Some(user), quantity: cost(5), ..Report::new(org, service("search")) };
    w.metering.track(by).await.unwrap();
    let days = w.usage.last_days(4).unwrap();
    let history = w.usage.history(org, Span { days, grain: Grain::Day, users: true }).await.unwrap();
    let quantities: Vec<_> = history.slots.iter().map(|slot| slot.sum.quantity).collect();
    assert_eq!(quantities, vec![0, 2, 0, 5], "zero where nothing was used");
    assert_eq!(history.total, Sum { events: 2, quantity: 7 });
    let users: Vec<_> = history.users.iter().map(|(user, sum)| (*user, sum.quantity)).collect();
    assert_eq!(users, vec![(None, 2), (Some(user), 5)]);
    let without = w.usage.history(org, Span { days, grain: Grain::Day, users: false }).await.unwrap();
    assert_eq!(without, usage_core::History { users: vec![], ..history }, "and not when not");
    for count in [0, 367] {
        assert!(matches!(w.usage.last_days(count), Err(UsageError::Invalid("days", FieldError::Days))));
    }
    assert_eq!(w.usage.last_days(366).unwrap().iter().count(), 366);
}

#[tokio::test]
async fn an_export_comes_by_pages() {
    let w = World::new(3);
    let org = w.org(100_000).await;
    let page = usize::try_from(Usage::EXPORT_PAGE).unwrap();
    let total = page * 2 + 1;
    for _ in 0..total {
        w.use_up(org, "chat", 1).await;
    }
    let today = w.ambient.now().date_naive();
    let days = Days { from: today, to: today };
    let (mut lengths, mut names, mut after) = (Vec::new(), std::collections::BTreeSet::new(), None);
    loop {
        let export = w.usage.export(org, days, after).await.unwrap();
        lengths.push(export.entries.len());
        names.extend(export.entries.into_iter().map(|entry| entry.event));
        after = export.next;
        if after.is_none() {
            break;
        }
    }
    assert_eq!((lengths, names.len()), (vec![page, page, 1], total), "every row, once");
    let none = Days { from: today.succ_opt().unwrap(), to: today.succ_opt().unwrap() };
    let empty = w.usage.export(org, none, None).await.unwrap();
    assert_eq!((empty.entries, empty.next), (vec![], None));
}

#[tokio::test]
async fn a_reader_that_cannot_answer_says_so() {
    let w = World::new(4);
    let org = w.org(5).await;
    w.memory.break_down(true);
    let days = w.usage.last_days(1).unwrap();
    assert!(matches!(w.usage.current(org, None).await, Err(UsageError::Store(_))));
    let span = Span { days, grain: Grain::Week, users: true };
    assert!(matches!(w.usage.history(org, span).await, Err(UsageError::Store(_))));
    assert!(matches!(w.usage.export(org, days, None).await, Err(UsageError::Store(_))));
}
