use kernel::{OrgId, ServiceName};
use org_core::OrgError;
use plan_core::{PlanError, Standing};
use usage_core::Tally;

use crate::Answer;
use crate::problem::Problem;

/// What the headers of usage and decision routes tell: the plan, its state, and what is left of the month.
pub(crate) struct Gauge {
    tier: String,
    status: &'static str,
    used: u64,
    limit: i64,
    remaining: Option<u64>,
}

impl Gauge {
    /// Of an organization with these counts.
    pub(crate) fn new(standing: &Standing, tally: &Tally) -> Self {
        Self {
            tier: tally.tier.clone(),
            status: standing.status.as_str(),
            used: tally.month.used,
            limit: tally.month.limit.to_i64(),
            remaining: tally.month.remaining(),
        }
    }

    /// The answer with these headers; −1 is "without end".
    pub(crate) fn on<T, const S: u16>(self, answer: Answer<T, S>) -> Answer<T, S> {
        let remaining = self.remaining.map_or_else(|| "-1".to_owned(), |left| left.to_string());
        answer
            .header("X-Tier", self.tier)
            .header("X-Tier-Status", self.status)
            .header("X-API-Calls-Used", self.used.to_string())
            .header("X-API-Calls-Limit", self.limit.to_string())
            .header("X-API-Calls-Remaining", remaining)
    }
}

/// Refuses a service that the organization's plan does not open.
pub(super) fn entitled(standing: &Standing, upgrade_url: &str, service: &ServiceName) -> Result<(), Problem> {
    if standing.plan.opens(service) {
        return Ok(());
    }
    let known = standing.catalogue.service(service).ok_or(PlanError::UnknownService)?;
    let required = standing.catalogue.required_for(&known.name).map(|plan| plan.id.as_str());
    Err(Problem::upgrade_required(service.as_str(), standing.plan.id.as_str(), required, upgrade_url))
}

/// The organization that somebody acts in; nobody's usage is that of nowhere.
pub(super) fn current_org(org: Option<OrgId>) -> Result<OrgId, Problem> {
    org.ok_or_else(|| OrgError::OrgNotFound.into())
}
