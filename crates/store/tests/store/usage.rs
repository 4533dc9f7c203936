//! Metering: its contracts, the plan that counts, and rows that a hand has moved.
use std::time::Duration;

use async_trait::async_trait;
use kernel::testing::KeptRecords;
use kernel::{Action, Actor, Limit, OrgId, Period, Record, RecordId, StoreError, Timestamp, UserId};
use org_core::{OrgStatus, OrgStore, StatusChanged};
use plan_core::{
    CatalogueStore, PlanCreated, PlanUpdated, Source, Subscription, SubscriptionPut, SubscriptionStatus,
    SubscriptionStore,
};
use store::{Database, SeaBooks, SeaCatalogue, SeaLedger, SeaOrgs, SeaSubscriptions, SeaUsage};
use usage_core::testing::{self, UsageStores, World};
use usage_core::{Admitted, Allowance, Bookkeeping, Draft, Held, Hold, Ledger, Quantity, UsageReader, Wall};

use crate::fixture::{Fixture, on_each};
use crate::plan::{Plans, id, plan};

/// The ports of metering over one database, and the organizations in it.
pub(crate) struct Metering<'a> {
    pub(crate) f: &'a Fixture,
    pub(crate) ledger: SeaLedger,
    pub(crate) reader: SeaUsage,
    pub(crate) books: SeaBooks,
}

impl<'a> Metering<'a> {
    pub(crate) fn new(f: &'a Fixture) -> Self {
        let free = id("free");
        let ledger = SeaLedger::new(&f.db, &free);
        let reader = ledger.reader();
        Self { f, ledger, reader, books: SeaBooks::new(&f.db) }
    }

    pub(crate) fn stores(&self) -> UsageStores<'_> {
        UsageStores {
            ledger: &self.ledger,
            reader: &self.reader,
            books: &self.books,
            world: self,
            ambient: &self.f.ambient,
        }
    }

    /// An organization that may use so much in a month.
    pub(crate) async fn with_limit(&self, monthly: Limit) -> OrgId {
        let random: String = self.f.ambient.random::<6>().iter().map(|byte| format!("{byte:02x}")).collect();
        let (daily, per_user) = (Limit::Unlimited, Limit::Unlimited);
        let anchor = self.f.ambient.now() - Duration::from_hours(240);
        self.org(&Allowance { tier: format!("t{random}"), monthly, daily, per_user, anchor }).await
    }

    pub(crate) fn draft(&self, org: OrgId, event: &str, quantity: u64) -> Draft {
        Draft {
            org,
            event: event.parse().unwrap(),
            user: None,
            service: "chat".parse().unwrap(),
            action: None,
            quantity: Quantity::new(quantity).unwrap(),
            occurred_at: None,
            received_at: self.f.ambient.now(),
            metadata: None,
        }
    }

    async fn admit(&self, draft: Draft) -> Admitted {
        self.ledger.admit(&[draft]).await.unwrap().pop().unwrap()
    }

    pub(crate) async fn assert_agrees(&self, org: OrgId) -> u64 {
        let found = self.books.verify(org).await.unwrap();
        assert_eq!(found.differences, vec![], "the counters are the sums of the ledger");
        found.entries
    }

    async fn subscription(&self, org: OrgId) -> Subscription {
        SeaSubscriptions::new(&self.f.db).of(org, &id("free")).await.unwrap().unwrap()
    }

    async fn put(&self, subscription: Subscription) {
        let next = Subscription { version: subscription.version + 1, ..subscription };
        let record = self.f.record(Action::SubscriptionChanged);
        let put = SeaSubscriptions::new(&self.f.db).put(&next, &record).await.unwrap();
        assert_eq!(put, SubscriptionPut::Put);
    }
}

/// A plan with this allowance, new or changed.
async fn keep_plan(f: &Fixture, db: &Database, allowance: &Allowance) {
    let catalogue = SeaCatalogue::new(db);
    let mut wanted = plan(&allowance.tier);
    wanted.allowances.monthly = allowance.monthly;
    wanted.allowances.daily = allowance.daily;
    wanted.allowances.per_user = allowance.per_user;
    let before = catalogue.read().await.unwrap().plan(&wanted.id).map(|plan| plan.version);
    wanted.version = before.map_or(1, |version| version + 1);
    let record = f.record(Action::PlanUpdated);
    if before.is_some() {
        assert_eq!(catalogue.update(&wanted, &record).await.unwrap(), PlanUpdated::Updated);
    } else {
        assert_eq!(catalogue.create(&wanted, &record).await.unwrap(), PlanCreated::Created);
    }
}

#[async_trait]
impl KeptRecords for Metering<'_> {
    async fn kept(&self, record: RecordId) -> bool {
        self.f.kept(record).await
    }
}

#[async_trait]
impl World for Metering<'_> {
    async fn org(&self, allowance: &Allowance) -> OrgId {
        let org = self.f.new_org(self.f.new_user().await).await;
        self.made(org, Timestamp::UNIX_EPOCH).await;
        self.allow(org, allowance).await;
        org
    }

    async fn made(&self, org: OrgId, at: Timestamp) {
        let whose = of(self.f, org).replace("org_id", "id");
        self.f.run(&format!("UPDATE organization SET created_at = '{}' WHERE {whose}", at.to_rfc3339())).await;
    }

    async fn allow(&self, org: OrgId, allowance: &Allowance) {
        keep_plan(self.f, &self.f.db, allowance).await;
        let (status, source) = (SubscriptionStatus::Active, Source::Administrator);
        let before = self.subscription(org).await;
        let (plan, anchor) = (id(&allowance.tier), allowance.anchor);
        self.put(Subscription { plan, status, source, anchor, trial_ends_at: None, ..before }).await;
    }

    async fn suspend(&self, org: OrgId) {
        auth_core::testing::Population::set_org_active(self.f, org, false).await;
    }

    async fn delete(&self, org: OrgId) {
        let record = self.f.record(Action::OrgDeleted);
        let done = SeaOrgs::new(&self.f.db).set_status(org, OrgStatus::Deleted, &record).await.unwrap();
        assert_eq!(done, StatusChanged::Changed);
    }

    async fn user(&self) -> UserId {
        self.f.new_user().await
    }

    async fn hold_more(&self, hold: &Hold, times: u32) {
        let (id, numbers) = if self.f.is_postgres() {
            ("gen_random_uuid()", format!("generate_series(1, {times})"))
        } else {
            let numbers = "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i <";
            ("randomblob(16)", format!("({numbers} {times}) SELECT i FROM n) AS n"))
        };
        let these = of(self.f, hold.org);
        let rest =
            "user_id, service, quantity, state, created_at, expires_at, settled_quantity, month_start, day_start";
        let copy = format!(
            "INSERT INTO usage_reservation (org_id, id, {rest}) SELECT org_id, {id}, {rest} FROM \
             (SELECT * FROM usage_reservation WHERE {these} AND state = 'open' LIMIT 1) AS one, {numbers}"
        );
        self.f.run(&copy).await;
        self.books.rebuild(hold.org, hold.at).await.unwrap();
    }

    async fn falsify(&self, org: OrgId, at: Timestamp, by: u64) {
        let start = Period::month(self.subscription(org).await.anchor, at).start.timestamp_micros();
        set_month(self.f, org, start, &format!("used + {by}")).await;
    }
}

/// What the organization's row is in a condition.
fn of(f: &Fixture, org: OrgId) -> String {
    let hex = org.uuid().simple();
    if f.is_postgres() { format!("org_id = '{hex}'") } else { format!("org_id = x'{hex}'") }
}

async fn set_month(f: &Fixture, org: OrgId, start: i64, used: &str) {
    let org = of(f, org);
    f.run(&format!("UPDATE usage_counter SET used = {used} WHERE {org} AND subject = '' AND span = 'month' AND period_start = {start}"))
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn ledger() {
    on_each(async |f| testing::ledger_contract(Metering::new(f).stores()).await).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn ledger_race() {
    on_each(async |f| testing::ledger_race(Metering::new(f).stores()).await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn reader() {
    on_each(async |f| testing::usage_reader_contract(Metering::new(f).stores()).await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn books() {
    on_each(async |f| testing::bookkeeping_contract(Metering::new(f).stores()).await).await;
}

/// Without a subscription, with one that grants nothing and after a trial it is the default plan; months are counted from its anchor.
#[tokio::test(flavor = "multi_thread")]
async fn the_plan_that_counts() {
    on_each(async |f| {
        let (m, now) = (Metering::new(f), f.ambient.now());
        Plans::filled(f).await;
        let org = f.new_org(f.new_user().await).await;
        let tier = async |at| m.reader.tally(org, None, at).await.unwrap().unwrap().tier;
        let admitted = async |at, event: &str| match m.admit(Draft { received_at: at, ..m.draft(org, event, 1) }).await
        {
            Admitted::Recorded(tally) => tally,
            other => panic!("{other:?}"),
        };
        let first = admitted(now, "default").await;
        assert_eq!((first.tier.as_str(), first.month.period), ("free", Period::month(now, now)), "since it was made");

        let (anchor, end) = (now - Duration::from_hours(50), now + Duration::from_hours(1));
        let starter = Subscription { plan: id("starter"), anchor, ..m.subscription(org).await };
        m.put(Subscription { source: Source::Administrator, ..starter }).await;
        let own = admitted(now, "own").await;
        assert_eq!((own.tier.as_str(), own.month.period), ("starter", Period::month(anchor, now)));

        for status in SubscriptionStatus::ALL {
            m.put(Subscription { status, ..m.subscription(org).await }).await;
            let wanted = if status.grants() { "starter" } else { "free" };
            assert_eq!(tier(now).await, wanted, "{status:?}");
            let tally = admitted(now, status.as_str()).await;
            assert_eq!((tally.tier.as_str(), tally.month.period), (wanted, own.month.period), "{status:?}");
        }
        let (status, trial_ends_at) = (SubscriptionStatus::Trialing, Some(end));
        m.put(Subscription { status, trial_ends_at, ..m.subscription(org).await }).await;
        assert_eq!(tier(end - Duration::from_micros(1)).await, "starter");
        assert_eq!(tier(end).await, "free", "a trial ends by itself");
        assert_eq!(admitted(end, "ended").await.tier, "free");
        m.assert_agrees(org).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reset_without_its_record_did_not_happen() {
    on_each(async |f| {
        let m = Metering::new(f);
        let org = m.with_limit(Limit::Of(10)).await;
        m.admit(m.draft(org, "one", 7)).await;
        f.refuse_records().await;
        let record = Record::new(&f.ambient, &Actor::system(), Action::UsageReset, "organization", org);
        assert!(m.ledger.reset(org, &record).await.is_err());
        let tally = m.reader.tally(org, None, f.ambient.now()).await.unwrap().unwrap();
        assert_eq!(tally.month.used, 7);
        assert_eq!(m.assert_agrees(org).await, 1);
    })
    .await;
}

/// What is wrong with one organization's rows is nobody else's outage, though they are committed together.
#[tokio::test(flavor = "multi_thread")]
async fn a_broken_counter_breaks_its_own_organization_only() {
    on_each(async |f| {
        let m = Metering::new(f);
        let (broken, sound) = (m.with_limit(Limit::Of(100)).await, m.with_limit(Limit::Of(100)).await);
        m.admit(m.draft(broken, "first", 1)).await;
        f.run(&format!("UPDATE usage_counter SET used = -5 WHERE {}", of(f, broken))).await;
        let drafts: Vec<_> =
            (0..20).map(|n| m.draft(if n % 2 == 0 { broken } else { sound }, &format!("n{n}"), 1)).collect();
        let sent = drafts.iter().map(|draft| m.ledger.admit(std::slice::from_ref(draft)));
        for (n, answer) in futures_util::future::join_all(sent).await.into_iter().enumerate() {
            match answer {
                Ok(answers) => assert!(n % 2 == 1 && matches!(answers[..], [Admitted::Recorded(_)]), "{n} {answers:?}"),
                Err(err) => assert!(n % 2 == 0 && matches!(err, StoreError::Broken(_)), "{n} {err:?}"),
            }
        }
        assert_eq!(m.assert_agrees(sound).await, 10);
        m.books.rebuild(broken, f.ambient.now()).await.unwrap();
        assert!(matches!(m.admit(m.draft(broken, "again", 1)).await, Admitted::Recorded(_)));
        assert_eq!(m.assert_agrees(broken).await, 2);
    })
    .await;
}

/// A counter that can say no more is a wall, whatever the limit.
#[tokio::test(flavor = "multi_thread")]
async fn no_counter_wraps() {
    on_each(async |f| {
        let (m, now) = (Metering::new(f), f.ambient.now());
        let org = m.with_limit(Limit::Unlimited).await;
        m.admit(m.draft(org, "one", 1)).await;
        let start = m.reader.tally(org, None, now).await.unwrap().unwrap().month.period.start.timestamp_micros();
        set_month(f, org, start, &(i64::MAX - 5).to_string()).await;
        assert!(matches!(m.admit(m.draft(org, "two", 6)).await, Admitted::OverLimit(Wall::Month, _)));
        let Admitted::Recorded(tally) = m.admit(m.draft(org, "three", 5)).await else { panic!("it still fits") };
        assert_eq!(tally.month.used, i64::MAX.unsigned_abs());
        let hold = Hold {
            id: kernel::ReservationId::mint(&f.ambient),
            org,
            user: None,
            service: "chat".parse().unwrap(),
            quantity: Quantity::ONE,
            at: now,
            expires_at: now + Duration::from_mins(1),
        };
        assert!(matches!(m.ledger.hold(&hold).await.unwrap(), Held::OverLimit(Wall::Month, _)));
        // The ledger itself may sum up to more than a column holds: that is said, not wrapped.
        f.run(&format!("UPDATE usage_event SET quantity = {} WHERE {}", i64::MAX, of(f, org))).await;
        let found = m.books.verify(org).await.unwrap();
        assert!(found.differences.iter().all(|difference| difference.ledger == i64::MAX), "{found:?}");
        assert!(matches!(m.books.rebuild(org, now).await, Err(StoreError::Broken(_))));
    })
    .await;
}

/// The largest batch, over several chunks of rows, with all that a row can hold.
#[tokio::test(flavor = "multi_thread")]
async fn a_large_batch_is_one_commit() {
    on_each(async |f| {
        let m = Metering::new(f);
        let (org, user) = (m.with_limit(Limit::Of(2_000)).await, f.new_user().await);
        let full = |n: usize| Draft {
            user: n.is_multiple_of(2).then_some(user),
            service: format!("service-{}", n % 7).parse().unwrap(),
            action: Some("completion".parse().unwrap()),
            metadata: Some(format!("{{\"n\": {n}, \"text\": \"{}\"}}", "ü\u{1f980}".repeat(200))),
            ..m.draft(org, &format!("event-{n}"), 2)
        };
        let drafts: Vec<_> = (0..1_001).map(full).collect();
        let answers = m.ledger.admit(&drafts).await.unwrap();
        assert_eq!(answers.iter().filter(|answer| matches!(answer, Admitted::Recorded(_))).count(), 1_000);
        assert!(matches!(answers[1_000], Admitted::OverLimit(Wall::Month, _)), "the limit is 2 000");
        let again = m.ledger.admit(&drafts[..1_000]).await.unwrap();
        assert!(again.iter().all(|answer| matches!(answer, Admitted::Duplicate(_))));
        assert_eq!(m.assert_agrees(org).await, 1_000);
        let kept = f.lines("SELECT metadata AS line FROM usage_event WHERE event_id = 'event-999'").await;
        assert_eq!(kept, vec![drafts[999].metadata.clone().unwrap()]);
        assert_eq!(m.books.organizations().await.unwrap(), vec![org]);
    })
    .await;
}

/// Each number that is derived is compared with the ledger, named, and made anew.
#[tokio::test(flavor = "multi_thread")]
async fn every_derived_number_is_verified() {
    on_each(async |f| {
        let m = Metering::new(f);
        let (org, user) = (m.with_limit(Limit::Of(100)).await, f.new_user().await);
        m.admit(Draft { user: Some(user), ..m.draft(org, "one", 7) }).await;
        let (whose, today) = (of(f, org), f.ambient.now().date_naive());
        let of_user = format!("{today} chat {user}");
        for (falsified, named) in [
            ("usage_total SET quantity = quantity + 1", format!("total {today} chat")),
            ("usage_total SET events = events + 1", format!("events of total {today} chat")),
            ("usage_day SET quantity = quantity + 1", format!("history {of_user}")),
            ("usage_day SET events = events + 1", format!("events of history {of_user}")),
            ("usage_counter SET used = used + 1", format!("day {today}")),
        ] {
            f.run(&format!("UPDATE {falsified} WHERE {whose}")).await;
            let found = m.books.verify(org).await.unwrap().differences;
            assert!(found.iter().any(|difference| difference.what == named), "{named}: {found:?}");
            m.books.rebuild(org, f.ambient.now()).await.unwrap();
            assert_eq!(m.assert_agrees(org).await, 1, "{falsified}");
        }
    })
    .await;
}

/// An organization of whose numbers only some rows are left, a ledger restored without them for instance, is found all the same.
#[tokio::test(flavor = "multi_thread")]
async fn whatever_is_left_of_an_organization_is_verified() {
    on_each(async |f| {
        let m = Metering::new(f);
        let tables = ["usage_event", "usage_counter", "usage_day", "usage_total", "usage_reservation"];
        let mut orgs = Vec::new();
        for kept in tables {
            let org = m.with_limit(Limit::Unlimited).await;
            m.admit(m.draft(org, "one", 1)).await;
            let at = f.ambient.now();
            let hold = Hold {
                id: kernel::ReservationId::mint(&f.ambient),
                org,
                user: None,
                service: "chat".parse().unwrap(),
                quantity: Quantity::ONE,
                at,
                expires_at: at + Duration::from_mins(1),
            };
            assert!(matches!(m.ledger.hold(&hold).await.unwrap(), Held::Held(_)));
            for table in tables.into_iter().filter(|table| *table != kept) {
                f.run(&format!("DELETE FROM {table} WHERE {}", of(f, org))).await;
            }
            orgs.push(org);
        }
        let mut found = m.books.organizations().await.unwrap();
        found.sort_unstable();
        orgs.sort_unstable();
        assert_eq!(found, orgs);
        for org in orgs {
            assert!(!m.books.verify(org).await.unwrap().differences.is_empty());
            m.books.rebuild(org, f.ambient.now()).await.unwrap();
            m.assert_agrees(org).await;
        }
    })
    .await;
}

/// A database of before has its totals afterwards.
#[tokio::test(flavor = "multi_thread")]
async fn totals_are_made_of_what_is_there() {
    on_each(async |f| {
        let m = Metering::new(f);
        let (org, users) = (m.with_limit(Limit::Unlimited).await, [f.new_user().await, f.new_user().await]);
        for (n, user) in users.into_iter().enumerate() {
            for service in ["chat", "tts"] {
                let draft = m.draft(org, &format!("{n}-{service}"), 3);
                m.admit(Draft { user: Some(user), service: service.parse().unwrap(), ..draft }).await;
            }
        }
        f.run("DROP TABLE usage_total").await;
        f.run("DELETE FROM ops_center_migration WHERE version = 'm0007_usage_total'").await;
        f.db.migrate().await.unwrap();
        assert_eq!(m.assert_agrees(org).await, 4);
        let totals = f.lines("SELECT CAST(events * 100 + quantity AS TEXT) AS line FROM usage_total").await;
        assert_eq!(totals, ["206", "206"], "two events of 3 each, of two services");
    })
    .await;
}
