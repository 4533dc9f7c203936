//! Profiles and pictures in another program: `cargo run -p account-core --example embed-account --features testing`.

use std::sync::Arc;

use account_core::testing::{MemoryBlobs, MemoryProfiles, Population, StampRenderer};
use account_core::{Avatars, DisplayName, ProfilePatch, Profiles};
use kernel::{Actor, Ambient};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let (store, ambient) = (Arc::new(MemoryProfiles::new()), Ambient::system());
    let user = store.user().await;
    let profiles = Profiles::new(store.clone(), ambient.clone());
    let avatars = Avatars::new(store, Arc::new(MemoryBlobs::new()), Arc::new(StampRenderer), ambient);

    let name = DisplayName::parse("Ann Lee")?;
    let patch = ProfilePatch { display_name: Some(Some(name)), ..ProfilePatch::default() };
    profiles.update(&Actor::user(user), user, &patch).await?;
    let picture = avatars.set(&Actor::user(user), user, b"a picture".to_vec()).await?;
    let file = avatars.read(&picture.webp()).await?;
    println!("{:?} shows {:?}", profiles.get(user).await?.display_name, file.map(|file| file.media_type));
    Ok(())
}
