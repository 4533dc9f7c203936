use actix_web::HttpRequest;
use futures_util::future::LocalBoxFuture;
use kernel::{OrgId, ServiceName};
use org_core::OrgError;
use plan_core::policy::Gate;
use plan_core::{Access, Standing};
use usage_core::{Tally, Usage};

use crate::Answer;
use crate::caller::{asked_org, data};
use crate::problem::Problem;
use crate::rate_limit;

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

    /// Of whoever makes a request, once its arguments have been taken; `None` outside of every organization.
    async fn of(request: &HttpRequest) -> Result<Option<Self>, Problem> {
        let acts_in = || rate_limit::subject(request).and_then(|subject| subject.org);
        let Some(org) = asked_org(request)?.or_else(acts_in) else { return Ok(None) };
        let standing = data::<Access>(request)?.standing(org).await?;
        let tally = data::<Usage>(request)?.tally(org, None).await?;
        Ok(Some(Self::new(&standing, &tally)))
    }

    /// The answer with these headers.
    pub(crate) fn on<T, const S: u16>(self, answer: Answer<T, S>) -> Answer<T, S> {
        self.headers().into_iter().fold(answer, |answer, (name, value)| answer.header(name, value))
    }

    /// A refusal with these headers.
    pub(crate) fn onto(self, problem: Problem) -> Problem {
        self.headers().into_iter().fold(problem, |problem, (name, value)| problem.header(name, value))
    }

    /// −1 is "without end".
    fn headers(self) -> [(&'static str, String); 5] {
        let remaining = self.remaining.map_or_else(|| "-1".to_owned(), |left| left.to_string());
        [
            ("X-Tier", self.tier),
            ("X-Tier-Status", self.status.to_owned()),
            ("X-API-Calls-Used", self.used.to_string()),
            ("X-API-Calls-Limit", self.limit.to_string()),
            ("X-API-Calls-Remaining", remaining),
        ]
    }
}

/// The refusal of a request that came too fast, with the same headers. Where they cannot be read it says enough without them.
pub(crate) fn explained(request: HttpRequest, refusal: Problem) -> LocalBoxFuture<'static, Problem> {
    Box::pin(async move {
        match Gauge::of(&request).await {
            Ok(Some(gauge)) => gauge.onto(refusal),
            Ok(None) => refusal,
            Err(problem) => {
                tracing::warn!(code = problem.code(), cause = problem.cause(), "a refusal goes without its figures");
                refusal
            }
        }
    })
}

/// Refuses a service that the organization's plan does not open.
pub(super) fn entitled(standing: &Standing, upgrade_url: &str, service: &ServiceName) -> Result<(), Problem> {
    let required = match standing.gate(service)? {
        Gate::Granted => return Ok(()),
        Gate::UpgradeRequired(required) => required.map(|plan| plan.id.as_str()),
    };
    Err(Problem::upgrade_required(service.as_str(), standing.plan.id.as_str(), required, upgrade_url))
}

/// The organization that somebody acts in; nobody's usage is that of nowhere.
pub(super) fn current_org(org: Option<OrgId>) -> Result<OrgId, Problem> {
    org.ok_or_else(|| OrgError::OrgNotFound.into())
}
