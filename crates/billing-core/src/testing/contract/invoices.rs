use chrono::{Datelike, TimeDelta};
use kernel::{InvoiceId, OrgId, Page, Period};

use super::stage::{MINUTE, Stage};
use crate::testing::BillingStores;
use crate::{
    Cycle, Invoice, InvoiceFilter, InvoiceLine, InvoicePayment, InvoiceStatus, Money, PaymentProvider, Posted, Posting,
};

/// What every [`InvoiceStore`](crate::InvoiceStore) promises of what was posted.
pub async fn invoice_store_contract(stores: BillingStores<'_>) {
    keeps_every_field(&Stage::new(stores)).await;
    keeps_the_first_name(&Stage::new(stores)).await;
    lists_newest_first(&Stage::new(stores)).await;
    belongs_to_one_organization(&Stage::new(stores)).await;
    numbers_without_gaps(&Stage::new(stores)).await;
    numbers_each_year(&Stage::new(stores)).await;
}

/// Every way to read it says the same.
async fn same(s: &Stage<'_>, invoice: &Invoice) {
    assert_eq!(s.stores.invoices.one(invoice.org, invoice.id).await.unwrap().as_ref(), Some(invoice));
    let listed = s.listed(invoice.org).await;
    assert_eq!(listed.iter().find(|listed| listed.id == invoice.id), Some(invoice));
}

async fn keeps_every_field(s: &Stage<'_>) {
    let org = s.org().await;
    let start = s.tick();
    let period = Some(Period { start, end: start + MINUTE });
    let line = |description: &str, minor: i64| InvoiceLine {
        description: description.to_owned(),
        quantity: u32::MAX,
        unit_minor: minor,
        amount_minor: -minor,
        period: period.filter(|_| minor > 0),
    };
    let payment =
        |minor: i64| InvoicePayment { at: s.tick(), amount_minor: minor, method: "card visa \"4242\"".to_owned() };
    let full = Invoice {
        subtotal_minor: i64::MAX,
        tax_minor: i64::MIN + 1,
        total: Money::new(-1, "KWD".parse().unwrap()),
        due_at: Some(s.tick()),
        paid_at: Some(s.tick()),
        period,
        cycle: Some(Cycle::Yearly),
        description: "Söhne & \"Co\" \u{1f980} '; --".to_owned(),
        lines: vec![line("Größe\n\u{1f980}", i64::MAX), line("", -1)],
        payments: vec![payment(1), payment(i64::MAX)],
        customer: ("Zażółć".to_owned(), "a\nb".to_owned()),
        hosted_url: Some("https://pay.example.com/i/1?a=b".to_owned()),
        ..s.invoice(org, PaymentProvider::Stripe)
    };
    s.bill(vec![full.clone()]).await;
    same(s, &full).await;
    for status in InvoiceStatus::ALL {
        let next = Invoice { status, ..full.clone() };
        s.bill(vec![next.clone()]).await;
        same(s, &next).await;
    }
    let bare = Invoice {
        number: None,
        plan: None,
        cycle: None,
        lines: Vec::new(),
        description: String::new(),
        ..s.invoice(org, PaymentProvider::Lago)
    };
    s.bill(vec![bare.clone()]).await;
    same(s, &bare).await;
}

async fn keeps_the_first_name(s: &Stage<'_>) {
    let org = s.org().await;
    let first = s.invoice(org, PaymentProvider::Stripe);
    s.bill(vec![first.clone()]).await;
    let again = Invoice { id: InvoiceId::mint(s.stores.ambient), status: InvoiceStatus::Paid, ..first.clone() };
    let twice = Invoice { id: InvoiceId::mint(s.stores.ambient), tax_minor: 7, ..again.clone() };
    s.bill(vec![again.clone(), twice.clone()]).await;
    let kept = Invoice { id: first.id, ..twice };
    assert_eq!(
        s.listed(org).await,
        std::slice::from_ref(&kept),
        "one invoice, under its first name, as it was last said to be"
    );
    assert_eq!(s.stores.invoices.one(org, again.id).await.unwrap(), None);
    let namesake = Invoice { provider: PaymentProvider::Lago, id: InvoiceId::mint(s.stores.ambient), ..kept.clone() };
    s.bill(vec![namesake.clone()]).await;
    same(s, &namesake).await;
    same(s, &kept).await;

    let own = Invoice { external: None, ..s.invoice(org, PaymentProvider::Lago) };
    s.bill(vec![own.clone()]).await;
    let own = Invoice { status: InvoiceStatus::Void, ..own };
    s.bill(vec![own.clone()]).await;
    same(s, &own).await;
    assert_eq!(s.listed(org).await.len(), 3, "without a name of the provider's it is known by ours");
}

async fn lists_newest_first(s: &Stage<'_>) {
    let org = s.org().await;
    let mut made = Vec::new();
    for n in 0..7_usize {
        let status = InvoiceStatus::ALL[n % 3 + 1];
        made.push(Invoice { status, ..s.invoice(org, PaymentProvider::Stripe) });
    }
    // Two of one moment: the one with the later name comes first.
    made[6].issued_at = made[5].issued_at;
    let (five, six) = (made[5].id, made[6].id);
    (made[5].id, made[6].id) = (five.min(six), five.max(six));
    let shuffled = [3, 0, 6, 2, 5, 1, 4].map(|n: usize| made[n].clone());
    s.bill(shuffled.to_vec()).await;
    made.reverse();
    assert_eq!(s.listed(org).await, made, "newest first");
    let list = async |filter: InvoiceFilter, limit, offset| {
        let page = s.stores.invoices.list(org, &filter, Page::new(limit, offset).unwrap()).await.unwrap();
        assert_eq!(page.page, Page::new(limit, offset).unwrap());
        (page.items.iter().map(|invoice| invoice.id).collect::<Vec<_>>(), page.total)
    };
    let ids = |wanted: &dyn Fn(&Invoice) -> bool| {
        made.iter().filter(|invoice| wanted(invoice)).map(|invoice| invoice.id).collect::<Vec<_>>()
    };
    let all = InvoiceFilter::default();
    assert_eq!(list(all, 3, 0).await, (ids(&|_| true)[..3].to_vec(), 7));
    assert_eq!(list(all, 3, 6).await, (ids(&|_| true)[6..].to_vec(), 7));
    assert_eq!(list(all, 3, 7).await, (vec![], 7));
    for status in InvoiceStatus::ALL {
        let found = ids(&|invoice| invoice.status == status);
        let total = u64::try_from(found.len()).unwrap();
        assert_eq!(list(InvoiceFilter { status: Some(status), ..all }, 50, 0).await, (found, total));
    }
    let (from, to) = (made[5].issued_at, made[2].issued_at);
    let between = InvoiceFilter { from: Some(from), to: Some(to), status: None };
    let found = ids(&|invoice| from <= invoice.issued_at && invoice.issued_at < to);
    assert_eq!(list(between, 50, 0).await, (found, 3), "the first moment belongs to it, the last does not");
    let both = InvoiceFilter { status: Some(made[5].status), ..between };
    assert_eq!(list(both, 1, 0).await.0, [made[5].id]);
}

async fn belongs_to_one_organization(s: &Stage<'_>) {
    let (org, other) = (s.org().await, s.org().await);
    let invoice = s.invoice(org, PaymentProvider::Stripe);
    s.bill(vec![invoice.clone()]).await;
    assert_eq!(s.stores.invoices.one(other, invoice.id).await.unwrap(), None);
    assert_eq!(s.listed(other).await, []);
    assert_eq!(s.stores.invoices.one(org, InvoiceId::mint(s.stores.ambient)).await.unwrap(), None);
    let number = invoice.number.unwrap();
    assert_eq!(s.stores.invoices.numbered(&number).await.unwrap(), None, "a provider's number is none of ours");
}

/// A year that nobody else numbers in.
fn year(s: &Stage<'_>, invoice: Invoice) -> Invoice {
    let years = i32::from(u16::from_be_bytes(s.stores.ambient.random())) % 5_000 + 3_000;
    let issued_at = invoice.issued_at.with_day(1).unwrap().with_year(years).unwrap();
    Invoice { issued_at, ..invoice }
}

async fn number(s: &Stage<'_>, org: OrgId, id: InvoiceId) -> Option<String> {
    s.stores.invoices.one(org, id).await.unwrap().unwrap().number
}

async fn numbers_without_gaps(s: &Stage<'_>) {
    let (org, other) = (s.org().await, s.org().await);
    let first = year(s, s.invoice(org, PaymentProvider::Manual));
    let series = first.series();
    let of = |org: OrgId, minutes: i64| Invoice {
        issued_at: first.issued_at + TimeDelta::minutes(minutes),
        ..s.invoice(org, PaymentProvider::Manual)
    };
    let nth = |n| Some(Invoice::number(&series, n));
    let draft = Invoice { status: InvoiceStatus::Draft, ..of(org, 0) };
    s.bill(vec![draft.clone()]).await;
    assert_eq!(number(s, org, draft.id).await, None, "a draft has none");
    let second = of(org, 2);
    s.bill(vec![second.clone(), first.clone()]).await;
    assert_eq!(number(s, org, first.id).await.as_deref(), Some(&*format!("INV-{}-000001", first.issued_at.year())));
    assert_eq!(number(s, org, second.id).await, nth(2), "in the order of their issue");

    let lost = of(other, 3);
    let late = Posting { invoices: vec![lost.clone()], ..s.next(other).await };
    s.posted(&s.next(other).await).await;
    assert_eq!(s.post(&late).await, Posted::Moved);
    let foreign = Posting { invoices: vec![lost, of(org, 3)], ..s.next(other).await };
    s.refused(&foreign, "an invoice of another organization").await;
    let third = Invoice { number: Some("INV-1".to_owned()), ..of(other, 3) };
    s.bill(vec![third.clone()]).await;
    assert_eq!(number(s, other, third.id).await, nth(3), "what was not posted took none; nobody else gives numbers");
    let found = s.stores.invoices.numbered(&nth(3).unwrap()).await.unwrap();
    assert_eq!(found.map(|invoice| (invoice.org, invoice.id)), Some((other, third.id)), "of any organization");
    assert_eq!(s.stores.invoices.numbered(&nth(4).unwrap()).await.unwrap(), None);

    for (number, status) in [(None, InvoiceStatus::Paid), (nth(9), InvoiceStatus::Draft), (nth(1), InvoiceStatus::Void)]
    {
        let next = Invoice { number, status, ..third.clone() };
        s.bill(vec![next.clone()]).await;
        same(s, &Invoice { number: nth(3), ..next }).await;
    }
    s.bill(vec![Invoice { status: InvoiceStatus::Open, ..draft.clone() }]).await;
    assert_eq!(number(s, org, draft.id).await, nth(4), "what was a draft gets the next one");
}

async fn numbers_each_year(s: &Stage<'_>) {
    let org = s.org().await;
    let new = year(s, s.invoice(org, PaymentProvider::Manual));
    let new_year = new.issued_at.with_month(1).unwrap().with_day(1).unwrap().date_naive();
    let midnight = new_year.and_time(kernel::Timestamp::default().time()).and_utc();
    let new = Invoice { issued_at: midnight, ..new };
    let old = Invoice {
        id: InvoiceId::mint(s.stores.ambient),
        issued_at: midnight - TimeDelta::microseconds(1),
        ..new.clone()
    };
    s.bill(vec![new.clone(), old.clone()]).await;
    let numbers = (number(s, org, old.id).await, number(s, org, new.id).await);
    let first = |year: i32| Some(format!("INV-{year}-000001"));
    assert_eq!(numbers, (first(midnight.year() - 1), first(midnight.year())), "a series for each year, UTC");
}
