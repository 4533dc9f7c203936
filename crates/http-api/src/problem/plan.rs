use actix_web::http::StatusCode;
use plan_core::{FieldError, PlanError};

use super::{FieldProblem, Problem};

impl From<PlanError> for Problem {
    fn from(error: PlanError) -> Self {
        let detail = error.to_string();
        match error {
            PlanError::UnknownPlan | PlanError::NoSuchOrg => Self::not_found(),
            PlanError::UnknownService => Self::new(StatusCode::NOT_FOUND, "unknown_service", detail),
            PlanError::PlanExists => Self::conflict("plan_exists", detail),
            PlanError::VersionConflict => Self::conflict("version_conflict", detail),
            PlanError::PlanInUse => Self::conflict("plan_in_use", detail),
            PlanError::TooManyReservations { at, again } => {
                Self::new(StatusCode::TOO_MANY_REQUESTS, "too_many_reservations", detail).until(again, at)
            }
            PlanError::Invalid(fields) => {
                Self::invalid(fields.iter().map(|(field, why)| plan_field(&format!("/{field}"), why)).collect())
            }
            PlanError::Store(cause) => cause.into(),
        }
    }
}

/// What is wrong with a field of a plan or a subscription.
pub(crate) fn plan_field(pointer: &str, why: &FieldError) -> FieldProblem {
    let code = match why {
        FieldError::UnknownService(_) => "unknown_service",
        FieldError::Text(_)
        | FieldError::TooMany(_)
        | FieldError::Empty
        | FieldError::Name
        | FieldError::Range(_)
        | FieldError::Seats(_)
        | FieldError::Limit
        | FieldError::Currency
        | FieldError::StripePrice
        | FieldError::Url
        | FieldError::Retire
        | FieldError::NoTrial => "invalid_value",
    };
    FieldProblem::new(pointer, code, why.to_string())
}
