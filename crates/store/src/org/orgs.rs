use std::collections::{BTreeMap, HashMap};

use async_trait::async_trait;
use kernel::{OrgId, Page, Paged, Record, Role, StoreError, Timestamp, UserId};
use org_core::{
    Created, Joined, OnTier, Org, OrgFilter, OrgName, OrgStats, OrgStatus, OrgStore, OrgSummary, Patched, Permission,
    SettingsPatch, Slug, StatusChanged,
};
use sea_orm::sea_query::{Asterisk, Expr, ExprTrait};
use sea_orm::{
    ActiveModelTrait, ColumnTrait, DbErr, EntityTrait, IntoActiveModel, JoinType, QueryFilter, QueryOrder, QuerySelect,
    QueryTrait, RelationTrait, Select, Set,
};
use uuid::Uuid;

use super::{guard, settings};
use crate::connection::Database;
use crate::entity::membership::{self, ACTIVE};
use crate::entity::organization::{ActiveModel, Column, Entity, Model, Relation};
use crate::entity::{app_user, invitation, subscription};
use crate::error::violated;
use crate::transaction::{
    Step::{Commit, RollBack},
    Tx,
};
use crate::value::{containing, count, number, part, read, search_text, storable};

/// Organizations in the database.
#[derive(Debug, Clone)]
pub struct SeaOrgs(Database);

impl SeaOrgs {
    /// The organizations in this database.
    pub fn new(db: &Database) -> Self {
        Self(db.clone())
    }

    /// The address of each organization's longest-standing active owner.
    async fn owners(&self, orgs: &[Model]) -> Result<HashMap<Uuid, String>, DbErr> {
        let rows: Vec<(Uuid, String)> = membership::Entity::of_all(orgs.iter().map(|org| org.id))
            .join(JoinType::InnerJoin, membership::Relation::AppUser.def())
            .filter(membership::Column::Role.eq(Role::Owner.as_str()))
            .filter(app_user::Column::Enabled.eq(true))
            .select_only()
            .column(membership::Column::OrgId)
            .column(app_user::Column::Email)
            .order_by_asc(membership::Column::JoinedAt)
            .order_by_asc(membership::Column::UserId)
            .into_tuple()
            .all(self.0.reader())
            .await?;
        let mut first = HashMap::new();
        for (org, email) in rows {
            first.entry(org).or_insert(email);
        }
        Ok(first)
    }
}

fn to_row(org: &Org) -> Result<Model, StoreError> {
    Ok(Model {
        id: org.id.uuid(),
        name: org.name.as_str().to_owned(),
        slug: org.slug.as_str().to_owned(),
        search_text: search_text(&[org.name.as_str(), org.slug.as_str()]),
        status: org.status.as_str().to_owned(),
        settings: settings::to_column(&org.settings)?,
        member_count: 0,
        active_count: 0,
        created_at: storable(org.created_at),
        deleted_at: None,
    })
}

fn to_org(row: Model) -> Result<Org, StoreError> {
    Ok(Org {
        id: OrgId::from_uuid(row.id),
        name: read("organization.name", OrgName::parse(&row.name))?,
        slug: read("organization.slug", Slug::parse(&row.slug))?,
        status: read("organization.status", row.status.parse())?,
        created_at: row.created_at,
        settings: settings::from_column(&row.settings)?,
    })
}

fn to_summary(row: Model, owner: Option<String>) -> Result<OrgSummary, StoreError> {
    Ok(OrgSummary {
        id: OrgId::from_uuid(row.id),
        name: row.name,
        slug: row.slug,
        status: read("organization.status", row.status.parse())?,
        created_at: row.created_at,
        owner,
        member_count: number("organization.active_count", row.active_count)?,
    })
}

fn to_joined(membership: &membership::Model, org: Option<Model>) -> Result<Joined, StoreError> {
    let org = org.ok_or_else(|| StoreError::broken("a membership without its organization"))?;
    let logo = settings::from_column(&org.settings)?.logo_url;
    Ok(Joined {
        org: OrgId::from_uuid(org.id),
        name: org.name,
        status: read("organization.status", org.status.parse())?,
        logo_url: logo.map(|url| url.as_str().to_owned()),
        role: read("membership.role", membership.role.parse())?,
        joined_at: membership.joined_at,
        member_count: number("organization.active_count", org.active_count)?,
    })
}

fn filtered(filter: &OrgFilter) -> Select<Entity> {
    let mut rows = Entity::listing();
    rows = match filter.status {
        Some(status) => rows.filter(Column::Status.eq(status.as_str())),
        None => rows.filter(Column::Status.ne(OrgStatus::Deleted.as_str())),
    };
    if let Some(search) = &filter.search {
        rows = rows.filter(Column::SearchText.like(containing(search)));
    }
    if let Some(member) = filter.member {
        rows = rows
            .join(JoinType::InnerJoin, Relation::Membership.def())
            .filter(membership::Column::UserId.eq(member.uuid()))
            .filter(membership::Column::Status.eq(ACTIVE));
    }
    match &filter.on {
        Some(on) => counted_for(rows, on),
        None => rows,
    }
}

/// Of these organizations those for which a plan counts: chosen and granted, or, of the one that counts otherwise, no other one granted.
fn counted_for(rows: Select<Entity>, on: &OnTier) -> Select<Entity> {
    use subscription::Column::{OrgId as Org, PlanId};
    let granted = subscription::Entity::granted(on.at).select_only().column(Org);
    let deleted = Column::Status.eq(OrgStatus::Deleted.as_str());
    if on.tier == on.otherwise {
        let others = granted.filter(PlanId.ne(on.tier.as_str()));
        rows.filter(deleted.or(Column::Id.not_in_subquery(others.into_query())))
    } else {
        let these = granted.filter(PlanId.eq(on.tier.as_str()));
        rows.filter(deleted.not()).filter(Column::Id.in_subquery(these.into_query()))
    }
}

/// What goes with a deletion: open invitations end, and the organization leaves its members' lists.
async fn bury(tx: &Tx, org: OrgId) -> Result<(), DbErr> {
    use invitation::Column::{OrgId as InvitedTo, State};
    invitation::Entity::update_many()
        .col_expr(State, Expr::value(invitation::REVOKED))
        .filter(InvitedTo.eq(org.uuid()))
        .filter(State.eq(invitation::OPEN))
        .exec(&**tx)
        .await?;
    membership::Entity::update_many()
        .col_expr(membership::Column::Listed, Expr::value(false))
        .filter(membership::Column::OrgId.eq(org.uuid()))
        .exec(&**tx)
        .await
        .map(drop)
}

async fn update(tx: &Tx, org: OrgId, row: ActiveModel) -> Result<(), DbErr> {
    Entity::update_many().set(row).filter(Column::Id.eq(org.uuid())).exec(&**tx).await.map(drop)
}

/// Moves the epoch of every membership: sessions in the organization stay dead when it becomes active again.
async fn end_sessions(tx: &Tx, org: OrgId) -> Result<(), DbErr> {
    membership::Entity::update_many()
        .col_expr(membership::Column::Epoch, Expr::col(membership::Column::Epoch).add(1))
        .filter(membership::Column::OrgId.eq(org.uuid()))
        .exec(&**tx)
        .await
        .map(drop)
}

#[async_trait]
impl OrgStore for SeaOrgs {
    async fn create(&self, org: &Org, owner: UserId, record: &Record) -> Result<Created, StoreError> {
        let _moving = self.0.moving_standings();
        let row = &to_row(org)?.into_active_model().reset_all();
        let change = |tx: Tx| async move {
            match Entity::insert(row.clone()).exec_without_returning(&*tx).await {
                Ok(_) => {}
                Err(err) if violated(&err, &["slug"]).is_some() => return Ok(RollBack(Created::SlugTaken)),
                Err(err) => return Err(err.into()),
            }
            let enabled = guard::join(&*tx, org.id, owner, Role::Owner, org.created_at).await?;
            if org.status == OrgStatus::Active && !enabled {
                return Err(StoreError::unavailable("the owner's account cannot be used").into());
            }
            Ok(Commit(Created::Created))
        };
        self.0.change(record, change).await
    }

    async fn find(&self, org: OrgId) -> Result<Option<Org>, StoreError> {
        self.0.ask(Entity::of(org).one(self.0.reader())).await?.map(to_org).transpose()
    }

    async fn page(&self, filter: &OrgFilter, page: Page) -> Result<Paged<OrgSummary>, StoreError> {
        let rows = filtered(filter);
        let total = self.0.ask(count(rows.clone(), self.0.reader())).await?;
        let newest = part(rows.order_by_desc(Column::CreatedAt).order_by_desc(Column::Id), page);
        let rows = self.0.ask(newest.all(self.0.reader())).await?;
        let mut owners = self.0.ask(self.owners(&rows)).await?;
        let items = rows.into_iter().map(|row| {
            let owner = owners.remove(&row.id);
            to_summary(row, owner)
        });
        Ok(Paged { items: items.collect::<Result<_, _>>()?, total, page })
    }

    async fn joined(&self, user: UserId, page: Page) -> Result<Paged<Joined>, StoreError> {
        use membership::Column::{JoinedAt, Listed, OrgId as Org};
        let rows = membership::Entity::of_user(user).filter(Listed.eq(true));
        let oldest = part(rows.clone().order_by_asc(JoinedAt).order_by_asc(Org), page);
        let reader = self.0.reader();
        let (total, rows) = tokio::try_join!(self.0.ask(count(rows, reader)), self.0.ask(oldest.all(reader)))?;
        // Joined in one statement, the rows that the offset passes over would be looked up too.
        let ids = rows.iter().map(|membership| membership.org_id);
        let orgs = self.0.ask(Entity::listing().filter(Column::Id.is_in(ids)).all(reader)).await?;
        let mut orgs: HashMap<Uuid, Model> = orgs.into_iter().map(|org| (org.id, org)).collect();
        let items = rows.iter().map(|membership| to_joined(membership, orgs.remove(&membership.org_id)));
        Ok(Paged { items: items.collect::<Result<_, _>>()?, total, page })
    }

    async fn patch(&self, org: OrgId, patch: &SettingsPatch, record: &Record) -> Result<Patched, StoreError> {
        let change = |tx: Tx| async move {
            let Some(row) = guard::lock(&*tx, org).await? else { return Ok(RollBack(Patched::NotFound)) };
            if !guard::caller_holds(&*tx, org, record, Permission::ManageSettings).await? {
                return Ok(RollBack(Patched::Outdated));
            }
            let before = to_org(row)?;
            let after = Org {
                name: patch.name.clone().unwrap_or(before.name),
                settings: patch.applied_to(before.settings),
                ..before
            };
            let row = to_row(&after)?;
            let row = ActiveModel {
                name: Set(row.name),
                search_text: Set(row.search_text),
                settings: Set(row.settings),
                ..Default::default()
            };
            update(&tx, org, row).await?;
            Ok(Commit(Patched::Patched(Box::new(after))))
        };
        self.0.change(record, change).await
    }

    async fn set_status(&self, org: OrgId, status: OrgStatus, record: &Record) -> Result<StatusChanged, StoreError> {
        let _moving = self.0.moving_org();
        let change = |tx: Tx| async move {
            if guard::lock(&*tx, org).await?.is_none() {
                return Ok(RollBack(StatusChanged::NotFound));
            }
            if status == OrgStatus::Active && !guard::is_kept(&*tx, org, None).await? {
                return Ok(RollBack(StatusChanged::LastOwner));
            }
            let mut row = ActiveModel { status: Set(status.as_str().to_owned()), ..Default::default() };
            if status == OrgStatus::Deleted {
                row.deleted_at = Set(Some(storable(record.at)));
                bury(&tx, org).await?;
            }
            if status != OrgStatus::Active {
                end_sessions(&tx, org).await?;
            }
            update(&tx, org, row).await?;
            Ok(Commit(StatusChanged::Changed))
        };
        self.0.change(record, change).await
    }

    async fn stats(&self, org: OrgId, now: Timestamp) -> Result<OrgStats, StoreError> {
        let groups = membership::Entity::active(org)
            .join(JoinType::InnerJoin, membership::Relation::AppUser.def())
            .select_only()
            .column(membership::Column::Role)
            .column(app_user::Column::Enabled)
            .column_as(Expr::col(Asterisk).count(), "n")
            .group_by(membership::Column::Role)
            .group_by(app_user::Column::Enabled)
            .into_tuple::<(String, bool, i64)>();
        let groups = self.0.ask(groups.all(self.0.reader())).await?;
        let open = invitation::Entity::of(org).filter(invitation::Column::ExpiresAt.gt(storable(now)));
        let pending_invites = self.0.ask(count(open, self.0.reader())).await?;
        let members_by_role: BTreeMap<&'static str, u64> = Role::ALL.map(|role| (role.as_str(), 0)).into();
        let mut stats = OrgStats { total_members: 0, active_members: 0, pending_invites, members_by_role };
        for (role, enabled, n) in groups {
            let role: Role = read("membership.role", role.parse())?;
            let n = number("membership.role", n)?;
            stats.total_members += n;
            stats.active_members += if enabled { n } else { 0 };
            *stats.members_by_role.entry(role.as_str()).or_default() += n;
        }
        Ok(stats)
    }
}
