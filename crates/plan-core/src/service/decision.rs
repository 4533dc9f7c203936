use std::sync::Arc;

use kernel::{Ambient, Limit, StoreError, Timestamp};

use super::standing::Standings;
use crate::policy::{OnOutage, OutagePolicy, entitlement, org_quota, passed, quota_retry, refused, user_quota};
use crate::{
    Call, CatalogueStore, Check, Held, OwnKeys, Pays, Plan, PlanError, PlanId, QuotaStanding, Quotas, Rates, Reason,
    Step, SubscriptionStore, Verdict,
};

/// The ports of [`Decision`].
#[derive(Clone)]
pub struct DecisionPorts {
    /// Plans and services.
    pub catalogue: Arc<dyn CatalogueStore>,
    /// Which organization is on which plan.
    pub subscriptions: Arc<dyn SubscriptionStore>,
    /// What is left.
    pub quotas: Arc<dyn Quotas>,
    /// How fast.
    pub rates: Arc<dyn Rates>,
    /// Whose provider key.
    pub keys: Arc<dyn OwnKeys>,
}

/// May this call happen? One answer for entitlement, quotas, rate limit and provider key, in this order; the first check that
/// refuses ends it.
#[derive(Clone)]
pub struct Decision {
    ports: DecisionPorts,
    standings: Standings,
    outages: OutagePolicy,
}

impl Decision {
    /// The use case over these ports. `default` is the plan that every organization begins with.
    pub fn new(ports: DecisionPorts, default: PlanId, outages: OutagePolicy, ambient: Ambient) -> Self {
        let (catalogue, subscriptions) = (ports.catalogue.clone(), ports.subscriptions.clone());
        Self { ports, standings: Standings { catalogue, subscriptions, default, ambient }, outages }
    }

    /// Decides. A refusal is a [`Verdict`]; errors are a service or an organization that is not there, and stores that answer
    /// nonsense. A store that cannot be reached is judged by the check's [`OutagePolicy`], and the trace says so.
    pub async fn decide(&self, call: &Call) -> Result<Verdict, PlanError> {
        let standing = match self.standings.of(call.org).await {
            Ok(standing) => standing,
            Err(PlanError::Store(StoreError::Unavailable(_))) => {
                let mut trace = Trace::of(self.standings.default.clone());
                trace.refuse(refused(Check::Entitlement, "the plan cannot be read now"), Reason::Unavailable, None);
                return Ok(trace.0);
            }
            Err(error) => return Err(error),
        };
        let plan = &standing.plan;
        let step = entitlement(plan, standing.gate(&call.service)?, &call.service);
        let mut trace = Trace::of(plan.id.clone());
        if trace.goes_on(step, Reason::UpgradeRequired, None) {
            self.beyond_entitlement(call, plan, &mut trace).await?;
        }
        Ok(trace.0)
    }

    /// Quotas, rate limit, provider key, and the hold at the end.
    async fn beyond_entitlement(&self, call: &Call, plan: &Plan, trace: &mut Trace) -> Result<(), PlanError> {
        let standing = match self.standing(call).await {
            Ok(standing) => standing,
            Err(error) => {
                trace.outage(error, Check::OrgQuota, "the quota cannot be read now", self.outages)?;
                return Ok(());
            }
        };
        trace.0.remaining = standing.month.left;
        if trace.quotas(call, plan, &standing)
            && self.rate_limit(call, plan, trace).await?
            && self.byok(call, plan, trace).await?
        {
            trace.0.remaining = standing.month.left.map(|left| left.saturating_sub(call.quantity));
            match call.reserve {
                Some(seconds) => self.hold(call, plan, seconds, trace).await?,
                None => trace.allow(),
            }
        }
        Ok(())
    }

    /// Where the call's quotas stand; read now when what is known would refuse it.
    async fn standing(&self, call: &Call) -> Result<QuotaStanding, StoreError> {
        let known = self.ports.quotas.standing(call.org, call.user).await?;
        if known.admits(call.quantity) {
            return Ok(known);
        }
        self.ports.quotas.standing_now(call.org, call.user).await
    }

    async fn rate_limit(&self, call: &Call, plan: &Plan, trace: &mut Trace) -> Result<bool, PlanError> {
        let per_minute = match plan.allowances.rate_per_minute {
            Limit::Unlimited => return Ok(trace.pass(Check::RateLimit, "the plan has no rate limit")),
            Limit::Of(0) => {
                let step = refused(Check::RateLimit, "the plan allows no calls");
                return Ok(trace.goes_on(step, Reason::RateLimited, None));
            }
            Limit::Of(per_minute) => per_minute,
        };
        match self.ports.rates.take(call.org, call.user, per_minute).await {
            Ok(Ok(())) => Ok(trace.pass(Check::RateLimit, "within the rate limit")),
            Ok(Err(again)) => {
                let step = refused(Check::RateLimit, format!("more than {per_minute} calls a minute"));
                Ok(trace.goes_on(step, Reason::RateLimited, Some(again)))
            }
            Err(error) => trace.outage(error, Check::RateLimit, "the rate limit cannot be checked now", self.outages),
        }
    }

    async fn byok(&self, call: &Call, plan: &Plan, trace: &mut Trace) -> Result<bool, PlanError> {
        if !plan.allowances.byok {
            return Ok(trace.pass(Check::Byok, "the platform pays: the plan has no provider keys of its own"));
        }
        match self.ports.keys.pays(call.org, &call.service).await {
            Ok(Pays::Platform) => Ok(trace.pass(Check::Byok, "the platform pays: no key was brought for this service")),
            Ok(Pays::Byok) => {
                trace.0.pays = Pays::Byok;
                Ok(trace.pass(Check::Byok, "the organization pays with a key of its own"))
            }
            Err(error) => trace.outage(error, Check::Byok, "the provider keys cannot be read now", self.outages),
        }
    }

    /// The last word of the quota: what was read before may have been used meanwhile.
    async fn hold(&self, call: &Call, plan: &Plan, seconds: u32, trace: &mut Trace) -> Result<(), PlanError> {
        match self.ports.quotas.hold(call, seconds).await {
            Ok(Held::Held(id, after)) => {
                trace.0.reservation = Some(id);
                trace.0.remaining = after.month.left;
                trace.allow();
                Ok(())
            }
            Ok(Held::OverLimit(standing)) => {
                trace.back_to_quotas();
                trace.0.remaining = standing.month.left;
                if trace.quotas(call, plan, &standing) {
                    // The quota refused, whatever is free again a moment later: when there is room, nobody knows.
                    trace.back_to_quotas();
                    let step = refused(Check::OrgQuota, "the quota was used up meanwhile");
                    trace.refuse(step, Reason::QuotaExceeded, None);
                }
                Ok(())
            }
            Ok(Held::TooMany(again)) => Err(PlanError::TooManyReservations { at: self.standings.ambient.now(), again }),
            Err(error) => {
                trace.back_to_quotas();
                trace.0.remaining = None;
                trace.outage(error, Check::OrgQuota, "the quantity cannot be held now", self.outages)?;
                Ok(())
            }
        }
    }
}

/// A verdict that is being found: refused until everything has passed.
struct Trace(Verdict);

impl Trace {
    fn of(tier: PlanId) -> Self {
        Self(Verdict {
            allow: false,
            reason: Reason::Unavailable,
            steps: Vec::with_capacity(Check::ALL.len()),
            tier,
            remaining: None,
            retry_at: None,
            pays: Pays::Platform,
            reservation: None,
        })
    }

    /// Notes what a check said; a refusal has this reason, and this time from which to try again.
    fn goes_on(&mut self, step: Step, reason: Reason, again: Option<Timestamp>) -> bool {
        if !step.ok {
            self.refuse(step, reason, again);
            return false;
        }
        self.0.steps.push(step);
        true
    }

    fn pass(&mut self, check: Check, detail: &'static str) -> bool {
        self.0.steps.push(passed(check, detail));
        true
    }

    fn refuse(&mut self, step: Step, reason: Reason, again: Option<Timestamp>) {
        self.0.steps.push(step);
        self.0.allow = false;
        self.0.reason = reason;
        self.0.retry_at = again;
    }

    fn allow(&mut self) {
        self.0.allow = true;
        self.0.reason = Reason::Allowed;
    }

    fn quotas(&mut self, call: &Call, plan: &Plan, standing: &QuotaStanding) -> bool {
        let again = quota_retry(&plan.allowances, standing, call.quantity);
        self.goes_on(org_quota(standing, call.quantity), Reason::QuotaExceeded, again)
            && match call.user {
                None => self.pass(Check::UserQuota, "no person makes this call"),
                Some(_) => self.goes_on(user_quota(standing, call.quantity), Reason::QuotaExceeded, again),
            }
    }

    /// Takes back what was said from the quotas on, where a hold did not succeed.
    fn back_to_quotas(&mut self) {
        self.0.steps.retain(|step| step.check == Check::Entitlement);
        self.0.pays = Pays::Platform;
    }

    /// A check could not be made: whether the call goes on is the policy's word. A store that answers nonsense is an error.
    fn outage(
        &mut self,
        error: StoreError,
        check: Check,
        what: &'static str,
        policy: OutagePolicy,
    ) -> Result<bool, PlanError> {
        match (error, policy.of(check)) {
            (StoreError::Unavailable(_), OnOutage::Allow) => {
                self.0.steps.push(Step { check, ok: true, detail: format!("{what}; the call goes on").into() });
                Ok(true)
            }
            (StoreError::Unavailable(_), OnOutage::Refuse) => {
                Ok(self.goes_on(refused(check, what), Reason::Unavailable, None))
            }
            (broken, _) => Err(broken.into()),
        }
    }
}
