use serde::Serialize;
use utoipa::ToSchema;

use crate::readiness::Dependency;

/// The service runs.
#[derive(Serialize, ToSchema)]
pub struct Health {
    /// `ok`.
    #[schema(example = "ok")]
    pub status: &'static str,
    /// The version that runs.
    #[schema(example = "0.1.0")]
    pub version: &'static str,
}

/// The service can take requests.
#[derive(Serialize, ToSchema)]
#[schema(as = Ready)]
pub struct ReadyBody {
    /// `ready`.
    #[schema(example = "ready")]
    pub status: &'static str,
}

/// Whether the service and its parts are up.
#[derive(Serialize, ToSchema)]
pub struct Status {
    /// `ok`, or `degraded` when a dependency does not answer.
    #[schema(example = "ok")]
    pub status: &'static str,
    /// The version that runs.
    #[schema(example = "0.1.0")]
    pub version: &'static str,
    /// `development` or `production`.
    #[schema(example = "production")]
    pub environment: &'static str,
}

/// What the service needs, for the operator.
#[derive(Serialize, ToSchema)]
pub struct Inside {
    /// Each, and whether it answers.
    pub dependencies: Vec<DependencyBody>,
}

/// Something that the service needs.
#[derive(Serialize, ToSchema)]
#[schema(as = Dependency)]
pub struct DependencyBody {
    /// `database`, `redis`.
    #[schema(example = "database")]
    name: &'static str,
    /// `up` or `down`.
    #[schema(example = "up")]
    status: &'static str,
}

impl From<Dependency> for DependencyBody {
    fn from(dependency: Dependency) -> Self {
        Self { name: dependency.name, status: if dependency.ok { "up" } else { "down" } }
    }
}
