use billing_core::{GatewayError, PaymentGateway, PaymentProvider};

use super::world::World;

#[tokio::test]
async fn an_organization_is_one_customer_however_often_it_is_made() {
    let world = World::new();
    for once in ["task_1", "task_1", "task_2"] {
        let name = world.gateway.create_customer(&world.details(), once).await.unwrap();
        assert_eq!(name, world.org.to_string());
    }
    assert_eq!(world.lago.counts().0, 1);
    assert_eq!(world.lago.take().iter().filter(|line| *line == "POST /customers").count(), 1);
    assert_eq!(world.lago.bodies()[0]["customer"]["name"], "Žluťoučký kůň");
    assert_eq!(world.lago.bodies()[0]["customer"]["email"], "ada@example.com");
}

#[tokio::test]
async fn two_who_make_a_customer_at_once_make_one() {
    let world = World::new();
    let details = world.details();
    let (one, other) = tokio::join!(
        world.gateway.create_customer(&details, "task_1"),
        world.gateway.create_customer(&details, "task_2")
    );
    assert_eq!(one.unwrap(), other.unwrap());
    assert_eq!(world.lago.counts().0, 1);
}

#[tokio::test]
async fn the_portal_is_lagos_where_it_has_one() {
    let world = World::new();
    let customer = world.customer().await;
    let url = world.gateway.portal(&customer, "https://ops.test").await.unwrap();
    assert_eq!(url, format!("{}/customer-portal/{customer}", world.lago.url()));
    world.lago.is_premium(false);
    assert!(matches!(world.gateway.portal(&customer, "").await, Err(GatewayError::Unsupported)));
    assert!(matches!(world.gateway.portal("org_unknown", "").await, Err(GatewayError::NotFound)));
}

#[tokio::test]
async fn what_lago_can_do_is_said() {
    let (provider, can) = World::new().gateway.provider();
    assert_eq!(provider, PaymentProvider::Lago);
    assert_eq!((can.checkout, can.portal, can.payment_methods, can.retry), (true, true, false, true));
}

#[tokio::test]
async fn lagos_key_for_events_can_be_fetched() {
    let world = World::new();
    let expected = lago_billing::LagoPublicKey::parse(include_str!("public_key.pem")).unwrap();
    assert_eq!(world.gateway.public_key().await.unwrap(), expected);
}

#[tokio::test]
async fn an_event_of_the_fake_is_believed() {
    let (world, webhook) = (World::new(), lago_billing::LagoWebhook::new(vec![testkit::FakeLago::HMAC_SECRET.into()]));
    let sent = world.lago.event("invoice.payment_status_updated", "org_1");
    let headers = lago_billing::LagoHeaders {
        signature: Some(&sent.signature),
        algorithm: Some(&sent.algorithm),
        unique_key: Some(&sent.unique_key),
    };
    let event = webhook.event(&headers, &sent.body, world.lago.now()).unwrap();
    assert_eq!((event.id, event.customer.as_deref()), (sent.unique_key.clone(), Some("org_1")));
}
