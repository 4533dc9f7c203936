//! Money: the contracts, answers that another process still has, rows that make no sense, and records that are refused.
use std::time::Duration;

use async_trait::async_trait;
use billing_core::testing::{self, BillingStores, Entitled, Giver, World};
use billing_core::{
    Access, Account, BillingStore, Command, Cycle, EventKey, Grant, InboundEvent, Inbox, Invoice, InvoiceFilter,
    InvoiceLine, InvoiceStatus, InvoiceStore, Money, Movement, Outbox, Outgoing, PaidSubscription, PaymentProvider,
    PaymentStatus, PendingChange, Posted, Posting, Settles,
};
use kernel::{Action, InvoiceId, OrgId, Page, Period, StoreError, SubscriptionId, TaskId, Timestamp};
use plan_core::testing::sample_catalogue;
use plan_core::{CatalogueStore, Source, Subscription, SubscriptionPut, SubscriptionStatus, SubscriptionStore};
use sea_orm::ConnectionTrait;
use store::{Database, SeaBilling, SeaCatalogue, SeaInbox, SeaInvoices, SeaOutbox, SeaSubscriptions};

use crate::fixture::{Fixture, on_each, on_postgres};
use crate::plan::{id, seen_within_a_second};

impl Fixture {
    async fn move_plan(&self, org: OrgId, change: impl FnOnce(&mut Subscription)) {
        let plans = SeaSubscriptions::new(&self.db);
        let mut next = plans.of(org, &id("free")).await.unwrap().unwrap();
        next.version += 1;
        change(&mut next);
        let put = plans.put(&next, &self.record(Action::SubscriptionChanged)).await.unwrap();
        assert_eq!(put, SubscriptionPut::Put);
    }
}

#[async_trait]
impl World for Fixture {
    async fn org(&self) -> OrgId {
        SeaCatalogue::new(&self.db).load(&sample_catalogue(), &self.record(Action::CatalogueLoaded)).await.unwrap();
        self.new_org(self.new_user().await).await
    }

    async fn delete(&self, org: OrgId) {
        plan_core::testing::Population::delete(self, org).await;
    }

    async fn give(&self, org: OrgId, giver: Giver, (plan, level): (&str, u8), trial_ends_at: Option<Timestamp>) {
        assert_eq!(sample_catalogue().plan(&id(plan)).map(|plan| plan.level), Some(level));
        self.move_plan(org, |subscription| {
            subscription.plan = id(plan);
            subscription.trial_ends_at = trial_ends_at;
            subscription.status =
                if trial_ends_at.is_some() { SubscriptionStatus::Trialing } else { SubscriptionStatus::Active };
            subscription.source = match giver {
                Giver::Administrator => Source::Administrator,
                Giver::Installation => Source::Installation,
            };
        })
        .await;
    }

    async fn pause(&self, org: OrgId) {
        self.move_plan(org, |subscription| subscription.status = SubscriptionStatus::Suspended).await;
    }

    async fn entitled(&self, org: OrgId) -> Option<Entitled> {
        let now = SeaSubscriptions::new(&self.db).of(org, &id("free")).await.unwrap()?;
        (now.version > 0).then(|| Entitled {
            plan: now.plan.to_string(),
            status: now.status.as_str().to_owned(),
            source: now.source.as_str().to_owned(),
            anchor: now.anchor,
            trial_ends_at: now.trial_ends_at,
            version: now.version,
        })
    }
}

/// The ports over one database.
pub(crate) struct Purse {
    pub(crate) billing: SeaBilling,
    pub(crate) invoices: SeaInvoices,
    pub(crate) inbox: SeaInbox,
    pub(crate) outbox: SeaOutbox,
}

impl Purse {
    pub(crate) fn new(db: &Database) -> Self {
        Self {
            billing: SeaBilling::new(db),
            invoices: SeaInvoices::new(db),
            inbox: SeaInbox::new(db),
            outbox: SeaOutbox::new(db),
        }
    }

    fn stores<'a>(&'a self, f: &'a Fixture) -> BillingStores<'a> {
        let Self { billing, invoices, inbox, outbox } = self;
        BillingStores { billing, invoices, inbox, outbox, world: f, ambient: &f.ambient }
    }

    pub(crate) async fn account(&self, org: OrgId) -> Account {
        self.billing.account(org, PaymentProvider::Stripe).await.unwrap().unwrap()
    }
}

/// Runs a contract on each database.
async fn on_both(contract: impl AsyncFn(BillingStores<'_>)) {
    on_each(async |f| contract(Purse::new(&f.db).stores(f)).await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn accounts() {
    on_both(async |stores| testing::billing_store_contract(stores).await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn accounts_race() {
    on_both(async |stores| testing::billing_store_race(stores).await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn grants() {
    on_both(async |stores| testing::grant_contract(stores).await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn invoices() {
    on_both(async |stores| testing::invoice_store_contract(stores).await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn inbox() {
    on_both(async |stores| {
        testing::inbox_contract(stores).await;
        testing::inbox_race(stores).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn outbox() {
    on_both(async |stores| {
        testing::outbox_contract(stores).await;
        testing::outbox_race(stores).await;
    })
    .await;
}

pub(crate) fn usd(minor: i64) -> Money {
    Money::new(minor, "USD".parse().unwrap())
}

/// An invoice of ours that is to be paid.
pub(crate) fn own_invoice(f: &Fixture, org: OrgId) -> Invoice {
    let line = InvoiceLine {
        description: "Starter".to_owned(),
        quantity: 1,
        unit_minor: 1900,
        amount_minor: 1900,
        period: None,
    };
    Invoice {
        id: InvoiceId::mint(&f.ambient),
        org,
        provider: PaymentProvider::Manual,
        external: None,
        number: None,
        status: InvoiceStatus::Open,
        subtotal_minor: 1900,
        tax_minor: 0,
        total: usd(1900),
        issued_at: f.ambient.now(),
        due_at: None,
        paid_at: None,
        period: None,
        plan: None,
        cycle: Some(Cycle::Monthly),
        description: String::new(),
        lines: vec![line],
        payments: Vec::new(),
        customer: ("Acme".to_owned(), String::new()),
        hosted_url: None,
    }
}

pub(crate) fn event(f: &Fixture, id: &str) -> InboundEvent {
    InboundEvent {
        provider: PaymentProvider::Stripe,
        id: id.to_owned(),
        kind: "invoice.paid".to_owned(),
        customer: None,
        received_at: f.ambient.now(),
        body: b"{}".to_vec(),
    }
}

pub(crate) fn key(event: &InboundEvent) -> EventKey {
    EventKey { provider: event.provider, id: event.id.clone() }
}

/// Everything that a posting can hold, upon this account.
pub(crate) fn full_posting(f: &Fixture, before: Account, settles: Settles) -> Posting {
    let (org, now) = (before.org, f.ambient.now());
    let subscription = PaidSubscription {
        id: SubscriptionId::mint(&f.ambient),
        external: Some("sub_1".to_owned()),
        plan: "starter".to_owned(),
        cycle: Cycle::Monthly,
        amount: usd(1900),
        status: PaymentStatus::Active,
        anchor: now,
        period: Period::month(now, now),
        trial_ends_at: None,
        cancel_at_period_end: false,
        past_due_since: None,
        pending: Some(PendingChange { plan: "free".to_owned(), cycle: Cycle::Monthly, at: None }),
        ended_at: None,
    };
    let movement = Movement {
        org,
        at: now,
        from_plan: None,
        to_plan: Some("starter".to_owned()),
        cycle: Some(Cycle::Monthly),
        from_monthly: Some(usd(0)),
        to_monthly: Some(usd(1900)),
        why: "checkout",
    };
    let command = Command::CancelNow { external: "sub_1".to_owned() };
    Posting {
        account: Account {
            customer: Some(format!("cus_{org}")),
            access: Some(Access::Active),
            subscription: Some(subscription),
            version: before.version + 1,
            ..before
        },
        next_at: Some(now),
        grant: Some(Grant {
            plan: "starter".to_owned(),
            level: 2,
            access: Access::Active,
            anchor: now,
            trial_ends_at: None,
        }),
        movement: Some(movement),
        invoices: vec![own_invoice(f, org)],
        outgoing: Some(Outgoing { id: TaskId::mint(&f.ambient), org, command, attempts: 0 }),
        settles,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_remembered_is_not_done() {
    on_each(async |f| {
        let (m, org) = (Purse::new(&f.db), World::org(f).await);
        let (waiting, dead) = (event(f, "evt_1"), event(f, "evt_2"));
        for event in [&waiting, &dead] {
            m.inbox.receive(event).await.unwrap();
        }
        m.inbox.fail(&key(&dead), 8, None, "").await.unwrap();
        let posting = full_posting(f, m.account(org).await, Settles::Event(key(&waiting)));
        f.refuse_records().await;
        let before = f.dump().await;
        let record = f.record(Action::PaymentStateChanged);
        let posted = m.billing.post(&posting, &record).await;
        assert!(matches!(posted, Err(StoreError::Unavailable(_))), "{posted:?}");
        let replayed = m.inbox.replay(&key(&dead), &record).await;
        assert!(matches!(replayed, Err(StoreError::Unavailable(_))), "{replayed:?}");
        assert_eq!(f.dump().await, before, "not one row is different, and no number was used");
        let allow =
            if f.is_postgres() { "ALTER TABLE audit_record DROP CONSTRAINT refused" } else { "DROP TRIGGER refused" };
        f.run(allow).await;
        assert_eq!(m.billing.post(&posting, &f.record(Action::PaymentStateChanged)).await.unwrap(), Posted::Posted);
        let number = f.lines("SELECT number AS line FROM invoice").await;
        assert_eq!(number, [format!("{}-000001", own_invoice(f, org).series())]);
    })
    .await;
}

/// What a payment gives is decided by at once in this process, and within a second in another one.
#[tokio::test(flavor = "multi_thread")]
async fn another_process_sees_a_grant_within_a_second() {
    on_each(async |f| {
        let (m, org) = (Purse::new(&f.db), World::org(f).await);
        let (near, far) = (SeaSubscriptions::new(&f.db), SeaSubscriptions::new(&f.second().await));
        let plan = async |plans: &SeaSubscriptions| plans.of(org, &id("free")).await.unwrap().unwrap().plan;
        assert_eq!((plan(&near).await, plan(&far).await), (id("free"), id("free")));
        let posting = full_posting(f, m.account(org).await, Settles::Nothing);
        assert_eq!(m.billing.post(&posting, &f.record(Action::PaymentStateChanged)).await.unwrap(), Posted::Posted);
        assert_eq!(plan(&near).await, id("starter"));
        seen_within_a_second(async || plan(&far).await == id("starter")).await;
    })
    .await;
}

/// A plan that there is not is a defect, and one that was retired is still given to whoever pays for it.
#[tokio::test(flavor = "multi_thread")]
async fn a_grant_of_a_plan_that_cannot_be_chosen() {
    on_each(async |f| {
        let (m, org) = (Purse::new(&f.db), World::org(f).await);
        let mut posting = full_posting(f, m.account(org).await, Settles::Nothing);
        let record = f.record(Action::PaymentStateChanged);
        for unknown in ["no-such-plan", "No plan"] {
            posting.grant.as_mut().unwrap().plan = unknown.to_owned();
            let before = f.dump().await;
            let posted = m.billing.post(&posting, &record).await;
            assert!(matches!(posted, Err(StoreError::Broken(_))), "{unknown}: {posted:?}");
            assert_eq!(f.dump().await, before);
        }
        let retired = SeaCatalogue::new(&f.db).retire(&id("starter"), &f.record(Action::PlanRetired)).await.unwrap();
        assert_eq!(retired, plan_core::PlanRetired::Retired);
        posting.grant.as_mut().unwrap().plan = "starter".to_owned();
        assert_eq!(m.billing.post(&posting, &record).await.unwrap(), Posted::Posted);
        assert_eq!(World::entitled(f, org).await.unwrap().plan, "starter");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_books_only_grow() {
    on_each(async |f| {
        let (m, org) = (Purse::new(&f.db), World::org(f).await);
        let posting = full_posting(f, m.account(org).await, Settles::Nothing);
        m.billing.post(&posting, &f.record(Action::PaymentStateChanged)).await.unwrap();
        let before = f.lines("SELECT why AS line FROM billing_movement").await;
        assert_eq!(before, ["checkout"]);
        for tampering in
            ["UPDATE billing_movement SET why = 'x'", "DELETE FROM billing_movement", "TRUNCATE billing_movement"]
        {
            assert!(f.raw.execute_unprepared(tampering).await.is_err(), "{tampering}");
        }
        assert_eq!(f.lines("SELECT why AS line FROM billing_movement").await, before);
    })
    .await;
}

/// A row that somebody wrote to past this program is a defect, and not something else.
#[tokio::test(flavor = "multi_thread")]
async fn rows_that_make_no_sense_are_defects() {
    on_each(async |f| {
        let (m, org) = (Purse::new(&f.db), World::org(f).await);
        let posting = full_posting(f, m.account(org).await, Settles::Nothing);
        m.billing.post(&posting, &f.record(Action::PaymentStateChanged)).await.unwrap();
        m.inbox.receive(&event(f, "evt_1")).await.unwrap();
        let (now, page) = (f.ambient.now(), Page::default());
        let broken = async |table: &str| match table {
            "billing_account" | "billing_subscription" => {
                m.billing.account(org, PaymentProvider::Stripe).await.map(drop)
            }
            "invoice" => m.invoices.list(org, &InvoiceFilter::default(), page).await.map(drop),
            "inbox_event" => m.inbox.list(None, page).await.map(drop),
            _ => m.outbox.claim_one(posting.outgoing.as_ref().unwrap().id, now, now).await.map(drop),
        };
        for (table, column, value) in [
            ("billing_account", "provider", "'paypal'"),
            ("billing_account", "access", "'all'"),
            ("billing_account", "version", "-1"),
            ("billing_subscription", "cycle", "'weekly'"),
            ("billing_subscription", "currency", "'US'"),
            ("billing_subscription", "status", "'paid'"),
            ("billing_subscription", "pending_cycle", "NULL"),
            ("invoice", "provider", "'paypal'"),
            ("invoice", "status", "'late'"),
            ("invoice", "currency", "''"),
            ("invoice", "lines", "'{}'"),
            ("invoice", "payments", "'[{}]'"),
            ("invoice", "cycle", "'weekly'"),
            ("inbox_event", "provider", "'paypal'"),
            ("inbox_event", "state", "'lost'"),
            ("inbox_event", "attempts", "-1"),
            ("outbox_task", "command", "'{\"kind\":\"pay\"}'"),
            ("outbox_task", "attempts", "-1"),
        ] {
            broken(table).await.unwrap();
            let before = f.lines(&format!("SELECT CAST({column} AS TEXT) AS line FROM {table}")).await;
            f.run(&format!("UPDATE {table} SET {column} = {value}")).await;
            let found = broken(table).await;
            assert!(matches!(found, Err(StoreError::Broken(_))), "{table}.{column} = {value}: {found:?}");
            let back = if value.starts_with('-') { before[0].clone() } else { format!("'{}'", before[0]) };
            f.run(&format!("UPDATE {table} SET {column} = {back}")).await;
        }
    })
    .await;
}

/// Events that are over are forgotten after their time; what waits or is dead is not.
#[tokio::test(flavor = "multi_thread")]
async fn events_that_are_over_are_forgotten() {
    on_each(async |f| {
        let (m, org) = (Purse::new(&f.db), World::org(f).await);
        let (now, hour) = (f.ambient.now(), Duration::from_hours(1));
        let ids = ["done", "ignored", "dead", "pending"];
        for id in ids {
            m.inbox.receive(&event(f, id)).await.unwrap();
        }
        let of = |id: &str| key(&event(f, id));
        let posting = full_posting(f, m.account(org).await, Settles::Event(of("done")));
        assert_eq!(m.billing.post(&posting, &f.record(Action::PaymentStateChanged)).await.unwrap(), Posted::Posted);
        m.inbox.ignore(&of("ignored"), now + hour).await.unwrap();
        m.inbox.fail(&of("dead"), 8, None, "").await.unwrap();
        let left = async || f.lines("SELECT id AS line FROM inbox_event ORDER BY id").await;
        assert_eq!(m.inbox.purge(now).await.unwrap(), 0);
        assert_eq!(m.inbox.purge(now + hour).await.unwrap(), 1);
        assert_eq!(left().await, ["dead", "ignored", "pending"]);
        assert_eq!(m.inbox.purge(now + hour * 2).await.unwrap(), 1);
        assert_eq!(left().await, ["dead", "pending"]);
    })
    .await;
}

/// What is asked all the time is found by an index, in tables of twenty thousand rows.
#[tokio::test(flavor = "multi_thread")]
async fn nothing_that_is_asked_often_reads_the_whole_table() {
    on_postgres(async |f| {
        let (m, org) = (Purse::new(&f.db), World::org(f).await);
        let posting = full_posting(f, m.account(org).await, Settles::Nothing);
        m.billing.post(&posting, &f.record(Action::PaymentStateChanged)).await.unwrap();
        f.run(
            "INSERT INTO inbox_event (provider, id, kind, received_at, body, state, attempts, next_at) \
             SELECT 'stripe', 'e' || n, 'x', '2029-01-01', '', CASE WHEN n % 1000 = 0 THEN 'pending' ELSE 'done' END, 0, \
             '2029-01-01' FROM generate_series(1, 20000) n; \
             INSERT INTO invoice (org_id, id, provider, external, status, subtotal_minor, tax_minor, total_minor, currency, \
             issued_at, description, lines, payments, customer_name, customer_address) \
             SELECT org_id, gen_random_uuid(), 'stripe', 'i' || n, 'paid', 1, 0, 1, 'USD', '2029-01-01'::timestamptz + n * \
             interval '1 minute', '', '[]', '[]', '', '' FROM billing_account CROSS JOIN generate_series(1, 20000) n; \
             ANALYZE",
        )
        .await;
        let explained = async |sql: &str| {
            let rows = f.raw.query_all_raw(sea_orm::Statement::from_string(f.raw.get_database_backend(), format!("EXPLAIN (COSTS OFF) {sql}"))).await.unwrap();
            rows.iter().map(|row| row.try_get_by_index::<String>(0).unwrap()).collect::<Vec<_>>().join("\n")
        };
        for (sql, index) in [
            ("SELECT * FROM inbox_event WHERE state = 'pending' AND next_at <= now() AND leased_until IS NULL \
              ORDER BY next_at, received_at, id LIMIT 9", "inbox_event_turn"),
            ("SELECT * FROM invoice WHERE org_id = (SELECT org_id FROM billing_account) \
              ORDER BY issued_at DESC, id DESC LIMIT 50", "invoice_of_org"),
            ("SELECT * FROM invoice WHERE provider = 'manual' AND number = 'INV-2030-000001'", "invoice_number"),
            ("SELECT * FROM invoice WHERE provider = 'stripe' AND external IN ('i1', 'i2')", "invoice_external"),
        ] {
            let steps = explained(sql).await;
            assert!(steps.contains(index) && !steps.contains("Seq Scan on in"), "{sql}\n{steps}");
        }
    })
    .await;
}
