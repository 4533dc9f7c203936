//! Plans and subscriptions: their contracts, answers that may be a second old, rows that make no sense, and records that are refused.
use std::time::{Duration, Instant};

use async_trait::async_trait;
use kernel::{Action, OrgId, Role, StoreError, Timestamp, UserId};
use org_core::{OrgStatus, OrgStore, StatusChanged};
use plan_core::testing::{self, PlanStores, sample_catalogue};
use plan_core::{
    CatalogueStore, Plan, PlanCreated, PlanId, Source, Subscription, SubscriptionPut, SubscriptionStatus,
    SubscriptionStore,
};
use store::{Database, SeaCatalogue, SeaOrgs, SeaSubscriptions};

use crate::fixture::{Fixture, on_each};

#[async_trait]
impl testing::Population for Fixture {
    async fn user(&self, email: &str) -> UserId {
        org_core::testing::Population::user(self, email, true).await
    }

    async fn org(&self, owner: UserId, created_at: Timestamp) -> OrgId {
        auth_core::testing::Population::org(self, owner, created_at).await
    }

    async fn join(&self, org: OrgId, user: UserId) {
        auth_core::testing::Population::join(self, org, user, Role::Admin, self.ambient.now()).await;
    }

    async fn suspend(&self, org: OrgId) {
        auth_core::testing::Population::set_org_active(self, org, false).await;
    }

    async fn delete(&self, org: OrgId) {
        let record = self.record(Action::OrgDeleted);
        let done = SeaOrgs::new(&self.db).set_status(org, OrgStatus::Deleted, &record).await.unwrap();
        assert_eq!(done, StatusChanged::Changed);
    }
}

/// The stores of plans over one database.
pub(crate) struct Plans {
    pub(crate) catalogue: SeaCatalogue,
    pub(crate) subscriptions: SeaSubscriptions,
}

impl Plans {
    pub(crate) fn new(db: &Database) -> Self {
        Self { catalogue: SeaCatalogue::new(db), subscriptions: SeaSubscriptions::new(db) }
    }

    /// The stores, with the sample catalogue in them.
    pub(crate) async fn filled(f: &Fixture) -> Self {
        let plans = Self::new(&f.db);
        assert!(plans.catalogue.load(&sample_catalogue(), &f.record(Action::CatalogueLoaded)).await.unwrap());
        plans
    }

    fn stores<'a>(&'a self, fixture: &'a Fixture) -> PlanStores<'a> {
        PlanStores {
            catalogue: &self.catalogue,
            subscriptions: &self.subscriptions,
            population: fixture,
            ambient: &fixture.ambient,
        }
    }

    async fn has(&self, plan: &PlanId) -> bool {
        self.catalogue.read().await.unwrap().plan(plan).is_some()
    }

    async fn of(&self, org: OrgId) -> Option<Subscription> {
        self.subscriptions.of(org, &id("free")).await.unwrap()
    }
}

pub(crate) fn id(name: &str) -> PlanId {
    name.parse().unwrap()
}

/// A plan like the sample's starter.
pub(crate) fn plan(name: &str) -> Plan {
    Plan { id: id(name), ..sample_catalogue().plan(&id("starter")).cloned().unwrap() }
}

/// The organization's first move.
pub(crate) fn first_move(f: &Fixture, org: OrgId, plan: &PlanId) -> Subscription {
    Subscription {
        org,
        plan: plan.clone(),
        status: SubscriptionStatus::Active,
        source: Source::Administrator,
        anchor: f.ambient.now(),
        trial_ends_at: None,
        version: 1,
    }
}

/// Asks until the answer is the new one; an old answer was never given a second after the change.
pub(crate) async fn seen_within_a_second(is_new: impl AsyncFn() -> bool) {
    let changed = Instant::now();
    loop {
        let asked = Instant::now();
        if is_new().await {
            return;
        }
        assert!(asked - changed <= Duration::from_secs(1), "an answer older than a second");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn catalogue() {
    on_each(async |f| testing::catalogue_store_contract(Plans::new(&f.db).stores(f)).await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn catalogue_race() {
    on_each(async |f| testing::catalogue_store_race(Plans::new(&f.db).stores(f)).await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn subscriptions() {
    on_each(async |f| {
        testing::subscription_store_contract(Plans::new(&f.db).stores(f)).await;
        testing::subscription_store_race(Plans::new(&f.db).stores(f)).await;
        f.assert_sound().await;
    })
    .await;
}

/// What the same process changed it sees at once: the contracts look. Here it is another one.
#[tokio::test(flavor = "multi_thread")]
async fn another_process_sees_a_change_within_a_second() {
    on_each(async |f| {
        let (plans, other) = (Plans::filled(f).await, Plans::new(&f.second().await));
        let org = f.new_org(f.new_user().await).await;
        let (new, moved) = (plan("new"), first_move(f, org, &id("starter")));

        assert!(!other.has(&new.id).await);
        let created = plans.catalogue.create(&new, &f.record(Action::PlanCreated)).await.unwrap();
        assert_eq!(created, PlanCreated::Created);
        seen_within_a_second(async || other.has(&new.id).await).await;

        assert_eq!(other.of(org).await.map(|subscription| subscription.version), Some(0));
        let put = plans.subscriptions.put(&moved, &f.record(Action::SubscriptionChanged)).await.unwrap();
        assert_eq!(put, SubscriptionPut::Put);
        seen_within_a_second(async || other.of(org).await.as_ref() == Some(&moved)).await;
        testing::Population::delete(f, org).await;
        seen_within_a_second(async || other.of(org).await.is_none()).await;
    })
    .await;
}

/// A refusal too is what the next read sees: whoever lost against another process reads what won.
#[tokio::test(flavor = "multi_thread")]
async fn who_was_refused_reads_why() {
    on_each(async |f| {
        let (plans, other) = (Plans::filled(f).await, Plans::new(&f.second().await));
        let org = f.new_org(f.new_user().await).await;
        let (new, moved) = (plan("new"), first_move(f, org, &id("starter")));
        assert!(!other.has(&new.id).await);
        plans.catalogue.create(&new, &f.record(Action::PlanCreated)).await.unwrap();
        let refused = other.catalogue.create(&new, &f.record(Action::PlanCreated)).await.unwrap();
        assert_eq!(refused, PlanCreated::Exists);
        assert!(other.has(&new.id).await);

        assert_eq!(other.of(org).await.map(|subscription| subscription.version), Some(0));
        plans.subscriptions.put(&moved, &f.record(Action::SubscriptionChanged)).await.unwrap();
        let refused = other.subscriptions.put(&moved, &f.record(Action::SubscriptionChanged)).await.unwrap();
        assert_eq!(refused, SubscriptionPut::VersionConflict);
        assert_eq!(other.of(org).await, Some(moved));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_organization_that_is_deleted_has_no_plan_at_once() {
    on_each(async |f| {
        let plans = Plans::filled(f).await;
        let org = f.new_org(f.new_user().await).await;
        assert!(plans.of(org).await.is_some());
        testing::Population::delete(f, org).await;
        assert_eq!(plans.of(org).await, None);
    })
    .await;
}

/// A subscription that cannot be read is a defect, and not the default plan.
#[tokio::test(flavor = "multi_thread")]
async fn rows_that_make_no_sense_are_defects() {
    on_each(async |f| {
        let plans = Plans::filled(f).await;
        for (column, value) in [("status", "'paid'"), ("source", "'luck'"), ("version", "-1")] {
            let org = f.new_org(f.new_user().await).await;
            let moved = first_move(f, org, &id("starter"));
            plans.subscriptions.put(&moved, &f.record(Action::SubscriptionChanged)).await.unwrap();
            f.run(&format!("UPDATE subscription SET {column} = {value} WHERE version = 1")).await;
            let found = SeaSubscriptions::new(&f.second().await).of(org, &id("free")).await;
            assert!(matches!(found, Err(StoreError::Broken(_))), "{column}: {found:?}");
        }
        for (column, value) in [
            ("level", "256"),
            ("monthly_limit", "-2"),
            ("seats", "-1"),
            ("services", "'chat'"),
            ("services", "'[\"Chat\"]'"),
            ("features", "'[{}]'"),
            ("version", "-1"),
        ] {
            let before = f.lines(&format!("SELECT CAST({column} AS TEXT) AS line FROM plan WHERE id = 'free'")).await;
            f.run(&format!("UPDATE plan SET {column} = {value} WHERE id = 'free'")).await;
            let found = SeaCatalogue::new(&f.second().await).read().await;
            assert!(matches!(found, Err(StoreError::Broken(_))), "{column} = {value}: {found:?}");
            let back = if value.starts_with('\'') { format!("'{}'", before[0]) } else { before[0].clone() };
            f.run(&format!("UPDATE plan SET {column} = {back} WHERE id = 'free'")).await;
        }
        assert_eq!(*SeaCatalogue::new(&f.second().await).read().await.unwrap(), sample_catalogue());
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_catalogue_that_cannot_be_remembered_is_not_loaded() {
    on_each(async |f| {
        f.refuse_records().await;
        let before = f.dump().await;
        let load = SeaCatalogue::new(&f.db).load(&sample_catalogue(), &f.record(Action::CatalogueLoaded)).await;
        assert!(matches!(load, Err(StoreError::Unavailable(_))), "{load:?}");
        assert_eq!(f.dump().await, before, "not one row is different");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_remembered_is_not_done() {
    on_each(async |f| {
        let Plans { catalogue, subscriptions } = Plans::filled(f).await;
        let org = f.new_org(f.new_user().await).await;
        f.refuse_records().await;
        let (before, record) = (f.dump().await, f.record(Action::PlanUpdated));
        let next = Plan { version: 2, name: "Next".into(), ..plan("starter") };
        for (change, ended) in [
            ("create", catalogue.create(&plan("new"), &record).await.map(drop)),
            ("update", catalogue.update(&next, &record).await.map(drop)),
            ("retire", catalogue.retire(&id("starter"), &record).await.map(drop)),
            ("put", subscriptions.put(&first_move(f, org, &id("starter")), &record).await.map(drop)),
        ] {
            assert!(matches!(ended, Err(StoreError::Unavailable(_))), "{change}: {ended:?}");
        }
        assert_eq!(f.dump().await, before, "not one row is different");
    })
    .await;
}
