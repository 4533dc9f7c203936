use billing_core::{Command, GatewayError, Money, Payment, PaymentGateway, PaymentStatus};

use super::world::{World, at};

fn now(external: &str, price: &str, due: i64) -> Command {
    Command::ChangeNow {
        external: external.to_owned(),
        price: price.to_owned(),
        prorated_at: at("2030-01-11T00:00:00Z"),
        due: Money::new(due, "USD".parse().unwrap()),
    }
}

fn later(external: &str, price: &str) -> Command {
    Command::ChangeAtPeriodEnd { external: external.to_owned(), price: price.to_owned() }
}

fn cancel(external: &str, cancel: bool) -> Command {
    Command::CancelAtPeriodEnd { external: external.to_owned(), cancel }
}

/// How many changes Lago was asked for.
fn changes(world: &World) -> usize {
    let looks = |line: &String| line.starts_with("GET ") || line.ends_with("/preview");
    world.lago.take().into_iter().filter(|line| !looks(line)).count()
}

#[tokio::test]
async fn a_dearer_plan_costs_what_was_quoted_and_begins_at_once() {
    let world = World::new();
    let external = world.buys("starter").await;
    world.advance_to(at("2030-01-11T00:00:00Z"));
    let customer = world.org.to_string();
    let quoted = world.gateway.preview(&customer, &now(&external, "professional", 0)).await.unwrap();
    // 21 of 31 days: 49.00 and 19.00 of them.
    assert_eq!((quoted.charge_minor, quoted.credit_minor, quoted.due.minor), (3319, 1287, 2032));
    let command = now(&external, "professional", quoted.due.minor);
    let invoiced = world.lago.invoiced();
    world.lago.take();
    for _ in 0..3 {
        world.gateway.execute(&command, "task_5").await.unwrap();
    }
    assert_eq!(changes(&world), 1, "a command that was carried out is not carried out again");
    assert_eq!(world.lago.invoiced() - invoiced, quoted.due.minor);
    let changed = world.subscription().await;
    assert_eq!((changed.external.as_str(), changed.price.as_str()), (external.as_str(), "professional"));
    assert_eq!((changed.status, changed.payment), (PaymentStatus::Active, Payment::Unpaid));
    assert_eq!(changed.created, at("2030-01-01T00:00:00Z"), "periods are counted from where they were");
    world.lago.pay(&customer);
    assert_eq!(world.subscription().await.payment, Payment::Paid);
}

#[tokio::test]
async fn a_change_that_costs_something_else_than_was_quoted_does_not_happen() {
    let world = World::new();
    let external = world.buys("starter").await;
    world.advance_to(at("2030-01-12T00:00:00Z"));
    world.lago.take();
    let changed = world.gateway.execute(&now(&external, "professional", 2032), "task_5").await;
    assert!(matches!(changed, Err(GatewayError::Refused(_))), "{changed:?}");
    assert_eq!(changes(&world), 0);
    assert_eq!(world.subscription().await.price, "starter");
}

#[tokio::test]
async fn what_lago_cannot_do_is_refused_before_it_does_something_else() {
    let world = World::new();
    let external = world.buys("professional").await;
    world.lago.take();
    for command in [now(&external, "starter", 0), later(&external, "professional_yearly"), later(&external, "gold")] {
        let done = world.gateway.execute(&command, "task_5").await;
        // Lago counts by the year: 490 a year is less than 49 a month.
        let expected = matches!(&command, Command::ChangeAtPeriodEnd { price, .. } if price == "professional_yearly");
        assert_eq!(done.is_ok(), expected, "{command:?} {done:?}");
    }
    let customer = world.org.to_string();
    let quote = world.gateway.preview(&customer, &now(&external, "starter", 0)).await;
    assert!(matches!(quote, Err(GatewayError::Refused(_))), "{quote:?}");
    assert!(matches!(world.gateway.preview(&customer, &cancel(&external, true)).await, Err(GatewayError::Unsupported)));
    assert!(matches!(
        world.gateway.preview("org_other", &now(&external, "starter", 0)).await,
        Err(GatewayError::NotFound)
    ));
    world.lago.is_premium(false);
    world.lago.sell(testkit::LagoPlan::monthly("enterprise", 99_000));
    let quote = world.gateway.preview(&customer, &now(&external, "enterprise", 0)).await;
    assert!(matches!(quote, Err(GatewayError::Unsupported)), "{quote:?}");
    let late = World::new();
    let bought = late.buys("starter").await;
    let refused = late.gateway.execute(&later(&bought, "professional"), "task_6").await;
    assert!(matches!(refused, Err(GatewayError::Refused(_))), "{refused:?}");
    assert_eq!(late.subscription().await.scheduled, None);
}

#[tokio::test]
async fn a_cheaper_plan_begins_with_the_next_period() {
    let world = World::new();
    let external = world.buys("professional").await;
    world.lago.take();
    for _ in 0..3 {
        world.gateway.execute(&later(&external, "starter"), "task_5").await.unwrap();
    }
    assert_eq!(changes(&world), 1);
    let agreed = world.subscription().await;
    assert_eq!((agreed.price.as_str(), agreed.payment), ("professional", Payment::Paid));
    assert_eq!(agreed.scheduled, Some(("starter".to_owned(), at("2030-02-01T00:00:00Z"))));
    world.advance_to(at("2030-02-01T00:00:00Z"));
    let changed = world.subscription().await;
    assert_eq!((changed.price.as_str(), changed.scheduled), ("starter", None));
    assert_eq!(changed.amount.minor, 1900);
}

#[tokio::test]
async fn what_was_agreed_can_be_taken_back() {
    let world = World::new();
    let external = world.buys("professional").await;
    world.gateway.execute(&later(&external, "starter"), "task_5").await.unwrap();
    world.gateway.execute(&later(&external, "free"), "task_6").await.unwrap();
    assert_eq!(world.subscription().await.scheduled.unwrap().0, "free");
    world.gateway.execute(&cancel(&external, false), "task_7").await.unwrap();
    world.gateway.execute(&cancel(&external, false), "task_7").await.unwrap();
    assert_eq!(world.subscription().await.scheduled, None);
    world.advance_to(at("2030-02-02T00:00:00Z"));
    assert_eq!(world.subscription().await.price, "professional");
}

#[tokio::test]
async fn a_cancellation_takes_effect_with_the_period_unless_it_is_taken_back() {
    let world = World::new();
    let external = world.buys("professional").await;
    world.gateway.execute(&later(&external, "starter"), "task_5").await.unwrap();
    for _ in 0..2 {
        world.gateway.execute(&cancel(&external, true), "task_6").await.unwrap();
    }
    let ending = world.subscription().await;
    assert_eq!((ending.cancel_at_period_end, ending.scheduled), (true, None), "the change is off too");
    world.gateway.execute(&cancel(&external, false), "task_7").await.unwrap();
    assert!(!world.subscription().await.cancel_at_period_end);
    world.gateway.execute(&cancel(&external, true), "task_8").await.unwrap();
    world.advance_to(at("2030-02-01T00:00:00Z"));
    let ended = world.subscription().await;
    assert_eq!((ended.status, ended.cancel_at_period_end), (PaymentStatus::Canceled, false));
    assert!(ended.ended_at.is_some());
    assert_eq!(world.lago.counts().2, 1, "nothing more is invoiced");
}

#[tokio::test]
async fn an_end_is_an_end_however_often_it_is_asked_for() {
    let world = World::new();
    let external = world.buys("professional").await;
    world.gateway.execute(&later(&external, "starter"), "task_5").await.unwrap();
    world.lago.take();
    let command = Command::CancelNow { external: external.clone() };
    for _ in 0..3 {
        world.gateway.execute(&command, "task_6").await.unwrap();
    }
    assert_eq!(changes(&world), 2, "the running one, and the one to come");
    assert_eq!(world.subscription().await.status, PaymentStatus::Canceled);
    let unknown = Command::CancelNow { external: "org_unknown_1".to_owned() };
    assert!(matches!(world.gateway.execute(&unknown, "task_7").await, Err(GatewayError::NotFound)));
    for command in [cancel(&external, true), later(&external, "starter"), now(&external, "professional", 0)] {
        assert!(matches!(world.gateway.execute(&command, "task_8").await, Err(GatewayError::NotFound)), "{command:?}");
    }
}
