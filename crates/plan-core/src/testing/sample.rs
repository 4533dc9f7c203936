#![expect(clippy::unwrap_used, clippy::missing_panics_doc, reason = "the sample is a good catalogue")]

use crate::{Catalogue, PlanDraft, PlanPatch, Service, ServiceDraft};

const SERVICES: [&str; 12] = [
    "audit-logs",
    "billing",
    "bolt",
    "chat",
    "litellm",
    "ops-center",
    "search",
    "search-reranking",
    "sso",
    "stt",
    "team-management",
    "tts",
];

const FREE: &[&str] = &["ops-center", "chat"];
const STARTER: &[&str] = &["ops-center", "chat", "search"];
const PROFESSIONAL: &[&str] = &["ops-center", "chat", "search", "search-reranking", "tts", "stt", "billing", "litellm"];

/// A line of the table: level, cents a month and a year, then calls a month, calls a day, requests a minute, searches, seats.
struct Row(&'static str, [i64; 8], bool, &'static [&'static str]);

const PLANS: [Row; 6] = [
    Row("free", [0, 0, 0, 1_000, 33, 10, 1, 1], false, FREE),
    Row("trial", [1, 0, 0, 1_000, 100, 10, 1, 1], false, STARTER),
    Row("starter", [2, 1_900, 19_000, 1_000, -1, 100, 3, 3], true, STARTER),
    Row("professional", [3, 4_900, 49_000, 10_000, -1, 1_000, 10, 5], true, PROFESSIONAL),
    Row("founders-friend", [3, 4_900, 49_000, 10_000, -1, 1_000, 10, 5], true, PROFESSIONAL),
    Row("enterprise", [4, 9_900, 99_000, -1, -1, -1, -1, 10], true, &SERVICES),
];

/// The catalogue that the tests of every crate speak of: free, trial (14 days), starter, professional, founders-friend (not public)
/// and enterprise, over twelve services.
pub fn sample_catalogue() -> Catalogue {
    let services: Vec<Service> = SERVICES.into_iter().map(service).collect();
    let plans = PLANS.iter().map(|row| draft(row).build(&services).unwrap()).collect();
    Catalogue::new(plans, services)
}

fn service(name: &str) -> Service {
    let draft = ServiceDraft { service: name.to_owned(), display_name: name.to_uppercase(), ..ServiceDraft::default() };
    draft.build().unwrap()
}

fn draft(Row(id, numbers, byok, services): &Row) -> PlanDraft {
    let [level, month, year, calls, calls_a_day, rate, searches, seats] = *numbers;
    let values = PlanPatch {
        name: Some(id.to_uppercase()),
        level: Some(level),
        price_monthly_cents: Some(month),
        price_yearly_cents: Some(year),
        api_calls_limit: Some(calls),
        daily_limit: Some(calls_a_day),
        rate_limit: Some(rate),
        concurrent_searches: Some(searches),
        team_seats: Some(seats),
        byok_enabled: Some(*byok),
        services: Some(services.iter().map(|&name| name.to_owned()).collect()),
        trial_days: Some(if *id == "trial" { 14 } else { 0 }),
        is_public: Some(*id != "founders-friend"),
        ..PlanPatch::default()
    };
    PlanDraft { id: (*id).to_owned(), values }
}
