//! Which plan counts, and what it opens: every plan of the catalogue, every state, every service.

use kernel::{OrgId, Timestamp};
use plan_core::policy::{Gate, effective, entitlement, gate};
use plan_core::testing::sample_catalogue;
use plan_core::{Catalogue, Check, OnOutage, OutagePolicy, Plan, Source, Subscription, SubscriptionStatus};

use crate::world::{DAY, World, id, name};

/// What each plan opens; columns in the order of [`PLANS`].
const OPENS: [(&str, [bool; 6], Option<&str>); 12] = [
    ("ops-center", [true, true, true, true, true, true], Some("free")),
    ("chat", [true, true, true, true, true, true], Some("free")),
    ("search", [false, true, true, true, true, true], Some("starter")),
    ("search-reranking", [false, false, false, true, true, true], Some("professional")),
    ("tts", [false, false, false, true, true, true], Some("professional")),
    ("stt", [false, false, false, true, true, true], Some("professional")),
    ("billing", [false, false, false, true, true, true], Some("professional")),
    ("litellm", [false, false, false, true, true, true], Some("professional")),
    ("bolt", [false, false, false, false, false, true], Some("enterprise")),
    ("team-management", [false, false, false, false, false, true], Some("enterprise")),
    ("sso", [false, false, false, false, false, true], Some("enterprise")),
    ("audit-logs", [false, false, false, false, false, true], Some("enterprise")),
];
const PLANS: [&str; 6] = ["free", "trial", "starter", "professional", "founders-friend", "enterprise"];

fn subscription(plan: &str, status: SubscriptionStatus, trial_ends_at: Option<Timestamp>) -> Subscription {
    let (_, ambient) = kernel::testing::manual_ambient(1);
    Subscription {
        org: OrgId::mint(&ambient),
        plan: id(plan),
        status,
        source: Source::Administrator,
        anchor: ambient.now(),
        trial_ends_at,
        version: 1,
    }
}

#[test]
fn the_table_covers_the_catalogue() {
    let catalogue = sample_catalogue();
    assert_eq!((catalogue.plans().len(), catalogue.services().len()), (PLANS.len(), OPENS.len()));
    assert!(PLANS.iter().all(|plan| catalogue.plan(&id(plan)).is_some()));
}

#[test]
fn every_plan_and_every_service() {
    let catalogue = sample_catalogue();
    for (service, opens, required) in OPENS {
        for (plan, opens) in PLANS.into_iter().zip(opens) {
            let (plan, service) = (catalogue.plan(&id(plan)).unwrap(), name(service));
            let expected = match required {
                _ if opens => Gate::Granted,
                Some(required) => Gate::UpgradeRequired(catalogue.plan(&id(required))),
                None => Gate::UpgradeRequired(None),
            };
            assert_eq!(gate(plan, &catalogue, &service), expected, "{} {service}", plan.id);
            let step = entitlement(plan, gate(plan, &catalogue, &service), &service);
            assert_eq!((step.check, step.ok), (Check::Entitlement, opens));
            assert_eq!(
                step.detail.contains(required.unwrap()),
                !opens,
                "a refusal names the plan to take: {}",
                step.detail
            );
        }
    }
}

#[test]
fn nobody_is_sent_to_a_plan_that_cannot_be_taken() {
    let sample = sample_catalogue();
    let free = sample.plan(&id("free")).unwrap();
    let without = |change: fn(&mut Plan)| {
        let mut plans = sample.plans().to_vec();
        plans.iter_mut().filter(|plan| plan.opens(&name("bolt"))).for_each(change);
        Catalogue::new(plans, sample.services().to_vec())
    };
    for (what, catalogue) in [
        ("retired", without(|plan| plan.is_active = false)),
        ("not public", without(|plan| plan.is_public = false)),
        ("a trial", without(|plan| plan.trial_days = 7)),
    ] {
        assert_eq!(gate(free, &catalogue, &name("bolt")), Gate::UpgradeRequired(None), "{what}");
        let bolt = name("bolt");
        assert!(!entitlement(free, gate(free, &catalogue, &bolt), &bolt).ok, "{what}");
    }
}

#[test]
fn every_plan_in_every_state() {
    let (catalogue, now) = (sample_catalogue(), World::new(1).now());
    let ends = [(None, true), (Some(now + DAY), true), (Some(now), false), (Some(now - DAY), false)];
    for plan in PLANS {
        for status in SubscriptionStatus::ALL {
            for (trial_ends_at, runs) in ends {
                let grants = match status {
                    SubscriptionStatus::Active | SubscriptionStatus::Trialing | SubscriptionStatus::PastDue => runs,
                    SubscriptionStatus::Suspended | SubscriptionStatus::Canceled | SubscriptionStatus::Unpaid => false,
                };
                let expected = id(if grants { plan } else { "free" });
                let found = effective(&subscription(plan, status, trial_ends_at), &catalogue, &id("free"), now);
                assert_eq!(found.map(|plan| &plan.id), Some(&expected), "{plan} {status:?} {trial_ends_at:?}");
            }
        }
    }
}

#[test]
fn a_plan_that_is_gone_is_none() {
    let (catalogue, now) = (sample_catalogue(), World::new(1).now());
    let gone = subscription("gone", SubscriptionStatus::Active, None);
    assert_eq!(effective(&gone, &catalogue, &id("free"), now).map(|plan| &plan.id), Some(&id("free")));
    assert_eq!(effective(&gone, &catalogue, &id("gone-too"), now), None, "without a default nothing is given away");
    let retired = sample_catalogue().plan(&id("starter")).map(|plan| Plan { is_active: false, ..plan.clone() });
    let catalogue = Catalogue::new(retired.into_iter().collect(), Vec::new());
    let on = subscription("starter", SubscriptionStatus::Active, None);
    let found = effective(&on, &catalogue, &id("free"), now).map(|plan| &plan.id);
    assert_eq!(found, Some(&id("starter")), "a retired plan stays with those who have it");
}

#[test]
fn only_rate_limit_and_provider_key_have_a_choice() {
    use OnOutage::{Allow, Refuse};
    let expected = |rate_limit, byok| [Refuse, Refuse, Refuse, rate_limit, byok];
    assert_eq!(Check::ALL.map(|check| OutagePolicy::default().of(check)), expected(Allow, Refuse));
    for rate_limit in [Allow, Refuse] {
        for byok in [Allow, Refuse] {
            let policy = OutagePolicy { rate_limit, byok };
            assert_eq!(Check::ALL.map(|check| policy.of(check)), expected(rate_limit, byok));
        }
    }
}
