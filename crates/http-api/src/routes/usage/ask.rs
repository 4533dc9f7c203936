use actix_web::web::Data;
use auth_core::Users;
use plan_core::Access;
use usage_core::Usage;

use super::dto::current::CurrentUsage;
use super::dto::limit::{FeatureList, LimitList};
use super::dto::quota::{QuotaAnswer, SummaryAnswer};
use super::gauge::{Gauge, current_org};
use crate::Answer;
use crate::caller::{Caller, Member};
use crate::problem::Problem;

pub(super) async fn current(
    usage: Data<Usage>,
    access: Data<Access>,
    users: Data<Users>,
    by: Member,
) -> Result<Answer<CurrentUsage>, Problem> {
    let org = by.membership.org();
    let standing = access.standing(org).await?;
    let current = usage.current(org, Some(by.identity.user)).await?;
    let user = users.get(by.identity.user).await?;
    let gauge = Gauge::new(&standing, &current.tally);
    Ok(gauge.on(Answer::new(CurrentUsage::new(current, &standing, &user))))
}

pub(super) async fn summary(
    usage: Data<Usage>,
    access: Data<Access>,
    by: Member,
) -> Result<Answer<SummaryAnswer>, Problem> {
    let org = by.membership.org();
    let current = usage.current(org, None).await?;
    let gauge = Gauge::new(&access.standing(org).await?, &current.tally);
    Ok(gauge.on(Answer::new(SummaryAnswer::new(&current))))
}

pub(super) async fn quota(
    usage: Data<Usage>,
    access: Data<Access>,
    by: Member,
) -> Result<Answer<QuotaAnswer>, Problem> {
    let org = by.membership.org();
    let tally = usage.tally(org, Some(by.identity.user)).await?;
    let gauge = Gauge::new(&access.standing(org).await?, &tally);
    Ok(gauge.on(Answer::new(QuotaAnswer::new(&tally))))
}

pub(super) async fn limits(access: Data<Access>, caller: Caller) -> Result<Answer<LimitList>, Problem> {
    let standing = access.standing(current_org(caller.identity.org)?).await?;
    Ok(Answer::new(LimitList::new(&standing)))
}

pub(super) async fn features(access: Data<Access>, caller: Caller) -> Result<Answer<FeatureList>, Problem> {
    let standing = access.standing(current_org(caller.identity.org)?).await?;
    Ok(Answer::new(FeatureList::new(&standing)))
}
