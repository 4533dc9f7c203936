//! What a change in the middle of a period costs.
use kernel::{Period, Timestamp};

use crate::{Cycle, Money, Proration};

/// What is paid for at the moment of a change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Running {
    /// What the period cost.
    pub amount: Money,
    /// How often it is paid.
    pub cycle: Cycle,
    /// The period.
    pub period: Period,
}

/// The change to a plan of this price at this moment: the rest of the period is given back on the old plan and charged on the new one, to
/// the second, each rounded half up. With another cycle a new period begins, of which all is charged. `None` when the currencies differ.
pub fn prorate(running: &Running, price: Money, cycle: Cycle, at: Timestamp) -> Option<Proration> {
    if running.amount.currency != price.currency {
        return None;
    }
    let Period { start, end } = running.period;
    let total = (end - start).num_seconds().max(1);
    let rest = (end - at).num_seconds().clamp(0, total);
    let credit_minor = share(running.amount.minor, rest, total)?;
    let charge_minor = if cycle == running.cycle { share(price.minor, rest, total)? } else { price.minor };
    let due = charge_minor.checked_sub(credit_minor)?;
    Some(Proration { charge_minor, credit_minor, due: Money::new(due, price.currency) })
}

/// `amount · rest / total`, rounded half up. Amounts are not negative.
fn share(amount: i64, rest: i64, total: i64) -> Option<i64> {
    let (amount, rest, total) = (i128::from(amount), i128::from(rest), i128::from(total));
    i64::try_from((2 * amount * rest + total) / (2 * total)).ok()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap_or_default()
    }

    fn usd(minor: i64) -> Money {
        Money::new(minor, "USD".parse().unwrap_or_else(|_| unreachable!("a code")))
    }

    fn running(minor: i64) -> Running {
        let period = Period { start: at("2026-11-01T00:00:00Z"), end: at("2026-12-01T00:00:00Z") };
        Running { amount: usd(minor), cycle: Cycle::Monthly, period }
    }

    #[test]
    fn half_a_month_costs_half_the_difference() {
        let proration = prorate(&running(1900), usd(4900), Cycle::Monthly, at("2026-11-16T00:00:00Z"));
        assert_eq!(proration, Some(Proration { charge_minor: 2450, credit_minor: 950, due: usd(1500) }));
    }

    #[test]
    fn another_cycle_begins_a_new_period() {
        let proration = prorate(&running(1900), usd(49000), Cycle::Yearly, at("2026-11-16T00:00:00Z"));
        assert_eq!(proration, Some(Proration { charge_minor: 49000, credit_minor: 950, due: usd(48050) }));
    }

    #[test]
    fn outside_of_the_period_nothing_is_left_or_all_of_it() {
        for (moment, due) in [("2026-10-01T00:00:00Z", 3000), ("2026-12-01T00:00:00Z", 0), ("2027-01-01T00:00:00Z", 0)]
        {
            let proration = prorate(&running(1900), usd(4900), Cycle::Monthly, at(moment));
            assert_eq!(proration.map(|it| it.due), Some(usd(due)), "{moment}");
        }
    }

    #[test]
    fn currencies_are_not_mixed() {
        let yen = Money::new(4900, "JPY".parse().unwrap_or_else(|_| unreachable!("a code")));
        assert_eq!(prorate(&running(1900), yen, Cycle::Monthly, at("2026-11-16T00:00:00Z")), None);
    }

    proptest! {
        #[test]
        fn nobody_pays_more_than_the_whole_or_gets_back_more(
            old in 0_i64..1_000_000_000, new in 0_i64..1_000_000_000, second in 0_i64..2_592_000, same in any::<bool>(),
        ) {
            let running = running(old);
            let moment = running.period.start + chrono::TimeDelta::seconds(second);
            let cycle = if same { Cycle::Monthly } else { Cycle::Yearly };
            let Some(proration) = prorate(&running, usd(new), cycle, moment) else { return Err(TestCaseError::fail("a price")) };
            prop_assert!((0..=old).contains(&proration.credit_minor));
            prop_assert!((0..=new).contains(&proration.charge_minor));
            prop_assert_eq!(proration.due.minor, proration.charge_minor - proration.credit_minor);
            if same && old <= new {
                prop_assert!(proration.due.minor >= 0);
            }
        }
    }
}
