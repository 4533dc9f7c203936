use billing_core::{Currency, Money};
use chrono::TimeDelta;
use kernel::{Period, Timestamp};

/// An amount in major units with separated thousands, without its currency: `1,234.50`.
pub(crate) fn number(minor: i64, currency: Currency) -> String {
    let plain = Money::new(minor, currency).to_string();
    let plain = plain.split(' ').next().unwrap_or_default();
    let (sign, digits) = plain.strip_prefix('-').map_or(("", plain), |digits| ("-", digits));
    let (whole, rest) = digits.find('.').map_or((digits, ""), |point| digits.split_at(point));
    format!("{sign}{}{rest}", grouped(whole))
}

/// Digits with separated thousands.
pub(crate) fn grouped(digits: &str) -> String {
    let mut grouped = String::new();
    for (position, digit) in digits.chars().enumerate() {
        if position > 0 && (digits.len() - position).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}

/// The same with its currency: `1,234.50 USD`.
pub(crate) fn amount(minor: i64, currency: Currency) -> String {
    format!("{} {currency}", number(minor, currency))
}

/// `22 Nov 2026`, UTC.
pub(crate) fn day(at: Timestamp) -> String {
    at.format("%-d %b %Y").to_string()
}

/// The first and the last day of a period: `1 Nov 2026 – 30 Nov 2026`.
pub(crate) fn days(period: &Period) -> String {
    let last = period.end.checked_sub_signed(TimeDelta::microseconds(1)).unwrap_or(period.end);
    if last.date_naive() <= period.start.date_naive() {
        return day(period.start);
    }
    format!("{} – {}", day(period.start), day(last))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn code(text: &str) -> Currency {
        text.parse().expect("a currency")
    }

    #[test]
    fn amounts_have_the_digits_of_their_currency() {
        assert_eq!(amount(1_900, code("USD")), "19.00 USD");
        assert_eq!(amount(123_456_789, code("EUR")), "1,234,567.89 EUR");
        assert_eq!(amount(-100_000, code("JPY")), "-100,000 JPY");
        assert_eq!(amount(1_234_567, code("KWD")), "1,234.567 KWD");
        assert_eq!(amount(-5, code("KWD")), "-0.005 KWD");
        assert_eq!(amount(i64::MIN, code("USD")), "-92,233,720,368,547,758.08 USD");
    }

    #[test]
    fn a_period_ends_on_its_last_day() {
        let at = |text: &str| text.parse::<Timestamp>().expect("a time");
        let days = |start, end| days(&Period { start: at(start), end: at(end) });
        assert_eq!(days("2026-11-01T00:00:00Z", "2026-12-01T00:00:00Z"), "1 Nov 2026 – 30 Nov 2026");
        assert_eq!(days("2026-11-01T10:00:00Z", "2026-12-01T10:00:00Z"), "1 Nov 2026 – 1 Dec 2026");
        assert_eq!(days("2026-11-01T00:00:00Z", "2026-11-02T00:00:00Z"), "1 Nov 2026");
        assert_eq!(days("2026-11-01T00:00:00Z", "2026-11-01T00:00:00Z"), "1 Nov 2026");
    }
}
