use std::time::{Duration, Instant};

use billing_core::{Command, GatewayError, PaymentGateway};
use lago_billing::{LagoGateway, LagoOptions};
use testkit::{FakeLago, LagoFault};

use super::world::{World, at, options};

#[tokio::test]
async fn what_fails_in_passing_is_tried_again() {
    let world = World::new();
    for status in [500, 502, 503, 504, 429] {
        world.lago.goes_wrong([LagoFault::Status(status), LagoFault::Status(status)]);
        world.customer().await;
    }
    world.lago.goes_wrong([500, 500, 500].map(LagoFault::Status));
    let gone = world.gateway.create_customer(&world.details(), "task").await;
    assert!(matches!(gone, Err(GatewayError::Unavailable(_))), "{gone:?}");
}

#[tokio::test]
async fn an_answer_that_is_lost_changes_nothing_twice() {
    let world = World::new();
    let customer = world.customer().await;
    // Whatever the request is whose answer is lost, all is bought once in the end.
    for lost in 0..9 {
        world.lago.goes_wrong_after(lost, LagoFault::Lost);
        let bought = world.checkout("starter").await.unwrap();
        assert_eq!(bought.id, format!("{customer}_1"), "{lost}");
    }
    assert_eq!(world.lago.counts(), (1, 1, 1));
    world.lago.pay(&customer);
    world.advance_to(at("2030-01-11T00:00:00Z"));
    let due = billing_core::Money::new(2032, "USD".parse().unwrap());
    let external = format!("{customer}_1");
    let command = Command::ChangeNow { external, price: "professional".to_owned(), prorated_at: world.lago.now(), due };
    for lost in 0..6 {
        world.lago.goes_wrong_after(lost, LagoFault::Lost);
        world.gateway.execute(&command, "task_5").await.unwrap();
    }
    assert_eq!(world.lago.invoiced(), 1900 + 2032);
}

#[tokio::test]
async fn an_error_never_reads_as_there_is_none() {
    let world = World::new();
    world.customer().await;
    world.lago.take();
    // A proxy's 404, a wrong answer, a refusal of the key: no second customer is made.
    for fault in
        [LagoFault::Status(404), LagoFault::Status(401), LagoFault::Status(400), LagoFault::Says("{}".to_owned())]
    {
        world.lago.goes_wrong([fault.clone()]);
        let made = world.gateway.create_customer(&world.details(), "task").await;
        assert!(matches!(made, Err(GatewayError::Broken(_))), "{fault:?} {made:?}");
    }
    assert!(!world.lago.take().contains(&"POST /customers".to_owned()));
    let other = r#"{"customer":{"external_id":"org_other"}}"#;
    world.lago.goes_wrong([LagoFault::Says(other.to_owned())]);
    assert!(matches!(world.gateway.create_customer(&world.details(), "task").await, Err(GatewayError::Broken(_))));
}

#[tokio::test]
async fn a_wrong_key_is_a_defect_and_does_not_print() {
    let world = World::new();
    let options = LagoOptions { api_key: "secret-key-of-ours".into(), ..options(&world.lago) };
    let gateway = LagoGateway::new(&options, world.ambient.clone()).unwrap();
    let error = gateway.create_customer(&world.details(), "task").await.unwrap_err();
    assert!(matches!(error, GatewayError::Broken(_)), "{error:?}");
    assert!(!format!("{error:?}{options:?}").contains("secret-key-of-ours"));
}

#[tokio::test]
async fn silence_and_refused_connections_end_within_their_time() {
    let world = World::new();
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let nobody = {
        let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        closed.local_addr().unwrap()
    };
    for address in [silent.local_addr().unwrap(), nobody] {
        let mut options = LagoOptions::new(format!("http://{address}"), FakeLago::API_KEY.into());
        options.timeout = Duration::from_millis(700);
        let gateway = LagoGateway::new(&options, world.ambient.clone()).unwrap();
        let start = Instant::now();
        let answer = gateway.portal("org_1", "").await;
        assert!(matches!(answer, Err(GatewayError::Unavailable(_))), "{answer:?}");
        assert!(start.elapsed() < Duration::from_secs(3), "{:?}", start.elapsed());
    }
}

#[tokio::test]
async fn names_cannot_leave_their_place_in_an_address() {
    let world = World::new();
    world.lago.take();
    for name in ["../plans/starter", "a/b?x=1#y", "%2e%2e", "ä ö"] {
        assert!(
            matches!(world.gateway.portal(name, "").await, Err(GatewayError::NotFound | GatewayError::Broken(_))),
            "{name}"
        );
    }
    assert!(world.lago.take().iter().all(|line| line.starts_with("GET /customers/") && line.ends_with("/portal_url")));
}

#[tokio::test]
async fn options_that_cannot_work_are_refused_at_once() {
    let world = World::new();
    for url in ["lago.test", "", "file:///etc/passwd"] {
        let options = LagoOptions::new(url.to_owned(), "key".into());
        assert!(LagoGateway::new(&options, world.ambient.clone()).is_err(), "{url}");
    }
    let options = LagoOptions::new("https://lago.test".to_owned(), "line\nbreak".into());
    assert!(LagoGateway::new(&options, world.ambient.clone()).is_err());
}
