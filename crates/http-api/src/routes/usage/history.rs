use actix_web::web::Data;
use usage_core::{Span, Usage};

use super::dto::history::{DailyAnswer, DaysQuery, HistoryAnswer, HistoryQuery};
use crate::Answer;
use crate::caller::Member;
use crate::input::Query;
use crate::problem::Problem;

pub(super) async fn history(
    usage: Data<Usage>,
    by: Member,
    query: Query<HistoryQuery>,
) -> Result<Answer<HistoryAnswer>, Problem> {
    let asked = query.0.read()?;
    let days = usage.last_days(asked.days)?;
    let span = Span { days, grain: asked.grain, users: asked.by_user() };
    let history = usage.history(by.membership.org(), span).await?;
    Ok(Answer::new(HistoryAnswer::new(&history, by.identity.user, asked)))
}

pub(super) async fn daily(
    usage: Data<Usage>,
    by: Member,
    query: Query<DaysQuery>,
) -> Result<Answer<DailyAnswer>, Problem> {
    let asked = query.0.read()?;
    let days = usage.last_days(asked.days)?;
    let history = usage.history(by.membership.org(), Span { days, grain: asked.grain, users: false }).await?;
    Ok(Answer::new(DailyAnswer::new(&history)))
}
