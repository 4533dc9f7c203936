use super::stage::Stage;
use super::{events, periods, reservations, resets};
use crate::testing::UsageStores;

/// What every [`Ledger`](crate::Ledger) promises. Nothing else uses the database meanwhile: `expire` is asked how many there were.
pub async fn ledger_contract(stores: UsageStores<'_>) {
    events::records_and_counts(&Stage::new(stores)).await;
    events::records_an_event_once(&Stage::new(stores)).await;
    events::tells_payloads_apart(&Stage::new(stores)).await;
    events::the_limit_is_a_wall(&Stage::new(stores)).await;
    events::each_limit_has_its_say(&Stage::new(stores)).await;
    events::a_batch_is_admitted_in_its_order(&Stage::new(stores)).await;
    events::organizations_are_apart(&Stage::new(stores)).await;
    events::only_active_organizations_use(&Stage::new(stores)).await;
    events::a_plan_change_counts_at_once(&Stage::new(stores)).await;
    events::the_largest_numbers_count(&Stage::new(stores)).await;
    periods::late_events_go_to_their_own_period(&Stage::new(stores)).await;
    periods::what_is_too_late_or_too_early_is_refused(&Stage::new(stores)).await;
    periods::nothing_happened_before_there_was_the_organization(&Stage::new(stores)).await;
    periods::months_follow_their_anchor(&Stage::new(stores)).await;
    periods::days_are_utc(&Stage::new(stores)).await;
    reservations::hold_and_give_back(&Stage::new(stores)).await;
    reservations::settle_once(&Stage::new(stores)).await;
    reservations::settle_less_or_more(&Stage::new(stores)).await;
    reservations::settle_in_a_later_period(&Stage::new(stores)).await;
    reservations::what_ran_out_counts_no_more(&Stage::new(stores)).await;
    reservations::expire_in_steps(&Stage::new(stores)).await;
    reservations::hold_within_every_limit(&Stage::new(stores)).await;
    reservations::no_more_than_may_be_open(&Stage::new(stores)).await;
    resets::a_reset_compensates(&Stage::new(stores)).await;
    resets::a_reset_keeps_to_its_periods(&Stage::new(stores)).await;
    resets::a_reset_again(&Stage::new(stores)).await;
}
