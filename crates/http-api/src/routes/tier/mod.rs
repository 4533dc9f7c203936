//! Tiers: what each plan gives, and whether a caller's plan is enough.

mod dto;

use actix_web::http::StatusCode;
use actix_web::web::Data;
use auth_core::Users;
use kernel::ServiceName;
use plan_core::{Access, PlanError, Plans};

use self::dto::list::{TierFeatures, TiersBody};
use self::dto::matrix::{AccessMatrix, MatrixQuery};
use self::dto::user::{TierChecked, TierQuery, UserTier};
use crate::Answer;
use crate::caller::{EntitlementsRead, Subject};
use crate::endpoint::Endpoint;
use crate::input::Query;
use crate::problem::Problem;
use crate::public::{Audience, Public};
use crate::routes::subscriptions::Eyes;
use crate::routes::usage::{entitled, explained};

/// The operations of this area.
pub fn endpoints() -> Vec<Endpoint> {
    vec![
        Endpoint::get("/api/v1/services/access-matrix", access_matrix)
            .summary("Which services a tier opens, and which tier opens the others")
            .fails(404, "not_found"),
        Endpoint::get("/api/v1/tiers/info", info).summary("The tiers, and which of them each service needs"),
        Endpoint::get("/api/v1/tiers/features", features).summary("What each tier's page promises"),
        Endpoint::get("/api/v1/user/tier", user_tier)
            .summary("The tier of a user's organization")
            .decision()
            .explains(explained),
        Endpoint::get("/api/v1/check-tier", check_tier)
            .summary("Whether the tier of a user's organization opens a service: 200 or 403")
            .fails(403, "upgrade_required")
            .fails(404, "unknown_service")
            .decision()
            .explains(explained),
    ]
}

async fn access_matrix(
    plans: Data<Plans>,
    access: Data<Access>,
    by: Audience,
    query: Query<MatrixQuery>,
) -> Result<Public<AccessMatrix>, Problem> {
    let eyes = Eyes::of(&by, &plans, &access).await?;
    let tier = match query.0.tier() {
        Some(tier) => tier.parse().or(Err(PlanError::UnknownPlan))?,
        None => plans.default_plan().clone(),
    };
    let body = AccessMatrix::new(&eyes, eyes.plan(&tier)?);
    Ok(Public::new(by, body))
}

async fn info(plans: Data<Plans>, access: Data<Access>, by: Audience) -> Result<Public<TiersBody>, Problem> {
    let body = TiersBody::new(&Eyes::of(&by, &plans, &access).await?);
    Ok(Public::new(by, body))
}

async fn features(
    plans: Data<Plans>,
    access: Data<Access>,
    by: Audience,
) -> Result<Public<Vec<TierFeatures>>, Problem> {
    let body = Eyes::of(&by, &plans, &access).await?.plans().map(Into::into).collect();
    Ok(Public::new(by, body))
}

async fn user_tier(
    access: Data<Access>,
    users: Data<Users>,
    by: Subject<EntitlementsRead>,
) -> Result<Answer<UserTier>, Problem> {
    let user = match by.user {
        Some(user) => Some(users.get(user).await?),
        None => None,
    };
    let standing = access.standing(by.org).await?;
    Ok(Answer::new(UserTier::new(user.as_ref(), &standing.plan)))
}

async fn check_tier(
    access: Data<Access>,
    by: Subject<EntitlementsRead>,
    query: Query<TierQuery>,
) -> Result<Answer<TierChecked>, Problem> {
    let service: ServiceName = query.0.service().parse().or(Err(PlanError::UnknownService))?;
    let standing = access.standing(by.org).await?;
    entitled(&standing, access.upgrade_url(), &service).map_err(in_words)?;
    Ok(Answer::new(TierChecked::new(&standing.plan, &service)))
}

/// The same refusal, with the text that clients of this route wait for.
fn in_words(refused: Problem) -> Problem {
    if refused.status() == StatusCode::FORBIDDEN { refused.with("error", "Upgrade required") } else { refused }
}
