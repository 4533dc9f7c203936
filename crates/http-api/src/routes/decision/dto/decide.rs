//! A question, and the verdict on it.

use chrono::TimeDelta;
use kernel::{OrgId, ServiceName, Timestamp, UserId};
use plan_core::{Call, Check, Reason, Step, Verdict};
use serde::{Deserialize, Serialize};
use usage_core::{FieldError, Lease, Quantity};
use utoipa::ToSchema;

use crate::Answer;
use crate::input::Fields;
use crate::problem::Problem;
use crate::wire::time;

/// A call that is about to be made.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = DecisionRequest)]
pub(in crate::routes::decision) struct Decide {
    /// Who calls: only a service with the scope `act_as` names somebody else. Without it no person makes the call.
    #[schema(pattern = "^usr_[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$")]
    #[schema(example = "usr_01890a5d-ac96-774b-bcce-b302099a8057")]
    user_id: Option<String>,
    /// Whose quota pays; without it that of the key, or of the session.
    #[schema(pattern = "^org_[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$")]
    #[schema(example = "org_01890a5d-ac96-774b-bcce-b302099a8057")]
    org_id: Option<String>,
    /// Which service, as the catalogue names it.
    #[schema(min_length = 1, max_length = 64, pattern = "^[a-z0-9]([a-z0-9-]*[a-z0-9])?$", example = "chat")]
    service: String,
    /// How much of the quota it costs, or the most that it may cost; 1 when absent.
    #[schema(minimum = 1, maximum = 1_000_000_000, example = 1)]
    quantity: Option<u64>,
    /// Whether the quantity is to be held until it is settled or released. A key needs the scope `usage:write` for it.
    #[schema(example = true)]
    reserve: Option<bool>,
    /// After how many seconds what is held releases itself; 60 when absent. Says nothing without `reserve`.
    #[schema(minimum = 1, maximum = 3600, example = 60)]
    ttl_s: Option<u32>,
}

/// What [`Decide`] asks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::routes::decision) struct Question {
    pub(in crate::routes::decision) org: Option<OrgId>,
    pub(in crate::routes::decision) user: Option<UserId>,
    /// For how many seconds the quantity is to be held, if it is.
    pub(in crate::routes::decision) reserve: Option<u32>,
    service: ServiceName,
    quantity: Quantity,
}

impl Question {
    /// When what it holds releases itself, if it is held at this moment.
    pub(in crate::routes::decision) fn ends(&self, now: Timestamp) -> Option<Timestamp> {
        self.reserve.map(|seconds| now + TimeDelta::seconds(i64::from(seconds)))
    }

    /// As the use case wants it.
    pub(in crate::routes::decision) fn call(self, org: OrgId, user: Option<UserId>) -> Call {
        Call { org, user, service: self.service, quantity: self.quantity.get(), reserve: self.reserve }
    }
}

impl TryFrom<Decide> for Question {
    type Error = Problem;

    fn try_from(body: Decide) -> Result<Self, Problem> {
        let mut fields = Fields::default();
        let user = fields.read_some("/user_id", body.user_id, |text| text.parse::<UserId>());
        let org = fields.read_some("/org_id", body.org_id, |text| text.parse::<OrgId>());
        let service = fields.read("/service", body.service.parse::<ServiceName>());
        let quantity = fields.read("/quantity", body.quantity.map_or(Ok(Quantity::ONE), Quantity::new));
        let seconds = fields.read("/ttl_s", lease(body.ttl_s.unwrap_or(Lease::DEFAULT_SECONDS)));
        let reserve = seconds.filter(|_| body.reserve.unwrap_or(false));
        let read = service.zip(quantity);
        fields.done(read.map(|(service, quantity)| Self { org, user, reserve, service, quantity }))
    }
}

fn lease(seconds: u32) -> Result<u32, FieldError> {
    if (1..=Lease::MAX_SECONDS).contains(&seconds) { Ok(seconds) } else { Err(FieldError::Lease) }
}

/// Whether the call may happen, and why.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = DecisionVerdict)]
pub(in crate::routes::decision) struct DecisionAnswer {
    /// Whether it may.
    #[schema(example = true)]
    allow: bool,
    /// `allowed`, `upgrade_required`, `quota_exceeded` or `rate_limited`.
    #[schema(example = "allowed")]
    reason: &'static str,
    /// What each check said, in order, up to the first that refused.
    steps: Vec<DecisionStep>,
    /// The plan that counts.
    #[schema(example = "starter")]
    tier: String,
    /// What is left of the month after this call, before it is recorded; `null` without end, and when a check before the quota refused.
    #[schema(example = 983)]
    remaining: Option<u64>,
    /// Who pays the provider: `platform` or `byok`.
    #[schema(example = "platform")]
    pays: &'static str,
    /// By which the quantity that is held is settled or released.
    #[schema(example = "rsv_01890a5d-ac96-774b-bcce-b302099a8057")]
    reservation_id: Option<String>,
    /// Until when it is held at least; then it releases itself.
    #[schema(format = DateTime, example = "2026-01-31T09:30:00.000000Z")]
    reservation_expires_at: Option<String>,
    /// When a refused caller may try again with hope.
    #[schema(format = DateTime, example = json!(null))]
    retry_at: Option<String>,
}

/// What one check said.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = DecisionStep)]
struct DecisionStep {
    /// `entitlement`, `org_quota`, `user_quota`, `rate_limit` or `byok`.
    #[schema(example = "entitlement")]
    check: &'static str,
    /// Whether the call may go on.
    #[schema(example = true)]
    ok: bool,
    /// One sentence that says why.
    #[schema(example = "the plan opens the service")]
    detail: String,
}

impl From<Step> for DecisionStep {
    fn from(step: Step) -> Self {
        Self { check: step.check.as_str(), ok: step.ok, detail: step.detail.into_owned() }
    }
}

impl DecisionAnswer {
    /// A verdict, with the end of what it holds. A check that could not be made is 503: what is down has denied nothing.
    pub(in crate::routes::decision) fn new(verdict: Verdict, expires_at: Option<Timestamp>) -> Result<Self, Problem> {
        if verdict.reason == Reason::Unavailable {
            let cause = verdict.steps.into_iter().next_back().map(|step| step.detail);
            return Err(Problem::unavailable(cause.unwrap_or_default()));
        }
        let reservation = verdict.reservation;
        Ok(Self {
            allow: verdict.allow,
            reason: verdict.reason.as_str(),
            steps: verdict.steps.into_iter().map(Into::into).collect(),
            tier: verdict.tier.to_string(),
            remaining: verdict.remaining,
            pays: verdict.pays.as_str(),
            reservation_id: reservation.map(|id| id.to_string()),
            reservation_expires_at: expires_at.filter(|_| reservation.is_some()).map(time),
            retry_at: verdict.retry_at.map(time),
        })
    }

    /// The answer, whose headers tell plan and remainder; −1 is "without end". Nothing more is read for them.
    pub(in crate::routes::decision) fn with_headers(self) -> Answer<Self> {
        let counted = self.steps.iter().any(|step| step.check == Check::OrgQuota.as_str());
        let left = self.remaining.map_or_else(|| "-1".to_owned(), |left| left.to_string());
        let tier = self.tier.clone();
        let answer = Answer::new(self).header("X-Tier", tier);
        if counted { answer.header("X-API-Calls-Remaining", left) } else { answer }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::input::parse_json;
    use crate::problem::Place;

    fn read(text: &str) -> Result<Question, Vec<String>> {
        parse_json::<Decide>(text.as_bytes()).and_then(Question::try_from).map_err(|problem| {
            assert_eq!(problem.status().as_u16(), 422, "{text}");
            let wrong = problem.body(&Place::default()).errors.unwrap_or_default();
            wrong.into_iter().map(|field| field.pointer).collect()
        })
    }

    #[test]
    fn what_is_not_said_is_one_call_that_holds_nothing() {
        let bare = read(r#"{"service":"chat"}"#).expect("good");
        assert_eq!((bare.quantity, bare.reserve, bare.org, bare.user), (Quantity::ONE, None, None, None));
        assert_eq!(read(r#"{"service":"chat","quantity":null,"reserve":false,"ttl_s":5}"#), Ok(bare));
        let held = read(r#"{"service":"chat","quantity":1000000000,"reserve":true}"#).expect("good");
        assert_eq!((held.quantity.get(), held.reserve), (Quantity::MAX, Some(60)));
        assert_eq!(held.ends(Timestamp::UNIX_EPOCH).map(time).as_deref(), Some("1970-01-01T00:01:00.000000Z"));
        let long = read(r#"{"service":"chat","reserve":true,"ttl_s":3600}"#).expect("good");
        assert_eq!(long.reserve, Some(3_600));
    }

    #[test]
    fn every_wrong_field_is_named() {
        for (field, pointer) in [
            (r#""quantity":0"#, "/quantity"),
            (r#""quantity":-1"#, "/quantity"),
            (r#""quantity":1.5"#, "/quantity"),
            (r#""quantity":1000000001"#, "/quantity"),
            (r#""quantity":18446744073709551616"#, "/quantity"),
            (r#""quantity":"1""#, "/quantity"),
            (r#""ttl_s":0"#, "/ttl_s"),
            (r#""ttl_s":3601,"reserve":true"#, "/ttl_s"),
            (r#""ttl_s":4294967296"#, "/ttl_s"),
            (r#""reserve":"yes""#, "/reserve"),
            (r#""org_id":"acme""#, "/org_id"),
            (r#""user_id":"usr_\u0000""#, "/user_id"),
            (r#""tier":"enterprise""#, "/tier"),
        ] {
            assert_eq!(read(&format!(r#"{{"service":"chat",{field}}}"#)), Err(vec![pointer.to_owned()]), "{field}");
        }
        let both = read(r#"{"service":"Chat\n","quantity":0,"ttl_s":0}"#);
        assert_eq!(both, Err(["/service", "/quantity", "/ttl_s"].map(str::to_owned).to_vec()));
        assert_eq!(read("{}"), Err(vec!["/service".to_owned()]));
    }
}
