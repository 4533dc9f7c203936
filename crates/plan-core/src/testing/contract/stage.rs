use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use kernel::{Action, Actor, OrgId, Record, Timestamp, UserId};

use crate::testing::{PlanStores, sample_catalogue};
use crate::{
    Catalogue, Plan, PlanCreated, PlanId, PlanRetired, PlanUpdated, Source, Subscription, SubscriptionPut,
    SubscriptionStatus,
};

pub(super) const SECOND: Duration = Duration::from_secs(1);
pub(super) const DAY: Duration = Duration::from_hours(24);

/// The stores under test and a time that passes by a second with every step. Each step checks that a change was made with its
/// record or neither.
pub(super) struct Stage<'a> {
    pub(super) stores: PlanStores<'a>,
    unique: String,
    steps: AtomicU32,
}

impl<'a> Stage<'a> {
    pub(super) fn new(stores: PlanStores<'a>) -> Self {
        let unique = stores.ambient.random::<6>().iter().map(|byte| format!("{byte:02x}")).collect();
        Self { stores, unique, steps: AtomicU32::default() }
    }

    /// The stage, and on it at least the sample catalogue.
    pub(super) async fn filled(stores: PlanStores<'a>) -> Self {
        let stage = Self::new(stores);
        if stage.read().await.plans().is_empty() {
            assert!(stage.load(&sample_catalogue()).await, "an empty catalogue is filled");
        }
        stage
    }

    /// A text that no other run of a contract has.
    pub(super) fn unique(&self, text: &str) -> String {
        format!("{}-{text}", self.unique)
    }

    /// A later moment than every one before.
    pub(super) fn tick(&self) -> Timestamp {
        self.stores.ambient.now() + SECOND * self.steps.fetch_add(1, Ordering::SeqCst)
    }

    fn record(&self, action: Action, kind: &'static str, id: impl ToString) -> Record {
        Record { at: self.tick(), ..Record::new(self.stores.ambient, &Actor::system(), action, kind, id) }
    }

    /// A change and its record have the same fate.
    async fn assert_kept(&self, record: &Record, changed: bool) {
        let kept = self.stores.population.kept(record.id).await;
        assert_eq!(kept, changed, "a change and its record: {:?}", record.action);
    }

    pub(super) async fn read(&self) -> Arc<Catalogue> {
        self.stores.catalogue.read().await.unwrap()
    }

    pub(super) async fn plan(&self, id: &PlanId) -> Option<Plan> {
        self.read().await.plan(id).cloned()
    }

    pub(super) async fn load(&self, catalogue: &Catalogue) -> bool {
        let record = self.record(Action::CatalogueLoaded, "catalogue", "catalogue");
        let loaded = self.stores.catalogue.load(catalogue, &record).await.unwrap();
        self.assert_kept(&record, loaded).await;
        loaded
    }

    pub(super) async fn create(&self, plan: &Plan) -> PlanCreated {
        let record = self.record(Action::PlanCreated, "plan", &plan.id);
        let answer = self.stores.catalogue.create(plan, &record).await.unwrap();
        self.assert_kept(&record, answer == PlanCreated::Created).await;
        answer
    }

    pub(super) async fn update(&self, plan: &Plan) -> PlanUpdated {
        let record = self.record(Action::PlanUpdated, "plan", &plan.id);
        let answer = self.stores.catalogue.update(plan, &record).await.unwrap();
        self.assert_kept(&record, answer == PlanUpdated::Updated).await;
        answer
    }

    /// A second retirement changes nothing: whether its record is kept is the store's.
    pub(super) async fn retire(&self, id: &PlanId) -> PlanRetired {
        let was_active = self.plan(id).await.is_some_and(|plan| plan.is_active);
        let record = self.record(Action::PlanRetired, "plan", id);
        let answer = self.stores.catalogue.retire(id, &record).await.unwrap();
        if was_active || answer != PlanRetired::Retired {
            self.assert_kept(&record, answer == PlanRetired::Retired).await;
        }
        answer
    }

    /// A new plan like the sample's professional one.
    pub(super) async fn new_plan(&self, name: &str) -> Plan {
        let plan = Plan { id: self.unique(name).parse().unwrap(), ..model("professional") };
        assert_eq!(self.create(&plan).await, PlanCreated::Created);
        plan
    }

    pub(super) async fn user(&self) -> UserId {
        let number = self.steps.fetch_add(1, Ordering::SeqCst);
        self.stores.population.user(&self.unique(&format!("{number}@example.com"))).await
    }

    /// A new organization, and when it was made.
    pub(super) async fn org(&self) -> (OrgId, Timestamp) {
        let (owner, created_at) = (self.user().await, self.tick());
        (self.stores.population.org(owner, created_at).await, created_at)
    }

    pub(super) async fn of(&self, org: OrgId) -> Option<Subscription> {
        self.stores.subscriptions.of(org, &id("free")).await.unwrap()
    }

    pub(super) async fn put(&self, subscription: &Subscription) -> SubscriptionPut {
        let record = self.record(Action::SubscriptionChanged, "subscription", subscription.org);
        let record = record.within(subscription.org);
        let answer = self.stores.subscriptions.put(subscription, &record).await.unwrap();
        self.assert_kept(&record, answer == SubscriptionPut::Put).await;
        answer
    }
}

pub(super) fn id(name: &str) -> PlanId {
    name.parse().unwrap()
}

/// A plan of the sample catalogue.
pub(super) fn model(name: &str) -> Plan {
    sample_catalogue().plan(&id(name)).cloned().unwrap()
}

/// An organization on a plan, as an administrator puts it.
pub(super) fn on(org: OrgId, plan: &PlanId, anchor: Timestamp, version: u32) -> Subscription {
    Subscription {
        org,
        plan: plan.clone(),
        status: SubscriptionStatus::Active,
        source: Source::Administrator,
        anchor,
        trial_ends_at: None,
        version,
    }
}

pub(super) fn number_of<T: PartialEq>(answers: &[T], wanted: &T) -> usize {
    answers.iter().filter(|answer| *answer == wanted).count()
}
