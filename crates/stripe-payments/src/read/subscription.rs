use billing_core::{GatewayError, Money, Payment, PaymentStatus, RemoteSubscription};
use kernel::{Period, Timestamp};

use super::charge::Charges;
use super::invoice::Bill;
use super::object::Object;

/// A subscription; what was paid for it is known from its invoices.
pub(crate) fn subscription(object: Object<'_>, payment: Payment) -> Result<RemoteSubscription, GatewayError> {
    let (amount, price) = amount_and_price(object)?;
    Ok(RemoteSubscription {
        external: object.need("/id")?.to_owned(),
        price: price.to_owned(),
        amount,
        status: status(object.need("/status")?),
        payment,
        created: object.need_time("/created")?,
        period: period(object)?,
        trial_ends_at: object.time("/trial_end"),
        cancel_at_period_end: ends_with_period(object),
        scheduled: scheduled(object, price),
        ended_at: object.time("/ended_at"),
    })
}

/// A word that is not known here begins nothing, and ends nothing.
fn status(word: &str) -> PaymentStatus {
    PaymentStatus::parse(word).unwrap_or(PaymentStatus::Incomplete)
}

/// What a cycle costs, and the price of the first thing that is sold.
pub(super) fn amount_and_price(object: Object<'_>) -> Result<(Money, &str), GatewayError> {
    let mut price = None;
    let mut total = 0_i64;
    for item in object.items("/items") {
        price = price.or_else(|| item.first_id(&["/price", "/plan"]));
        let quantity = item.number("/quantity").unwrap_or(1);
        total = total.saturating_add(unit(item).saturating_mul(quantity));
    }
    let currency = object.text("/currency").or_else(|| object.items("/items").next()?.text("/price/currency"));
    let currency = currency.unwrap_or_default().parse().map_err(GatewayError::broken)?;
    let price = price.ok_or_else(|| GatewayError::broken("a subscription to nothing"))?;
    Ok((Money::new(total, currency), price))
}

/// What one costs, in minor units; nothing where that depends on use.
fn unit(item: Object<'_>) -> i64 {
    let whole = || item.text("/price/unit_amount_decimal")?.split('.').next()?.parse().ok();
    item.number("/price/unit_amount").or_else(whole).unwrap_or(0)
}

/// The period now. It stands on the items; until 2025-03-31 it stood on the subscription.
pub(super) fn period(object: Object<'_>) -> Result<Period, GatewayError> {
    let first = object.items("/items").next();
    let time = |name: &str| {
        let path = format!("/current_period_{name}");
        first.and_then(|item| item.time(&path)).or_else(|| object.time(&path))
    };
    let created = object.need_time("/created")?;
    let start = time("start").unwrap_or(created);
    Ok(Period { start, end: time("end").unwrap_or(start) })
}

/// Whether it ends with its period: because that was said, because a time was set for it, or because its schedule does.
pub(super) fn ends_with_period(object: Object<'_>) -> bool {
    let end = period(object).ok().map(|period| period.end);
    let at_or_before = |time: Option<Timestamp>| time.is_some_and(|time| Some(time) <= end);
    let by_schedule = object.text("/schedule/end_behavior") == Some("cancel")
        && object.text("/schedule/status") == Some("active")
        && at_or_before(object.items("/schedule/phases").last().and_then(|phase| phase.time("/end_date")));
    object.flag("/cancel_at_period_end") || at_or_before(object.time("/cancel_at")) || by_schedule
}

/// What it will be sold as, and from when: the next phase of its schedule with another price.
pub(super) fn scheduled(object: Object<'_>, price: &str) -> Option<(String, Timestamp)> {
    let schedule = object.get("/schedule").filter(|it| it.text("/status") == Some("active"))?;
    let now = schedule.time("/current_phase/start_date")?;
    let later = schedule.items("/phases").filter(|phase| phase.time("/start_date").is_some_and(|start| start > now));
    let mut changes = later.filter_map(|phase| {
        let next = phase.items("/items").next()?.first_id(&["/price", "/plan"])?;
        Some((next.to_owned(), phase.time("/start_date")?)).filter(|_| next != price)
    });
    changes.next()
}

/// The invoices that decide whether a subscription is paid for: the newest that asks for money and is no draft, then those beside it that
/// cover the period now. `bills` are the customer's, newest first.
pub(crate) fn deciding<'b, 'a>(
    subscription: Object<'_>,
    bills: &'b [Bill<'a>],
) -> Result<Vec<&'b Bill<'a>>, GatewayError> {
    let (id, period) = (subscription.need("/id")?, period(subscription)?);
    let mut of_this = bills.iter().filter(|bill| bill.subscription == Some(id) && bill.asks());
    let newest = of_this.next();
    Ok(newest.into_iter().chain(of_this.filter(|bill| bill.covers(period))).collect())
}

/// Whether a subscription is paid for, as the invoices say that decide. The customer's bank may take back each of them.
pub(crate) fn owes(deciding: &[&Bill<'_>], charges: &Charges) -> Payment {
    let Some(newest) = deciding.first() else { return Payment::NotRequired };
    if !newest.is_paid() {
        return Payment::Unpaid;
    }
    if deciding.iter().flat_map(|bill| bill.charges(charges)).any(|charge| charge.disputed) {
        return Payment::Disputed;
    }
    if newest.was_returned(charges) { Payment::Refunded } else { Payment::Paid }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn of(value: &Value) -> RemoteSubscription {
        subscription(Object::new(value), Payment::Paid).unwrap()
    }

    fn basis() -> Value {
        json!({"id": "sub_1", "status": "active", "created": 1000, "currency": "usd", "customer": "cus_1",
            "items": {"data": [{"id": "si_1", "quantity": 2, "price": {"id": "price_1", "unit_amount": 700},
                "current_period_start": 2000, "current_period_end": 3000}]}})
    }

    fn with(change: Value) -> Value {
        let mut value = basis();
        value.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
        value
    }

    #[test]
    fn both_shapes_of_the_period_are_read() {
        let newer = of(&basis());
        assert_eq!(
            (newer.period.start.timestamp(), newer.period.end.timestamp(), newer.amount.minor),
            (2000, 3000, 1400)
        );
        let older = of(&with(json!({"current_period_start": 4000, "current_period_end": 5000,
            "items": {"data": [{"id": "si_1", "price": {"id": "price_1", "unit_amount": 700}}]}})));
        assert_eq!(
            (older.period.start.timestamp(), older.period.end.timestamp(), older.amount.minor),
            (4000, 5000, 700)
        );
    }

    #[test]
    fn an_unknown_status_begins_nothing() {
        assert_eq!(of(&with(json!({"status": "dormant"}))).status, PaymentStatus::Incomplete);
    }

    #[test]
    fn the_end_is_found_in_each_of_three_places() {
        assert!(!of(&basis()).cancel_at_period_end);
        assert!(of(&with(json!({"cancel_at_period_end": true}))).cancel_at_period_end);
        assert!(of(&with(json!({"cancel_at": 3000}))).cancel_at_period_end);
        assert!(!of(&with(json!({"cancel_at": 9000}))).cancel_at_period_end);
        let schedule = json!({"id": "s", "status": "active", "end_behavior": "cancel", "phases": [{"end_date": 3000}]});
        assert!(of(&with(json!({"schedule": schedule}))).cancel_at_period_end);
    }

    #[test]
    fn what_is_agreed_for_later_is_the_next_phase_with_another_price() {
        let phases = json!([{"start_date": 2000, "items": [{"price": "price_1"}]}, {"start_date": 3000, "items": [{"price": {"id": "price_2"}}]}]);
        let mut schedule =
            json!({"id": "s", "status": "active", "current_phase": {"start_date": 2000}, "phases": phases});
        let scheduled = of(&with(json!({"schedule": schedule}))).scheduled.unwrap();
        assert_eq!((scheduled.0.as_str(), scheduled.1.timestamp()), ("price_2", 3000));
        schedule["status"] = json!("released");
        assert_eq!(of(&with(json!({"schedule": schedule}))).scheduled, None);
        assert_eq!(of(&with(json!({"schedule": "sub_sched_1"}))).scheduled, None);
    }

    fn judged(bills: &Value, charges: &Value) -> Payment {
        let mut known = Charges::default();
        known.take(Object::new(charges).items(""));
        for charge in Object::new(charges).items("") {
            known.judge(charge.text("/id").unwrap(), charge.items("/disputes"));
        }
        let bills: Vec<_> = Object::new(bills).items("").map(Bill::read).collect();
        owes(&deciding(Object::new(&basis()), &bills).unwrap(), &known)
    }

    fn bill(id: &str, status: &str, total: i64) -> Value {
        json!({"id": id, "status": status, "total": total, "parent": {"subscription_details": {"subscription": "sub_1"}},
            "payments": {"data": [{"status": "paid", "payment": {"payment_intent": format!("pi_{id}")}}]},
            "lines": {"data": [{"period": {"start": 2000, "end": 3000}}]}})
    }

    fn charge(id: &str, refunded: i64, disputes: &[&str]) -> Value {
        let disputes: Vec<_> = disputes.iter().map(|status| json!({"status": status})).collect();
        json!({"id": format!("ch_{id}"), "payment_intent": format!("pi_{id}"), "status": "succeeded", "amount_captured": 5,
            "amount_refunded": refunded, "disputes": disputes})
    }

    #[test]
    fn whether_it_is_paid_for() {
        let (one, two) = (|status| bill("1", status, 5), |status| bill("2", status, 5));
        let none = json!([]);
        assert_eq!(judged(&none, &none), Payment::NotRequired);
        assert_eq!(judged(&json!([bill("1", "paid", 0)]), &none), Payment::NotRequired);
        assert_eq!(judged(&json!([one("open")]), &none), Payment::Unpaid);
        assert_eq!(judged(&json!([one("uncollectible"), two("paid")]), &none), Payment::Unpaid);
        assert_eq!(judged(&json!([one("paid")]), &json!([charge("1", 0, &[])])), Payment::Paid);
        // A renewal is a draft for an hour, a downgrade leaves a credit, a void invoice asks for nothing: the one before decides.
        for newest in [bill("2", "draft", 5), bill("2", "paid", -3), bill("2", "void", 5)] {
            assert_eq!(judged(&json!([newest, one("paid")]), &json!([charge("1", 0, &[])])), Payment::Paid);
            assert_eq!(judged(&json!([newest, one("paid")]), &json!([charge("1", 5, &[])])), Payment::Refunded);
        }
        assert_eq!(judged(&json!([one("paid")]), &json!([charge("1", 4, &[])])), Payment::Paid);
        assert_eq!(judged(&json!([one("paid")]), &json!([charge("1", 0, &["needs_response"])])), Payment::Disputed);
        assert_eq!(judged(&json!([one("paid")]), &json!([charge("1", 0, &["won"])])), Payment::Paid);
        // The bank takes back what was paid for this period, though something was paid since.
        let charges = json!([charge("1", 0, &["lost"]), charge("2", 0, &[])]);
        assert_eq!(judged(&json!([two("paid"), one("paid")]), &charges), Payment::Disputed);
    }

    #[test]
    fn an_invoice_of_another_subscription_pays_for_nothing() {
        let mut other = bill("1", "paid", 5);
        other["parent"]["subscription_details"]["subscription"] = json!("sub_2");
        assert_eq!(judged(&json!([other]), &json!([])), Payment::NotRequired);
    }
}
