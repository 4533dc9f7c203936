//! Services, as they are shown.

use plan_core::{Catalogue, Plan, Service};
use serde::Serialize;
use utoipa::ToSchema;

/// The services of the platform, by name.
#[derive(Serialize, ToSchema)]
#[schema(as = Services)]
pub(in crate::routes::subscriptions) struct ServicesBody {
    /// The services.
    services: Vec<ServiceBody>,
}

/// A service of the platform.
#[derive(Serialize, ToSchema)]
#[schema(as = Service)]
pub(in crate::routes::subscriptions) struct ServiceBody {
    /// Its name.
    #[schema(example = "chat")]
    service: String,
    /// What people read.
    #[schema(example = "Chat")]
    display_name: String,
    /// One sentence about it.
    #[schema(example = "Conversations with large language models.")]
    description: String,
    /// The name of an icon.
    #[schema(example = "message-circle")]
    icon: Option<String>,
    /// Where it is: an http or https address, or a path of this site.
    #[schema(example = json!(null))]
    url: Option<String>,
    /// A permission that the caller needs beside the plan.
    #[schema(example = json!(null))]
    required_permission: Option<String>,
    /// The plans that open it and can be chosen, the lowest first.
    #[schema(example = json!(["free", "starter"]))]
    required_plans: Vec<String>,
    /// Whether it is run by somebody else.
    #[schema(example = false)]
    is_external: bool,
    /// Whether the caller's plan opens it; false for whoever is not signed in.
    #[schema(example = true)]
    has_access: bool,
}

impl ServiceBody {
    fn new(service: &Service, catalogue: &Catalogue, seen: impl Fn(&Plan) -> bool, own: Option<&Plan>) -> Self {
        let opening = catalogue.opening(&service.name);
        Self {
            service: service.name.to_string(),
            display_name: service.display_name.clone(),
            description: service.description.clone(),
            icon: service.icon.clone(),
            url: service.url.clone(),
            required_permission: service.required_permission.clone(),
            required_plans: opening.into_iter().filter(|plan| seen(plan)).map(|plan| plan.id.to_string()).collect(),
            is_external: service.is_external,
            has_access: own.is_some_and(|plan| plan.opens(&service.name)),
        }
    }

    /// The services that a plan opens.
    pub(in crate::routes::subscriptions) fn opened_by(plan: &Plan, catalogue: &Catalogue) -> Vec<Self> {
        let open = catalogue.services().iter().filter(|service| plan.opens(&service.name));
        let seen = |other: &Plan| other.is_public || other.id == plan.id;
        open.map(|service| Self::new(service, catalogue, seen, Some(plan))).collect()
    }
}

impl ServicesBody {
    /// All of the catalogue, for somebody who sees these plans and has one of them.
    pub(in crate::routes::subscriptions) fn new(
        catalogue: &Catalogue,
        seen: impl Fn(&Plan) -> bool,
        own: Option<&Plan>,
    ) -> Self {
        let services = catalogue.services().iter();
        Self { services: services.map(|service| ServiceBody::new(service, catalogue, &seen, own)).collect() }
    }
}
