//! Customers' keys in another program: `cargo run -p byok-core --example embed`.

use std::sync::Arc;

use byok_core::testing::{MemoryEntitlement, MemoryKeys, MemoryProbe, MemoryRing, World, sample_providers};
use byok_core::{Byok, ByokPorts, Custody, KeyRing, MasterKey, NewKey, ProviderId, ProviderSecret, Resolution};
use kernel::{Actor, Ambient};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let (ambient, me) = (Ambient::system(), Actor::system());
    let key = || MasterKey::new(ambient.random()).ok_or("no randomness");
    let ring = KeyRing::new("k1".parse()?, [("k1".parse()?, key()?)], key()?)?;

    // Each of these is a port: a database, a file, an HTTP client, a plan.
    let (store, ring) = (Arc::new(MemoryKeys::new()), Arc::new(MemoryRing::new(ring)));
    let ports = ByokPorts {
        keys: store.clone(),
        ring: ring.clone(),
        probe: Arc::new(MemoryProbe::new()),
        entitlement: Arc::new(MemoryEntitlement::new()),
        providers: Arc::new(sample_providers()),
    };
    let custody = Custody::new(store.clone(), ring, ambient.clone());
    custody.check(&me).await?;
    let byok = Byok::new(ports, ambient);

    let (org, openai): (_, ProviderId) = (store.org().await, "openai".parse()?);
    let secret = ProviderSecret::parse("sk-an-example-of-a-key-WXYZ".to_owned().into())?;
    let new = NewKey { provider: openai.clone(), secret, label: None, endpoint: None };
    let stored = byok.add(&me, org, new).await?;
    println!("stored {}: …{}, fingerprint {}", stored.key.id, stored.key.tail, stored.key.fingerprint);
    println!("{:?}, sealed with {}", stored.key.sealed, stored.key.master_key);

    let finding = byok.test(&me, org, &openai).await?;
    println!("tested: {}", finding.verdict.as_str());

    custody.renew(&me).await?;
    let rotation = custody.rewrap(&me, |done, of| println!("rotating: {done} of {of}")).await?;
    custody.retire(&me, &"k1".parse()?).await?;
    println!("rotated to {}", rotation.active);

    for view in byok.list(org).await? {
        println!("{}: {}", view.provider_name, view.status.as_str());
    }
    let resolved = Resolution::new(byok.clone()).resolve(&me, org, &openai).await?;
    println!("for a service: {} characters, to be sent to {}", resolved.secret.expose().len(), resolved.endpoint);

    byok.delete(&me, org, &openai).await?;
    println!("{} keys, {} entries in the trail", byok.list(org).await?.len(), store.records().len());
    Ok(())
}
