use async_trait::async_trait;
use kernel::{Email, OrgId, Record, Role, StoreError, Timestamp, UserId};
use org_core::OrgStatus;
use plan_core::{Owned, PlanId, Source, Subscription, SubscriptionPut, SubscriptionStatus, SubscriptionStore};
use sea_orm::sea_query::{LockType, OnConflict};
use sea_orm::{
    ActiveModelTrait, ColumnTrait, ConnectionTrait, DbErr, EntityTrait, FromQueryResult, IntoActiveModel, JoinType,
    QueryFilter, QueryOrder, QueryResult, QuerySelect, RelationTrait, Statement,
};

use crate::connection::Database;
use crate::entity::subscription::{ActiveModel, Column, Entity, Model};
use crate::entity::{app_user, membership, organization, plan};
use crate::error::{Failure, bad_column};
use crate::org::guard;
use crate::recent::Recent;
use crate::transaction::{
    Step::{Commit, RollBack},
    Tx,
};
use crate::value::{read, storable};

const SUBSCRIPTION: &str = "SELECT o.created_at AS created_at, s.org_id AS org_id, s.plan_id AS plan_id, \
     s.status AS status, s.source AS source, s.anchor AS anchor, s.trial_ends_at AS trial_ends_at, \
     s.version AS version, s.updated_at AS updated_at FROM organization o LEFT JOIN subscription s ON s.org_id = o.id \
     WHERE o.id = $1 AND o.status <> 'deleted'";

/// What is known of an organization that is not deleted.
#[derive(Debug, Clone)]
pub(crate) struct Known {
    created_at: Timestamp,
    subscription: Option<Subscription>,
}

impl Known {
    /// Its subscription; on the default plan since it was made, if it was never moved.
    fn of(self, org: OrgId, default: &PlanId) -> Subscription {
        self.subscription.unwrap_or_else(|| Subscription {
            org,
            plan: default.clone(),
            status: SubscriptionStatus::Active,
            source: Source::Default,
            anchor: self.created_at,
            trial_ends_at: None,
            version: 0,
        })
    }
}

/// Subscriptions of at most a second ago.
pub(crate) type RecentSubscriptions = Recent<OrgId, Known>;

/// Which organization is on which plan, in the database.
#[derive(Debug, Clone)]
pub struct SeaSubscriptions(Database);

impl SeaSubscriptions {
    /// The subscriptions in this database.
    pub fn new(db: &Database) -> Self {
        Self(db.clone())
    }

    async fn known(&self, org: OrgId) -> Result<Option<Known>, StoreError> {
        let question = Statement::from_sql_and_values(self.0.backend(), SUBSCRIPTION, [org.uuid().into()]);
        let db = self.0.reader();
        let Some(row) = self.0.ask(db.query_one_raw(question)).await? else { return Ok(None) };
        let (created_at, row) = known(&row).map_err(StoreError::broken)?;
        Ok(Some(Known { created_at, subscription: row.map(to_subscription).transpose()? }))
    }
}

/// When the organization was made, and its subscription, if it ever had one.
fn known(row: &QueryResult) -> Result<(Timestamp, Option<Model>), DbErr> {
    let moved = row.try_get::<Option<i64>>("", "version")?.is_some();
    let subscription = if moved { Some(Model::from_query_result(row, "")?) } else { None };
    Ok((row.try_get("", "created_at")?, subscription))
}

fn to_subscription(row: Model) -> Result<Subscription, StoreError> {
    Ok(Subscription {
        org: OrgId::from_uuid(row.org_id),
        plan: read("subscription.plan_id", row.plan_id.parse())?,
        status: SubscriptionStatus::parse(&row.status).ok_or_else(|| bad_column("subscription.status"))?,
        source: Source::parse(&row.source).ok_or_else(|| bad_column("subscription.source"))?,
        anchor: row.anchor,
        trial_ends_at: row.trial_ends_at,
        version: read("subscription.version", u32::try_from(row.version))?,
    })
}

fn to_row(subscription: &Subscription, updated_at: Timestamp) -> ActiveModel {
    let row = Model {
        org_id: subscription.org.uuid(),
        plan_id: subscription.plan.as_str().to_owned(),
        status: subscription.status.as_str().to_owned(),
        source: subscription.source.as_str().to_owned(),
        anchor: storable(subscription.anchor),
        trial_ends_at: subscription.trial_ends_at.map(storable),
        version: subscription.version.into(),
        updated_at: storable(updated_at),
    };
    row.into_active_model().reset_all()
}

/// Locked are, in this order: the organization, so that nobody else moves it, and the plan, so that nobody retires it.
async fn put(tx: &Tx, wanted: &Subscription, at: Timestamp) -> Result<SubscriptionPut, Failure> {
    if guard::lock(&**tx, wanted.org).await?.is_none() {
        return Ok(SubscriptionPut::NotFound);
    }
    let before = Entity::of(wanted.org).one(&**tx).await?;
    if before.map_or(0, |row| row.version) + 1 != i64::from(wanted.version) {
        return Ok(SubscriptionPut::VersionConflict);
    }
    let chosen = plan::Entity::by_id(&wanted.plan).lock(LockType::Share).one(&**tx).await?;
    if !chosen.is_some_and(|plan| plan.is_active) {
        return Ok(SubscriptionPut::NoSuchPlan);
    }
    write(tx, wanted, at).await?;
    Ok(SubscriptionPut::Put)
}

/// What is kept of an organization, whose row is locked.
pub(crate) async fn current(tx: &Tx, org: OrgId) -> Result<Option<Subscription>, Failure> {
    Ok(Entity::of(org).one(&**tx).await?.map(to_subscription).transpose()?)
}

/// Writes the subscription of an organization, whose row is locked.
pub(crate) async fn write(tx: &Tx, subscription: &Subscription, at: Timestamp) -> Result<(), DbErr> {
    let again = OnConflict::column(Column::OrgId)
        .update_columns([
            Column::PlanId,
            Column::Status,
            Column::Source,
            Column::Anchor,
            Column::TrialEndsAt,
            Column::Version,
            Column::UpdatedAt,
        ])
        .to_owned();
    Entity::insert(to_row(subscription, at)).on_conflict(again).exec_without_returning(&**tx).await.map(drop)
}

#[async_trait]
impl SubscriptionStore for SeaSubscriptions {
    async fn of(&self, org: OrgId, default: &PlanId) -> Result<Option<Subscription>, StoreError> {
        let recent = self.0.subscriptions();
        let known = match recent.get(&org) {
            Some(known) => Some(known),
            None => recent.keep(org, Box::pin(self.known(org))).await?,
        };
        Ok(known.map(|known| known.of(org, default)))
    }

    async fn now(&self, org: OrgId, default: &PlanId) -> Result<Option<Subscription>, StoreError> {
        Ok(self.known(org).await?.map(|known| known.of(org, default)))
    }

    async fn put(&self, subscription: &Subscription, record: &Record) -> Result<SubscriptionPut, StoreError> {
        let _moving = self.0.subscriptions().moving();
        let change = |tx: Tx| async move {
            let answer = put(&tx, subscription, record.at).await?;
            Ok(if answer == SubscriptionPut::Put { Commit(answer) } else { RollBack(answer) })
        };
        self.0.change(record, change).await
    }

    async fn owned_by(&self, email: &Email) -> Result<Option<Owned>, StoreError> {
        let db = self.0.reader();
        let account = app_user::Entity::by_email(email.canonical());
        let Some(account) = self.0.ask(account.one(db)).await? else { return Ok(None) };
        let user = UserId::from_uuid(account.id);
        let oldest = membership::Entity::of_user(user)
            .join(JoinType::InnerJoin, membership::Relation::Organization.def())
            .filter(membership::Column::Listed.eq(true))
            .filter(membership::Column::Role.eq(Role::Owner.as_str()))
            .filter(organization::Column::Status.eq(OrgStatus::Active.as_str()))
            .order_by_asc(organization::Column::CreatedAt)
            .order_by_asc(organization::Column::Id);
        let owned = self.0.ask(oldest.one(db)).await?;
        Ok(owned.map(|row| Owned { user, email: account.email, org: OrgId::from_uuid(row.org_id) }))
    }
}
