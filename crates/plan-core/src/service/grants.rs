use std::sync::Arc;

use kernel::{Action, Actor, Ambient, Email, OrgId, Record, plain_text};

use crate::{
    CatalogueStore, FieldError, Owned, PlanError, PlanId, Source, Subscription, SubscriptionPut, SubscriptionStatus,
    SubscriptionStore,
    policy::{Grant, granted},
};

/// So often a grant is tried again when somebody else was faster.
const ATTEMPTS: usize = 5;
/// The most characters of an administrator's notes.
const MAX_NOTES: usize = 1000;

/// What an administrator asks for; what is `None` stays, or follows from the rest.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct GrantRequest {
    /// `tier`: the plan to be on.
    pub plan: Option<PlanId>,
    /// `status`: the state to be in.
    pub status: Option<SubscriptionStatus>,
    /// `notes`: why, for the trail; at most 1 000 characters.
    pub notes: Option<String>,
}

/// Plans that are given, not bought. For platform administrators: who calls has seen that the actor is one.
#[derive(Clone)]
pub struct Grants {
    catalogue: Arc<dyn CatalogueStore>,
    subscriptions: Arc<dyn SubscriptionStore>,
    default: PlanId,
    ambient: Ambient,
}

impl Grants {
    /// The use cases over these stores. `default` is the plan that every organization begins with.
    pub fn new(
        catalogue: Arc<dyn CatalogueStore>,
        subscriptions: Arc<dyn SubscriptionStore>,
        default: PlanId,
        ambient: Ambient,
    ) -> Self {
        Self { catalogue, subscriptions, default, ambient }
    }

    /// The account with this address and the organization that it owns.
    pub async fn owned_by(&self, email: &Email) -> Result<Owned, PlanError> {
        self.subscriptions.owned_by(email).await?.ok_or(PlanError::NoSuchOrg)
    }

    /// Moves the organization that the owner of this address owns. Calls that begin afterwards are decided by it.
    pub async fn change(
        &self,
        actor: &Actor,
        email: &Email,
        request: &GrantRequest,
    ) -> Result<(Owned, Subscription), PlanError> {
        let owned = self.owned_by(email).await?;
        let subscription = self.give(actor, owned.org, request, Source::Administrator).await?;
        Ok((owned, subscription))
    }

    /// The organization's subscription; one that was never moved has the version 0.
    pub async fn of(&self, org: OrgId) -> Result<Subscription, PlanError> {
        self.subscriptions.of(org, &self.default).await?.ok_or(PlanError::NoSuchOrg)
    }

    /// The organization's subscription as it is now, whoever changed it.
    pub async fn now(&self, org: OrgId) -> Result<Subscription, PlanError> {
        self.subscriptions.now(org, &self.default).await?.ok_or(PlanError::NoSuchOrg)
    }

    /// What the installation gives to the first administrator's organization. One that was moved before stays where it is.
    pub async fn install(&self, org: OrgId, plan: &PlanId) -> Result<Subscription, PlanError> {
        let now = self.now(org).await?;
        if now.version > 0 {
            return Ok(now);
        }
        let request = GrantRequest { plan: Some(plan.clone()), ..GrantRequest::default() };
        self.give(&Actor::system(), org, &request, Source::Installation).await
    }

    /// Reads, decides and writes, anew when somebody else wrote in between.
    async fn give(
        &self,
        actor: &Actor,
        org: OrgId,
        request: &GrantRequest,
        source: Source,
    ) -> Result<Subscription, PlanError> {
        let notes = request.notes.as_deref().map(|notes| plain_text(notes, MAX_NOTES)).transpose();
        let notes = notes.map_err(|error| invalid("notes", error.into()))?.filter(|notes| !notes.is_empty());
        for _ in 0..ATTEMPTS {
            let now = self.of(org).await?;
            if request.plan.is_none() && request.status.is_none() && notes.is_none() {
                return Ok(now);
            }
            let next = self.next(&now, request, source).await?;
            let record = self.record(actor, &now, &next, notes.as_deref());
            match self.subscriptions.put(&next, &record).await? {
                SubscriptionPut::Put => return Ok(next),
                SubscriptionPut::NotFound => return Err(PlanError::NoSuchOrg),
                SubscriptionPut::NoSuchPlan => return Err(PlanError::UnknownPlan),
                SubscriptionPut::VersionConflict => {}
            }
        }
        Err(PlanError::VersionConflict)
    }

    async fn next(
        &self,
        now: &Subscription,
        request: &GrantRequest,
        source: Source,
    ) -> Result<Subscription, PlanError> {
        let catalogue = self.catalogue.read_now().await?;
        let wanted = |id| catalogue.plan(id).filter(|plan| plan.is_active).ok_or(PlanError::UnknownPlan);
        let plan = request.plan.as_ref().map(wanted).transpose()?;
        let grant = Grant { plan, status: request.status, source };
        granted(now, catalogue.plan(&now.plan), &grant, self.ambient.now()).map_err(|error| invalid("status", error))
    }

    fn record(&self, actor: &Actor, now: &Subscription, next: &Subscription, notes: Option<&str>) -> Record {
        let record = Record::new(&self.ambient, actor, Action::SubscriptionChanged, "subscription", next.org)
            .within(next.org)
            .with("from", &now.plan)
            .with("to", &next.plan)
            .with("status", next.status.as_str())
            .with("source", next.source.as_str());
        match notes {
            Some(notes) => record.with("notes", notes),
            None => record,
        }
    }
}

fn invalid(field: &'static str, error: FieldError) -> PlanError {
    PlanError::Invalid(vec![(field, error)])
}
