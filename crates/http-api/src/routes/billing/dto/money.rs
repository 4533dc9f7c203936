//! Amounts on the wire.

use billing_core::Money;

/// An amount in major units, as the number that people read; only for the wire, nothing is reckoned with it. Yen have no minor unit,
/// dinars a thousand.
pub(in crate::routes) fn major(money: Money) -> f64 {
    let text = money.to_string();
    text.split(' ').next().unwrap_or_default().parse().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_currency_has_its_own_point() {
        for (minor, currency, shown) in [
            (1900, "USD", "19.0"),
            (-5, "EUR", "-0.05"),
            (1900, "JPY", "1900.0"),
            (1905, "KWD", "1.905"),
            (0, "USD", "0.0"),
        ] {
            let money = Money::new(minor, currency.parse().unwrap());
            assert_eq!(serde_json::to_string(&major(money)).unwrap(), shown, "{money}");
        }
    }
}
