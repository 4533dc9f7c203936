use async_trait::async_trait;
use kernel::{Email, StoreError, UserId};
use org_core::{People, Person};
use sea_orm::{ColumnTrait, QueryFilter, QuerySelect, QueryTrait, Select, SelectExt};

use crate::connection::Database;
use crate::entity::app_user::{Column, Entity};
use crate::entity::{membership, user_profile};
use crate::value::read;

/// Enabled accounts, as far as organizations must know them.
#[derive(Debug, Clone)]
pub struct SeaPeople(Database);

impl SeaPeople {
    /// The people in this database.
    pub fn new(db: &Database) -> Self {
        Self(db.clone())
    }

    async fn one(&self, account: Select<Entity>) -> Result<Option<Person>, StoreError> {
        let enabled = account.filter(Column::Enabled.eq(true));
        let Some(row) = self.0.ask(enabled.one(self.0.reader())).await? else { return Ok(None) };
        let user = UserId::from_uuid(row.id);
        let profile = self.0.ask(user_profile::Entity::of_user(user).one(self.0.reader())).await?;
        Ok(Some(Person {
            user,
            email: read("app_user.email", Email::parse(&row.email))?,
            email_verified: row.email_verified,
            name: profile.and_then(|profile| profile.display_name).unwrap_or(row.username),
        }))
    }
}

#[async_trait]
impl People for SeaPeople {
    async fn by_email(&self, email: &Email) -> Result<Option<Person>, StoreError> {
        self.one(Entity::by_email(email.canonical())).await
    }

    async fn by_id(&self, user: UserId) -> Result<Option<Person>, StoreError> {
        self.one(Entity::by_id(user)).await
    }

    async fn colleague(&self, user: UserId, of: UserId) -> Result<Option<Person>, StoreError> {
        let listed = |user| membership::Entity::of_user(user).filter(membership::Column::Listed.eq(true));
        let theirs = listed(of).select_only().column(membership::Column::OrgId).into_query();
        let shared = listed(user).filter(membership::Column::OrgId.in_subquery(theirs));
        if self.0.ask(shared.exists(self.0.reader())).await? { self.by_id(user).await } else { Ok(None) }
    }
}
