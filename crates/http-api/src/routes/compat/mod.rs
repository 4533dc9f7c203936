//! Answers for consoles already in the field, in the shape that they read.

mod billing;
mod dto;

use self::dto::AccountBody;
use crate::Answer;
use crate::caller::Caller;
use crate::endpoint::Endpoint;
use crate::problem::Problem;
use crate::routes::auth::account::Accounts;

/// The operations of this area.
pub fn endpoints() -> Vec<Endpoint> {
    let mut rows = vec![
        Endpoint::get("/api/v1/auth/me", me)
            .also("/api/v1/auth/user")
            .also("/api/v1/user")
            .summary("Who is signed in, flat; `GET /auth/session` tells the same and more"),
    ];
    rows.extend(billing::endpoints());
    rows
}

async fn me(accounts: Accounts, caller: Caller) -> Result<Answer<AccountBody>, Problem> {
    Ok(Answer::new(accounts.of(caller.user(), caller.identity.org).await?.into()))
}
