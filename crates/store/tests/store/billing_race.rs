//! What two processes and 32 tasks do to the same account, event, command and series at once.
use std::collections::BTreeSet;
use std::time::Duration;

use billing_core::testing::World;
use billing_core::{BillingStore, Inbox, InvoiceStore, Outbox, PaymentProvider, Posted, Posting, Received, Settles};
use kernel::Action;

use crate::billing::{Purse, event, full_posting, key, own_invoice};
use crate::fixture::on_each;
use crate::race::{Processes, TASKS, times};

const MINUTE: Duration = Duration::from_mins(1);

/// WH-3: ten copies and more, in two processes: kept once, given out once, and one effect.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn one_event_is_kept_and_takes_effect_once() {
    on_each(async |f| {
        let (processes, org) = (Processes::of(f).await, World::org(f).await);
        for round in 0..5 {
            let event = &event(f, &format!("evt_{round}"));
            let received = processes
                .race(|db, _| {
                    let event = event.clone();
                    async move { Purse::new(&db).inbox.receive(&event).await.unwrap() }
                })
                .await;
            assert_eq!(times(&received, &Received::New), 1, "{received:?}");
            let now = f.ambient.now();
            let claimed = processes
                .race(|db, _| async move { Purse::new(&db).inbox.claim(now, now + MINUTE, 9).await.unwrap().len() })
                .await;
            assert_eq!(claimed.iter().sum::<usize>(), 1, "{claimed:?}");
            let before = Purse::new(&f.db).account(org).await;
            let posting = full_posting(f, before, Settles::Event(key(event)));
            let posted = processes
                .race(|db, _| {
                    let posting = Posting { outgoing: None, ..posting.clone() };
                    let record = f.record(Action::PaymentStateChanged);
                    async move { Purse::new(&db).billing.post(&posting, &record).await.unwrap() }
                })
                .await;
            assert_eq!(times(&posted, &Posted::Posted), 1, "{posted:?}");
            assert_eq!(times(&posted, &Posted::AlreadySettled), TASKS - 1, "{posted:?}");
        }
        assert_eq!(f.lines("SELECT why AS line FROM billing_movement").await.len(), 5);
        assert_eq!(
            World::entitled(f, org).await.map(|entitled| entitled.version),
            Some(1),
            "the same plan all the time"
        );
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn events_and_commands_are_given_to_one_process() {
    on_each(async |f| {
        let (processes, m) = (Processes::of(f).await, Purse::new(&f.db));
        let mut wanted = BTreeSet::new();
        for n in 0..50 {
            let event = event(f, &format!("evt_{n}"));
            m.inbox.receive(&event).await.unwrap();
            wanted.insert(event.id);
        }
        let mut tasks = BTreeSet::new();
        for _ in 0..20 {
            let posting = full_posting(f, m.account(World::org(f).await).await, Settles::Nothing);
            m.billing.post(&posting, &f.record(Action::PlanChangeAgreed)).await.unwrap();
            tasks.insert(posting.outgoing.unwrap().id);
        }
        let now = f.ambient.now();
        let claimed = processes
            .race(|db, _| async move {
                let m = Purse::new(&db);
                let (mut events, mut tasks) = (Vec::new(), Vec::new());
                // Whoever finds nothing may have been passed over by somebody who is not done: twice is enough for all.
                for _ in 0..2 {
                    let some = m.inbox.claim(now, now + MINUTE, 2).await.unwrap();
                    events.extend(some.into_iter().map(|claimed| claimed.event.id));
                    let some = m.outbox.claim(now, now + MINUTE, 1).await.unwrap();
                    tasks.extend(some.into_iter().map(|task| task.id));
                }
                (events, tasks)
            })
            .await;
        let (mut events, mut done) = (Vec::new(), Vec::new());
        for (some, others) in claimed {
            events.extend(some);
            done.extend(others);
        }
        let rest = m.inbox.claim(now, now + MINUTE, 100).await.unwrap();
        events.extend(rest.into_iter().map(|claimed| claimed.event.id));
        done.extend(m.outbox.claim(now, now + MINUTE, 100).await.unwrap().into_iter().map(|task| task.id));
        assert_eq!((events.len(), done.len()), (wanted.len(), tasks.len()), "each once");
        assert_eq!((events.into_iter().collect(), done.into_iter().collect()), (wanted, tasks), "and all of them");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn numbers_have_no_gaps_whichever_process_gives_them() {
    on_each(async |f| {
        let (processes, m) = (Processes::of(f).await, Purse::new(&f.db));
        let mut orgs = Vec::new();
        for _ in 0..TASKS {
            orgs.push(World::org(f).await);
        }
        for round in 1..=3_u32 {
            let mut postings = Vec::new();
            for org in &orgs {
                let mut posting = full_posting(f, m.account(*org).await, Settles::Nothing);
                posting.outgoing = None;
                postings.push(posting);
            }
            let posted = processes
                .race(|db, n| {
                    let (mine, record) = (postings[n].clone(), f.record(Action::InvoiceIssued));
                    let mut late = mine.clone();
                    late.account.version += 7;
                    async move {
                        let billing = Purse::new(&db).billing;
                        assert_eq!(billing.post(&late, &record).await.unwrap(), Posted::Moved);
                        billing.post(&mine, &record).await.unwrap()
                    }
                })
                .await;
            assert_eq!(times(&posted, &Posted::Posted), TASKS, "{posted:?}");
            let series = own_invoice(f, orgs[0]).series();
            let numbers = f.lines("SELECT number AS line FROM invoice ORDER BY number").await;
            let all = u64::from(round) * u64::try_from(TASKS).unwrap();
            let expected: Vec<String> = (1..=all).map(|n| billing_core::Invoice::number(&series, n)).collect();
            assert_eq!(numbers, expected, "no gap, and none twice");
        }
        let found = m.invoices.numbered("INV-2030-000001").await.unwrap().unwrap();
        assert_eq!(found.provider, PaymentProvider::Manual);
    })
    .await;
}

/// A payment and a gift of an administrator that race leave a plan whose version counted both.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_payment_and_an_administrator_do_not_lose_each_other() {
    use plan_core::{Subscription, SubscriptionPut, SubscriptionStore};
    use store::SeaSubscriptions;

    use crate::plan::{first_move, id};
    on_each(async |f| {
        let processes = Processes::of(f).await;
        for _ in 0..10 {
            let org = World::org(f).await;
            let posting = full_posting(f, Purse::new(&f.db).account(org).await, Settles::Nothing);
            let done = processes
                .race(|db, n| {
                    let gift = Subscription { plan: id("enterprise"), ..first_move(f, org, &id("enterprise")) };
                    let (posting, record) = (posting.clone(), f.record(Action::SubscriptionChanged));
                    async move {
                        if n.is_multiple_of(2) {
                            Purse::new(&db).billing.post(&posting, &record).await.unwrap() == Posted::Posted
                        } else {
                            SeaSubscriptions::new(&db).put(&gift, &record).await.unwrap() == SubscriptionPut::Put
                        }
                    }
                })
                .await;
            let (bought, given) = (
                done.iter().step_by(2).filter(|it| **it).count(),
                done.iter().skip(1).step_by(2).filter(|it| **it).count(),
            );
            assert_eq!(bought, 1);
            let now = SeaSubscriptions::new(&f.second().await).of(org, &id("free")).await.unwrap().unwrap();
            // The gift stands higher: after it a payment changes nothing, and upon a payment it does not follow.
            let expected = if given == 1 { "enterprise" } else { "starter" };
            assert_eq!((now.plan, now.version, given), (id(expected), 1, given.min(1)));
        }
    })
    .await;
}
