use clap::Args;
use http_api::endpoint::Who;
use serde_json::{Value, json};

use super::Json;
use super::output::{say, say_json};
use crate::failure::Failure;

const EXAMPLES: &str = "\
EXAMPLES:
  ops-center routes
  ops-center routes --json | jq -r '.[] | select(.who == \"anyone\") | .path'
  ops-center routes --csrf-exempt";

/// List the operations: method, path and who may call them
#[derive(Debug, Args)]
#[command(after_long_help = EXAMPLES)]
pub(super) struct RoutesArgs {
    /// Only those that take a cookie's word without the CSRF policy
    #[arg(long)]
    csrf_exempt: bool,
    #[command(flatten)]
    output: Json,
}

/// Print the OpenAPI 3.1 document of this version
///
/// The running server has the same under /openapi.json.
#[derive(Debug, Args)]
#[command(after_long_help = "EXAMPLES:\n  ops-center openapi > openapi.json")]
pub(super) struct OpenapiArgs {}

struct Row {
    method: String,
    path: &'static str,
    who: String,
}

impl RoutesArgs {
    pub(super) fn run(self) -> Result<(), Failure> {
        if self.csrf_exempt {
            let exempt = http_api::csrf_exempt();
            return if self.output.json {
                say_json(&exempt)
            } else {
                say(&exempt.iter().map(|row| format!("{row}\n")).collect::<String>())
            };
        }
        let rows = rows();
        if self.output.json {
            let rows: Vec<Value> =
                rows.iter().map(|row| json!({ "method": row.method, "path": row.path, "who": row.who })).collect();
            return say_json(&rows);
        }
        let width = rows.iter().map(|row| row.path.len()).max().unwrap_or(0);
        say(&rows
            .iter()
            .map(|row| format!("{:<6} {:<width$}  {}\n", row.method, row.path, row.who))
            .collect::<String>())
    }
}

fn rows() -> Vec<Row> {
    let mut rows = Vec::new();
    for endpoint in http_api::routes::endpoints() {
        for path in &endpoint.paths {
            rows.push(Row { method: endpoint.method.to_string(), path, who: who(endpoint.doc.who) });
        }
    }
    rows.sort_by(|a, b| (a.path, &a.method).cmp(&(b.path, &b.method)));
    rows
}

fn who(who: Who) -> String {
    match who {
        Who::Anyone => "anyone".to_owned(),
        Who::SignedIn => "signed in".to_owned(),
        Who::Member(permission) => format!("member: {permission}"),
        Who::PlatformAdmin => "platform admin".to_owned(),
        Who::Service(scope) => format!("signed in, or API key: {scope}"),
        Who::Key(scope) => format!("API key: {scope}"),
    }
}
