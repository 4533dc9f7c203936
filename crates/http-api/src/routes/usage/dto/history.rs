use kernel::UserId;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use usage_core::{Days, Grain, History, Slot};
use utoipa::{IntoParams, ToSchema};

use super::quota::by_service;
use crate::input::Fields;
use crate::problem::Problem;

/// Which part of the history.
#[derive(Debug, Default, Deserialize, IntoParams)]
pub(crate) struct HistoryQuery {
    /// The last so many days, today included: 1 to 366; 30 when absent, or what `period` needs.
    #[param(minimum = 1, maximum = 366, example = 30, nullable = false)]
    days: Option<u16>,
    /// How the days are cut: `daily`, `weekly` (from Monday) or `monthly`.
    #[param(pattern = "^(daily|weekly|monthly)$", example = "daily", nullable = false)]
    period: Option<String>,
    /// What `groups` are made by: `day`, `service` or `user`.
    #[param(pattern = "^(day|service|user)$", example = "day", nullable = false)]
    group_by: Option<String>,
}

/// Which days.
#[derive(Debug, Default, Deserialize, IntoParams)]
pub(crate) struct DaysQuery {
    /// The last so many days, today included: 1 to 366; 30 when absent.
    #[param(minimum = 1, maximum = 366, example = 30, nullable = false)]
    days: Option<u16>,
}

/// By what the groups are made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum GroupBy {
    Day,
    Service,
    User,
}

/// What was asked for.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Asked {
    pub(crate) days: u16,
    pub(crate) grain: Grain,
    group_by: GroupBy,
}

impl Asked {
    /// Whether users are told apart.
    pub(crate) fn by_user(self) -> bool {
        self.group_by == GroupBy::User
    }
}

impl HistoryQuery {
    pub(crate) fn read(self) -> Result<Asked, Problem> {
        let mut fields = Fields::default();
        let period = |text: String| Grain::parse(&text).ok_or("must be daily, weekly or monthly");
        let grain = fields.read_some("?period", self.period, period);
        let group = |text: String| match text.as_str() {
            "day" => Ok(GroupBy::Day),
            "service" => Ok(GroupBy::Service),
            "user" => Ok(GroupBy::User),
            _ => Err("must be day, service or user"),
        };
        let group_by = fields.read_some("?group_by", self.group_by, group).unwrap_or(GroupBy::Day);
        let usual = match grain {
            None | Some(Grain::Day) => 30,
            Some(Grain::Week) => 84,
            Some(Grain::Month) => 366,
        };
        let days = self.days.unwrap_or(usual);
        if !(1..=Days::MAX).contains(&days) {
            fields.wrong("?days", "invalid_value", "must be from 1 to 366");
        }
        fields.done(Some(Asked { days, grain: grain.unwrap_or(Grain::Day), group_by }))
    }
}

impl DaysQuery {
    pub(crate) fn read(self) -> Result<Asked, Problem> {
        HistoryQuery { days: self.days, ..HistoryQuery::default() }.read()
    }
}

/// What was used on some days.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = UsageHistory)]
pub(crate) struct HistoryAnswer {
    /// Who asks.
    #[schema(example = "usr_01890a5d-ac96-774b-bcce-b302099a8057")]
    user: String,
    /// How many days.
    #[schema(example = 30)]
    days: u16,
    /// The stretches, the first first, zero where nothing was used.
    data: Vec<HistorySlot>,
    /// The same stretches as newer consoles read them.
    data_v2: HistoryV2,
    /// The same by what `group_by` says.
    groups: Vec<HistoryGroup>,
    /// All of it.
    summary: HistorySummary,
}

/// A day, a week or a month.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(as = UsageHistorySlot)]
struct HistorySlot {
    /// Its first day, of those that were asked for.
    #[schema(format = Date, example = "2026-01-31")]
    date: String,
    /// Its last day.
    #[schema(format = Date, example = "2026-01-31")]
    until: String,
    /// How much was used.
    #[schema(example = 17)]
    calls: u64,
    /// How much of it was which service.
    #[schema(value_type = Object, example = json!({"chat": 17}))]
    by_service: Map<String, Value>,
    /// What it cost in quota: the same as `calls`.
    #[schema(example = 17)]
    cost: u64,
}

/// The stretches under another name.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = UsageHistoryV2)]
struct HistoryV2 {
    /// The stretches.
    history: Vec<HistorySlot>,
}

/// A share of it.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = UsageHistoryGroup)]
struct HistoryGroup {
    /// Whose or which: a day, a service, or a user; `null` for calls that no person made.
    #[schema(example = "chat")]
    key: Option<String>,
    /// How many events.
    #[schema(example = 12)]
    events: u64,
    /// How much they cost together.
    #[schema(example = 17)]
    calls: u64,
}

/// All of it.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = UsageHistorySummary)]
struct HistorySummary {
    /// How much was used.
    #[schema(example = 17)]
    total_calls: u64,
    /// In how many events.
    #[schema(example = 12)]
    total_events: u64,
    /// How much of it was which service.
    #[schema(value_type = Object, example = json!({"chat": 17}))]
    by_service: Map<String, Value>,
}

impl From<&Slot> for HistorySlot {
    fn from(slot: &Slot) -> Self {
        Self {
            date: slot.days.from.to_string(),
            until: slot.days.to.to_string(),
            calls: slot.sum.quantity,
            by_service: by_service(&slot.services),
            cost: slot.sum.quantity,
        }
    }
}

fn groups(history: &History, by: GroupBy) -> Vec<HistoryGroup> {
    let group =
        |key: Option<String>, sum: &usage_core::Sum| HistoryGroup { key, events: sum.events, calls: sum.quantity };
    match by {
        GroupBy::Day => history.slots.iter().map(|slot| group(Some(slot.days.from.to_string()), &slot.sum)).collect(),
        GroupBy::Service => history.services.iter().map(|(name, sum)| group(Some(name.to_string()), sum)).collect(),
        GroupBy::User => {
            history.users.iter().map(|(user, sum)| group(user.map(|user| user.to_string()), sum)).collect()
        }
    }
}

impl HistoryAnswer {
    pub(crate) fn new(history: &History, by: UserId, asked: Asked) -> Self {
        let data: Vec<HistorySlot> = history.slots.iter().map(HistorySlot::from).collect();
        Self {
            user: by.to_string(),
            days: asked.days,
            data_v2: HistoryV2 { history: data.clone() },
            data,
            groups: groups(history, asked.group_by),
            summary: HistorySummary {
                total_calls: history.total.quantity,
                total_events: history.total.events,
                by_service: by_service(&history.services),
            },
        }
    }
}

/// What was used on each of some days.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = UsageDays)]
pub(crate) struct DailyAnswer {
    /// The days, the first first.
    daily: Vec<HistorySlot>,
    /// How much was used on all of them.
    #[schema(example = 17)]
    total: u64,
}

impl DailyAnswer {
    pub(crate) fn new(history: &History) -> Self {
        Self { daily: history.slots.iter().map(HistorySlot::from).collect(), total: history.total.quantity }
    }
}
