//! The doubles keep the contracts that they are there to stand in for.

use auth_core::testing::{
    MemoryAuth, PlainHasher, SessionOwners, api_key_store_contract, api_key_store_race, link_store_contract,
    link_store_race, password_hasher_contract, session_store_contract, session_store_race, standings_contract,
    throttle_contract, throttle_race, user_store_contract, user_store_race, user_store_starts_empty,
};
use kernel::testing::manual_ambient;

#[tokio::test]
async fn users() {
    let (store, (_, ambient)) = (MemoryAuth::new(), manual_ambient(1));
    user_store_starts_empty(&store).await;
    user_store_contract(&store, &store, &ambient).await;
    user_store_race(&store, &store, &ambient).await;
}

#[tokio::test]
async fn standings() {
    let (store, (_, ambient)) = (MemoryAuth::new(), manual_ambient(2));
    standings_contract(&store, &store, &ambient).await;
}

#[tokio::test]
async fn sessions() {
    let (store, (_, ambient)) = (MemoryAuth::new(), manual_ambient(3));
    for owners in [SessionOwners::invented(&ambient), SessionOwners::settled(&store, &ambient).await] {
        session_store_contract(&store, &owners, &ambient).await;
        session_store_race(&store, &owners, &ambient).await;
    }
}

#[tokio::test]
async fn links() {
    let (store, (_, ambient)) = (MemoryAuth::new(), manual_ambient(4));
    link_store_contract(&store, &store, &ambient).await;
    link_store_race(&store, &store, &ambient).await;
}

#[tokio::test]
async fn api_keys() {
    let (store, (_, ambient)) = (MemoryAuth::new(), manual_ambient(6));
    api_key_store_contract(&store, &store, &ambient).await;
    api_key_store_race(&store, &store, &ambient).await;
}

#[tokio::test]
async fn throttle() {
    let (store, (_, ambient)) = (MemoryAuth::new(), manual_ambient(5));
    throttle_contract(&store, &ambient).await;
    throttle_race(&store, &ambient).await;
}

#[tokio::test]
async fn hasher() {
    password_hasher_contract(&PlainHasher::new()).await;
}
