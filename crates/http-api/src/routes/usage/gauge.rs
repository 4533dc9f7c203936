use actix_web::http::header::{HeaderName, HeaderValue};
use actix_web::{HttpRequest, HttpResponse};
use futures_util::future::LocalBoxFuture;
use kernel::{OrgId, ServiceName};
use org_core::OrgError;
use plan_core::policy::Gate;
use plan_core::{Access, Standing};
use usage_core::{Tally, Usage};

use crate::Answer;
use crate::caller::{data, settled};
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

    /// Of the organization that a request is about; `None` outside of every organization. At most a second old.
    async fn of(request: &HttpRequest) -> Result<Option<Self>, Problem> {
        let Some(org) = settled(request) else { return Ok(None) };
        let standing = data::<Access>(request)?.standing(org).await?;
        let tally = data::<Usage>(request)?.recent_tally(org, None).await?;
        Ok(Some(Self::new(&standing, &tally)))
    }

    /// The answer with these headers.
    pub(crate) fn on<T, const S: u16>(self, answer: Answer<T, S>) -> Answer<T, S> {
        self.headers().fold(answer, |answer, (name, value)| answer.header(name, value))
    }

    /// A refusal with these headers.
    pub(crate) fn onto(self, problem: Problem) -> Problem {
        self.headers().fold(problem, |problem, (name, value)| problem.header(name, value))
    }

    /// Writes those of the headers that an answer lacks.
    fn complete(self, answer: &mut HttpResponse) {
        for (name, text) in NAMES.into_iter().zip(self.texts()) {
            let value = HeaderValue::from_str(&text).ok().filter(|_| !answer.headers().contains_key(name));
            if let Some(value) = value {
                answer.headers_mut().insert(HeaderName::from_static(name), value);
            }
        }
    }

    fn headers(self) -> impl Iterator<Item = (&'static str, String)> {
        NAMES.into_iter().zip(self.texts())
    }

    /// −1 is "without end".
    fn texts(self) -> [String; 5] {
        let remaining = self.remaining.map_or_else(|| "-1".to_owned(), |left| left.to_string());
        [self.tier, self.status.to_owned(), self.used.to_string(), self.limit.to_string(), remaining]
    }
}

/// The headers, as `HeaderName` wants them.
const NAMES: [&str; 5] = ["x-tier", "x-tier-status", "x-api-calls-used", "x-api-calls-limit", "x-api-calls-remaining"];

/// Completes the headers of an answer to somebody who may ask: every answer of usage and decision routes tells them, refusals too.
/// What our side failed at, and what cannot be read, goes without.
pub(crate) fn explained<'a>(request: &'a HttpRequest, answer: &'a mut HttpResponse) -> LocalBoxFuture<'a, ()> {
    let told = NAMES.iter().all(|name| answer.headers().contains_key(*name));
    if told || answer.status().is_server_error() {
        return Box::pin(std::future::ready(()));
    }
    Box::pin(async move {
        match Gauge::of(request).await {
            Ok(Some(gauge)) => gauge.complete(answer),
            Ok(None) => {}
            Err(problem) => {
                tracing::warn!(code = problem.code(), cause = problem.cause(), "an answer goes without its figures");
            }
        }
    })
}

/// Refuses a service that the organization's plan does not open.
///
/// The one gate in front of every route that names a service; `/decide` asks the same rule ([`plan_core::policy::gate`]).
pub(crate) fn entitled(standing: &Standing, upgrade_url: &str, service: &ServiceName) -> Result<(), Problem> {
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
