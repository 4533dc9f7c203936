use std::sync::Arc;

use kernel::{Action, Actor, Ambient, Record};

use crate::{
    Catalogue, CatalogueStore, Plan, PlanCreated, PlanDraft, PlanError, PlanId, PlanPatch, PlanRetired, PlanUpdated,
};

/// So often a change that names no version is tried again when somebody else was faster.
const ATTEMPTS: usize = 5;

/// The catalogue. Changes are for platform administrators: who calls has seen that the actor is one.
#[derive(Clone)]
pub struct Plans {
    catalogue: Arc<dyn CatalogueStore>,
    default: PlanId,
    ambient: Ambient,
}

impl Plans {
    /// The use cases over this store. `default` is the plan that every organization begins with.
    pub fn new(catalogue: Arc<dyn CatalogueStore>, default: PlanId, ambient: Ambient) -> Self {
        Self { catalogue, default, ambient }
    }

    /// The plan that every organization begins with.
    pub const fn default_plan(&self) -> &PlanId {
        &self.default
    }

    /// All plans and services, retired plans included.
    pub async fn catalogue(&self) -> Result<Arc<Catalogue>, PlanError> {
        Ok(self.catalogue.read().await?)
    }

    /// The same as it is now: for a change that is to be made of what it says.
    pub async fn catalogue_now(&self) -> Result<Arc<Catalogue>, PlanError> {
        Ok(self.catalogue.read_now().await?)
    }

    /// Fills an empty catalogue; `false` where there is a plan already, and then nothing changed.
    pub async fn load(&self, actor: &Actor, catalogue: &Catalogue) -> Result<bool, PlanError> {
        let record = Record::new(&self.ambient, actor, Action::CatalogueLoaded, "catalogue", "catalogue")
            .with("plans", catalogue.plans().len())
            .with("services", catalogue.services().len());
        Ok(self.catalogue.load(catalogue, &record).await?)
    }

    /// Adds a plan.
    pub async fn create(&self, actor: &Actor, draft: &PlanDraft) -> Result<Plan, PlanError> {
        let catalogue = self.catalogue.read_now().await?;
        let plan = draft.build(catalogue.services()).map_err(PlanError::Invalid)?;
        let record = self.record(actor, Action::PlanCreated, &plan);
        match self.catalogue.create(&plan, &record).await? {
            PlanCreated::Created => Ok(plan),
            PlanCreated::Exists => Err(PlanError::PlanExists),
        }
    }

    /// Changes a plan: for everybody who is on it at once. With `version` only the plan that has it; without, whatever it is.
    pub async fn update(
        &self,
        actor: &Actor,
        id: &PlanId,
        version: Option<u32>,
        patch: &PlanPatch,
    ) -> Result<Plan, PlanError> {
        for _ in 0..ATTEMPTS {
            let catalogue = self.catalogue.read_now().await?;
            let found = catalogue.plan(id).ok_or(PlanError::UnknownPlan)?;
            let plan = patch.applied_to(found, catalogue.services()).map_err(PlanError::Invalid)?;
            if version.is_some_and(|version| version != found.version) {
                return Err(PlanError::VersionConflict);
            }
            let record = self.record(actor, Action::PlanUpdated, &plan);
            match self.catalogue.update(&plan, &record).await? {
                PlanUpdated::Updated => return Ok(plan),
                PlanUpdated::NotFound => return Err(PlanError::UnknownPlan),
                PlanUpdated::VersionConflict if version.is_some() => return Err(PlanError::VersionConflict),
                PlanUpdated::VersionConflict => {}
            }
        }
        Err(PlanError::VersionConflict)
    }

    /// Takes a plan out of what can be chosen. Not while an organization is on it, and never the one that all begin with.
    pub async fn retire(&self, actor: &Actor, id: &PlanId) -> Result<(), PlanError> {
        if *id == self.default {
            return Err(PlanError::PlanInUse);
        }
        let record = Record::new(&self.ambient, actor, Action::PlanRetired, "plan", id);
        match self.catalogue.retire(id, &record).await? {
            PlanRetired::Retired => Ok(()),
            PlanRetired::NotFound => Err(PlanError::UnknownPlan),
            PlanRetired::InUse => Err(PlanError::PlanInUse),
        }
    }

    fn record(&self, actor: &Actor, action: Action, plan: &Plan) -> Record {
        Record::new(&self.ambient, actor, action, "plan", &plan.id)
            .with("version", plan.version)
            .with("level", plan.level)
            .with("price_monthly_cents", plan.price.monthly_cents)
            .with("price_yearly_cents", plan.price.yearly_cents)
            .with("currency", &plan.price.currency)
            .with("api_calls_limit", plan.allowances.monthly.to_i64())
    }
}
