use kernel::{OrgId, Period};

use super::stage::{MINUTE, SECOND, Stage, usd};
use crate::testing::BillingStores;
use crate::{
    Access, Account, Cycle, Movement, PaidSubscription, PaymentProvider, PaymentStatus, PendingChange, Posted, Posting,
    Settles,
};

/// What every [`BillingStore`](crate::BillingStore) promises.
pub async fn billing_store_contract(stores: BillingStores<'_>) {
    begins_with_nothing(&Stage::new(stores)).await;
    keeps_every_field(&Stage::new(stores)).await;
    moves_by_version(&Stage::new(stores)).await;
    knows_customers(&Stage::new(stores)).await;
    lists_customers(&Stage::new(stores)).await;
    keeps_the_books(&Stage::new(stores)).await;
    tells_what_time_changes(&Stage::new(stores)).await;
    is_nobodys_after_deletion(&Stage::new(stores)).await;
    is_all_or_nothing(&Stage::new(stores)).await;
}

async fn begins_with_nothing(s: &Stage<'_>) {
    let (org, unknown) = (s.org().await, OrgId::mint(s.stores.ambient));
    for provider in PaymentProvider::ALL {
        let account = s.stores.billing.account(org, provider).await.unwrap();
        assert_eq!(account, Some(Account::new(org, provider)));
        assert_eq!(s.stores.billing.account(unknown, provider).await.unwrap(), None);
    }
    assert_eq!(s.stores.billing.movements(org).await.unwrap(), []);
    assert_eq!(s.listed(org).await, []);
    let posting = Stage::posting(Account { version: 1, ..Account::new(unknown, PaymentProvider::Stripe) });
    assert_eq!(s.post(&posting).await, Posted::NoOrg);
}

async fn keeps_every_field(s: &Stage<'_>) {
    let org = s.org().await;
    let (now, start) = (s.tick(), s.tick());
    let mut full = PaidSubscription {
        cycle: Cycle::Yearly,
        amount: crate::Money::new(-5, "KWD".parse().unwrap()),
        period: Period { start, end: start + MINUTE },
        trial_ends_at: Some(s.tick()),
        cancel_at_period_end: true,
        past_due_since: Some(s.tick()),
        pending: Some(PendingChange { plan: "free".to_owned(), cycle: Cycle::Monthly, at: Some(s.tick()) }),
        ended_at: Some(s.tick()),
        ..s.subscription("professional", PaymentStatus::PastDue)
    };
    let keeps = async |account: Account| {
        let next = Account { version: s.account(org).await.version + 1, ..account };
        s.posted(&Stage::posting(next.clone())).await;
        assert_eq!(s.account(org).await, next, "as the account of the organization");
        if next.customer.is_some() {
            let listed = s.stores.billing.accounts(next.provider, None, u32::MAX).await.unwrap();
            let listed: Vec<_> = listed.into_iter().filter(|account| account.org == org).collect();
            assert_eq!(listed, [next], "as one of all accounts");
        }
    };
    let account = Account {
        customer: Some(s.name("cus")),
        subscription: Some(full.clone()),
        access: Some(Access::PastDue),
        synced_at: Some(now),
        ..Account::new(org, PaymentProvider::Lago)
    };
    keeps(account.clone()).await;
    for status in PaymentStatus::ALL {
        full.status = status;
        full.pending.as_mut().unwrap().at = None;
        keeps(Account { subscription: Some(full.clone()), ..account.clone() }).await;
    }
    for access in Access::ALL {
        keeps(Account { access: Some(access), ..account.clone() }).await;
    }
    keeps(Account { subscription: Some(s.subscription("free", PaymentStatus::Active)), ..account.clone() }).await;
    keeps(Account { subscription: None, ..account.clone() }).await;
    keeps(account).await;
    keeps(Account::new(org, PaymentProvider::Manual)).await;
}

async fn moves_by_version(s: &Stage<'_>) {
    let org = s.org().await;
    let at = |version| Stage::posting(Account { version, ..Account::new(org, PaymentProvider::Stripe) });
    for wrong in [0, 2, u32::MAX] {
        assert_eq!(s.post(&at(wrong)).await, Posted::Moved, "{wrong} does not follow nothing");
    }
    s.posted(&at(1)).await;
    let first = s.account(org).await;
    for wrong in [0, 1, 3] {
        let posting = Posting { movement: Some(s.movement(org, "checkout")), ..at(wrong) };
        let posting = Posting { invoices: vec![s.invoice(org, PaymentProvider::Manual)], ..posting };
        let posting = Posting { outgoing: Some(s.outgoing(org)), ..posting };
        let posting = Posting { grant: Some(s.grant(("starter", 2), Access::Active)), ..posting };
        assert_eq!(s.post(&posting).await, Posted::Moved, "{wrong} does not follow 1");
    }
    assert_eq!(s.account(org).await, first, "nothing happened");
    assert_eq!((s.stores.billing.movements(org).await.unwrap(), s.listed(org).await), (vec![], vec![]));
    assert_eq!(s.stores.outbox.pending(org).await.unwrap(), None);
    assert_eq!(s.stores.world.entitled(org).await, None);
    s.posted(&at(2)).await;
}

async fn knows_customers(s: &Stage<'_>) {
    let (org, other, customer) = (s.org().await, s.org().await, s.name("cus"));
    let of = async |customer: &str| s.stores.billing.org_of(PaymentProvider::Stripe, customer).await.unwrap();
    assert_eq!(of(&customer).await, None);
    let mut posting = s.next(org).await;
    posting.account.customer = Some(customer.clone());
    s.posted(&posting).await;
    assert_eq!(of(&customer).await, Some(org));
    assert_eq!(of(&customer.to_uppercase()).await, None, "names are compared byte by byte");
    assert_eq!(s.stores.billing.org_of(PaymentProvider::Lago, &customer).await.unwrap(), None, "of another provider");

    let mut thief = s.next(other).await;
    thief.account.customer = Some(customer.clone());
    s.refused(&thief, "a customer of another organization").await;
    thief.account.provider = PaymentProvider::Lago;
    s.posted(&thief).await;
    assert_eq!(of(&customer).await, Some(org), "the same name at another provider is another customer");

    let mut renamed = s.next(org).await;
    renamed.account.customer = Some(s.name("cus"));
    s.posted(&renamed).await;
    assert_eq!(of(&customer).await, None);
    assert_eq!(of(renamed.account.customer.as_deref().unwrap()).await, Some(org));
}

async fn lists_customers(s: &Stage<'_>) {
    let mut orgs = Vec::new();
    for n in 0..5 {
        let org = s.org().await;
        let mut posting = s.next(org).await;
        posting.account.customer = (n != 2).then(|| s.name("cus"));
        posting.account.provider = if n == 3 { PaymentProvider::Lago } else { PaymentProvider::Stripe };
        posting.account.subscription = (n == 1).then(|| s.subscription("starter", PaymentStatus::Active));
        s.posted(&posting).await;
        orgs.push(org);
    }
    let mine = [orgs[0], orgs[1], orgs[4]];
    let mut sorted = mine.to_vec();
    sorted.sort();
    for size in [1, 2, 50] {
        let (mut found, mut after) = (Vec::new(), None);
        loop {
            let page = s.stores.billing.accounts(PaymentProvider::Stripe, after, size).await.unwrap();
            assert!(page.len() <= usize::try_from(size).unwrap());
            let Some(last) = page.last() else { break };
            after = Some(last.org);
            found.extend(page.iter().map(|account| account.org));
            for account in page.into_iter().filter(|account| orgs.contains(&account.org)) {
                assert_eq!(account, s.account(account.org).await);
            }
        }
        assert!(found.is_sorted() && found.windows(2).all(|pair| pair[0] != pair[1]), "by organization, each once");
        found.retain(|org| orgs.contains(org));
        assert_eq!(found, sorted, "those with a customer at this provider");
    }
}

async fn keeps_the_books(s: &Stage<'_>) {
    let (org, other) = (s.org().await, s.org().await);
    let mut kept = Vec::new();
    for why in Movement::REASONS {
        let full = Movement {
            from_plan: Some("free".to_owned()),
            from_monthly: Some(crate::Money::new(i64::MIN, "JPY".parse().unwrap())),
            cycle: Some(Cycle::Yearly),
            ..s.movement(org, why)
        };
        let bare = Movement { to_plan: None, cycle: None, to_monthly: None, ..s.movement(org, why) };
        for movement in [full, bare] {
            s.posted(&Posting { movement: Some(movement.clone()), ..s.next(org).await }).await;
            kept.push(movement);
        }
        s.posted(&s.next(org).await).await;
    }
    assert_eq!(s.stores.billing.movements(org).await.unwrap(), kept, "every field, oldest first");
    assert_eq!(s.stores.billing.movements(other).await.unwrap(), []);
}

async fn tells_what_time_changes(s: &Stage<'_>) {
    let start = s.tick();
    let (first, second, third, never) = (s.org().await, s.org().await, s.org().await, s.org().await);
    let due = async |seconds: u32, limit: u32| s.stores.billing.due(start + SECOND * seconds, limit).await.unwrap();
    let set = async |org, seconds: Option<u32>| {
        let next_at = seconds.map(|seconds| start + SECOND * seconds);
        s.posted(&Posting { next_at, ..s.next(org).await }).await;
    };
    for (org, seconds) in [(third, Some(30)), (first, Some(10)), (second, Some(20)), (never, None)] {
        set(org, seconds).await;
    }
    assert_eq!(due(9, 9).await, []);
    assert_eq!(due(10, 9).await, [first], "from that moment on");
    assert_eq!(due(99, 9).await, [first, second, third], "the longest overdue first");
    assert_eq!(due(99, 2).await, [first, second]);
    set(first, Some(40)).await;
    assert_eq!(due(99, 9).await, [second, third, first]);
    for org in [first, second, third] {
        set(org, None).await;
    }
    assert_eq!(due(99, 9).await, []);
}

async fn is_nobodys_after_deletion(s: &Stage<'_>) {
    let (org, at) = (s.org().await, s.tick());
    let mut posting = s.next(org).await;
    posting.account.customer = Some(s.name("cus"));
    s.posted(&Posting { next_at: Some(at), ..posting.clone() }).await;
    let event = s.received().await;
    s.stores.world.delete(org).await;
    assert_eq!(s.stores.billing.account(org, PaymentProvider::Stripe).await.unwrap(), None);
    assert!(!s.stores.billing.due(at, 100).await.unwrap().contains(&org));
    posting.account.version = 2;
    let late = Posting { settles: Settles::Event(event.clone()), ..posting };
    assert_eq!(s.post(&late).await, Posted::NoOrg);
    assert!(s.claimed(s.tick()).await.contains(&event), "and the event is not over by that");
    s.stores.inbox.ignore(&event, s.tick()).await.unwrap();
}

async fn is_all_or_nothing(s: &Stage<'_>) {
    let (org, other) = (s.org().await, s.org().await);
    let own = s.invoice(org, PaymentProvider::Manual);
    let base = Posting { invoices: vec![own], movement: Some(s.movement(org, "checkout")), ..s.next(org).await };
    let with = |change: &dyn Fn(&mut Posting)| {
        let mut posting = base.clone();
        change(&mut posting);
        posting
    };
    let foreign = s.invoice(other, PaymentProvider::Stripe);
    s.bill(vec![foreign.clone()]).await;
    let stolen = crate::Invoice { org, ..foreign.clone() };
    s.refused(&with(&|p| p.invoices.push(foreign.clone())), "an invoice of another organization").await;
    s.refused(&with(&|p| p.invoices.push(stolen.clone())), "another organization's under one's own name").await;
    s.refused(&with(&|p| p.outgoing = Some(s.outgoing(other))), "a command for another organization").await;
    s.refused(&with(&|p| p.movement = Some(s.movement(other, "checkout"))), "another one's movement").await;
    s.refused(&with(&|p| p.movement = Some(s.movement(org, "luck"))), "a movement without a reason").await;
    assert_eq!(s.listed(other).await, [foreign], "which is as it was");

    let pending = s.agreed(org).await;
    let second = Posting { outgoing: Some(s.outgoing(org)), account: s.next(org).await.account, ..base.clone() };
    assert_eq!(s.post(&second).await, Posted::ChangePending);
    let unknown = Settles::Event(super::stage::key(&s.event()));
    let over = Posting { settles: unknown, outgoing: None, ..second.clone() };
    assert_eq!(s.post(&over).await, Posted::AlreadySettled, "an event that there is not");
    assert_eq!(s.account(org).await.version, 1, "nothing happened");
    assert_eq!((s.stores.billing.movements(org).await.unwrap(), s.listed(org).await), (vec![], vec![]));
    assert_eq!(s.stores.outbox.pending(org).await.unwrap(), Some(pending.clone()));

    let event = s.received().await;
    let grant = Some(s.grant(("starter", 2), Access::Active));
    let all = Posting { settles: Settles::Event(event.clone()), grant, outgoing: None, ..second };
    s.posted(&all).await;
    assert_eq!(s.account(org).await, all.account);
    assert_eq!(s.listed(org).await[0].total, usd(1900));
    assert_eq!(s.stores.billing.movements(org).await.unwrap().len(), 1);
    assert_eq!(s.stores.world.entitled(org).await.unwrap().plan, "starter");
    assert!(!s.claimed(s.tick()).await.contains(&event), "the event is over");
    s.posted(&Posting { settles: Settles::Task(pending.id), ..s.next(org).await }).await;
    assert_eq!(s.stores.outbox.pending(org).await.unwrap(), None, "and so is the command");
}
