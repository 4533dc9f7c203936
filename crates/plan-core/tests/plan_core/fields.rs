//! What a plan's fields hold, and what they refuse.

use kernel::{Limit, ServiceName, TextError};
use plan_core::testing::sample_catalogue;
use plan_core::{Feature, FieldError, Plan, PlanDraft, PlanPatch, ServiceDraft, Source, SubscriptionStatus};
use proptest::prelude::*;

use crate::world::id;

fn draft() -> PlanDraft {
    let values = PlanPatch {
        name: Some("Team".into()),
        price_monthly_cents: Some(1_500),
        api_calls_limit: Some(5_000),
        ..PlanPatch::default()
    };
    PlanDraft { id: "team".into(), values }
}

fn build(draft: &PlanDraft) -> Result<Plan, plan_core::Invalid> {
    draft.build(sample_catalogue().services())
}

/// What one wrong value is answered with: by a draft, and by a patch of a plan.
fn refused(patch: PlanPatch) -> plan_core::Invalid {
    let catalogue = sample_catalogue();
    let starter = catalogue.plan(&id("starter")).unwrap();
    let by_patch = patch.applied_to(starter, catalogue.services()).unwrap_err();
    let base = draft().values;
    let values = PlanPatch {
        name: patch.name.clone().or(base.name),
        price_monthly_cents: patch.price_monthly_cents.or(base.price_monthly_cents),
        api_calls_limit: patch.api_calls_limit.or(base.api_calls_limit),
        ..patch
    };
    assert_eq!(build(&PlanDraft { values, ..draft() }).unwrap_err(), by_patch, "a draft refuses what a patch refuses");
    by_patch
}

#[test]
fn what_a_draft_leaves_out_is_as_on_the_smallest_plan() {
    let plan = build(&draft()).unwrap();
    assert_eq!((plan.id.as_str(), plan.name.as_str(), plan.version, plan.level), ("team", "Team", 1, 0));
    assert_eq!(
        (plan.price.monthly_cents, plan.price.yearly_cents, plan.price.currency.as_str()),
        (1_500, 18_000, "USD")
    );
    let gives = &plan.allowances;
    assert_eq!((gives.monthly, gives.daily, gives.per_user), (Limit::Of(5_000), Limit::Unlimited, Limit::Unlimited));
    assert_eq!((gives.rate_per_minute, gives.concurrent_searches), (Limit::Of(10), Limit::Of(1)));
    assert_eq!((gives.seats, gives.byok, plan.trial_days), (1, false, 0));
    assert!(plan.is_active && plan.is_public && !plan.is_popular && !plan.priority_support);
    assert!(plan.services.is_empty() && plan.features.is_empty());
    let missing = build(&PlanDraft { id: String::new(), values: PlanPatch::default() }).unwrap_err();
    let fields: Vec<_> = missing.iter().map(|(field, _)| *field).collect();
    assert_eq!(fields, ["id", "name", "price_monthly_cents", "api_calls_limit"], "all at once: {missing:?}");
}

#[test]
fn a_number_out_of_its_bounds_is_refused() {
    let none = PlanPatch::default;
    for (patch, field, error) in [
        (PlanPatch { level: Some(-1), ..none() }, "level", FieldError::Range(100)),
        (PlanPatch { level: Some(101), ..none() }, "level", FieldError::Range(100)),
        (PlanPatch { level: Some(i64::MAX), ..none() }, "level", FieldError::Range(100)),
        (
            PlanPatch { price_yearly_cents: Some(-1), ..none() },
            "price_yearly_cents",
            FieldError::Range(1_000_000_000_000),
        ),
        (
            PlanPatch { price_yearly_cents: Some(i64::MAX), ..none() },
            "price_yearly_cents",
            FieldError::Range(1_000_000_000_000),
        ),
        (
            PlanPatch { price_monthly_cents: Some(-1), ..none() },
            "price_monthly_cents",
            FieldError::Range(1_000_000_000_000),
        ),
        (
            PlanPatch { price_monthly_cents: Some(i64::MIN), ..none() },
            "price_monthly_cents",
            FieldError::Range(1_000_000_000_000),
        ),
        (PlanPatch { api_calls_limit: Some(-2), ..none() }, "api_calls_limit", FieldError::Limit),
        (PlanPatch { daily_limit: Some(-2), ..none() }, "daily_limit", FieldError::Limit),
        (PlanPatch { per_user_limit: Some(i64::MIN), ..none() }, "per_user_limit", FieldError::Limit),
        (PlanPatch { rate_limit: Some(-60), ..none() }, "rate_limit", FieldError::Limit),
        (PlanPatch { concurrent_searches: Some(-2), ..none() }, "concurrent_searches", FieldError::Limit),
        (PlanPatch { team_seats: Some(0), ..none() }, "team_seats", FieldError::Seats(1_000_000)),
        (PlanPatch { team_seats: Some(-1), ..none() }, "team_seats", FieldError::Seats(1_000_000)),
        (PlanPatch { team_seats: Some(4_294_967_297), ..none() }, "team_seats", FieldError::Seats(1_000_000)),
        (PlanPatch { trial_days: Some(-1), ..none() }, "trial_days", FieldError::Range(3650)),
        (PlanPatch { trial_days: Some(65_536), ..none() }, "trial_days", FieldError::Range(3650)),
    ] {
        assert_eq!(refused(patch.clone()), [(field, error)], "{patch:?}");
    }
}

#[test]
fn a_word_that_its_field_cannot_hold_is_refused() {
    let none = PlanPatch::default;
    let long = |n: usize| Some("ä".repeat(n));
    let feature = |name: &str| Feature { name: name.into(), category: String::new(), description: String::new() };
    for (patch, field, error) in [
        (PlanPatch { name: Some("  ".into()), ..none() }, "name", FieldError::Empty),
        (PlanPatch { name: long(101), ..none() }, "name", TextError::TooLong(100).into()),
        (PlanPatch { name: Some("a\nb".into()), ..none() }, "name", TextError::ControlCharacter.into()),
        (PlanPatch { description: long(501), ..none() }, "description", TextError::TooLong(500).into()),
        (
            PlanPatch { services: Some(vec!["chat".into(), "chta".into()]), ..none() },
            "services",
            FieldError::UnknownService("chta".into()),
        ),
        (
            PlanPatch { services: Some(vec![String::new()]), ..none() },
            "services",
            FieldError::UnknownService(String::new()),
        ),
        (PlanPatch { features: Some(vec![feature("")]), ..none() }, "features", FieldError::Empty),
        (PlanPatch { features: Some(vec![feature("x"); 101]), ..none() }, "features", FieldError::TooMany(100)),
        (PlanPatch { lago_plan_code: Some(long(256)), ..none() }, "lago_plan_code", TextError::TooLong(255).into()),
    ] {
        assert_eq!(refused(patch.clone()), [(field, error)], "{patch:?}");
    }
    for code in ["", "usd", "US", "USDX", "U5D", "€UR", " USD", "USD\0"] {
        let patch = PlanPatch { currency: Some(code.into()), ..none() };
        assert_eq!(refused(patch), [("currency", FieldError::Currency)], "{code:?}");
    }
    for price in [
        "price",
        "price_",
        "prod_1",
        "Price_1",
        "price_1 2",
        "price_1;",
        "price_ä",
        &format!("price_{}", "a".repeat(250)),
    ] {
        let id = Some(Some(price.to_owned()));
        let month = PlanPatch { stripe_price_id: id.clone(), ..none() };
        assert_eq!(refused(month), [("stripe_price_id", FieldError::StripePrice)], "{price:?}");
        let year = PlanPatch { stripe_annual_price_id: id, ..none() };
        assert_eq!(refused(year), [("stripe_annual_price_id", FieldError::StripePrice)], "{price:?}");
    }
    for bad in ["", "-a", "Team", "a_b", "a b", &"a".repeat(65), "ä", "a/b", ".."] {
        let wrong = build(&PlanDraft { id: bad.into(), ..draft() }).unwrap_err();
        assert_eq!(wrong, [("id", FieldError::Name)], "{bad:?}");
    }
}

#[test]
fn everything_that_is_wrong_is_told_at_once() {
    let patch = PlanPatch {
        name: Some(String::new()),
        currency: Some("usd".into()),
        level: Some(500),
        price_monthly_cents: Some(-1),
        api_calls_limit: Some(-5),
        team_seats: Some(0),
        services: Some(vec!["nothing".into()]),
        stripe_price_id: Some(Some("sku_1".into())),
        ..PlanPatch::default()
    };
    let wrong = refused(patch);
    let mut fields: Vec<_> = wrong.iter().map(|(field, _)| *field).collect();
    fields.sort_unstable();
    let expected = [
        "api_calls_limit",
        "currency",
        "level",
        "name",
        "price_monthly_cents",
        "services",
        "stripe_price_id",
        "team_seats",
    ];
    assert_eq!(fields, expected);
    let said = plan_core::PlanError::Invalid(wrong).to_string();
    assert!(expected.iter().all(|field| said.contains(field)) && said.contains("\"nothing\""), "{said}");
}

#[test]
fn a_patch_changes_what_it_names() {
    let catalogue = sample_catalogue();
    let starter = catalogue.plan(&id("starter")).unwrap();
    let apply = |patch: &PlanPatch| patch.applied_to(starter, catalogue.services()).unwrap();
    assert_eq!(apply(&PlanPatch::default()), Plan { version: 2, ..starter.clone() }, "nothing named, one version more");
    let patched = apply(&PlanPatch {
        services: Some(["tts", "chat", "tts", "bolt"].map(str::to_owned).to_vec()),
        stripe_price_id: Some(Some(" price_1A_b ".into())),
        lago_plan_code: Some(Some("  ".into())),
        api_calls_limit: Some(-1),
        is_active: Some(true),
        ..PlanPatch::default()
    });
    let services: Vec<_> = patched.services.iter().map(ServiceName::as_str).collect();
    assert_eq!(services, ["bolt", "chat", "tts"], "sorted, each once");
    assert_eq!(patched.provider_ids.stripe_price.as_deref(), Some("price_1A_b"));
    assert_eq!((patched.provider_ids.lago_plan.as_deref(), patched.allowances.monthly), (None, Limit::Unlimited));
    assert_eq!((patched.name.as_str(), patched.level), (starter.name.as_str(), starter.level), "the others stay");
    let emptied = PlanPatch { stripe_price_id: Some(None), ..PlanPatch::default() };
    assert_eq!(emptied.applied_to(&patched, catalogue.services()).unwrap().provider_ids.stripe_price, None);

    let off = PlanPatch { is_active: Some(false), ..PlanPatch::default() };
    assert_eq!(off.applied_to(starter, catalogue.services()).unwrap_err(), [("is_active", FieldError::Retire)]);
    let retired = Plan { is_active: false, ..starter.clone() };
    assert!(!off.applied_to(&retired, catalogue.services()).unwrap().is_active, "what is so already may be said");
    let back = PlanPatch { is_active: Some(true), ..PlanPatch::default() };
    assert!(back.applied_to(&retired, catalogue.services()).unwrap().is_active, "a retired plan comes back");
}

#[test]
fn a_service_has_a_name_and_an_address() {
    let good = ServiceDraft {
        service: "chat".into(),
        display_name: " Chat ".into(),
        icon: Some(String::new()),
        ..ServiceDraft::default()
    };
    let built = good.build().unwrap();
    assert_eq!((built.display_name.as_str(), built.icon, built.url), ("Chat", None, None));
    for url in ["/chat", "https://chat.example.com/a?b#c", "http://[::1]:8080/"] {
        let with = ServiceDraft { url: Some(url.into()), ..good.clone() };
        assert_eq!(with.build().unwrap().url.as_deref(), Some(url));
    }
    for url in
        ["chat", "//evil.example", "javascript:alert(1)", "https://", "https:///x", "/a b", "/<script>", "ftp://x"]
    {
        let with = ServiceDraft { url: Some(url.into()), ..good.clone() };
        assert_eq!(with.build().unwrap_err(), [("url", FieldError::Url)], "{url}");
    }
    let bad = ServiceDraft {
        service: "Chat".into(),
        description: "a".repeat(501),
        url: Some("x".into()),
        ..ServiceDraft::default()
    };
    let fields: Vec<_> = bad.build().unwrap_err().into_iter().map(|(field, _)| field).collect();
    assert_eq!(fields, ["service", "display_name", "description", "url"], "all at once");
}

#[test]
fn states_and_sources_have_one_spelling() {
    for status in SubscriptionStatus::ALL {
        assert_eq!(SubscriptionStatus::parse(status.as_str()), Some(status));
    }
    for source in Source::ALL {
        assert_eq!(Source::parse(source.as_str()), Some(source));
    }
    for bad in ["", "Active", "active ", "cancelled", "past-due"] {
        assert_eq!((SubscriptionStatus::parse(bad), Source::parse(bad)), (None, None), "{bad:?}");
    }
}

proptest! {
    /// Whatever is asked for, a plan that exists is a good one.
    #[test]
    fn a_plan_that_exists_is_a_good_one(
        numbers in proptest::array::uniform8(prop_oneof![-3_i64..200, any::<i64>()]),
        words in proptest::array::uniform3(prop_oneof!["[A-Z]{2,4}", "price_[a-z0-9]{0,3}", "\\PC{0,120}"]),
        services in proptest::collection::vec(prop_oneof![Just("chat"), Just("tts"), Just("bolt"), Just("none")], 0..6),
    ) {
        let [level, month, year, calls, rate, seats, days, daily] = numbers.map(Some);
        let [name, currency, price] = words;
        let values = PlanPatch {
            name: Some(name), currency: Some(currency), stripe_price_id: Some(Some(price)), level, price_monthly_cents: month,
            price_yearly_cents: year, api_calls_limit: calls, rate_limit: rate, team_seats: seats, trial_days: days,
            daily_limit: daily, services: Some(services.into_iter().map(str::to_owned).collect()), ..PlanPatch::default()
        };
        if let Ok(plan) = build(&PlanDraft { id: "p".into(), values }) {
            prop_assert!(plan.level <= 100 && plan.allowances.seats >= 1 && plan.trial_days <= 3650);
            prop_assert!(plan.price.monthly_cents >= 0 && plan.price.yearly_cents >= 0 && plan.price.currency.len() == 3);
            prop_assert!(plan.services.is_sorted() && plan.services.windows(2).all(|pair| pair[0] != pair[1]));
            prop_assert!(plan.services.iter().all(|service| plan.opens(service) && service.as_str() != "none"));
            prop_assert!(plan.provider_ids.stripe_price.is_none_or(|price| price.starts_with("price_")));
            prop_assert!((1..=100).contains(&plan.name.chars().count()));
        }
    }
}
