//! For whom a service acts, and where.

use std::time::Duration;

use serde_json::{Value, json};
use testkit::TestApp;

use super::{CHECK, KEYS, missing};
use crate::rig::party::{add, found, removing};
use crate::rig::service::Service;
use crate::rig::until;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_service_names_members_of_its_organization_and_nobody_else() {
    TestApp::each(|app| async move {
        let sibling = app.sibling().await;
        let (ada, bob, eve) =
            (app.user("ada@x.test").await, app.user("bob@x.test").await, app.owner("eve@x.test", "Evil").await);
        let org = found(&ada, "Acme").await;
        add(&ada, &org, &bob, "member").await;
        let service = Service::of(&ada, &org, &["usage:write", "act_as"]).await;
        let plain = Service::of(&ada, &org, &["usage:write"]).await;
        let event = |user: &str| json!({ "service": "chat", "user_id": user });
        let (bobs, eves) = (bob.id.to_string(), eve.id.to_string());
        let nobodys = "usr_01890a5d-ac96-774b-bcce-b302099a8057";

        // In the body, the query or the header.
        let chat = json!({ "service": "chat" });
        let in_query = format!("/api/v1/usage/track?user_id={bobs}");
        for request in [
            service.track(&event(&bobs)),
            service.post(&in_query).json(&chat),
            service.track(&chat).header("X-On-Behalf-Of", &bobs),
            service.track(&event(&bobs)).header("X-On-Behalf-Of", &bobs),
        ] {
            let body = request.await.expect(200);
            assert_eq!((&body["user"], &body["org_id"]), (&json!(bobs), &json!(org)));
        }
        assert_eq!(service.track(&chat).await.expect(200)["user"], Value::Null);

        // Two that differ are no user; without the scope nobody is named.
        service.track(&event(&bobs)).header("X-On-Behalf-Of", &ada.id.to_string()).await.expect(422);
        plain.track(&event(&bobs)).await.problem(403, "insufficient_scope");
        plain.track(&chat).header("X-On-Behalf-Of", &bobs).await.problem(403, "insufficient_scope");

        // Whoever is no member is nobody.
        let unknown = missing(&service.track(&event(nobodys)).await);
        assert_eq!(missing(&service.track(&event(&eves)).await), unknown);
        assert_eq!(missing(&service.track(&chat).header("X-On-Behalf-Of", &eves).await), unknown);

        // And a member of yesterday is, within a second.
        removing(&ada, &org, &bob).await.expect(200);
        for base in [&app.base, &sibling.base] {
            let gone = async || service.at(base).track(&event(&bobs)).await.status == 404;
            until(Duration::from_secs(2), "the former member is nobody", gone).await;
        }

        // People name nobody but themselves, and no header makes them anybody else.
        let mine = |user: &str| ada.post(&format!("/api/v1/usage/track?org_id={org}")).json(&event(user));
        assert_eq!(mine(&ada.id.to_string()).await.expect(200)["user"], json!(ada.id.to_string()));
        mine(&eves).await.problem(403, "forbidden");
        let forged = ada.get("/api/v1/auth/me").header("X-On-Behalf-Of", &eves).header("X-User-Id", &eves);
        assert_eq!(forged.await.expect(200)["id"], json!(ada.id.to_string()));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_key_acts_in_its_own_organization_and_a_key_of_the_platform_in_every_one() {
    TestApp::each(|app| async move {
        let (ada, eve) = (app.user("ada@x.test").await, app.user("eve@x.test").await);
        let (org, other) = (ada.create_org("Acme").await, eve.create_org("Evil").await);
        let admin = app.admin().await;
        let platform = json!({ "name": "meter", "scopes": ["usage:write", "entitlements:read", "act_as", "admin:read"], "platform": true });
        // Only the platform's administrators make them.
        ada.post(KEYS).json(&platform).await.problem(403, "forbidden");
        let home = admin.get("/api/v1/org/info").await.expect(200)["id"].as_str().expect("an id").to_owned();
        let everywhere = Service::made(&admin, &home, &platform).await;
        let here = Service::of(&ada, &org, &["usage:write", "entitlements:read", "act_as"]).await;

        let nowhere = "org_01890a5d-ac96-774b-bcce-b302099a8057";
        let event = |org: &str| json!({ "service": "chat", "org_id": org });
        assert_eq!(here.track(&event(&org)).await.expect(200)["used"], 1);
        let unknown = missing(&here.track(&event(nowhere)).await);
        assert_eq!(missing(&here.track(&event(&other)).await), unknown);
        missing(&here.post(&format!("/api/v1/usage/track?org_id={other}")).json(&json!({ "service": "chat" })).await);
        missing(&here.get(&format!("{CHECK}&org_id={other}")).await);
        missing(&here.post("/api/v1/decide").json(&event(&other)).await);

        for (org, used) in [(&org, 2), (&other, 1)] {
            let body = everywhere.track(&event(org)).await.expect(200);
            assert_eq!((&body["org_id"], &body["used"]), (&json!(org), &json!(used)));
            everywhere.get(&format!("{CHECK}&org_id={org}")).await.expect(200);
        }
        missing(&everywhere.track(&event(nowhere)).await);
        // The user whom it names is a member of the organization that the call is about.
        let for_eve = |org: &str| json!({ "service": "chat", "org_id": org, "user_id": eve.id.to_string() });
        everywhere.track(&for_eve(&other)).await.expect(200);
        missing(&everywhere.track(&for_eve(&org)).await);
        // Other people see nothing of what was done to their neighbours.
        let seen = eve.get("/api/v1/usage/quota").await.expect(200);
        assert_eq!(seen["monthly"]["used"], 2);
    })
    .await;
}
