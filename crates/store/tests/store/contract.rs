//! Every port's contract, on each database.
use account_core::testing::{profile_store_contract, profile_store_race};
use audit_core::testing::trail_store_contract;
use auth_core::testing as auth;
use kernel::testing::{idempotency_contract, idempotency_race};
use org_core::testing as org;
use store::{
    SeaIdempotency, SeaLinks, SeaPeople, SeaProfiles, SeaSessions, SeaStandings, SeaThrottle, SeaTrail, SeaUsers,
};

use crate::fixture::on_each;
use crate::population::Orgs;

#[tokio::test(flavor = "multi_thread")]
async fn users() {
    on_each(async |f| {
        let users = SeaUsers::new(&f.db);
        auth::user_store_starts_empty(&users).await;
        auth::user_store_contract(&users, f, &f.ambient).await;
        auth::user_store_race(&users, f, &f.ambient).await;
        f.assert_sound().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn standings() {
    on_each(async |f| auth::standings_contract(&SeaStandings::new(&f.db), f, &f.ambient).await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn sessions() {
    on_each(async |f| {
        let sessions = SeaSessions::new(&f.db);
        let owners = auth::SessionOwners::settled(f, &f.ambient).await;
        auth::session_store_contract(&sessions, &owners, &f.ambient).await;
        auth::session_store_race(&sessions, &owners, &f.ambient).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn links() {
    on_each(async |f| {
        let links = SeaLinks::new(&f.db);
        auth::link_store_contract(&links, f, &f.ambient).await;
        auth::link_store_race(&links, f, &f.ambient).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn throttle() {
    on_each(async |f| {
        let throttle = SeaThrottle::new(&f.db);
        auth::throttle_contract(&throttle, &f.ambient).await;
        auth::throttle_race(&throttle, &f.ambient).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn idempotency() {
    on_each(async |f| {
        let answers = SeaIdempotency::new(&f.db);
        idempotency_contract(&answers, &f.ambient).await;
        idempotency_race(&answers, &f.ambient).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn organizations() {
    on_each(async |f| {
        let orgs = Orgs::new(&f.db);
        org::org_store_contract(orgs.stores(f)).await;
        org::org_store_race(orgs.stores(f)).await;
        f.assert_sound().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn members() {
    on_each(async |f| {
        let orgs = Orgs::new(&f.db);
        org::member_store_contract(orgs.stores(f)).await;
        org::member_store_race(orgs.stores(f)).await;
        f.assert_sound().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn invitations() {
    on_each(async |f| {
        let orgs = Orgs::new(&f.db);
        org::invitation_store_contract(orgs.stores(f)).await;
        org::invitation_store_race(orgs.stores(f)).await;
        f.assert_sound().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn people() {
    on_each(async |f| {
        let people = SeaPeople::new(&f.db);
        org::people_contract(&people, f, &f.ambient).await;
        org::colleague_contract(&people, Orgs::new(&f.db).stores(f)).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn profiles() {
    on_each(async |f| {
        let profiles = SeaProfiles::new(&f.db);
        profile_store_contract(&profiles, f, &f.ambient).await;
        profile_store_race(&profiles, f, &f.ambient).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn trail() {
    on_each(async |f| trail_store_contract(&SeaTrail::new(&f.db), f, &f.ambient).await).await;
}
