use std::collections::BTreeSet;

use kernel::testing::race;
use kernel::{Action, OrgId};

use super::stage::{MINUTE, Stage, key};
use crate::testing::BillingStores;
use crate::{Access, Account, Invoice, PaymentProvider, Posted, Posting, Received, Settles};

fn number_of<T: PartialEq>(answers: &[T], wanted: &T) -> usize {
    answers.iter().filter(|answer| *answer == wanted).count()
}

/// Of any number of postings upon one version of an account one happens; numbers have no gaps whoever takes them.
pub async fn billing_store_race(stores: BillingStores<'_>) {
    one_follows_a_version(&Stage::new(stores)).await;
    one_event_takes_effect_once(&Stage::new(stores)).await;
    one_command_is_on_its_way(&Stage::new(stores)).await;
    numbers_have_no_gaps(&Stage::new(stores)).await;
    one_organization_has_a_customer(&Stage::new(stores)).await;
}

async fn one_follows_a_version(s: &Stage<'_>) {
    let org = s.org().await;
    for version in 1..=4 {
        let answers = race(32, async |n| {
            let plan = if n.is_multiple_of(2) { ("starter", 2) } else { ("professional", 3) };
            let account =
                Account { customer: Some(s.name("cus")), version, ..Account::new(org, PaymentProvider::Stripe) };
            let posting = Posting {
                grant: Some(s.grant(plan, Access::Active)),
                movement: Some(s.movement(org, "upgrade")),
                invoices: vec![s.invoice(org, PaymentProvider::Stripe)],
                ..Stage::posting(account)
            };
            (s.post(&posting).await, posting)
        })
        .await;
        let posted: Vec<_> = answers.iter().filter(|(posted, _)| *posted == Posted::Posted).collect();
        assert_eq!(posted.len(), 1, "one follows {version}");
        assert!(answers.iter().all(|(answer, _)| matches!(answer, Posted::Posted | Posted::Moved)));
        let winner = &posted[0].1;
        assert_eq!(s.account(org).await, winner.account, "and it is the one that was told so");
        assert_eq!(s.stores.billing.movements(org).await.unwrap().last(), winner.movement.as_ref());
        assert!(s.listed(org).await.contains(&winner.invoices[0]));
        assert_eq!(s.listed(org).await.len(), usize::try_from(version).unwrap());
        let entitled = s.stores.world.entitled(org).await.unwrap();
        assert_eq!((&entitled.plan, entitled.version), (&winner.grant.as_ref().unwrap().plan, version));
    }
}

async fn one_event_takes_effect_once(s: &Stage<'_>) {
    let org = s.org().await;
    let event = s.event();
    let received = race(32, async |_| s.stores.inbox.receive(&event).await.unwrap()).await;
    assert_eq!(number_of(&received, &Received::New), 1, "one of them is kept: {received:?}");
    let answers = race(32, async |_| {
        loop {
            let posting = Posting {
                settles: Settles::Event(key(&event)),
                movement: Some(s.movement(org, "checkout")),
                ..s.next(org).await
            };
            match s.post(&posting).await {
                Posted::Moved => {}
                answer => return answer,
            }
        }
    })
    .await;
    assert_eq!(number_of(&answers, &Posted::Posted), 1, "{answers:?}");
    assert_eq!(number_of(&answers, &Posted::AlreadySettled), 31, "{answers:?}");
    assert_eq!(s.stores.billing.movements(org).await.unwrap().len(), 1, "it took effect once");
}

async fn one_command_is_on_its_way(s: &Stage<'_>) {
    let org = s.org().await;
    let answers = race(32, async |_| {
        let outgoing = s.outgoing(org);
        loop {
            let posting = Posting { outgoing: Some(outgoing.clone()), ..s.next(org).await };
            match s.post(&posting).await {
                Posted::Moved => {}
                answer => return (answer, outgoing),
            }
        }
    })
    .await;
    let agreed: Vec<_> = answers.iter().filter(|(answer, _)| *answer == Posted::Posted).collect();
    assert_eq!(agreed.len(), 1);
    assert!(answers.iter().all(|(answer, _)| matches!(answer, Posted::Posted | Posted::ChangePending)));
    assert_eq!(s.stores.outbox.pending(org).await.unwrap().as_ref(), Some(&agreed[0].1));
    let settled = race(32, async |_| {
        loop {
            let posting = Posting { settles: Settles::Task(agreed[0].1.id), ..s.next(org).await };
            match s.post(&posting).await {
                Posted::Moved => {}
                answer => return answer,
            }
        }
    })
    .await;
    assert_eq!(number_of(&settled, &Posted::Posted), 1, "{settled:?}");
    assert_eq!(number_of(&settled, &Posted::AlreadySettled), 31, "{settled:?}");
}

/// Half of the organizations are refused first, after they took a number.
async fn numbers_have_no_gaps(s: &Stage<'_>) {
    let mut orgs = Vec::new();
    for _ in 0..32 {
        orgs.push(s.org().await);
    }
    let series = s.invoice(orgs[0], PaymentProvider::Manual).series();
    let theirs = s.invoice(s.org().await, PaymentProvider::Stripe);
    s.bill(vec![theirs.clone()]).await;
    let numbers = race(32, async |n| {
        let invoice = s.invoice(orgs[n], PaymentProvider::Manual);
        assert_eq!(invoice.series(), series);
        let posting = Posting { invoices: vec![invoice.clone()], ..s.next(orgs[n]).await };
        if n.is_multiple_of(2) {
            let stolen = Invoice { org: orgs[n], issued_at: s.tick(), ..theirs.clone() };
            let bad = Posting { invoices: vec![invoice.clone(), stolen], ..posting.clone() };
            let record = s.record(Action::InvoiceIssued);
            assert!(s.stores.billing.post(&bad, &record).await.is_err());
        }
        s.posted(&posting).await;
        assert_eq!(s.post(&posting).await, Posted::Moved);
        s.stores.invoices.one(orgs[n], invoice.id).await.unwrap().unwrap().number.unwrap()
    })
    .await;
    let mut taken: Vec<u64> = numbers.iter().map(|number| number[series.len() + 1..].parse().unwrap()).collect();
    taken.sort_unstable();
    assert!(taken.windows(2).all(|pair| pair[0] + 1 == pair[1]), "no gap, and none twice: {taken:?}");
    for (n, number) in numbers.iter().enumerate() {
        let found: Option<Invoice> = s.stores.invoices.numbered(number).await.unwrap();
        assert_eq!(found.map(|invoice| invoice.org), Some(orgs[n]));
    }
}

async fn one_organization_has_a_customer(s: &Stage<'_>) {
    let customer = s.name("cus");
    let mut orgs: Vec<OrgId> = Vec::new();
    for _ in 0..8 {
        orgs.push(s.org().await);
    }
    let answers = race(8, async |n| {
        let mut posting = s.next(orgs[n]).await;
        posting.account.customer = Some(customer.clone());
        s.stores.billing.post(&posting, &s.record(Action::CustomerCreated)).await.is_ok()
    })
    .await;
    assert_eq!(number_of(&answers, &true), 1, "{answers:?}");
    let of = s.stores.billing.org_of(PaymentProvider::Stripe, &customer).await.unwrap().unwrap();
    assert!(answers[orgs.iter().position(|org| *org == of).unwrap()], "and it is the one that was told so");
}

/// Of any number of callers each event is given to one.
pub async fn inbox_race(stores: BillingStores<'_>) {
    let s = &Stage::new(stores);
    let mut keys = BTreeSet::new();
    for _ in 0..64 {
        keys.insert(s.received().await);
    }
    let mut now = s.tick() + MINUTE;
    for _ in 0..2 {
        let rounds = race(32, async |_| s.claim(now, 3).await).await;
        assert!(rounds.iter().all(|claimed| claimed.len() <= 3));
        let mut claimed: Vec<_> = rounds.iter().flatten().map(|claimed| key(&claimed.event)).collect();
        loop {
            let rest = s.claimed(now).await;
            if rest.is_empty() {
                break;
            }
            claimed.extend(rest);
        }
        claimed.retain(|key| keys.contains(key));
        assert_eq!(claimed.len(), keys.len(), "each once");
        assert_eq!(claimed.into_iter().collect::<BTreeSet<_>>(), keys, "and all of them");
        now += MINUTE;
    }
    for key in &keys {
        s.stores.inbox.ignore(key, now).await.unwrap();
    }
}

/// Of any number of callers each command is given to one.
pub async fn outbox_race(stores: BillingStores<'_>) {
    let s = &Stage::new(stores);
    let mut tasks = BTreeSet::new();
    for _ in 0..16 {
        tasks.insert(s.agreed(s.org().await).await.id);
    }
    let now = s.tick() + MINUTE;
    let single = *tasks.first().unwrap();
    let rounds = race(32, async |n| {
        if n.is_multiple_of(2) {
            return s.stores.outbox.claim(now, now + MINUTE, 3).await.unwrap();
        }
        s.stores.outbox.claim_one(single, now, now + MINUTE).await.unwrap().into_iter().collect()
    })
    .await;
    let mut claimed: Vec<_> = rounds.iter().flatten().map(|outgoing| outgoing.id).collect();
    loop {
        let rest = s.stores.outbox.claim(now, now + MINUTE, 3).await.unwrap();
        if rest.is_empty() {
            break;
        }
        claimed.extend(rest.iter().map(|outgoing| outgoing.id));
    }
    claimed.retain(|id| tasks.contains(id));
    assert_eq!(claimed.len(), tasks.len(), "each once");
    assert_eq!(claimed.into_iter().collect::<BTreeSet<_>>(), tasks, "and all of them");
    let later = now + MINUTE;
    let answers = race(32, async |_| s.stores.outbox.claim_one(single, later, later + MINUTE).await.unwrap()).await;
    assert_eq!(answers.iter().filter(|answer| answer.is_some()).count(), 1, "one of 32");
}
