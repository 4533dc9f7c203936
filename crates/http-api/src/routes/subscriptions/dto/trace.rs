//! Why access is what it is.

use plan_core::policy::{entitlement, gate, org_quota, user_quota};
use plan_core::{QuotaStanding, Room, Standing, Step};
use serde::Serialize;
use usage_core::{Count, Tally};
use utoipa::ToSchema;

/// One step of the way to an answer.
#[derive(Serialize, ToSchema)]
#[schema(as = AccessTraceStep)]
pub(in crate::routes::subscriptions) struct TraceStep {
    /// What was looked at: `subscription`, `entitlement`, `org_quota` or `user_quota`.
    #[schema(example = "entitlement")]
    check: &'static str,
    /// The service that it was looked at for.
    #[schema(example = "chat")]
    service: Option<String>,
    /// Whether nothing stands in the way.
    #[schema(example = true)]
    ok: bool,
    /// One sentence that says why.
    #[schema(example = "the plan opens the service")]
    detail: String,
}

impl TraceStep {
    fn new(step: Step, service: Option<String>) -> Self {
        Self { check: step.check.as_str(), service, ok: step.ok, detail: step.detail.into_owned() }
    }

    /// The plan and why it is the one that counts, each service, then what is left for one more call. Nothing is counted by asking.
    pub(in crate::routes::subscriptions) fn all(standing: &Standing, tally: &Tally) -> Vec<Self> {
        let Standing { plan, catalogue, .. } = standing;
        let mut steps = vec![Self::subscription(standing)];
        steps.extend(catalogue.services().iter().map(|service| {
            let gate = gate(plan, catalogue, &service.name);
            Self::new(entitlement(plan, gate, &service.name), Some(service.name.to_string()))
        }));
        let left = quota(tally);
        steps.push(Self::new(org_quota(&left, 1), None));
        steps.push(Self::new(user_quota(&left, 1), None));
        steps
    }

    fn subscription(standing: &Standing) -> Self {
        let Standing { subscription, plan, .. } = standing;
        let (on, status, source) = (&subscription.plan, subscription.status.as_str(), subscription.source.as_str());
        let ok = *on == plan.id;
        let counts = if ok { "it counts".to_owned() } else { format!("it gives nothing now, so {} counts", plan.id) };
        let detail = format!("the organization is on {on} ({status}, by {source}); {counts}");
        Self { check: "subscription", service: None, ok, detail }
    }
}

fn quota(tally: &Tally) -> QuotaStanding {
    let room = |count: Count| Room {
        left: count.remaining(),
        unheld: count.limit.remaining(count.used),
        ends_at: count.period.end,
    };
    let (month, day, user) = (room(tally.month), room(tally.day), tally.user.map(room));
    QuotaStanding { month, day, user, held_until: month.ends_at }
}
