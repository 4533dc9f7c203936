use billing_core::GatewayError;
use kernel::Timestamp;
use serde_json::Value;
use stripe_billing::subscription::UpdateSubscription;
use stripe_billing::subscription_schedule::{
    CreateSubscriptionSchedule, ReleaseSubscriptionSchedule, RetrieveSubscriptionSchedule, UpdateSubscriptionSchedule,
    UpdateSubscriptionSchedulePhases, UpdateSubscriptionSchedulePhasesDiscounts,
    UpdateSubscriptionSchedulePhasesDuration, UpdateSubscriptionSchedulePhasesDurationInterval,
    UpdateSubscriptionSchedulePhasesEndDate, UpdateSubscriptionSchedulePhasesItems,
    UpdateSubscriptionSchedulePhasesProrationBehavior, UpdateSubscriptionSchedulePhasesStartDate,
    UpdateSubscriptionSchedulePhasesTrialEnd,
};
use stripe_client_core::StripeRequest;
use stripe_shared::SubscriptionScheduleEndBehavior;

use crate::gateway::{StripeGateway, step};
use crate::read::{Object, Running, id};

impl StripeGateway {
    /// Sells it as another price from its next period on: a schedule of two phases, the one that runs and the one to come, which then
    /// lets go of the subscription. A subscription's own price cannot be set for later, and tier follows price.
    pub(crate) async fn change_later(&self, external: &str, price: &str, once: &str) -> Result<(), GatewayError> {
        let running = self.running(external).await?;
        if running.has_ended {
            return Err(GatewayError::Refused("the subscription has ended".to_owned()));
        }
        if running.ends_with_period {
            // What is sold on does not end. It may be that its schedule says so, which goes with the schedule.
            self.release(running.schedule.as_deref(), once).await?;
            let keep = UpdateSubscription::new(id(external)?).cancel_at_period_end(false);
            self.ask(keep.build(), Some(&step(once, "keep"))).await?;
        } else if running.scheduled.as_ref().is_some_and(|(scheduled, _)| scheduled == price) {
            return Ok(());
        } else if running.price == price {
            return self.release(running.schedule.as_deref(), once).await;
        }
        let schedule = self.schedule_of(external, once).await?;
        let schedule = Object::new(&schedule);
        let update = UpdateSubscriptionSchedule::new(id(schedule.need("/id")?)?)
            .end_behavior(SubscriptionScheduleEndBehavior::Release)
            .phases(phases(schedule, &running, price)?);
        // In another period it is another request, which must not go under the name of the last one.
        let name = step(once, &format!("phases-{}", running.period.start.timestamp()));
        self.ask(update.build(), Some(&name)).await?;
        Ok(())
    }

    /// The schedule of a subscription; made from what runs if there is none.
    async fn schedule_of(&self, external: &str, once: &str) -> Result<Value, GatewayError> {
        let now = self.running(external).await?;
        let request = match &now.schedule {
            Some(schedule) => {
                return Ok(self.ask(RetrieveSubscriptionSchedule::new(id(schedule)?).build(), None).await?);
            }
            None => CreateSubscriptionSchedule::new().from_subscription(external).build(),
        };
        let name = step(once, &format!("schedule-{}", now.period.start.timestamp()));
        Ok(self.ask(request, Some(&name)).await?)
    }

    /// Lets a schedule go: the subscription runs on as it is.
    pub(crate) async fn release(&self, schedule: Option<&str>, once: &str) -> Result<(), GatewayError> {
        let Some(schedule) = schedule else { return Ok(()) };
        let release = ReleaseSubscriptionSchedule::new(id(schedule)?).preserve_cancel_date(false);
        match self.ask(release.build(), Some(&step(once, "release"))).await {
            Ok(_) => Ok(()),
            Err(failure) if failure.is_refusal() && self.is_over(schedule).await? => Ok(()),
            Err(failure) => Err(failure.into()),
        }
    }

    async fn is_over(&self, schedule: &str) -> Result<bool, GatewayError> {
        let now = self.ask(RetrieveSubscriptionSchedule::new(id(schedule)?).build(), None).await?;
        Ok(matches!(Object::new(&now).text("/status"), Some("released" | "canceled" | "completed")))
    }
}

type Phase = UpdateSubscriptionSchedulePhases;
type Item = UpdateSubscriptionSchedulePhasesItems;

/// The phase that runs, until the period ends, and the one to come. Discounts and taxes of the first hold for the second.
fn phases(schedule: Object<'_>, running: &Running, price: &str) -> Result<Vec<Phase>, GatewayError> {
    let now = schedule.time("/current_phase/start_date").or_else(|| schedule.time("/phases/0/start_date"));
    let now = now.ok_or_else(|| GatewayError::broken("a schedule without a phase"))?;
    let mut first = phase(schedule, (&running.price, running.quantity));
    first.start_date = Some(UpdateSubscriptionSchedulePhasesStartDate::Timestamp(now.timestamp()));
    first.end_date = Some(UpdateSubscriptionSchedulePhasesEndDate::Timestamp(running.period.end.timestamp()));
    let trial = running.trial_end.as_ref().map(Timestamp::timestamp);
    first.trial_end = trial.map(UpdateSubscriptionSchedulePhasesTrialEnd::Timestamp);
    let mut next = phase(schedule, (price, running.quantity));
    // However long it is: when it is over, the schedule lets go and the price stays.
    let month = UpdateSubscriptionSchedulePhasesDurationInterval::Month;
    next.duration = Some(UpdateSubscriptionSchedulePhasesDuration::new(month));
    Ok(vec![first, next])
}

fn phase(schedule: Object<'_>, (price, quantity): (&str, u64)) -> Phase {
    let mut item = Item::new();
    item.price = Some(price.to_owned());
    item.quantity = Some(quantity);
    let mut phase = Phase::new(vec![item]);
    phase.proration_behavior = Some(UpdateSubscriptionSchedulePhasesProrationBehavior::None);
    let running = schedule.items("/phases").next();
    let discounts: Vec<_> = running.into_iter().flat_map(|phase| phase.items("/discounts")).map(discount).collect();
    let rates = running.into_iter().flat_map(|phase| phase.items("/default_tax_rates")).filter_map(|rate| rate.id(""));
    let rates: Vec<_> = rates.map(str::to_owned).collect();
    phase.discounts = (!discounts.is_empty()).then_some(discounts);
    phase.default_tax_rates = (!rates.is_empty()).then_some(rates);
    phase
}

/// A discount as it is given: by what made it.
fn discount(object: Object<'_>) -> UpdateSubscriptionSchedulePhasesDiscounts {
    let name = |path: &str| object.id(path).map(str::to_owned);
    let mut discount = UpdateSubscriptionSchedulePhasesDiscounts::new();
    discount.promotion_code = name("/promotion_code");
    if discount.promotion_code.is_none() {
        discount.coupon = name("/coupon");
    }
    if discount.promotion_code.is_none() && discount.coupon.is_none() {
        discount.discount = name("/discount");
    }
    discount
}
