use std::sync::Arc;

use actix_web::web::Data;
use plan_core::Access;

use super::dto::rate::RateAnswer;
use crate::Answer;
use crate::caller::{EntitlementsRead, Subject};
use crate::problem::Problem;
use crate::rate_limit::{self, Class, RateLimits};

pub(super) async fn check(
    limits: Data<Arc<dyn RateLimits>>,
    access: Data<Access>,
    by: Subject<EntitlementsRead>,
) -> Result<Answer<RateAnswer>, Problem> {
    let standing = access.standing(by.org).await?;
    let taken = limits.peek(&whose(&by), Class::Reads).await?;
    Ok(Answer::new(RateAnswer::new(&standing.plan.id, taken.as_ref())))
}

/// Whose bucket is asked about: the user's, also when a service asks for them; else the service's own.
fn whose<S>(by: &Subject<S>) -> rate_limit::Subject {
    let key = by.key().filter(|_| by.user.is_none()).map(Into::into);
    rate_limit::Subject { user: by.user, org: Some(by.org), key }
}
