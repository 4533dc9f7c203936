//! The audit trail in another program: `cargo run -p audit-core --example embed-audit --features testing`.

use std::sync::Arc;

use audit_core::testing::{MemoryAudit, Recorder};
use audit_core::{Trail, TrailFilter};
use kernel::{Action, Actor, Ambient, OrgId, Page, Record};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let (store, ambient) = (Arc::new(MemoryAudit::new()), Ambient::system());
    let org = OrgId::mint(&ambient);
    for action in [Action::OrgCreated, Action::MemberAdded] {
        store.keep(&Record::new(&ambient, &Actor::system(), action, "organization", org).within(org)).await;
    }
    let filter = TrailFilter { org: Some(org), ..TrailFilter::default() };
    for entry in Trail::new(store).page(&filter, Page::default()).await?.items {
        println!("{} {} {} {}", entry.at, entry.actor_type, entry.action, entry.result);
    }
    Ok(())
}
