use async_trait::async_trait;
use auth_core::{Freshness, Home, MembershipStanding, Standing, Standings};
use kernel::{OrgId, Record, StoreError, UserId};
use org_core::OrgStatus;
use sea_orm::sea_query::{Expr, ExprTrait};
use sea_orm::{
    ColumnTrait, ConnectionTrait, DbErr, EntityTrait, FromQueryResult, JoinType, QueryFilter, QueryOrder, QuerySelect,
    RelationTrait, Select, Statement,
};
use uuid::Uuid;

use crate::audit;
use crate::connection::Database;
use crate::entity::{app_user, membership, organization};
use crate::error::bad_column;
use crate::recent::{Moving, Recent};
use crate::transaction::{
    Step::{Commit, RollBack},
    Tx,
};
use crate::value::read;

const STANDING: &str = "SELECT u.epoch AS user_epoch, p.epoch AS platform_epoch, u.enabled AS enabled, u.email_canonical AS email, \
     u.role AS platform_role, m.role AS member_role, m.epoch AS member_epoch, o.status AS org_status \
     FROM app_user u CROSS JOIN platform p \
     LEFT JOIN membership m ON m.org_id = $2 AND m.user_id = u.id AND m.status = 'active' \
     LEFT JOIN organization o ON o.id = m.org_id WHERE u.id = $1";

/// Standings of at most a second ago.
pub(crate) type RecentStandings = Recent<(UserId, Option<OrgId>), Standing>;

impl Database {
    /// To be held over a change of an epoch, a role, a status or of who is enabled.
    pub(crate) fn moving_standings(&self) -> Moving<'_> {
        self.standings().moving()
    }
}

#[derive(Debug, FromQueryResult)]
struct Row {
    user_epoch: i64,
    platform_epoch: i64,
    enabled: bool,
    email: String,
    platform_role: String,
    member_role: Option<String>,
    member_epoch: Option<i64>,
    org_status: Option<String>,
}

impl Row {
    fn into_standing(self) -> Result<Standing, StoreError> {
        let membership = match (self.member_role, self.member_epoch, self.org_status) {
            (None, None, None) => None,
            (Some(role), Some(epoch), Some(status)) => Some(MembershipStanding {
                role: read("membership.role", role.parse())?,
                epoch,
                org_active: status == OrgStatus::Active.as_str(),
            }),
            _ => return Err(bad_column("membership.org_id")),
        };
        Ok(Standing {
            user_epoch: self.user_epoch,
            platform_epoch: self.platform_epoch,
            enabled: self.enabled,
            email: self.email,
            platform_role: read("app_user.role", self.platform_role.parse())?,
            membership,
        })
    }
}

/// Who still counts, from the database.
#[derive(Debug, Clone)]
pub struct SeaStandings(Database);

impl SeaStandings {
    /// The standings in this database.
    pub fn new(db: &Database) -> Self {
        Self(db.clone())
    }

    async fn read(&self, user: UserId, org: Option<OrgId>) -> Result<Option<Standing>, StoreError> {
        let values = [user.uuid().into(), org.map(OrgId::uuid).into()];
        let question = Statement::from_sql_and_values(self.0.backend(), STANDING, values);
        let row = self.0.ask(Row::find_by_statement(question).one(self.0.reader())).await?;
        row.map(Row::into_standing).transpose()
    }

    /// The user's memberships in active organizations.
    fn homes(user: UserId) -> Select<membership::Entity> {
        membership::Entity::of_user(user)
            .join(JoinType::InnerJoin, membership::Relation::Organization.def())
            .filter(membership::Column::Listed.eq(true))
            .filter(organization::Column::Status.eq(OrgStatus::Active.as_str()))
    }

    async fn find_home(&self, user: UserId) -> Result<Option<membership::Model>, DbErr> {
        let db = self.0.reader();
        let last: Option<Option<Uuid>> =
            app_user::Entity::by_id(user).select_only().column(app_user::Column::HomeOrg).into_tuple().one(db).await?;
        if let Some(org) = last.flatten() {
            let found = Self::homes(user).filter(membership::Column::OrgId.eq(org)).one(db).await?;
            if found.is_some() {
                return Ok(found);
            }
        }
        let oldest =
            Self::homes(user).order_by_asc(membership::Column::JoinedAt).order_by_asc(membership::Column::OrgId);
        oldest.limit(1).one(db).await
    }
}

/// Moves the user's epoch; the new one, or `None` without such a user.
pub(crate) async fn next_epoch(tx: &impl ConnectionTrait, user: UserId) -> Result<Option<i64>, DbErr> {
    let moved = app_user::Entity::update_many()
        .col_expr(app_user::Column::Epoch, Expr::col(app_user::Column::Epoch).add(1))
        .filter(app_user::Column::Id.eq(user.uuid()))
        .exec_with_returning(tx)
        .await?;
    Ok(moved.first().map(|row| row.epoch))
}

#[async_trait]
impl Standings for SeaStandings {
    async fn of(&self, user: UserId, org: Option<OrgId>, fresh: Freshness) -> Result<Option<Standing>, StoreError> {
        let recent = self.0.standings();
        let key = (user, org);
        if fresh == Freshness::Cached
            && let Some(standing) = recent.get(&key)
        {
            return Ok(Some(standing));
        }
        recent.keep(key, Box::pin(self.read(user, org))).await
    }

    async fn home(&self, user: UserId) -> Result<Option<Home>, StoreError> {
        let found = self.0.ask(self.find_home(user)).await?;
        Ok(found.map(|row| Home { org: OrgId::from_uuid(row.org_id), epoch: row.epoch }))
    }

    async fn end_sessions(&self, user: UserId, record: &Record) -> Result<Option<i64>, StoreError> {
        let _moving = self.0.moving_standings();
        let change = |tx: Tx| async move {
            let epoch = next_epoch(&*tx, user).await?;
            Ok(if epoch.is_some() { Commit(epoch) } else { RollBack(None) })
        };
        self.0.change(record, change).await
    }

    async fn set_home(&self, user: UserId, org: OrgId, record: &Record) -> Result<(), StoreError> {
        let change = |tx: Tx| async move {
            let set = app_user::Entity::update_many()
                .col_expr(app_user::Column::HomeOrg, Expr::value(org.uuid()))
                .filter(app_user::Column::Id.eq(user.uuid()))
                .exec(&*tx)
                .await?;
            Ok(if set.rows_affected == 1 { Commit(()) } else { RollBack(()) })
        };
        self.0.change(record, change).await
    }

    async fn note(&self, record: &Record) -> Result<(), StoreError> {
        let note = |tx: Tx| async move {
            audit::append(&*tx, record).await?;
            Ok(Commit(()))
        };
        self.0.write(note).await
    }
}
