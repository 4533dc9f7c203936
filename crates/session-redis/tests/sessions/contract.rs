//! What every store of sessions promises.

use auth_core::testing::{SessionOwners, session_store_contract, session_store_race};
use kernel::Ambient;

use crate::server::AnyServer;

#[tokio::test]
async fn the_contract_holds() {
    let Some(server) = AnyServer::find().await else { return };
    let ambient = Ambient::system();
    session_store_contract(&server.sessions(), &SessionOwners::invented(&ambient), &ambient).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_contract_holds_in_races() {
    let Some(server) = AnyServer::find().await else { return };
    let ambient = Ambient::system();
    session_store_race(&server.sessions(), &SessionOwners::invented(&ambient), &ambient).await;
}
