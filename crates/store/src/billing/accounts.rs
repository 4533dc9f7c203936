use async_trait::async_trait;
use billing_core::{Account, BillingStore, Movement, PaymentProvider, Posted, Posting};
use kernel::{OrgId, Record, StoreError, Timestamp};
use org_core::OrgStatus;
use sea_orm::{ColumnTrait, QueryFilter, QueryOrder, QuerySelect, QueryTrait, SelectExt};

use super::post::post;
use super::row::{to_account, to_movement};
use crate::connection::Database;
use crate::entity::billing_account::{Column, Entity};
use crate::entity::{billing_movement, billing_subscription, organization};
use crate::transaction::Tx;
use crate::value::without_zero;

/// Organizations' money in the database.
#[derive(Debug, Clone)]
pub struct SeaBilling(Database);

impl SeaBilling {
    /// The accounts in this database.
    pub fn new(db: &Database) -> Self {
        Self(db.clone())
    }
}

#[async_trait]
impl BillingStore for SeaBilling {
    async fn account(&self, org: OrgId, provider: PaymentProvider) -> Result<Option<Account>, StoreError> {
        let db = self.0.reader();
        let lives = organization::Entity::of(org).filter(organization::Column::Status.ne(OrgStatus::Deleted.as_str()));
        if !self.0.ask(lives.exists(db)).await? {
            return Ok(None);
        }
        let row = Entity::of(org).find_also_related(billing_subscription::Entity).one(db);
        match self.0.ask(row).await? {
            Some((account, subscription)) => to_account(account, subscription).map(Some),
            None => Ok(Some(Account::new(org, provider))),
        }
    }

    async fn org_of(&self, provider: PaymentProvider, customer: &str) -> Result<Option<OrgId>, StoreError> {
        let account = Entity::of_customer(provider, &without_zero(customer));
        let found = self.0.ask(account.one(self.0.reader())).await?;
        Ok(found.map(|row| OrgId::from_uuid(row.org_id)))
    }

    async fn post(&self, posting: &Posting, record: &Record) -> Result<Posted, StoreError> {
        let _moving = posting.grant.as_ref().map(|_| self.0.subscriptions().moving());
        self.0.change(record, |tx: Tx| async move { post(&tx, posting, record.at).await }).await
    }

    async fn due(&self, now: Timestamp, limit: u32) -> Result<Vec<OrgId>, StoreError> {
        let deleted = organization::Entity::listing()
            .filter(organization::Column::Status.eq(OrgStatus::Deleted.as_str()))
            .select_only()
            .column(organization::Column::Id);
        let due = Entity::due(now)
            .filter(Column::OrgId.not_in_subquery(deleted.into_query()))
            .order_by_asc(Column::NextAt)
            .order_by_asc(Column::OrgId)
            .limit(u64::from(limit));
        let rows = self.0.ask(due.all(self.0.reader())).await?;
        Ok(rows.into_iter().map(|row| OrgId::from_uuid(row.org_id)).collect())
    }

    async fn accounts(
        &self,
        provider: PaymentProvider,
        after: Option<OrgId>,
        limit: u32,
    ) -> Result<Vec<Account>, StoreError> {
        let mut rows = Entity::customers(provider).order_by_asc(Column::OrgId).limit(u64::from(limit));
        if let Some(after) = after {
            rows = rows.filter(Column::OrgId.gt(after.uuid()));
        }
        let rows = rows.find_also_related(billing_subscription::Entity).all(self.0.reader());
        let rows = self.0.ask(rows).await?;
        rows.into_iter().map(|(account, subscription)| to_account(account, subscription)).collect()
    }

    async fn movements(&self, org: OrgId) -> Result<Vec<Movement>, StoreError> {
        let rows = billing_movement::Entity::of(org).order_by_asc(billing_movement::Column::AccountVersion);
        let rows = self.0.ask(rows.all(self.0.reader())).await?;
        rows.into_iter().map(to_movement).collect()
    }
}
