use actix_web::HttpResponse;
use actix_web::web::{Bytes, Data};
use futures_util::stream::try_unfold;
use kernel::OrgId;
use serde::{Deserialize, Serialize};
use usage_core::{Cursor, Days, Entry, Usage, UsageError};
use utoipa::IntoParams;

use crate::Raw;
use crate::caller::Member;
use crate::input::{Fields, Query};
use crate::problem::Problem;
use crate::wire::time;

/// What is to be in the file.
#[derive(Debug, Deserialize, IntoParams)]
pub(super) struct ExportQuery {
    /// `week` (7 days), `month` (30) or `year` (365), today included; `month` when absent.
    #[param(pattern = "^(week|month|year)$", example = "month", nullable = false)]
    period: Option<String>,
    /// `csv` or `jsonl`; `csv` when absent.
    #[param(pattern = "^(csv|jsonl)$", example = "csv", nullable = false)]
    format: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Format {
    Csv,
    Jsonl,
}

impl Format {
    const fn file(self) -> (&'static str, &'static str) {
        match self {
            Self::Csv => ("text/csv; charset=utf-8", "csv"),
            Self::Jsonl => ("application/jsonl", "jsonl"),
        }
    }
}

/// A ledger row as the file has it.
#[derive(Serialize)]
struct Row {
    event_id: String,
    kind: &'static str,
    user_id: Option<String>,
    service: Option<String>,
    action: Option<String>,
    quantity: i64,
    occurred_at: String,
    recorded_at: String,
}

/// The names of the columns, in the order of [`Row`].
const COLUMNS: [&str; 8] =
    ["event_id", "kind", "user_id", "service", "action", "quantity", "occurred_at", "recorded_at"];

impl From<&Entry> for Row {
    fn from(entry: &Entry) -> Self {
        Self {
            event_id: entry.event.to_string(),
            kind: entry.kind.as_str(),
            user_id: entry.user.map(|user| user.to_string()),
            service: entry.service.as_ref().map(ToString::to_string),
            action: entry.action.as_ref().map(|action| action.as_str().to_owned()),
            quantity: entry.quantity,
            occurred_at: time(entry.occurred_at),
            recorded_at: time(entry.recorded_at),
        }
    }
}

/// A cell that no spreadsheet takes for a formula (OWASP, CSV injection).
fn harmless(cell: String) -> String {
    if cell.starts_with(['=', '+', '-', '@', '\t', '\r']) { format!("'{cell}") } else { cell }
}

fn written(format: Format, entries: &[Entry], first: bool) -> std::io::Result<Bytes> {
    let rows = entries.iter().map(Row::from);
    if format == Format::Jsonl {
        let mut lines = Vec::new();
        for row in rows {
            serde_json::to_writer(&mut lines, &row)?;
            lines.push(b'\n');
        }
        return Ok(lines.into());
    }
    let mut table = csv::Writer::from_writer(Vec::new());
    if first {
        table.write_record(COLUMNS)?;
    }
    for row in rows {
        let text = |cell: Option<String>| harmless(cell.unwrap_or_default());
        let quantity = row.quantity.to_string();
        table.write_record([
            harmless(row.event_id),
            row.kind.to_owned(),
            text(row.user_id),
            text(row.service),
            text(row.action),
            quantity,
            row.occurred_at,
            row.recorded_at,
        ])?;
    }
    table.into_inner().map(Bytes::from).map_err(csv::IntoInnerError::into_error)
}

fn asked(query: ExportQuery) -> Result<(u16, Format), Problem> {
    let mut fields = Fields::default();
    let days = match query.period.as_deref() {
        None | Some("month") => Ok(30),
        Some("week") => Ok(7),
        Some("year") => Ok(365),
        Some(_) => Err("must be week, month or year"),
    };
    let format = match query.format.as_deref() {
        None | Some("csv") => Ok(Format::Csv),
        Some("jsonl") => Ok(Format::Jsonl),
        Some(_) => Err("must be csv or jsonl"),
    };
    let days = fields.read("?period", days);
    let format = fields.read("?format", format);
    fields.done(days.zip(format))
}

/// Where a stream of pages is.
enum At {
    First,
    After(Cursor),
    End,
}

/// The next page, and where the one after it begins.
async fn page(usage: &Usage, org: OrgId, days: Days, at: At) -> Result<Option<(Vec<Entry>, At)>, UsageError> {
    let after = match at {
        At::First => None,
        At::After(cursor) => Some(cursor),
        At::End => return Ok(None),
    };
    let export = usage.export(org, days, after).await?;
    Ok(Some((export.entries, export.next.map_or(At::End, At::After))))
}

pub(super) async fn export(usage: Data<Usage>, by: Member, query: Query<ExportQuery>) -> Result<Raw, Problem> {
    let (count, format) = asked(query.0)?;
    let (days, org) = (usage.last_days(count)?, by.membership.org());
    // The first page is read before the answer begins: a ledger that cannot be read is a 503, and not half a file.
    let first = page(&usage, org, days, At::First).await?;
    let usage = usage.get_ref().clone();
    let pages = try_unfold((first, true), move |(ready, first)| {
        let usage = usage.clone();
        async move {
            let Some((entries, next)) = ready else { return Ok(None) };
            let text = written(format, &entries, first)?;
            let ready = page(&usage, org, days, next).await.map_err(std::io::Error::other)?;
            Ok::<_, std::io::Error>(Some((text, (ready, false))))
        }
    });
    let (media_type, end) = format.file();
    let name = format!("attachment; filename=\"usage-{}.{end}\"", days.to);
    let mut answer = HttpResponse::Ok();
    Ok(Raw(answer.content_type(media_type).insert_header(("Content-Disposition", name)).streaming(pages)))
}

#[cfg(test)]
mod tests {
    use super::harmless;

    #[test]
    fn no_cell_begins_like_a_formula() {
        for (cell, shown) in
            [("=1+1", "'=1+1"), ("+1", "'+1"), ("-1", "'-1"), ("@x", "'@x"), ("chat", "chat"), ("", "")]
        {
            assert_eq!(harmless(cell.to_owned()), shown);
        }
    }
}
