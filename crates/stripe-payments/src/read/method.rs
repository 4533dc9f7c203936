use billing_core::{GatewayError, PaymentMethod};

use super::object::Object;

/// A payment method. The default one is known by name.
pub(crate) fn method(object: Object<'_>, default: Option<&str>) -> Result<PaymentMethod, GatewayError> {
    let (id, kind) = (object.need("/id")?, object.text("/type").unwrap_or("unknown"));
    let text = |field: &str| object.text(&format!("/{kind}/{field}")).map(str::to_owned);
    let number = |field: &str| object.number(&format!("/{kind}/{field}"));
    Ok(PaymentMethod {
        id: id.to_owned(),
        kind: kind.to_owned(),
        brand: text("brand").or_else(|| text("bank_name")).unwrap_or_default(),
        last4: text("last4").unwrap_or_default(),
        exp_month: number("exp_month").and_then(|month| u32::try_from(month).ok()),
        exp_year: number("exp_year").and_then(|year| i32::try_from(year).ok()),
        is_default: default == Some(id),
        country: text("country"),
        funding: text("funding"),
        created: object.time("/created").unwrap_or_default(),
    })
}

/// The one that is charged by default: the customer's choice, else that of a subscription that runs.
pub(crate) fn described<'a>(
    customer: Object<'a>,
    mut subscriptions: impl Iterator<Item = Object<'a>>,
) -> Option<&'a str> {
    let chosen = customer.id("/invoice_settings/default_payment_method");
    chosen.or_else(|| subscriptions.find_map(|subscription| subscription.id("/default_payment_method")))
}
