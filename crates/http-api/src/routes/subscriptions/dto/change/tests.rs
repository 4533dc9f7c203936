use plan_core::testing::sample_catalogue;
use serde_json::{Value, json};

use super::super::plan::PlanBody;
use super::*;
use crate::input::parse_json;
use crate::problem::Place;

fn change(body: &Value) -> Result<PlanChange, Problem> {
    parse_json::<PlanRequest>(body.to_string().as_bytes())?.try_into()
}

/// The plan that a body makes of `starter`.
fn updated(body: &Value) -> Result<Plan, Problem> {
    let catalogue = sample_catalogue();
    let id: PlanId = "starter".parse().unwrap();
    let mut starter = catalogue.plan(&id).unwrap().clone();
    starter.features =
        vec![Feature { name: "Search".into(), category: "Services".into(), description: "Fast.".into() }];
    let change = change(body)?;
    let patch = change.update(&starter)?;
    patch.applied_to(&starter, catalogue.services()).map_err(|wrong| change.refusal(PlanError::Invalid(wrong)))
}

fn created(body: &Value) -> Result<Plan, Problem> {
    let change = change(body)?;
    let built = change.draft()?.build(sample_catalogue().services());
    built.map_err(|wrong| change.refusal(PlanError::Invalid(wrong)))
}

/// Which fields are wrong, each with its code.
fn wrong<T>(tried: Result<T, Problem>) -> Vec<String> {
    let problem = tried.err().expect("a refusal");
    assert_eq!(problem.status().as_u16(), 422);
    let errors = problem.body(&Place::default()).errors.unwrap_or_default();
    errors.into_iter().map(|field| format!("{} {}", field.pointer, field.code)).collect()
}

#[test]
fn a_plan_that_was_read_can_be_written_back() {
    let catalogue = sample_catalogue();
    for plan in catalogue.plans() {
        let change = change(&serde_json::to_value(PlanBody::whole(plan)).unwrap()).unwrap();
        assert_eq!(change.version(), Some(plan.version));
        let patch = change.update(plan).unwrap();
        let written = patch.applied_to(plan, catalogue.services()).unwrap();
        assert_eq!(Plan { version: plan.version, ..written }, *plan);
    }
}

#[test]
fn the_fields_stand_at_the_top_or_under_a_name() {
    for body in [
        json!({"level": 7, "version": 1}),
        json!({"plan": {"level": 7}, "version": 1}),
        json!({"updates": {"level": 7, "version": 1}}),
        json!({"version": 1, "updates": {"level": 7, "version": 1}}),
    ] {
        assert_eq!((updated(&body).unwrap().level, change(&body).unwrap().version()), (7, Some(1)), "{body}");
    }
    for (body, expected) in [
        (json!({"plan": {"level": 7}, "level": 7}), "/plan ambiguous"),
        (json!({"plan": {"level": 7}, "updates": {}}), "/plan ambiguous"),
        (json!({"updates": {"version": 2}, "version": 1}), "/version ambiguous"),
        (json!({"level": 101}), "/level invalid_value"),
        (json!({"plan": {"level": 101}}), "/plan/level invalid_value"),
        (json!({"updates": {"level": "high"}}), "/updates/level invalid_type"),
        (json!({"level": "high"}), "/level invalid_type"),
        (json!({"plan": {"colour": "red"}}), "/plan/colour unknown_field"),
        (json!({"colour": "red"}), "/colour unknown_field"),
        (json!({"plan": [1, 2]}), "/plan invalid_type"),
        (json!({"plan": null}), "/plan invalid_type"),
        (json!({"features": [["a", "b"]]}), "/features/0 invalid_type"),
        (json!({"features": [{"name": "a"}]}), "/features/0/name unknown_field"),
        (json!({"version": -1}), "/version invalid_type"),
    ] {
        assert_eq!(wrong(updated(&body)), [expected], "{body}");
    }
    let twice = parse_json::<PlanRequest>(br#"{"plan":{"level":1},"plan":{"level":2}}"#);
    assert_eq!(wrong(twice.and_then(PlanChange::try_from)), ["/plan ambiguous"]);
    let twice = parse_json::<PlanRequest>(br#"{"level":1,"level":2}"#);
    assert_eq!(wrong(twice), ["/level duplicate_field"]);
}

#[test]
fn prices_are_read_to_the_cent() {
    for (amount, cents) in [("0", 0), ("19", 1900), ("19.0", 1900), ("19.99", 1999), ("0.1", 10), ("-0.05", -5)] {
        assert_eq!(super::cents(amount.parse().unwrap()), Ok(cents), "{amount}");
    }
    for amount in [0.125, 0.1 + 0.2, 1e300, 1e-9] {
        assert!(super::cents(amount).is_err(), "{amount}");
    }
    let plan = updated(&json!({"price_monthly": 29.95, "price_yearly_cents": 29_950})).unwrap();
    assert_eq!((plan.price.monthly_cents, plan.price.yearly_cents), (2_995, 29_950));
    for (body, expected) in [
        (json!({"price_monthly": -1}), "/price_monthly invalid_value"),
        (json!({"price_yearly": 0.001}), "/price_yearly invalid_value"),
        (json!({"price_monthly_cents": -1}), "/price_monthly_cents invalid_value"),
        (json!({"plan": {"price_monthly": 1, "price_monthly_cents": 1}}), "/plan/price_monthly_cents ambiguous"),
    ] {
        assert_eq!(wrong(updated(&body)), [expected], "{body}");
    }
}

#[test]
fn a_new_plan_has_a_name_of_its_own() {
    let with = |more: Value| {
        let mut body = json!({"price_monthly": 29, "api_calls_limit": 5000});
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        created(&body)
    };
    for body in [
        json!({"id": "team", "name": "Team"}),
        json!({"plan_code": "team", "display_name": "Team"}),
        json!({"name": "team", "display_name": "Team"}),
        json!({"tier_code": "team", "id": "team", "name": "team", "display_name": "Team"}),
    ] {
        let plan = with(body.clone()).unwrap();
        assert_eq!((plan.id.as_str(), plan.name.as_str()), ("team", "Team"), "{body}");
        assert_eq!((plan.price.monthly_cents, plan.price.yearly_cents), (2_900, 34_800));
    }
    for (body, expected) in [
        (json!({"name": "Team"}), vec!["/id invalid_value"]),
        (json!({"plan_code": "No!", "name": "Team"}), vec!["/plan_code invalid_value"]),
        (json!({"id": "team", "tier_code": "other", "name": "Team"}), vec!["/tier_code ambiguous"]),
        (json!({"id": "team", "name": "Squad", "display_name": "Team"}), vec!["/name ambiguous"]),
        (json!({"id": "team", "display_name": ""}), vec!["/display_name invalid_value"]),
        (json!({"id": "team", "name": "T", "services": ["chat", "nothing"]}), vec!["/services unknown_service"]),
        (json!({"id": "team", "name": "T", "stripe_price_id": "sku_1"}), vec!["/stripe_price_id invalid_value"]),
    ] {
        assert_eq!(wrong(with(body.clone())), expected, "{body}");
    }
    assert_eq!(wrong(updated(&json!({"plan": {"plan_code": "other"}}))), ["/plan/plan_code invalid_value"]);
}

#[test]
fn a_feature_that_is_named_keeps_its_words() {
    let plan = updated(&json!({"features": ["Search", "New", {"feature_name": "Whole", "category": "C"}]})).unwrap();
    let seen: Vec<_> = plan.features.iter().map(|feature| (feature.name.as_str(), feature.category.as_str())).collect();
    assert_eq!(seen, [("Search", "Services"), ("New", ""), ("Whole", "C")]);
}
