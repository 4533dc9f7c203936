//! What every limiter promises.

use std::time::Duration;

use async_trait::async_trait;
use kernel::{Ambient, Timestamp};
use usage_core::testing::{Passing, rate_limiter_contract, rate_limiter_race};

use crate::buckets;
use crate::server::AnyServer;

/// The machine's own time.
struct Waiting(Ambient);

#[async_trait]
impl Passing for Waiting {
    async fn now(&self) -> Timestamp {
        self.0.now()
    }
    async fn pass(&self, time: Duration) {
        tokio::time::sleep(time).await;
    }
}

#[tokio::test]
async fn the_contract_holds() {
    let Some(server) = AnyServer::find().await else { return };
    let ambient = Ambient::system();
    rate_limiter_contract(&buckets(&server.sessions()), &Waiting(ambient.clone()), &ambient).await;
}

#[tokio::test]
async fn the_contract_holds_in_races() {
    let Some(server) = AnyServer::find().await else { return };
    rate_limiter_race(&buckets(&server.sessions()), &Ambient::system()).await;
}
