//! How many requests a caller may make: asked once per request, when it is known who makes it and before anything is done, and told in
//! the answer's headers (draft-ietf-httpapi-ratelimit-headers, and the older `X-RateLimit-*`).
//!
//! A service that acts for a user is counted twice: in the bucket of its key, and in the user's own, whoever asks for them.

use std::sync::Arc;
use std::time::Duration;

use actix_web::http::header::{HeaderName, HeaderValue};
use actix_web::{HttpMessage, HttpRequest, HttpResponse, web};
use async_trait::async_trait;
use auth_core::ApiKey;
use kernel::{Ambient, ApiKeyId, OrgId, Timestamp, UserId};
use usage_core::Taken;

use crate::caller::data;
use crate::identify::Credential;
use crate::problem::Problem;

/// Which kind of request it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Class {
    /// `GET` and `HEAD`.
    Reads,
    /// Everything else.
    Writes,
    /// A question that other services ask about each call of theirs.
    Decision,
}

impl Class {
    /// The rule's name, in the headers and of the bucket. Reads and writes share one.
    pub const fn policy(self) -> &'static str {
        match self {
            Self::Reads | Self::Writes => "api",
            Self::Decision => "decision",
        }
    }
}

/// Whose request it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Subject {
    /// The user who is signed in, or for whom a key acts.
    pub user: Option<UserId>,
    /// The organization that they act in.
    pub org: Option<OrgId>,
    /// The API key, when the request came with one.
    pub key: Option<Key>,
}

/// The API key of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Key {
    /// Which.
    pub id: ApiKeyId,
    /// Whether it is the platform's, and not one of the organization.
    pub platform: bool,
}

impl Subject {
    /// The user for whom a service acts, as one who asks for themselves.
    fn person(&self) -> Option<Self> {
        let user = self.key.and(self.user)?;
        Some(Self { user: Some(user), org: self.org, key: None })
    }
}

impl From<&ApiKey> for Key {
    fn from(key: &ApiKey) -> Self {
        Self { id: key.id, platform: key.platform }
    }
}

/// The buckets of the callers: a port, because how much a caller may ask is a matter of their plan.
#[async_trait]
pub trait RateLimits: Send + Sync {
    /// Takes one request from the caller's bucket for this class; `None` where nothing limits them. An error is "cannot tell now"
    /// (503): a request is never let through because its bucket could not be asked.
    async fn of(&self, who: &Subject, class: Class) -> Result<Option<Taken>, Problem>;

    /// Looks at the same bucket; asking costs nothing. `None` where nothing limits them, and by default.
    async fn peek(&self, _who: &Subject, _class: Class) -> Result<Option<Taken>, Problem> {
        Ok(None)
    }
}

/// What routes ask for. Where none is mounted, nothing is counted.
pub type RateLimitsData = web::Data<Arc<dyn RateLimits>>;

/// No limits, for whoever turns them off.
#[derive(Debug, Clone, Copy, Default)]
pub struct Unlimited;

#[async_trait]
impl RateLimits for Unlimited {
    async fn of(&self, _: &Subject, _: Class) -> Result<Option<Taken>, Problem> {
        Ok(None)
    }
}

/// How an operation's requests are counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Counting {
    /// As what their method says.
    #[default]
    ByMethod,
    /// As [`Class::Decision`].
    Decision,
    /// The same, of an operation whose use case counts the user by itself, and says so in its answer.
    Verdict,
    /// Not at all.
    Never,
}

impl Counting {
    fn class(self, request: &HttpRequest) -> Option<Class> {
        match self {
            Self::ByMethod if request.method().is_safe() => Some(Class::Reads),
            Self::ByMethod => Some(Class::Writes),
            Self::Decision | Self::Verdict => Some(Class::Decision),
            Self::Never => None,
        }
    }
}

/// Counts the request of a known caller; strangers have throttles of their own where they can do harm. What was counted stays with
/// the request, for [`stamp`].
pub(crate) async fn count(request: &HttpRequest, counting: Counting) -> Result<(), Problem> {
    request.extensions_mut().insert(counting);
    let Some(who) = subject(request) else { return Ok(()) };
    if let Some(counted) = take(request, counting, &who).await? {
        request.extensions_mut().insert(counted);
        counted.verdict()?;
    }
    count_person(request, &who).await
}

/// The place that a service turned out to act in, and for whom. Where the body named them the request has been counted already, and
/// is counted now in that user's bucket.
pub(crate) async fn acts_for(request: &HttpRequest, who: Subject) -> Result<(), Problem> {
    let before = request.extensions_mut().insert(who.clone());
    let late = request.extensions().contains::<Counting>() && before.is_none_or(|before| before.user != who.user);
    if late { count_person(request, &who).await } else { Ok(()) }
}

/// Counts a part of a service's request for one more user. The answer tells nothing of their bucket: it is about many.
pub(crate) async fn also_for(request: &HttpRequest, user: UserId, org: OrgId) -> Result<(), Problem> {
    let person = Subject { user: Some(user), org: Some(org), key: None };
    let counting = request.extensions().get::<Counting>().copied().unwrap_or_default();
    take(request, counting, &person).await?.map_or(Ok(()), |counted| counted.verdict())
}

/// Counts what a service does for somebody in their own bucket: the rate of a plan is each user's, whoever asks for them.
async fn count_person(request: &HttpRequest, who: &Subject) -> Result<(), Problem> {
    let counting = request.extensions().get::<Counting>().copied().unwrap_or_default();
    let Some(person) = who.person().filter(|_| counting != Counting::Verdict) else { return Ok(()) };
    let Some(counted) = take(request, counting, &person).await? else { return Ok(()) };
    let told = request.extensions().get::<Counted>().copied();
    // The answer has room for one bucket: the one that refuses, else the one with less in it.
    if !counted.allowed || told.is_none_or(|told| counted.remaining <= told.remaining) {
        request.extensions_mut().insert(counted);
    }
    counted.verdict()
}

/// Takes one request from somebody's bucket; `None` where nothing limits them.
async fn take(request: &HttpRequest, counting: Counting, who: &Subject) -> Result<Option<Counted>, Problem> {
    let Some(class) = counting.class(request) else { return Ok(None) };
    let Some(limits) = request.app_data::<RateLimitsData>() else { return Ok(None) };
    let Some(taken) = limits.of(who, class).await? else { return Ok(None) };
    Ok(Some(Counted::new(class, &taken, data::<Ambient>(request)?.now())))
}

/// Writes what was counted on the answer, whatever the answer is.
pub(crate) fn stamp(request: &HttpRequest, answer: &mut HttpResponse) {
    let Some(counted) = request.extensions().get::<Counted>().copied() else { return };
    for (name, text) in counted.headers() {
        if let Ok(value) = HeaderValue::from_str(&text) {
            answer.headers_mut().insert(HeaderName::from_static(name), value);
        }
    }
}

/// Who was found to make the request while its arguments were taken. Where a service names a user, the argument that read it says so.
pub(crate) fn subject(request: &HttpRequest) -> Option<Subject> {
    let known = request.extensions();
    known.get::<Subject>().cloned().or_else(|| {
        known.get::<Credential>().map(|credential| match credential {
            Credential::Session(identity) => Subject { user: Some(identity.user), org: identity.org, key: None },
            Credential::Key(key) => Subject { user: None, org: Some(key.org), key: Some(key.into()) },
        })
    })
}

/// What the headers tell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Counted {
    allowed: bool,
    policy: &'static str,
    /// The quota and its window in seconds.
    quota: u32,
    window: u64,
    remaining: u32,
    /// Until the bucket is full; of a refused request, until it would pass.
    seconds: u64,
    /// When the bucket is full, in seconds since 1970.
    reset: i64,
}

impl Counted {
    fn new(class: Class, taken: &Taken, now: Timestamp) -> Self {
        let full = whole_seconds(taken.full_at, now);
        Self {
            allowed: taken.allowed,
            policy: class.policy(),
            quota: taken.rate.quota.get(),
            window: ceil(taken.rate.window).max(1),
            remaining: taken.remaining,
            // A refused client that waits so long gets through: the draft wants no `Retry-After` before `t`.
            seconds: if taken.allowed { full } else { whole_seconds(taken.retry_at, now).max(1) },
            reset: taken.full_at.timestamp() + i64::from(taken.full_at.timestamp_subsec_nanos() > 0),
        }
    }

    fn verdict(&self) -> Result<(), Problem> {
        if self.allowed { Ok(()) } else { Err(Problem::rate_limited(self.policy, self.seconds)) }
    }

    fn headers(&self) -> [(&'static str, String); 5] {
        let Self { policy, quota, window, remaining, seconds, reset, .. } = self;
        [
            ("ratelimit-policy", format!("\"{policy}\";q={quota};w={window}")),
            ("ratelimit", format!("\"{policy}\";r={remaining};t={seconds}")),
            ("x-ratelimit-limit", quota.to_string()),
            ("x-ratelimit-remaining", remaining.to_string()),
            ("x-ratelimit-reset", reset.to_string()),
        ]
    }
}

/// From now until then in seconds, rounded up, so that whoever waits that long has waited long enough.
fn whole_seconds(then: Timestamp, now: Timestamp) -> u64 {
    ceil((then - now).to_std().unwrap_or_default())
}

fn ceil(time: Duration) -> u64 {
    time.as_secs() + u64::from(time.subsec_nanos() > 0)
}

#[cfg(test)]
mod tests;
