use actix_web::HttpRequest;
use actix_web::dev::Payload;
use kernel::UserId;

use super::form;
use crate::caller::Visitor;
use crate::endpoint::{Argument, Doc};
use crate::identify::CurrentSession;
use crate::problem::Problem;

/// Somebody who opens a page.
pub(super) struct Guest {
    /// The request.
    pub(super) request: HttpRequest,
    /// Who, if they have a session.
    pub(super) me: Option<Me>,
}

/// Somebody with a session.
pub(super) struct Me {
    /// Who.
    pub(super) user: UserId,
    /// Their session.
    pub(super) current: CurrentSession,
}

impl Guest {
    /// A parameter of the query.
    pub(super) fn query(&self, name: &str) -> Option<String> {
        form::query(&self.request, name)
    }
}

impl Argument for Guest {
    async fn take(request: &HttpRequest, payload: &mut Payload) -> Result<Self, Problem> {
        let identity = Visitor::take(request, payload).await?.identity;
        let me = identity.and_then(|identity| Some(Me { user: identity.user, current: identity.session? }));
        Ok(Self { request: request.clone(), me })
    }
    fn describe(_: &mut Doc) {}
}
