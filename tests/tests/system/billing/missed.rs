//! WH-7: what Stripe did not get through to us is found by comparing, and told.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use testkit::{Backend, Client};

use super::till::{Payer, Till, access};
use super::{SOON, WEBHOOK};
use crate::rig::process::{run, sign_in};
use crate::rig::until;

const PAYERS: usize = 5;
const EVENTS: usize = 50;
/// Of so many events one does not come.
const LOST: usize = 10;

impl Till {
    /// How many events there were at Stripe, sent or not.
    fn happened(&self) -> usize {
        self.stripe.all("event").len()
    }

    /// Something that is one event and changes nothing: the price that it is already.
    fn stirs(&self, payer: &Payer) {
        let (plan, _) = self.truth(payer);
        let before = self.happened();
        self.stripe.change_at_portal(&payer.subscription, &format!("price_{plan}_monthly")).expect("changed");
        assert_eq!(self.happened(), before + 1);
    }

    fn reconciled(&self) -> Value {
        let ended = run(&mut self.program(&["billing", "reconcile", "--json"]));
        assert_eq!(ended.code, Some(0), "{ended:?}");
        serde_json::from_str(&ended.out).expect("JSON")
    }
}

/// Waits until each organization has what this one is to have.
async fn all_have(owner: &Client, payers: &[Payer], expected: (&str, &str)) {
    for payer in payers {
        let there = async || {
            let (plan, status) = access(owner, payer).await;
            (plan.as_str(), status.as_str()) == expected
        };
        until(SOON, &format!("{} {expected:?}", payer.org), there).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_fifty_events_five_are_lost_and_what_they_would_have_changed_is_found() {
    let till = Till::on(Backend::Sqlite).await;
    let server = till.serve();
    till.site.account("ada");
    let ada = sign_in(&server.base, "ada").await;
    let stripe = &till.stripe;
    stripe.listen(&format!("{}{WEBHOOK}", server.base));
    let mut payers = Vec::new();
    for number in 0..PAYERS {
        payers.push(till.payer(&ada, &format!("Acme {number}")).await);
    }
    while !till.happened().is_multiple_of(LOST) {
        till.stirs(&payers[0]);
    }
    stripe.deliver();
    all_have(&ada, &payers, ("starter", "active")).await;

    stripe.lose_every(LOST.try_into().expect("a count"));
    let (before, mut sent) = (till.happened(), 0);
    let plans = ["professional", "enterprise", "starter"];
    for number in 0.. {
        if till.happened() - before > EVENTS - PAYERS - 8 {
            break;
        }
        let price = format!("price_{}_monthly", plans[number / PAYERS % plans.len()]);
        stripe.change_at_portal(&payers[number % PAYERS].subscription, &price).expect("changed");
        sent += stripe.deliver();
    }
    for payer in payers.iter().cycle().take(before + EVENTS - PAYERS - till.happened()) {
        till.stirs(payer);
        sent += stripe.deliver();
    }
    let had = till.truth(&payers[PAYERS - 1]).0;
    // Each is one event, and the last of them is the fiftieth.
    for payer in &payers {
        stripe.cancel_at_portal(&payer.subscription, false).expect("ended");
        sent += stripe.deliver();
    }
    assert_eq!((till.happened() - before, sent), (EVENTS, EVENTS - EVENTS / LOST));
    let (heard, missed) = payers.split_at(PAYERS - 1);
    all_have(&ada, heard, ("free", "canceled")).await;
    assert_eq!(access(&ada, &missed[0]).await, (had.clone(), "active".to_owned()), "nobody has told us");

    let found = till.reconciled();
    assert_eq!((&found["compared"], &found["failed"]), (&json!(PAYERS), &json!([])), "{found}");
    let drift = found["drift"].as_array().expect("a list");
    let orgs: BTreeSet<&str> = drift.iter().filter_map(|it| it["org_id"].as_str()).collect();
    assert_eq!((drift.len(), orgs), (1, BTreeSet::from([missed[0].org.as_str()])), "{found}");
    let [was, is] = ["before", "after"].map(|when| (&drift[0][when]["plan"], &drift[0][when]["status"]));
    assert_eq!((was, is), ((&json!(had), &json!("active")), (&json!(had), &json!("canceled"))), "{found}");
    all_have(&ada, missed, ("free", "canceled")).await;
    let again = till.reconciled();
    assert_eq!((&again["compared"], &again["drift"]), (&json!(PAYERS), &json!([])), "{again}");
}
