//! Pure decisions of this feature.

use std::borrow::Cow;

use chrono::Days;
use kernel::{ServiceName, Timestamp};

use crate::{
    Allowances, Catalogue, Check, FieldError, Plan, PlanId, QuotaStanding, Room, Source, Step, Subscription,
    SubscriptionStatus,
};

/// The plan that counts: the subscription's while that grants and is in the catalogue, else the one that everybody begins with.
/// `None` when the catalogue lacks that one too.
pub fn effective<'a>(
    subscription: &Subscription,
    catalogue: &'a Catalogue,
    default: &PlanId,
    now: Timestamp,
) -> Option<&'a Plan> {
    let own = if subscription.grants(now) { catalogue.plan(&subscription.plan) } else { None };
    own.or_else(|| catalogue.plan(default))
}

/// Whether a plan opens a service.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Gate<'a> {
    /// It does.
    Granted,
    /// It does not; this one would. `None` when no plan that can be recommended does.
    UpgradeRequired(Option<&'a Plan>),
}

/// Whether a plan opens a service, and which one to recommend if not.
pub fn gate<'a>(plan: &Plan, catalogue: &'a Catalogue, service: &ServiceName) -> Gate<'a> {
    if plan.opens(service) { Gate::Granted } else { Gate::UpgradeRequired(catalogue.required_for(service)) }
}

/// What becomes of a check that cannot be made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum OnOutage {
    /// The call is refused: fail closed.
    Refuse,
    /// The call goes on as if the check had passed: fail open.
    Allow,
}

/// What becomes of each check of a decision that cannot be made. Entitlement and quotas have no choice: they are refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OutagePolicy {
    /// By default a call is let through: quotas still hold, and a limiter that is down shall not be an outage of everything.
    pub rate_limit: OnOutage,
    /// By default a call is refused: an organization that brought a key is not to be charged for the platform's.
    pub byok: OnOutage,
}

impl Default for OutagePolicy {
    fn default() -> Self {
        Self { rate_limit: OnOutage::Allow, byok: OnOutage::Refuse }
    }
}

impl OutagePolicy {
    /// What becomes of this check.
    pub const fn of(self, check: Check) -> OnOutage {
        match check {
            Check::Entitlement | Check::OrgQuota | Check::UserQuota => OnOutage::Refuse,
            Check::RateLimit => self.rate_limit,
            Check::Byok => self.byok,
        }
    }
}

/// What the entitlement check says of a service, by what the [`gate`] of this plan answered.
pub fn entitlement(plan: &Plan, gate: Gate<'_>, service: &ServiceName) -> Step {
    match gate {
        Gate::Granted => passed(Check::Entitlement, "the plan opens the service"),
        Gate::UpgradeRequired(Some(other)) => {
            refused(Check::Entitlement, format!("the plan {} does not open {service}; {} does", plan.id, other.id))
        }
        Gate::UpgradeRequired(None) => {
            refused(Check::Entitlement, format!("the plan {} does not open {service}", plan.id))
        }
    }
}

/// What the check of the organization's quota says.
pub fn org_quota(standing: &QuotaStanding, quantity: u64) -> Step {
    match standing.org() {
        None => passed(Check::OrgQuota, "the organization has no limit"),
        Some(left) if quantity <= left => passed(Check::OrgQuota, "the organization has enough left"),
        Some(left) => refused(Check::OrgQuota, format!("the organization has {left} left of the {quantity} asked for")),
    }
}

/// What the check of the user's quota says.
pub fn user_quota(standing: &QuotaStanding, quantity: u64) -> Step {
    match standing.user.and_then(|room| room.left) {
        None => passed(Check::UserQuota, "the user has no limit"),
        Some(left) if quantity <= left => passed(Check::UserQuota, "the user has enough left"),
        Some(left) => refused(Check::UserQuota, format!("the user has {left} left of the {quantity} asked for")),
    }
}

/// A check that let the call go on.
pub const fn passed(check: Check, detail: &'static str) -> Step {
    Step { check, ok: true, detail: Cow::Borrowed(detail) }
}

/// A check that refused the call.
pub fn refused(check: Check, detail: impl Into<Cow<'static, str>>) -> Step {
    Step { check, ok: false, detail: detail.into() }
}

/// When quotas that refused this quantity may admit it: once every one that is in the way has room, which is when its period ends or,
/// where only what is held is in the way, when that is settled or free. Never when a whole period gives less than is asked for.
pub fn quota_retry(gives: &Allowances, standing: &QuotaStanding, quantity: u64) -> Option<Timestamp> {
    let rooms =
        [(gives.monthly, Some(standing.month)), (gives.daily, Some(standing.day)), (gives.per_user, standing.user)];
    let rooms = || rooms.into_iter().filter_map(|(limit, room)| room.map(|room| (limit, room)));
    if !rooms().all(|(limit, _)| limit.admits(0, quantity)) {
        return None;
    }
    let held = |room: &Room| room.unheld.is_none_or(|unheld| quantity <= unheld);
    let free = |room: Room| if held(&room) { room.ends_at.min(standing.held_until) } else { room.ends_at };
    rooms().map(|(_, room)| room).filter(|room| !room.admits(quantity)).map(free).max()
}

/// A change of a subscription, as an administrator asks for it; what is `None` follows from the rest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Grant<'a> {
    /// The plan to be on.
    pub plan: Option<&'a Plan>,
    /// The state to be in.
    pub status: Option<SubscriptionStatus>,
    /// Who gives it.
    pub source: Source,
}

/// The subscription after a grant, one version higher. `on` is the plan that it is on before.
///
/// - A plan with trial days is on trial from the moment it is given, unless the organization is on it and its trial still runs. The
///   trial ends by itself whatever state is named.
/// - Its months keep their anchor: what was used of the running one counts against the new plan, and nobody gets a fresh month by
///   being moved.
/// - Who is suspended stays so until the state is named.
pub fn granted(
    now: &Subscription,
    on: Option<&Plan>,
    grant: &Grant<'_>,
    at: Timestamp,
) -> Result<Subscription, FieldError> {
    let plan = grant.plan.or(on);
    let id = grant.plan.map_or(&now.plan, |plan| &plan.id);
    let trial_days = plan.map_or(0, |plan| plan.trial_days);
    let moved = *id != now.plan;
    let runs = !moved && now.trial_ends_at.is_some_and(|end| at < end);
    let asked = grant.plan.is_some() || grant.status.is_some_and(SubscriptionStatus::grants);
    let trial_ends_at = if trial_days == 0 {
        None
    } else if asked && !runs {
        at.checked_add_days(Days::new(trial_days.into()))
    } else {
        now.trial_ends_at
    };
    let status = match (grant.status, now.status) {
        (Some(SubscriptionStatus::Trialing), _) if trial_ends_at.is_none() => return Err(FieldError::NoTrial),
        (Some(status), _) => status,
        (None, SubscriptionStatus::Suspended) => SubscriptionStatus::Suspended,
        (None, status) if grant.plan.is_none() || (!moved && status.grants() && (runs || trial_days == 0)) => status,
        (None, _) if trial_ends_at.is_some() => SubscriptionStatus::Trialing,
        (None, _) => SubscriptionStatus::Active,
    };
    Ok(Subscription {
        org: now.org,
        plan: id.clone(),
        status,
        source: if moved { grant.source } else { now.source },
        anchor: now.anchor,
        trial_ends_at,
        version: now.version.saturating_add(1),
    })
}
