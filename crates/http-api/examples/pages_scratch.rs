#![allow(warnings)]
#[path = "../tests/http_api/bridge.rs"]
mod bridge;
#[path = "../tests/http_api/house.rs"]
mod house;
use kernel::Role;
#[actix_web::main]
async fn main() {
    let host = std::env::args().nth(1).unwrap();
    let port: u16 = std::env::args().nth(2).unwrap().parse().unwrap();
    let house = house::House::at(&format!("http://{host}:{port}"));
    house.clock.set(kernel::Timestamp::from_timestamp(1_795_347_000, 0).unwrap());
    let ann = house.account("ann").await;
    let bob = house.account("bob").await;
    house.names.give(ann.id, "Ann Gonzalez-Whitfield");
    let a = house.org(&ann, "Acme Research").await;
    let b = house.org(&bob, "Östliche Werke für Hydraulik und Antriebstechnik GmbH & Co. KG").await;
    let c = house.org(&bob, "Quiet Harbour").await;
    for (org, mail) in [(b, "ann@example.com"), (c, "ann@example.com")] {
        let t = house.invite(org, mail, Role::BillingAdmin).await;
        house.services.invitations.accept(&kernel::Actor::system(), ann.id, &t).await.unwrap();
    }
    house.suspend(c).await;
    let t1 = house.invite(a, "carl.the-new-colleague@example.com", Role::Member).await;
    let t2 = house.invite(a, "bob@example.com", Role::Admin).await;
    let t3 = house.invite(b, "dora@example.com", Role::Member).await;
    let link = house.link(&ann).await;
    println!("NEW={}\nBOB={}\nDORA={}\nLINK={}", t1.expose(), t2.expose(), t3.expose(), link.expose());
    let full = org_core::Entitlements::of(&*house.orgs, b).await.unwrap();
    house.orgs.set_plan(b, org_core::Entitlement { seats: 2, ..full });
    let services = house.services.clone();
    let h = std::sync::Arc::new(house);
    let h2 = h.clone();
    actix_web::rt::spawn(async move {
        loop {
            if std::path::Path::new("/tmp/pages.down").exists() { h2.break_down(true) } else { h2.break_down(false) }
            actix_web::rt::time::sleep(std::time::Duration::from_millis(100)).await; h2.clock.advance(std::time::Duration::from_millis(500));
        }
    });
    actix_web::HttpServer::new(move || http_api::app(&services)).bind(("0.0.0.0", port)).unwrap().run().await.unwrap();
}
