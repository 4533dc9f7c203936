use crate::program::Place;

const STRIPE: &str = "OPS_CENTER__BILLING__PROVIDER";

#[test]
fn a_provider_without_its_key_is_refused_by_check_and_start() {
    let place = Place::new();
    for arguments in [&["config", "check"][..], &["serve", "--listen", "127.0.0.1:0"]] {
        place
            .run_with(&[(STRIPE, "stripe")], arguments)
            .refused(2, &["billing.stripe.secret_key", "STRIPE_SECRET_KEY"]);
        let lago = [(STRIPE, "lago"), ("OPS_CENTER__BILLING__LAGO__API_KEY", "canary")];
        let refused = place.run_with(&lago, arguments);
        refused.refused(2, &["billing.lago.api_url"]);
        assert!(!refused.err.contains("canary"), "{refused:?}");
        place.run_with(&[(STRIPE, "paypal")], arguments).refused(2, &["billing.provider", "\"stripe\""]);
    }
    assert!(!place.data().exists(), "nothing is made for a wrong configuration");
}

#[test]
fn a_key_that_nobody_uses_is_warned_about() {
    let place = Place::new();
    let check = place.run_with(&[("STRIPE_SECRET_KEY", "sk_test_canary")], &["config", "check"]);
    assert!(check.ok().contains("billing.stripe.secret_key = \"***\""), "{check:?}");
    assert!(check.ok().contains("# STRIPE_SECRET_KEY"), "{check:?}");
    assert!(check.err.starts_with("ops-center: warning: billing.stripe.secret_key is set but not used"), "{check:?}");
    assert!(check.err.contains("set billing.provider = \"stripe\""), "{check:?}");
    let file = place.file("key", "sk_test_canary\n", 0o600);
    let named = [("STRIPE_SECRET_KEY_FILE", file.to_str().expect("a path")), (STRIPE, "stripe")];
    let check = place.run_with(&named, &["config", "check"]);
    assert!(check.ok().contains("named by STRIPE_SECRET_KEY_FILE"), "{check:?}");
    assert!(check.err.contains("billing.stripe.webhook_secrets is not set"), "{check:?}");
    assert!(!format!("{check:?}").contains("canary"), "{check:?}");
    let wrong = [("OPS_CENTER__BILLING__LAGO__WEBHOOK_PUBLIC_KEY", "none"), (STRIPE, "lago")];
    let lago =
        [("OPS_CENTER__BILLING__LAGO__API_URL", "http://127.0.0.1:1"), ("OPS_CENTER__BILLING__LAGO__API_KEY", "k")];
    place.run_with(&[wrong, lago].concat(), &["config", "check"]).refused(2, &["billing.lago.webhook_public_key"]);
}

#[test]
fn a_start_says_who_takes_the_money() {
    let place = Place::new();
    let manual = place.serve(&[]).stop().err;
    assert!(manual.contains("invoices of your own") && manual.contains("STRIPE_SECRET_KEY"), "{manual}");
    let mut stripe = place.program(&["--listen", "127.0.0.1:0"]);
    // Nobody listens there, and nobody has to: the start asks nobody.
    stripe.envs([(STRIPE, "stripe"), ("STRIPE_SECRET_KEY", "sk_test_canary")]);
    stripe.env("OPS_CENTER__BILLING__STRIPE__BASE_URL", "http://127.0.0.1:1");
    let ended = crate::program::Server::start(&mut stripe).stop();
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert!(ended.err.contains("billing.stripe.webhook_secrets is not set"), "{ended:?}");
    assert!(!format!("{ended:?}").contains("canary"), "{ended:?}");
}

#[test]
fn an_operator_looks_at_an_account_by_its_owner() {
    let place = Place::new();
    let status = ["billing", "status", "admin@ops-center.local"];
    place.run(&status).refused(2, &["ops-center migrate"]);
    place.run(&["init"]).ok();
    let json = place.run(&[&status[..], &["--json"]].concat()).json();
    assert_eq!((&json["plan"], &json["provider"]), (&"enterprise".into(), &"manual".into()), "{json}");
    assert!(json["subscription"].is_null() && json["customer"].is_null(), "the installation gave it: {json}");
    let org = json["org_id"].as_str().expect("an id").to_owned();
    let text = place.run(&["billing", "status", &org]);
    assert!(text.ok().starts_with(&format!("{org}\n")) && text.ok().contains("pays for         nothing"), "{text:?}");
    place.run(&["billing", "status", "nobody@example.com"]).refused(2, &["nobody@example.com"]);
    place.run(&["billing", "status", "somebody"]).refused(2, &["org_", "address"]);
}

#[test]
fn what_is_not_there_is_said_not_to_be() {
    let place = Place::new();
    place.run(&["init"]).ok();
    place.run(&["billing", "paid", "INV-2026-000001"]).refused(2, &["INV-2026-000001"]);
    place.run(&["billing", "paid", "INV-2026-000001", "--method", "two\nlines"]).refused(2, &["--method"]);
    place.run(&["billing", "reconcile"]).refused(2, &["billing.provider is \"manual\""]);
    let empty = place.run(&["billing", "inbox", "list", "--json"]).json();
    assert_eq!((&empty["total"], &empty["counts"]["dead"]), (&0.into(), &0.into()), "{empty}");
    assert_eq!(
        place.run(&["billing", "inbox", "list"]).ok(),
        "0 of 0 events; in all: 0 pending, 0 done, 0 ignored, 0 dead\n"
    );
    assert_eq!(place.run(&["billing", "inbox", "replay", "--dead"]).ok(), "No event is dead.\n");
    place.run(&["billing", "inbox", "replay", "evt_1"]).refused(2, &["name the provider too"]);
    place.run(&["billing", "inbox", "replay", "stripe/evt_1"]).refused(2, &["there is no event stripe/evt_1"]);
    assert_eq!(place.run(&["billing", "inbox", "replay"]).code, Some(2));
    let stripe = [(STRIPE, "stripe"), ("STRIPE_SECRET_KEY", "sk_test_1")];
    let nothing = place.run_with(&stripe, &["billing", "reconcile", "--json"]).json();
    assert_eq!(nothing, serde_json::json!({ "compared": 0, "drift": [], "failed": [] }));
    let away = [("OPS_CENTER__BILLING__STRIPE__BASE_URL", "http://127.0.0.1:1")];
    let away = place.run_with(&[&stripe[..], &away].concat(), &["billing", "reconcile", "--since-hours", "72"]);
    away.refused(69, &["asking the payment provider", "try again later"]);
}
