//! What platform administrators do to subscriptions.

mod dto;

use actix_web::FromRequest as _;
use actix_web::HttpRequest;
use actix_web::dev::Payload;
use actix_web::web::{Data, Path};
use billing_core::Billing;
use kernel::Email;
use plan_core::{GrantRequest, Grants, PlanError};

use self::dto::{ChangeSubscription, SubscriptionChanged};
use crate::Answer;
use crate::caller::PlatformAdmin;
use crate::endpoint::{Argument, Doc, Endpoint};
use crate::input::Json;
use crate::problem::Problem;

/// The operations of this area.
pub fn endpoints() -> Vec<Endpoint> {
    vec![
        Endpoint::patch("/api/v1/admin/subscriptions/{email}", change)
            .summary("Gives the organization that the owner of an address owns another plan or state, at once")
            .fails(409, "version_conflict"),
    ]
}

/// The e-mail address in the path. What cannot be one is nobody's.
struct Owner(Email);

impl Argument for Owner {
    async fn take(request: &HttpRequest, _: &mut Payload) -> Result<Self, Problem> {
        // Unlike `match_info`, this decodes `%2B` too: browsers send the plus sign of an address so.
        let text = Path::<String>::from_request(request, &mut Payload::None).await;
        let address = text.ok().and_then(|text| Email::parse(&text).ok());
        address.map(Self).ok_or_else(Problem::not_found)
    }
    fn describe(doc: &mut Doc) {
        doc.problem(404, "not_found");
    }
}

async fn change(
    grants: Data<Grants>,
    billing: Data<Billing>,
    admin: PlatformAdmin,
    address: Owner,
    body: Json<ChangeSubscription>,
) -> Result<Answer<SubscriptionChanged>, Problem> {
    let request = GrantRequest::try_from(body.0)?;
    match grants.change(&admin.actor, &address.0, &request).await {
        Ok((owned, _)) => {
            let pays = billing.given(&admin.actor, owned.org).await?;
            let now = grants.now(owned.org).await?;
            Ok(Answer::new(SubscriptionChanged::new(owned, &now, pays.as_ref())))
        }
        Err(error @ PlanError::UnknownPlan) => Err(Problem::invalid_field("/tier", error)),
        Err(error) => Err(error.into()),
    }
}
