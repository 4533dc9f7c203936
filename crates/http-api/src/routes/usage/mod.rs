//! What was used: recording it, and asking about it.

mod ask;
mod counter;
mod dto;
mod export;
mod gauge;
mod history;
mod record;
#[cfg(test)]
mod tests;

use crate::endpoint::Endpoint;

pub(crate) use self::counter::Counter;
pub(crate) use self::gauge::{Gauge, entitled, explained};

/// The operations of this area.
pub fn endpoints() -> Vec<Endpoint> {
    let rows = recording().into_iter().chain(asking());
    rows.map(|row| row.explains(explained)).collect()
}

fn recording() -> Vec<Endpoint> {
    vec![
        Endpoint::post("/api/v1/usage/track", record::track)
            .summary("Records a call, once, if it fits under the limits; the fields may come in the query instead")
            .fails(403, "upgrade_required")
            .fails(404, "unknown_service")
            .fails(409, "event_conflict")
            .fails(429, "quota_exceeded"),
        Endpoint::post("/api/v1/usage/track/batch", record::track_batch)
            .summary("Records up to 1 000 calls, each as if it came alone; an answer for each, in their order"),
        Endpoint::post("/api/v1/usage/reset-demo", record::reset_demo)
            .summary("Sets the organization's counters back, on a development installation only")
            .once(),
    ]
}

fn asking() -> Vec<Endpoint> {
    vec![
        Endpoint::get("/api/v1/usage/current", ask::current).summary("Where the organization stands in its month"),
        Endpoint::get("/api/v1/usage/summary", ask::summary).summary("The totals of the month"),
        Endpoint::get("/api/v1/usage/quota", ask::quota).summary("What is left of the month"),
        Endpoint::get("/api/v1/usage/limits", ask::limits).summary("The limits of every plan").fails(404, "not_found"),
        Endpoint::get("/api/v1/usage/features", ask::features)
            .summary("Which services the plan opens, and which not")
            .fails(404, "not_found"),
        Endpoint::get("/api/v1/usage/history", history::history)
            .summary("What was used, by day, week or month, with no gap"),
        Endpoint::get("/api/v1/usage/daily", history::daily).summary("What was used on each day"),
        Endpoint::get("/api/v1/usage/export", export::export)
            .summary("The ledger's rows, as a file")
            .serves(200, "text/csv", "A table; cells that a spreadsheet would take for formulas begin with `'`.")
            .serves(200, "application/jsonl", "A JSON object in each line."),
    ]
}
