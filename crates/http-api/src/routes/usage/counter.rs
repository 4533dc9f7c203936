use actix_web::HttpRequest;
use actix_web::dev::Payload;
use actix_web::web::Data;
use plan_core::{Access, Standing};
use usage_core::{Metering, UsageError};

use super::gauge::Gauge;
use crate::caller::data;
use crate::endpoint::{Argument, Doc};
use crate::problem::Problem;

/// The services that record and settle.
pub(crate) struct Counter {
    pub(crate) metering: Data<Metering>,
    pub(crate) access: Data<Access>,
}

impl Counter {
    /// What a refusal tells: for a quota, also how full it is and where to get more.
    pub(crate) fn refusal(&self, standing: &Standing, error: UsageError) -> Problem {
        let full = match &error {
            UsageError::QuotaExceeded(_, tally) => Some(Gauge::new(standing, tally)),
            _ => None,
        };
        let problem = Problem::from(error);
        let Some(gauge) = full else { return problem };
        gauge.onto(problem).with("upgrade_url", self.access.upgrade_url())
    }
}

impl Argument for Counter {
    async fn take(request: &HttpRequest, _: &mut Payload) -> Result<Self, Problem> {
        Ok(Self { metering: data(request)?, access: data(request)? })
    }
    fn describe(_: &mut Doc) {}
}
