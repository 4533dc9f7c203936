//! Plans, services, and which organization is on which plan: what a plan gives, and may this call happen. Without a web framework,
//! a database or a runtime.
//!
//! A [`Catalogue`] is all plans and services; [`Plans`] changes it. An organization has a [`Subscription`], from its first moment to
//! the default plan, and [`Access`] says which plan counts for it now, for how long, and which services that opens. [`Grants`] moves
//! organizations by an administrator's word. [`Decision`] answers a [`Call`] with a [`Verdict`]: entitlement, the organization's
//! quota, the user's quota, rate limit, provider key, in this order, with a trace of what each said.
//!
//! Which plan counts is decided in one place, [`policy::effective`]: the subscription's plan while the subscription grants (its state
//! does and its trial has not ended), else the default plan.
mod error;
mod model;
pub mod policy;
mod ports;
mod service;
#[cfg(feature = "testing")]
pub mod testing;

pub use self::{
    error::{FieldError, PlanError},
    model::{
        catalogue::Catalogue,
        decision::{Call, Check, Pays, Reason, Step, Verdict},
        draft::{PlanDraft, PlanPatch},
        field::Invalid,
        plan::{Allowances, BadPlanId, Feature, Plan, PlanId, Price, ProviderIds},
        service::{Service, ServiceDraft},
        subscription::{Source, Subscription, SubscriptionStatus},
    },
    policy::{OnOutage, OutagePolicy},
    ports::{
        CatalogueStore, Held, OwnKeys, Owned, PlanCreated, PlanRetired, PlanUpdated, QuotaStanding, Quotas, Rates,
        Room, SubscriptionPut, SubscriptionStore,
    },
    service::{
        access::{Access, ServiceAccess},
        decision::{Decision, DecisionPorts},
        grants::{GrantRequest, Grants},
        plans::Plans,
        standing::Standing,
    },
};
