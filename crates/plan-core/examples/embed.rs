//! Plans in another program: `cargo run -p plan-core --example embed-plan --features testing`.

use std::sync::Arc;

use kernel::{Actor, Ambient};
use plan_core::testing::{MemoryPlans, Population, sample_catalogue};
use plan_core::{Call, Decision, DecisionPorts, GrantRequest, Grants, OutagePolicy, Plans};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let (store, ambient) = (Arc::new(MemoryPlans::new()), Ambient::system());
    let free: plan_core::PlanId = "free".parse()?;
    Plans::new(store.clone(), free.clone(), ambient.clone()).load(&Actor::system(), &sample_catalogue()).await?;
    let ann = store.user("ann@example.com").await;
    let org = store.org(ann, ambient.now()).await;

    let (catalogue, subscriptions) = (store.clone(), store.clone());
    let ports =
        DecisionPorts { catalogue, subscriptions, quotas: store.clone(), rates: store.clone(), keys: store.clone() };
    let decision = Decision::new(ports, free.clone(), OutagePolicy::default(), ambient.clone());
    let grants = Grants::new(store.clone(), store, free, ambient);
    let call = Call { org, user: Some(ann), service: "search".parse()?, quantity: 1, reserve: None };
    for plan in ["free", "starter"] {
        let request = GrantRequest { plan: Some(plan.parse()?), ..GrantRequest::default() };
        grants.change(&Actor::system(), &"ann@example.com".parse()?, &request).await?;
        let verdict = decision.decide(&call).await?;
        println!("on {}: {}", verdict.tier, verdict.reason.as_str());
        for step in verdict.steps {
            println!("  {}: {}", step.check.as_str(), step.detail);
        }
    }
    Ok(())
}
