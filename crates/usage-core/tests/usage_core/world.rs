//! One installation in memory, whose clock is moved by hand.

use std::sync::Arc;

use kernel::testing::{ManualClock, manual_ambient};
use kernel::{Ambient, Limit, OrgId, ServiceName};
use usage_core::testing::{MemoryUsage, UsageStores, World as _};
use usage_core::{Allowance, Books, EventId, Metering, Quantity, Report, Usage};

pub(crate) struct World {
    pub(crate) memory: Arc<MemoryUsage>,
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) ambient: Ambient,
    pub(crate) metering: Metering,
    pub(crate) usage: Usage,
    pub(crate) books: Books,
}

pub(crate) fn service(name: &str) -> ServiceName {
    name.parse().unwrap()
}

pub(crate) fn event(name: &str) -> EventId {
    name.parse().unwrap()
}

pub(crate) fn cost(number: u64) -> Quantity {
    Quantity::new(number).unwrap()
}

pub(crate) fn stores<'a>(memory: &'a MemoryUsage, ambient: &'a Ambient) -> UsageStores<'a> {
    UsageStores { ledger: memory, reader: memory, books: memory, world: memory, ambient }
}

impl World {
    pub(crate) fn new(seed: u64) -> Self {
        let (clock, ambient) = manual_ambient(seed);
        let memory = Arc::new(MemoryUsage::new());
        let metering = Metering::new(memory.clone(), ambient.clone());
        let usage = Usage::new(memory.clone(), ambient.clone());
        let books = Books::new(memory.clone(), ambient.clone());
        Self { memory, clock, ambient, metering, usage, books }
    }

    /// An organization with so much in a month that begins now.
    pub(crate) async fn org(&self, monthly: u64) -> OrgId {
        let plan = Allowance {
            tier: "starter".to_owned(),
            monthly: Limit::Of(monthly),
            daily: Limit::Unlimited,
            per_user: Limit::Unlimited,
            anchor: self.ambient.now(),
        };
        self.memory.org(&plan).await
    }

    /// Records something that fits; what is used after that.
    pub(crate) async fn use_up(&self, org: OrgId, name: &str, quantity: u64) -> u64 {
        let report = Report { quantity: cost(quantity), ..Report::new(org, service(name)) };
        self.metering.track(report).await.unwrap().tally.month.used
    }
}
