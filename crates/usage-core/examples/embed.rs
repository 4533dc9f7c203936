//! Metering in another program: `cargo run -p usage-core --example embed-usage --features testing`.

use std::sync::Arc;

use kernel::{Ambient, Limit};
use usage_core::testing::{MemoryUsage, World};
use usage_core::{Allowance, Lease, Metering, Quantity, Report, Usage, UsageError};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let (store, ambient) = (Arc::new(MemoryUsage::new()), Ambient::system());
    let plan = Allowance {
        tier: "starter".to_owned(),
        monthly: Limit::Of(10),
        daily: Limit::Unlimited,
        per_user: Limit::Unlimited,
        anchor: ambient.now(),
    };
    let org = store.org(&plan).await;
    let metering = Metering::new(store.clone(), ambient.clone());

    // A call that is reported twice counts once.
    let report = Report { event: Some("request-1".parse()?), ..Report::new(org, "chat".parse()?) };
    for _ in 0..2 {
        let tracked = metering.track(report.clone()).await?;
        println!("{}: duplicate {}, {} used", tracked.event, tracked.duplicate, tracked.tally.month.used);
    }

    // A call whose cost is not known yet is held for, then settled.
    let lease = Lease { org, user: None, service: "tts".parse()?, quantity: Quantity::new(8)?, seconds: 60 };
    let held = metering.hold(lease).await?;
    let refused = metering.track(Report { quantity: Quantity::new(2)?, ..Report::new(org, "chat".parse()?) }).await;
    println!("meanwhile: {}", refused.err().map_or_else(String::new, |error: UsageError| error.to_string()));
    metering.settle(org, held.id, Quantity::new(3)?).await?;

    let current = Usage::new(store, ambient).current(org, None).await?;
    for (service, sum) in &current.services {
        println!("{service}: {} calls, {}", sum.events, sum.quantity);
    }
    println!("{} left of the month", current.tally.month.remaining().unwrap_or(u64::MAX));
    Ok(())
}
