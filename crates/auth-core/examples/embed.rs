//! Sign-in and sessions in another program: `cargo run -p auth-core --example embed-auth --features testing`.

use std::sync::Arc;

use auth_core::testing::{MemoryAuth, PlainHasher};
use auth_core::{Credentials, Freshness, NewUser, SessionRules, Sessions, SignIn, SignInPorts, Users};
use kernel::{Actor, Ambient, PlatformRole};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let (store, hasher, ambient) = (Arc::new(MemoryAuth::new()), Arc::new(PlainHasher::new()), Ambient::system());
    let rules = SessionRules::default();
    let sessions = Sessions::new(store.clone(), store.clone(), store.clone(), ambient.clone(), rules);
    let users = Users::new(store.clone(), store.clone(), hasher.clone(), sessions.clone(), ambient.clone());
    let (links, standings, throttle) = (store.clone(), store.clone(), store.clone());
    let ports = SignInPorts { users: store, links, standings, throttle, hasher };
    let sign_in = SignIn::new(ports, sessions.clone(), ambient);

    let (email, username) = ("ann@example.com".parse()?, "ann".parse()?);
    let new = NewUser { email, email_verified: true, username, role: PlatformRole::User };
    users.create(&Actor::system(), new, &"tulip wagon 7 rivers".into()).await?;
    let typed = Credentials { login: "Ann@Example.com".into(), password: "tulip wagon 7 rivers".into() };
    let signed = sign_in.with_password(&Actor::system(), &typed, None, None).await?;
    let who = sessions.authenticate(&signed.token, Freshness::Fresh).await?;
    println!("{} is signed in: {}", signed.user.username, who.is_some());
    Ok(())
}
