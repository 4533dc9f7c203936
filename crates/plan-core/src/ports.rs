use std::sync::Arc;

use async_trait::async_trait;
use kernel::{Email, OrgId, Record, ServiceName, StoreError, Timestamp, UserId};

use crate::{Call, Catalogue, Pays, Plan, PlanId, Subscription};

/// Answer of [`CatalogueStore::create`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PlanCreated {
    /// It is in the catalogue now.
    Created,
    /// A plan has this name, retired or not.
    Exists,
}

/// Answer of [`CatalogueStore::update`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PlanUpdated {
    /// It is as it was asked for, one version higher.
    Updated,
    /// There is no such plan.
    NotFound,
    /// Somebody changed it meanwhile; nothing changed.
    VersionConflict,
}

/// Answer of [`CatalogueStore::retire`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PlanRetired {
    /// It can no longer be chosen. (Also when it could not before.)
    Retired,
    /// There is no such plan.
    NotFound,
    /// An organization that is not deleted is on it; nothing changed.
    InUse,
}

/// Plans and services. What a change answered, a refusal too, is what the next `read` sees.
#[async_trait]
pub trait CatalogueStore: Send + Sync {
    /// The catalogue. At most one second old; what this process changed is seen at once.
    async fn read(&self) -> Result<Arc<Catalogue>, StoreError>;
    /// The catalogue as it is now, whoever changed it: for those who are about to change something by it.
    async fn read_now(&self) -> Result<Arc<Catalogue>, StoreError> {
        self.read().await
    }
    /// Writes a whole catalogue where there is no plan yet; `false` where there is one, and then nothing changed. Of any number of
    /// callers exactly one gets `true`.
    async fn load(&self, catalogue: &Catalogue, record: &Record) -> Result<bool, StoreError>;
    /// Adds a plan.
    async fn create(&self, plan: &Plan, record: &Record) -> Result<PlanCreated, StoreError>;
    /// Writes the plan over the one of its name if that has the version before the plan's.
    async fn update(&self, plan: &Plan, record: &Record) -> Result<PlanUpdated, StoreError>;
    /// Takes a plan that nobody is on out of what can be chosen, and makes it one version higher. Of a retirement and a
    /// [`SubscriptionStore::put`] onto the plan that race, one happens.
    async fn retire(&self, plan: &PlanId, record: &Record) -> Result<PlanRetired, StoreError>;
}

/// Answer of [`SubscriptionStore::put`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SubscriptionPut {
    /// It is as it was asked for.
    Put,
    /// There is no such organization, or it is deleted.
    NotFound,
    /// Somebody changed it meanwhile; nothing changed.
    VersionConflict,
    /// The plan was retired, or is none; nothing changed.
    NoSuchPlan,
}

/// Which organization is on which plan. What `put` answered, a refusal too, is what the next `of` sees.
#[async_trait]
pub trait SubscriptionStore: Send + Sync {
    /// The organization's subscription; one that was never moved is on `default` since it was made. `None` for an organization that
    /// does not exist or is deleted. At most one second old; what this process changed is seen at once.
    async fn of(&self, org: OrgId, default: &PlanId) -> Result<Option<Subscription>, StoreError>;
    /// The organization's subscription as it is now, whoever changed it.
    async fn now(&self, org: OrgId, default: &PlanId) -> Result<Option<Subscription>, StoreError> {
        self.of(org, default).await
    }
    /// Writes the subscription over the organization's if that has the version before it. Calls that begin afterwards are decided
    /// by it, in every process those that meter and those that this process decides at once, all others within a second.
    async fn put(&self, subscription: &Subscription, record: &Record) -> Result<SubscriptionPut, StoreError>;
    /// The owner with this canonical address, with the oldest active organization that they own.
    async fn owned_by(&self, email: &Email) -> Result<Option<Owned>, StoreError>;
}

/// An account and the organization that it owns.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Owned {
    /// The account.
    pub user: UserId,
    /// Its address, as written.
    pub email: String,
    /// The organization.
    pub org: OrgId,
}

/// How much room there is under one quota.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Room {
    /// What is left; `None` without an end.
    pub left: Option<u64>,
    /// What would be left if nothing were held for calls under way; `None` without an end.
    pub unheld: Option<u64>,
    /// When its period ends.
    pub ends_at: Timestamp,
}

/// Where an organization and its user stand against their quotas.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct QuotaStanding {
    /// The organization's month.
    pub month: Room,
    /// The organization's day.
    pub day: Room,
    /// The user's month; `None` for a call that no person makes.
    pub user: Option<Room>,
    /// By when all that is held now is settled or free.
    pub held_until: Timestamp,
}

impl Room {
    /// Whether so much fits.
    pub const fn admits(&self, quantity: u64) -> bool {
        match self.left {
            Some(left) => quantity <= left,
            None => true,
        }
    }
}

impl QuotaStanding {
    /// What the organization has left, the smaller of month and day; `None` without an end.
    pub fn org(&self) -> Option<u64> {
        self.month.left.into_iter().chain(self.day.left).min()
    }

    /// Whether so much fits under every quota.
    pub fn admits(&self, quantity: u64) -> bool {
        [Some(self.month), Some(self.day), self.user].into_iter().flatten().all(|room| room.admits(quantity))
    }
}

/// Answer of [`Quotas::hold`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Held {
    /// The quantity is held; the standing is the one after it.
    Held(kernel::ReservationId, QuotaStanding),
    /// There is not enough left: of the organization's quota, else of the user's.
    OverLimit(QuotaStanding),
    /// As many reservations of the organization are open as may be; the first of them ends by itself at this moment.
    TooMany(Timestamp),
}

/// What this crate asks about quotas. Answered by the application.
#[async_trait]
pub trait Quotas: Send + Sync {
    /// Where they stand; at most one second old, and never the last word: recording and holding are.
    async fn standing(&self, org: OrgId, user: Option<UserId>) -> Result<QuotaStanding, StoreError>;
    /// The same, read now: nobody is refused by what may have changed since.
    async fn standing_now(&self, org: OrgId, user: Option<UserId>) -> Result<QuotaStanding, StoreError> {
        self.standing(org, user).await
    }
    /// Holds quantity for a call that is about to be made.
    async fn hold(&self, call: &Call, seconds: u32) -> Result<Held, StoreError>;
}

/// What this crate asks about rate limits. Answered by the application.
#[async_trait]
pub trait Rates: Send + Sync {
    /// Counts one call of this user (or of the organization, for a call that no person makes) against `per_minute`. `Err` with the
    /// time from which one more fits when it does not.
    async fn take(
        &self,
        org: OrgId,
        user: Option<UserId>,
        per_minute: u64,
    ) -> Result<Result<(), Timestamp>, StoreError>;
}

/// What this crate asks about provider keys of organizations. Answered by the application.
#[async_trait]
pub trait OwnKeys: Send + Sync {
    /// Who pays the provider behind this service.
    async fn pays(&self, org: OrgId, service: &ServiceName) -> Result<Pays, StoreError>;
}
