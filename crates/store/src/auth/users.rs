use async_trait::async_trait;
use auth_core::{Inserted, Switched, User, UserStore, UserTag, Username, WithHash};
use kernel::{Email, PlatformRole, Record, StoreError, TokenHash, UserId};
use sea_orm::sea_query::{Expr, ExprTrait, LockType, OnConflict};
use sea_orm::{
    ActiveModelTrait, ColumnTrait, DbErr, EntityTrait, IntoActiveModel, QueryFilter, QueryOrder, QuerySelect,
    SelectExt, Set,
};
use secrecy::{ExposeSecret, SecretString};
use uuid::Uuid;

use super::standings::next_epoch;
use crate::connection::Database;
use crate::entity::app_user::{Column, Entity, Model};
use crate::entity::known_device;
use crate::error::{Failure, bad_column, violated};
use crate::org::guard;
use crate::transaction::{
    Step::{Commit, RollBack},
    Tx,
};
use crate::value::{bytes, read, search_text, storable, without_zero};

/// How many devices of a user are remembered; the one used longest ago is forgotten.
const MAX_DEVICES: u64 = 20;

/// Accounts in the database.
#[derive(Debug, Clone)]
pub struct SeaUsers(Database);

impl SeaUsers {
    /// The accounts in this database.
    pub fn new(db: &Database) -> Self {
        Self(db.clone())
    }

    /// Which of the two was taken; the address, when both were.
    async fn taken(&self, user: &User, column: &str) -> Result<Inserted, StoreError> {
        let by_email = Entity::by_email(user.email.canonical()).exists(self.0.reader());
        let email = column == "email_canonical" || self.0.ask(by_email).await?;
        Ok(if email { Inserted::EmailTaken } else { Inserted::UsernameTaken })
    }
}

fn to_row(user: &User, hash: Option<&SecretString>) -> Model {
    Model {
        id: user.id.uuid(),
        email: user.email.as_str().to_owned(),
        email_canonical: user.email.canonical().to_owned(),
        email_verified: user.email_verified,
        username: user.username.as_str().to_owned(),
        search_text: search_text(&[user.email.as_str(), user.username.as_str()]),
        role: user.role.as_str().to_owned(),
        enabled: user.enabled,
        password_hash: hash.map(|hash| hash.expose_secret().to_owned()),
        tag: user.tag.as_str().to_owned(),
        epoch: 0,
        home_org: None,
        created_at: storable(user.created_at),
        last_login: user.last_login.map(storable),
    }
}

fn to_user(row: Model) -> Result<WithHash, StoreError> {
    let user = User {
        id: UserId::from_uuid(row.id),
        email: read("app_user.email", Email::parse(&row.email))?,
        email_verified: row.email_verified,
        username: read("app_user.username", Username::parse(&row.username))?,
        role: read("app_user.role", row.role.parse())?,
        enabled: row.enabled,
        tag: UserTag::parse(&row.tag).ok_or_else(|| bad_column("app_user.tag"))?,
        created_at: row.created_at,
        last_login: row.last_login,
    };
    Ok(WithHash { user, password_hash: row.password_hash.map(SecretString::from), epoch: row.epoch })
}

/// Remembers the device and forgets those beyond the limit. The account's row is locked: nobody else changes its devices now.
async fn remember(tx: &Tx, user: UserId, device: &TokenHash, record: &Record) -> Result<(), DbErr> {
    use known_device::Column::{Hash, LastUsed, UserId as User};
    let row = known_device::ActiveModel {
        user_id: Set(user.uuid()),
        hash: Set(bytes(device)),
        last_used: Set(storable(record.at)),
    };
    let again = OnConflict::columns([User, Hash]).update_column(LastUsed).to_owned();
    known_device::Entity::insert(row).on_conflict(again).exec_without_returning(&**tx).await?;
    let beyond: Vec<Vec<u8>> = known_device::Entity::of_user(user)
        .select_only()
        .column(Hash)
        .order_by_desc(LastUsed)
        .order_by_desc(Hash)
        .offset(MAX_DEVICES)
        .limit(MAX_DEVICES)
        .into_tuple()
        .all(&**tx)
        .await?;
    if !beyond.is_empty() {
        let old = known_device::Entity::delete_many().filter(User.eq(user.uuid())).filter(Hash.is_in(beyond));
        old.exec(&**tx).await?;
    }
    Ok(())
}

/// Enables or disables an account. Locked are, in this order: its organizations, then the account. Whoever makes the user a
/// member locks the account too, so what was read under both locks is the truth.
async fn switch(tx: &Tx, user: UserId, enabled: bool) -> Result<Switched, Failure> {
    let orgs = guard::lock_all_of(&**tx, user).await?;
    let Some(row) = Entity::by_id(user).lock(LockType::NoKeyUpdate).one(&**tx).await? else {
        return Ok(Switched::NotFound);
    };
    let now: Vec<Uuid> = guard::memberships(user).into_tuple().all(&**tx).await?;
    if now.iter().any(|org| !orgs.contains_key(org)) {
        return Err(Failure::Outdated);
    }
    if row.enabled && !enabled && guard::would_orphan(&**tx, user, &orgs).await? {
        return Ok(Switched::LastOwner);
    }
    if row.enabled != enabled {
        guard::count_enabled(&**tx, user, if enabled { 1 } else { -1 }).await?;
        let mine = Column::Id.eq(user.uuid());
        Entity::update_many().col_expr(Column::Enabled, Expr::value(enabled)).filter(mine).exec(&**tx).await?;
    }
    if !enabled {
        next_epoch(&**tx, user).await?;
    }
    Ok(Switched::Done)
}

#[async_trait]
impl UserStore for SeaUsers {
    async fn insert(&self, user: &User, hash: Option<&SecretString>, record: &Record) -> Result<Inserted, StoreError> {
        let row = &to_row(user, hash).into_active_model().reset_all();
        let change = |tx: Tx| async move {
            match Entity::insert(row.clone()).exec_without_returning(&*tx).await {
                Ok(_) => Ok(Commit(None)),
                Err(err) => match violated(&err, &["email_canonical", "username"]) {
                    Some(column) => Ok(RollBack(Some(column))),
                    None => Err(err.into()),
                },
            }
        };
        match self.0.change(record, change).await? {
            None => Ok(Inserted::Inserted),
            Some(column) => self.taken(user, column).await,
        }
    }

    async fn by_login(&self, login: &str) -> Result<Option<WithHash>, StoreError> {
        let login = without_zero(login);
        self.0.ask(Entity::by_login(&login).one(self.0.reader())).await?.map(to_user).transpose()
    }

    async fn by_id(&self, id: UserId) -> Result<Option<WithHash>, StoreError> {
        self.0.ask(Entity::by_id(id).one(self.0.reader())).await?.map(to_user).transpose()
    }

    async fn any(&self) -> Result<bool, StoreError> {
        self.0.ask(Entity::everybody().exists(self.0.reader())).await
    }

    async fn any_admin(&self) -> Result<bool, StoreError> {
        let is_admin = Column::Role.eq(PlatformRole::Admin.as_str()).and(Column::Enabled.eq(true));
        self.0.ask(Entity::everybody().filter(is_admin).exists(self.0.reader())).await
    }

    async fn signed_in(&self, user: UserId, device: Option<&TokenHash>, record: &Record) -> Result<(), StoreError> {
        let change = |tx: Tx| async move {
            let seen = Entity::update_many()
                .col_expr(Column::LastLogin, Expr::value(storable(record.at)))
                .filter(Column::Id.eq(user.uuid()))
                .exec(&*tx)
                .await?;
            if seen.rows_affected == 0 {
                return Ok(RollBack(()));
            }
            if let Some(device) = device {
                remember(&tx, user, device, record).await?;
            }
            Ok(Commit(()))
        };
        self.0.change(record, change).await
    }

    async fn knows_device(&self, user: UserId, device: &TokenHash) -> Result<bool, StoreError> {
        let found = known_device::Entity::of_user(user).filter(known_device::Column::Hash.eq(bytes(device)));
        self.0.ask(found.exists(self.0.reader())).await
    }

    async fn set_password(
        &self,
        user: UserId,
        old: Option<&SecretString>,
        new: &SecretString,
        record: &Record,
    ) -> Result<Option<i64>, StoreError> {
        let _moving = self.0.moving_standings();
        let change = |tx: Tx| async move {
            let still = match old {
                Some(old) => Column::PasswordHash.eq(old.expose_secret()),
                None => Column::PasswordHash.is_null(),
            };
            let set = Entity::update_many()
                .col_expr(Column::PasswordHash, Expr::value(new.expose_secret()))
                .col_expr(Column::Epoch, Expr::col(Column::Epoch).add(1))
                .filter(Column::Id.eq(user.uuid()))
                .filter(still)
                .exec_with_returning(&*tx)
                .await?;
            let epoch = set.first().map(|row| row.epoch);
            Ok(if epoch.is_some() { Commit(epoch) } else { RollBack(None) })
        };
        self.0.change(record, change).await
    }

    async fn set_enabled(&self, user: UserId, enabled: bool, record: &Record) -> Result<Switched, StoreError> {
        let _moving = self.0.moving_standings();
        let change = |tx: Tx| async move {
            let answer = switch(&tx, user, enabled).await?;
            Ok(if answer == Switched::Done { Commit(answer) } else { RollBack(answer) })
        };
        self.0.change(record, change).await
    }
}
