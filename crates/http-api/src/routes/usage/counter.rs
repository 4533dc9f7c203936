use actix_web::HttpRequest;
use actix_web::dev::Payload;
use actix_web::web::Data;
use kernel::Ambient;
use plan_core::{Access, Standing};
use usage_core::policy::resets_at;
use usage_core::{Metering, UsageError};

use super::gauge::Gauge;
use crate::caller::data;
use crate::endpoint::{Argument, Doc};
use crate::problem::Problem;

/// The services that record and settle.
pub(crate) struct Counter {
    pub(crate) metering: Data<Metering>,
    pub(crate) access: Data<Access>,
    ambient: Data<Ambient>,
}

impl Counter {
    /// What a refusal tells: for a quota, also how full it is, where to get more and when it begins anew.
    pub(crate) fn refusal(&self, standing: &Standing, error: UsageError) -> Problem {
        let full = match &error {
            UsageError::QuotaExceeded(wall, tally) => Some((Gauge::new(standing, tally), resets_at(tally, *wall))),
            _ => None,
        };
        let problem = Problem::from(error);
        let Some((gauge, then)) = full else { return problem };
        gauge.onto(problem).with("upgrade_url", self.access.upgrade_url()).until(then, self.ambient.now())
    }
}

impl Argument for Counter {
    async fn take(request: &HttpRequest, _: &mut Payload) -> Result<Self, Problem> {
        Ok(Self { metering: data(request)?, access: data(request)?, ambient: data(request)? })
    }
    fn describe(_: &mut Doc) {}
}
