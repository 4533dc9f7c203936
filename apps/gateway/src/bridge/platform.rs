use std::sync::Arc;

use async_trait::async_trait;
use billing_core::{CustomerDetails, Load, Offer, Offers, Platform};
use byok_core::KeyStore;
use kernel::{Ambient, OrgId, Page, Role, StoreError};
use org_core::{Member, MemberFilter, MemberStatus, MemberStore, OrgStatus, OrgStore};
use plan_core::{Access, Plan, PlanError, Plans};
use usage_core::{Usage, UsageError};

use super::{plan_fault, usage_fault};

/// What money asks about the rest of the product.
pub(crate) struct PlatformFacts {
    pub(crate) plans: Plans,
    pub(crate) access: Access,
    pub(crate) usage: Usage,
    pub(crate) orgs: Arc<dyn OrgStore>,
    pub(crate) members: Arc<dyn MemberStore>,
    pub(crate) keys: Arc<dyn KeyStore>,
    pub(crate) ambient: Ambient,
}

impl PlatformFacts {
    /// The owner who joined first of those who can act; where nobody can, of all.
    async fn oldest_owner(&self, org: OrgId) -> Result<Option<Member>, StoreError> {
        let filter = MemberFilter { search: None, role: Some(Role::Owner) };
        let (mut first, mut offset) = (None, 0);
        while let Some(page) = Page::new(Page::MAX_LIMIT, offset) {
            let found = self.members.page(org, &filter, page).await?;
            if let Some(active) = found.items.iter().find(|member| member.status == MemberStatus::Active) {
                return Ok(Some(active.clone()));
            }
            first = first.or_else(|| found.items.first().cloned());
            offset += Page::MAX_LIMIT;
            if found.total <= offset.into() {
                break;
            }
        }
        Ok(first)
    }
}

#[async_trait]
impl Platform for PlatformFacts {
    async fn offers(&self) -> Result<Arc<Offers>, StoreError> {
        let catalogue = self.plans.catalogue().await.map_err(plan_fault)?;
        let offers: Result<Vec<Offer>, StoreError> = catalogue.plans().iter().map(offer).collect();
        Ok(Arc::new(Offers(offers?)))
    }

    async fn plan_of(&self, org: OrgId) -> Result<Option<String>, StoreError> {
        match self.access.standing(org).await {
            Ok(standing) => Ok(Some(standing.plan.id.to_string())),
            Err(PlanError::NoSuchOrg) => Ok(None),
            Err(error) => Err(plan_fault(error)),
        }
    }

    async fn customer(&self, org: OrgId) -> Result<Option<CustomerDetails>, StoreError> {
        let Some(found) = self.orgs.find(org).await?.filter(|org| org.status != OrgStatus::Deleted) else {
            return Ok(None);
        };
        let email = self.oldest_owner(org).await?.map(|owner| owner.email).unwrap_or_default();
        Ok(Some(CustomerDetails { org, name: found.name.as_str().to_owned(), email }))
    }

    async fn load(&self, org: OrgId) -> Result<Load, StoreError> {
        let stats = self.orgs.stats(org, self.ambient.now()).await?;
        let calls = match self.usage.tally(org, None).await {
            Ok(tally) => tally.month.used,
            Err(UsageError::NoOrg) => 0,
            Err(error) => return Err(usage_fault(error)),
        };
        let keys = self.keys.list(org).await?.len();
        Ok(Load {
            seats: u32::try_from(stats.total_members + stats.pending_invites).unwrap_or(u32::MAX),
            keys: u32::try_from(keys).unwrap_or(u32::MAX),
            calls,
        })
    }
}

/// A plan, as something that can be bought.
fn offer(plan: &Plan) -> Result<Offer, StoreError> {
    let mut features: Vec<String> = plan.features.iter().map(|feature| feature.name.clone()).collect();
    features.sort();
    features.dedup();
    Ok(Offer {
        plan: plan.id.to_string(),
        name: plan.name.clone(),
        level: plan.level,
        monthly: plan.price.monthly_cents,
        yearly: plan.price.yearly_cents,
        currency: plan.price.currency.parse().map_err(StoreError::broken)?,
        seats: plan.allowances.seats,
        byok: plan.allowances.byok,
        calls: plan.allowances.monthly,
        features,
        is_active: plan.is_active,
        is_public: plan.is_public,
        trial_days: plan.trial_days,
        stripe_monthly: plan.provider_ids.stripe_price.clone(),
        stripe_yearly: plan.provider_ids.stripe_annual_price.clone(),
        lago_monthly: plan.provider_ids.lago_plan.clone(),
    })
}

#[cfg(test)]
mod tests;
