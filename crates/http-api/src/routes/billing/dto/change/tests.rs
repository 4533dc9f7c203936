use serde_json::{Value, json};

use super::*;
use crate::input::parse_json;
use crate::problem::Place;

fn asked(body: &Value) -> Result<Asked, Problem> {
    parse_json::<ChangePlan>(body.to_string().as_bytes()).and_then(Asked::try_from)
}

/// The fields that are wrong.
fn wrong<T>(read: Result<T, Problem>) -> Vec<(String, String)> {
    let Err(problem) = read else { panic!("it was read") };
    assert_eq!(problem.status().as_u16(), 422);
    let errors = problem.body(&Place::default()).errors.unwrap_or_default();
    errors.into_iter().map(|field| (field.pointer, field.code)).collect()
}

fn field(pointer: &str, code: &str) -> Vec<(String, String)> {
    vec![(pointer.to_owned(), code.to_owned())]
}

#[test]
fn a_plan_has_three_names_that_must_agree() {
    for body in [
        json!({"target_tier": "starter"}),
        json!({"targetTier": "starter"}),
        json!({"plan_code": "starter"}),
        json!({"target_tier": "starter", "targetTier": "starter", "plan_code": "starter"}),
    ] {
        let asked = asked(&body).unwrap();
        assert_eq!((asked.plan.as_str(), asked.cycle, asked.effective), ("starter", None, None), "{body}");
    }
    assert_eq!(wrong(asked(&json!({}))), field("/target_tier", "missing_field"));
    let two = json!({"target_tier": "starter", "plan_code": "free"});
    assert_eq!(wrong(asked(&two)), field("/plan_code", "invalid_value"));
}

#[test]
fn every_wrong_field_is_told() {
    let all = json!({
        "targetTier": "No!",
        "billing_cycle": "weekly",
        "effective_date": "yesterday",
        "quote": "a b",
        "reason": "nul\0",
        "feedback": "x".repeat(1001),
    });
    let pointers: Vec<String> = wrong(asked(&all)).into_iter().map(|(pointer, _)| pointer).collect();
    assert_eq!(pointers, ["/targetTier", "/billing_cycle", "/effective_date", "/quote", "/reason", "/feedback"]);
    assert_eq!(wrong(asked(&json!({"target_tier": "a", "price": 0}))), field("/price", "unknown_field"));
    assert_eq!(wrong(asked(&json!({"target_tier": "a", "quote": ""}))), field("/quote", "invalid_value"));
}

#[test]
fn what_is_not_said_of_the_cycle_stays_as_it_runs() {
    let (yearly, monthly) = (Some(Cycle::Yearly), Some(Cycle::Monthly));
    for (said, running, wanted) in [
        (None, None, Cycle::Monthly),
        (None, yearly, Cycle::Yearly),
        (Some("monthly"), yearly, Cycle::Monthly),
        (Some("yearly"), monthly, Cycle::Yearly),
    ] {
        let asked = asked(&json!({"target_tier": "starter", "billing_cycle": said})).unwrap();
        let request = asked.request(running, &crate::routes::billing::home::tests::home(None));
        assert_eq!(request.purchase.cycle, wanted);
        assert_eq!(request.purchase.cancel_url, "https://ops.example/billing/plans");
    }
}

#[test]
fn a_subscription_ends_with_its_period_unless_it_is_to_end_now() {
    let plan = |body: Value| parse_json::<CancelPlan>(body.to_string().as_bytes()).and_then(CancelPlan::at_period_end);
    for (body, at_period_end) in [
        (json!({}), true),
        (json!({"effective_date": "next_cycle", "reason": "over", "feedback": "fine"}), true),
        (json!({"effective_date": "immediate"}), false),
    ] {
        assert_eq!(plan(body).unwrap(), at_period_end);
    }
    assert_eq!(wrong(plan(json!({"effective_date": "now"}))), field("/effective_date", "invalid_value"));
    let older =
        |body: Value| parse_json::<CancelSubscription>(body.to_string().as_bytes()).and_then(CancelSubscription::read);
    assert_eq!(older(json!({})).unwrap(), (None, true));
    assert_eq!(
        older(json!({"subscription_id": "sub_1", "at_period_end": false})).unwrap(),
        (Some("sub_1".to_owned()), false)
    );
    assert_eq!(wrong(older(json!({"reason": "\u{7}"}))), field("/reason", "invalid_value"));
}
