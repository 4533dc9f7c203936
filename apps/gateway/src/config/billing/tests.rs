use crate::config::{Config, Sources};

use super::*;

fn read(pairs: &[(&str, &str)]) -> Result<Config, crate::config::ConfigError> {
    Config::load(&Sources::of_variables(pairs.iter().map(|(key, value)| {
        let name =
            if key.starts_with("STRIPE_SECRET") { (*key).to_owned() } else { format!("OPS_CENTER__BILLING__{key}") };
        (name, (*value).to_owned())
    })))
}

fn billing(pairs: &[(&str, &str)]) -> Billing {
    read(pairs).expect("a configuration").billing
}

fn complaint(pairs: &[(&str, &str)]) -> String {
    read(pairs).expect_err("must be refused").to_string()
}

const STRIPE: [(&str, &str); 2] = [("PROVIDER", "stripe"), ("STRIPE__SECRET_KEY", "sk_test_1")];
const LAGO: [(&str, &str); 3] =
    [("PROVIDER", "lago"), ("LAGO__API_URL", "https://lago.example.com"), ("LAGO__API_KEY", "key")];

#[test]
fn without_a_word_invoices_are_manual() {
    let billing = billing(&[]);
    assert_eq!(billing.provider, PaymentProvider::Manual);
    assert_eq!((billing.grace(), billing.invoice_term()), (TimeDelta::days(7), TimeDelta::days(14)));
    assert_eq!(billing.reconcile_every(), Some(TimeDelta::hours(24)));
    assert_eq!(billing.work_every, Duration::from_millis(500));
    assert!(billing.quote_key.is_none() && billing.stripe.webhook_secrets.is_empty());
    assert_eq!(billing.warnings(), Vec::<String>::new());
}

#[test]
fn a_provider_without_its_key_is_refused_by_the_name_of_the_key() {
    let said = complaint(&STRIPE[..1]);
    assert!(said.contains("billing.stripe.secret_key") && said.contains("STRIPE_SECRET_KEY"), "{said}");
    let said = complaint(&LAGO[..1]);
    assert!(said.contains("needs billing.lago.api_url") && said.contains("needs billing.lago.api_key"), "{said}");
    assert!(complaint(&LAGO[..2]).contains("billing.lago.api_key"));
    assert!(complaint(&[("PROVIDER", "paypal")]).contains("\"manual\", \"stripe\" or \"lago\""));
}

#[test]
fn what_cannot_be_is_refused_and_no_secret_is_shown() {
    for (pairs, expected) in [
        (&[("STRIPE__SECRET_KEY", "pk_test_canary")][..], "billing.stripe.secret_key must begin with sk_test_"),
        (&[("STRIPE__PUBLISHABLE_KEY", "sk_test_canary")][..], "billing.stripe.publishable_key must begin with pk_"),
        (&[("QUOTE_KEY", "canary")][..], "billing.quote_key must have at least 32 characters"),
        (&[("WORK_EVERY_MS", "0")][..], "billing.work_every_ms"),
        (&[("GRACE_DAYS", "-1")][..], "billing.grace_days"),
        (&[("STRIPE__BASE_URL", "stripe.example.com")][..], "billing.stripe.base_url must look like https://"),
        (
            &[("LAGO__API_URL", "https://user:canary@lago.example.com")][..],
            "billing.lago.api_url must look like https://",
        ),
        (
            &[("STRIPE__SECRET_KEY", "sk_live_canary"), ("STRIPE__BASE_URL", "http://127.0.0.1:1")][..],
            "billing.stripe.base_url must be https",
        ),
        (&[("LAGO__API_URL", "ftp://lago.example.com")][..], "billing.lago.api_url must look like https://"),
    ] {
        let said = complaint(pairs);
        assert!(said.contains(expected) && !said.contains("canary"), "{expected}: {said}");
    }
}

#[test]
fn a_key_of_a_provider_that_is_not_chosen_is_warned_about() {
    let said = billing(&STRIPE[1..]).warnings().join("\n");
    assert!(said.contains("billing.stripe.secret_key is set but not used"), "{said}");
    assert!(said.contains("set billing.provider = \"stripe\""), "{said}");
    let both = [&LAGO[..], &STRIPE[1..], &[("LAGO__WEBHOOK_SECRET", "secret")]].concat();
    let said = billing(&both).warnings();
    assert!(said.len() == 1 && said[0].contains("billing.provider is \"lago\""), "{said:?}");
}

#[test]
fn a_provider_that_cannot_be_heard_is_warned_about() {
    let said = billing(&STRIPE).warnings().join("\n");
    assert!(said.contains("billing.stripe.webhook_secrets is not set") && said.contains("is turned off"), "{said}");
    let said = billing(&LAGO).warnings().join("\n");
    assert!(said.contains("billing.lago.webhook_secret is not set"), "{said}");
    let heard = billing(&[&STRIPE[..], &[("STRIPE__WEBHOOK_SECRETS", "whsec_1, whsec_2")]].concat());
    assert_eq!((heard.warnings(), heard.stripe.webhook_secrets.len()), (Vec::new(), 2));
}

#[test]
fn a_key_in_the_clear_is_warned_about() {
    let at =
        |url| billing(&[&LAGO[..1], &LAGO[2..], &[("LAGO__API_URL", url), ("LAGO__WEBHOOK_SECRET", "s")]].concat());
    for near in ["http://127.0.0.1:3000", "http://localhost:3000/api", "http://[::1]:1", "https://lago.internal"] {
        assert_eq!(at(near).warnings(), Vec::<String>::new(), "{near}");
    }
    assert!(at("http://lago.internal:3000").warnings().join("\n").contains("billing.lago.api_url is plain http"));
}

#[test]
fn stripes_own_variable_is_an_alias() {
    let key = |pairs| billing(pairs).stripe.secret_key.expect("a key").expose_secret().to_owned();
    assert_eq!(key(&[("STRIPE_SECRET_KEY", "sk_test_alias")]), "sk_test_alias");
    assert_eq!(key(&[("STRIPE_SECRET_KEY", "sk_test_alias"), ("STRIPE__SECRET_KEY", "sk_test_ours")]), "sk_test_ours");
    assert!(complaint(&[("STRIPE_SECRET_KEY_FILE", "/nowhere/key")]).contains("STRIPE_SECRET_KEY_FILE"));
}

#[test]
fn a_company_has_an_address_of_lines() {
    let company = billing(&[("COMPANY__NAME", "Acme"), ("COMPANY__ADDRESS", "1 Main Street,Springfield")]).company;
    assert_eq!((company.name.as_str(), company.address.join("|").as_str()), ("Acme", "1 Main Street|Springfield"));
}
