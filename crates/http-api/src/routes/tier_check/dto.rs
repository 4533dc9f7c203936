//! The wire types of this area.

use plan_core::PlanId;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::problem::{FieldProblem, Problem};

/// Which plan is asked for: one of `tier` and `required_tier`.
#[derive(Debug, Default, Deserialize, IntoParams)]
pub(super) struct TierQuery {
    /// The plan, as the catalogue names it. A plan of the same level or a higher one will do.
    #[param(min_length = 1, max_length = 64, example = "professional", nullable = false)]
    tier: Option<String>,
    /// The same under the other name.
    #[param(min_length = 1, max_length = 64, nullable = false)]
    required_tier: Option<String>,
}

/// The parameter that is named when a plan is missing or none.
pub(super) const TIER: &str = "?tier";

impl TierQuery {
    /// The plan that is asked for.
    pub(super) fn read(self) -> Result<PlanId, Problem> {
        let asked = match (self.tier, self.required_tier) {
            (Some(one), Some(other)) if one != other => {
                return Err(Problem::invalid_field("?required_tier", "is named twice, and not the same one"));
            }
            (one, other) => one.or(other),
        };
        let missing = || Problem::invalid(vec![FieldProblem::new(TIER, "missing_field", "must be given")]);
        asked.ok_or_else(missing)?.parse().map_err(|error| Problem::invalid_field(TIER, error))
    }
}

/// The proxy can ask.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct TierCheckHealth {
    /// Always `healthy`.
    #[schema(example = "healthy")]
    status: &'static str,
    /// Always `tier-check`.
    #[schema(example = "tier-check")]
    service: &'static str,
}

impl TierCheckHealth {
    /// It can.
    pub(super) const fn new() -> Self {
        Self { status: "healthy", service: "tier-check" }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::problem::Place;

    fn read(tier: Option<&str>, required_tier: Option<&str>) -> Result<String, (String, String)> {
        let query = TierQuery { tier: tier.map(str::to_owned), required_tier: required_tier.map(str::to_owned) };
        query.read().map(|plan| plan.to_string()).map_err(|problem| {
            assert_eq!(problem.status().as_u16(), 422);
            let first = problem.body(&Place::default()).errors.unwrap_or_default().remove(0);
            (first.pointer, first.code)
        })
    }

    #[test]
    fn a_plan_is_asked_for_by_either_name() {
        assert_eq!(read(Some("starter"), None).as_deref(), Ok("starter"));
        assert_eq!(read(None, Some("starter")).as_deref(), Ok("starter"));
        assert_eq!(read(Some("starter"), Some("starter")).as_deref(), Ok("starter"));
        let wrong = |pointer: &str, code: &str| Err((pointer.to_owned(), code.to_owned()));
        assert_eq!(read(Some("starter"), Some("free")), wrong("?required_tier", "invalid_value"));
        assert_eq!(read(None, None), wrong("?tier", "missing_field"));
        for text in ["", "Starter", "a\r\nX-User-Tier: b", "nul\0"] {
            assert_eq!(read(Some(text), None), wrong("?tier", "invalid_value"), "{text:?}");
        }
    }
}
