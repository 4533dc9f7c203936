use std::sync::Arc;

use async_trait::async_trait;
use kernel::{Record, StoreError};
use org_core::OrgStatus;
use plan_core::{Catalogue, CatalogueStore, Plan, PlanCreated, PlanId, PlanRetired, PlanUpdated};
use sea_orm::sea_query::{Expr, ExprTrait, LockType};
use sea_orm::{
    ActiveModelTrait, ColumnTrait, ConnectionTrait, DbBackend, DbErr, EntityTrait, IntoActiveModel, JoinType,
    QueryFilter, QuerySelect, RelationTrait, SelectExt,
};

use super::row::{from_plan, from_service, to_plan, to_service};
use crate::connection::Database;
use crate::entity::plan::{Column, Entity};
use crate::entity::{organization, service, subscription};
use crate::error::violated;
use crate::recent::Recent;
use crate::transaction::{
    Step::{Commit, RollBack},
    Tx,
};

/// The catalogue of at most a second ago.
pub(crate) type RecentCatalogue = Recent<(), Arc<Catalogue>>;

/// Plans and services in the database.
#[derive(Debug, Clone)]
pub struct SeaCatalogue(Database);

impl SeaCatalogue {
    /// The catalogue in this database.
    pub fn new(db: &Database) -> Self {
        Self(db.clone())
    }

    /// Plans first: services come with the first plans, so where there are plans all services are there.
    async fn all(&self) -> Result<Option<Arc<Catalogue>>, StoreError> {
        let plans = self.0.ask(Entity::listing().all(self.0.reader())).await?;
        let services = self.0.ask(service::Entity::listing().all(self.0.reader())).await?;
        let plans = plans.into_iter().map(to_plan).collect::<Result<_, _>>()?;
        let services = services.into_iter().map(to_service).collect::<Result<_, _>>()?;
        Ok(Some(Arc::new(Catalogue::new(plans, services))))
    }
}

/// Nobody else writes a plan until the transaction ends; plans can still be read and chosen. SQLite has one writer anyway.
async fn lock_plans(tx: &Tx) -> Result<(), DbErr> {
    if tx.get_database_backend() == DbBackend::Postgres {
        tx.execute_unprepared("LOCK TABLE plan IN SHARE ROW EXCLUSIVE MODE").await?;
    }
    Ok(())
}

/// Whether an organization that is not deleted is on the plan. The plan's row is locked: nobody joins it meanwhile.
async fn in_use(tx: &Tx, plan: &PlanId) -> Result<bool, DbErr> {
    subscription::Entity::on(plan)
        .join(JoinType::InnerJoin, subscription::Relation::Organization.def())
        .filter(organization::Column::Status.ne(OrgStatus::Deleted.as_str()))
        .exists(&**tx)
        .await
}

#[async_trait]
impl CatalogueStore for SeaCatalogue {
    async fn read(&self) -> Result<Arc<Catalogue>, StoreError> {
        let recent = self.0.catalogue();
        match recent.get(&()) {
            Some(catalogue) => Ok(catalogue),
            None => self.read_now().await,
        }
    }

    async fn read_now(&self) -> Result<Arc<Catalogue>, StoreError> {
        let read = self.0.catalogue().keep((), Box::pin(self.all())).await?;
        read.ok_or_else(|| StoreError::broken("the catalogue vanished"))
    }

    async fn load(&self, catalogue: &Catalogue, record: &Record) -> Result<bool, StoreError> {
        let _moving = self.0.catalogue().moving();
        let plans = &catalogue.plans().iter().map(from_plan).collect::<Result<Vec<_>, _>>()?;
        let services = &catalogue.services().iter().map(from_service).collect::<Vec<_>>();
        let change = |tx: Tx| async move {
            lock_plans(&tx).await?;
            if Entity::listing().exists(&*tx).await? {
                return Ok(RollBack(false));
            }
            for plan in plans {
                Entity::insert(plan.clone().into_active_model().reset_all()).exec_without_returning(&*tx).await?;
            }
            for service in services {
                let row = service.clone().into_active_model().reset_all();
                service::Entity::insert(row).exec_without_returning(&*tx).await?;
            }
            Ok(Commit(true))
        };
        self.0.change(record, change).await
    }

    async fn create(&self, plan: &Plan, record: &Record) -> Result<PlanCreated, StoreError> {
        let _moving = self.0.catalogue().moving();
        let row = &from_plan(plan)?.into_active_model().reset_all();
        let change = |tx: Tx| async move {
            match Entity::insert(row.clone()).exec_without_returning(&*tx).await {
                Ok(_) => Ok(Commit(PlanCreated::Created)),
                // The table's one unique key, as either database calls it.
                Err(err) if violated(&err, &["plan.id", "plan_pkey"]).is_some() => Ok(RollBack(PlanCreated::Exists)),
                Err(err) => Err(err.into()),
            }
        };
        self.0.change(record, change).await
    }

    async fn update(&self, plan: &Plan, record: &Record) -> Result<PlanUpdated, StoreError> {
        let _moving = self.0.catalogue().moving();
        let row = &from_plan(plan)?.into_active_model().reset_all();
        let before = i64::from(plan.version) - 1;
        let change = |tx: Tx| async move {
            let this = Column::Id.eq(plan.id.as_str()).and(Column::Version.eq(before));
            let updated = Entity::update_many().set(row.clone()).filter(this).exec(&*tx).await?;
            if updated.rows_affected == 1 {
                return Ok(Commit(PlanUpdated::Updated));
            }
            let exists = Entity::by_id(&plan.id).exists(&*tx).await?;
            Ok(RollBack(if exists { PlanUpdated::VersionConflict } else { PlanUpdated::NotFound }))
        };
        self.0.change(record, change).await
    }

    async fn retire(&self, plan: &PlanId, record: &Record) -> Result<PlanRetired, StoreError> {
        let _moving = self.0.catalogue().moving();
        let change = |tx: Tx| async move {
            let Some(row) = Entity::by_id(plan).lock(LockType::NoKeyUpdate).one(&*tx).await? else {
                return Ok(RollBack(PlanRetired::NotFound));
            };
            if !row.is_active {
                return Ok(RollBack(PlanRetired::Retired));
            }
            if in_use(&tx, plan).await? {
                return Ok(RollBack(PlanRetired::InUse));
            }
            Entity::update_many()
                .col_expr(Column::IsActive, Expr::value(false))
                .col_expr(Column::Version, Expr::col(Column::Version).add(1))
                .filter(Column::Id.eq(plan.as_str()))
                .exec(&*tx)
                .await?;
            Ok(Commit(PlanRetired::Retired))
        };
        self.0.change(record, change).await
    }
}
