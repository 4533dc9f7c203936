//! Money: events kept before they are acknowledged, against pgbench inserting the same bytes; a list of a hundred thousand invoices
//! against one of ten; an invoice as a document.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a benchmark fails by panicking"
)]

mod bench;
#[path = "bench/floor.rs"]
#[expect(dead_code, reason = "its databases belong to metering")]
mod floor;
#[path = "bench/load.rs"]
#[expect(dead_code, reason = "plain loads belong to others")]
mod load;

use std::fmt::Write;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use bench::{Figure, PASSWORD, Process, environment, free_port, report, until_ready};
use billing_core::{Invoice, InvoiceLine, InvoicePrinter, InvoiceStatus, Money, PaymentProvider};
use invoice_krilla::{CompanyDetails, KrillaPrinter};
use kernel::{Ambient, Clock, InvoiceId, OrgId, OsRng, SystemClock};
use load::{Load, rss_mb, wrk};
use serde_json::json;
use std::sync::Arc;
use testkit::FakeStripe;

const SECRET: &str = "whsec_of_the_benchmark";
const SECONDS: u32 = 5;
const RUNS: usize = 3;
/// More events than any run sends.
const EVENTS: u32 = 40_000;

#[tokio::main]
async fn main() {
    let postgres = environment("OPS_CENTER_TEST_POSTGRES");
    let data = tempfile::tempdir().unwrap();
    let command = |arguments: &[&str]| {
        let mut command = Command::new(environment("OPS_CENTER_TEST_BINARY"));
        command.arg("--data-dir").arg(data.path()).args(arguments).env("DATABASE_URL", &postgres);
        command.env("OPS_CENTER__SERVER__WORKERS", "2").env("OPS_CENTER__PLANS__DEFAULT", "enterprise");
        command.env("OPS_CENTER__BILLING__PROVIDER", "stripe").env("STRIPE_SECRET_KEY", "sk_test_of_the_benchmark");
        command.env("OPS_CENTER__BILLING__STRIPE__BASE_URL", "http://127.0.0.1:9/");
        command.env("OPS_CENTER__BILLING__STRIPE__WEBHOOK_SECRETS", format!("[\"{SECRET}\"]"));
        command
    };
    assert!(command(&["init"]).output().unwrap().status.success(), "init works");
    let user = ["user", "create", "--email", "b@example.test", "--username", "bench", "--admin", "--password-stdin"];
    bench::pipe(&mut command(&user), PASSWORD);
    let listen = format!("127.0.0.1:{}", free_port());
    let process = Process::spawn(&mut command(&["serve", "--listen", &listen]));
    let (client, base) = (testkit::http_client(), format!("http://{listen}"));
    until_ready(&client, &format!("{base}/readyz"), Duration::from_secs(20)).await;
    let mut figures = vec![intake(&base, &process, &postgres, data.path())];
    figures.push(lists(&client, &base, &process, &postgres).await);
    figures.push(document());
    report(&figures);
}

/// An event about a customer that is nobody's, of about a kilobyte.
fn event(number: u32) -> String {
    json!({"id": format!("evt_{number:08}"), "object": "event", "type": "invoice.paid", "livemode": false,
        "data": {"object": {"customer": "cus_nobody", "fill": "x".repeat(900)}}})
    .to_string()
}

fn intake(base: &str, process: &Process, postgres: &str, folder: &Path) -> Figure {
    let mut number = 0;
    let pairs: Vec<_> = (0..RUNS)
        .map(|_| {
            let mut text = String::from("local signed = {\n");
            for _ in 0..EVENTS {
                let signature = FakeStripe::sign_with(SECRET, SystemClock.now(), event(number).as_bytes());
                writeln!(text, "'{signature}',").unwrap();
                number += 1;
            }
            let first = number - EVENTS;
            let pattern = event(0).replace("evt_00000000", "evt_%08d");
            write!(
                text,
                "}}\nlocal n = 0\nwrk.method = 'POST'\nwrk.path = '/api/v1/billing/webhooks/stripe'\n\
                 request = function() n = n + 1; wrk.headers['Stripe-Signature'] = signed[n];\n\
                 return wrk.format(nil, nil, nil, string.format([[{pattern}]], {first} + n - 1)) end\n"
            )
            .unwrap();
            let script = folder.join("events.lua");
            std::fs::write(&script, text).unwrap();
            let ours = wrk(base, Load::script(script.to_str().unwrap()), 64, SECONDS);
            (ours, floor::inserts(postgres, &event(0), 64))
        })
        .collect();
    let ratio = |pair: &(load::Measured, f64)| pair.0.per_second / pair.1;
    let (ours, floor) = pairs.iter().min_by(|a, b| ratio(a).total_cmp(&ratio(b))).copied().unwrap();
    Figure {
        name: "events kept, 64 connections, PostgreSQL".to_owned(),
        unit: "events/s",
        ours: ours.per_second,
        floor,
        goal: "≥ 0.5 of pgbench inserting the same bytes, p99 ≤ 200 ms".to_owned(),
        ratio: ratio(&(ours, floor)),
        p99_ms: Some(ours.p99_ms),
        rss_mb: Some(rss_mb(process)),
        runs: pairs.iter().map(ratio).collect(),
    }
}

/// The first page of an organization's invoices: a hundred thousand of them, and ten.
async fn lists(client: &reqwest::Client, base: &str, process: &Process, postgres: &str) -> Figure {
    let cookie = bench::sign_in(client, base, "bench").await;
    let mut orgs = Vec::new();
    for (name, count) in [("Ten", 10), ("Many", 100_000)] {
        let request = client.post(format!("{base}/api/v1/org")).header("Cookie", &cookie);
        let made = request.header("Sec-Fetch-Site", "same-origin").json(&json!({"name": name})).send().await.unwrap();
        let made: serde_json::Value = made.json().await.unwrap();
        let org: OrgId = made["organization"]["id"].as_str().unwrap().parse().unwrap();
        let sql = format!(
            "INSERT INTO invoice (org_id, id, provider, number, status, subtotal_minor, tax_minor, total_minor, currency, issued_at, \
             description, lines, payments, customer_name, customer_address) SELECT '{}', gen_random_uuid(), 'manual', \
             '{name}-' || n, 'paid', 1900, 0, 1900, 'USD', now() - n * interval '1 minute', 'Starter', '[]', '[]', '{name}', '' \
             FROM generate_series(1, {count}) n",
            org.uuid()
        );
        floor::ask(postgres, &sql);
        orgs.push(org);
    }
    floor::ask(postgres, "ANALYZE invoice");
    let [few, many] = [0, 1].map(|place| {
        let url = format!("{base}/api/v1/billing/invoices?org_id={}&limit=50", orgs[place]);
        let runs: Vec<_> = (0..RUNS).map(|_| wrk(&url, Load::cookie(&cookie), 8, 3).p99_ms).collect();
        runs.into_iter().fold(f64::MAX, f64::min)
    });
    Figure {
        name: "first page of 100 000 invoices, p99".to_owned(),
        unit: "ms",
        ours: many,
        floor: few,
        goal: "≤ 2 × the page of ten".to_owned(),
        ratio: many / few,
        p99_ms: Some(many),
        rss_mb: Some(rss_mb(process)),
        runs: vec![many / few],
    }
}

fn document() -> Figure {
    let ambient = Ambient::new(Arc::new(SystemClock), Arc::new(OsRng));
    let printer =
        KrillaPrinter::new(CompanyDetails { name: "Ops Ltd".to_owned(), ..CompanyDetails::default() }).unwrap();
    let currency = "USD".parse().unwrap();
    let line = |number: i64| InvoiceLine {
        description: format!("Professional (monthly), part {number}"),
        quantity: 1,
        unit_minor: 4900,
        amount_minor: 4900,
        period: None,
    };
    let invoice = Invoice {
        id: InvoiceId::mint(&ambient),
        org: OrgId::mint(&ambient),
        provider: PaymentProvider::Manual,
        external: None,
        number: Some("INV-2026-000001".to_owned()),
        status: InvoiceStatus::Open,
        subtotal_minor: 49_000,
        tax_minor: 0,
        total: Money::new(49_000, currency),
        issued_at: ambient.now(),
        due_at: None,
        paid_at: None,
        period: None,
        plan: None,
        cycle: None,
        description: "Professional".to_owned(),
        lines: (1..=10).map(line).collect(),
        payments: Vec::new(),
        customer: ("Ada Lovelace Ltd".to_owned(), "ada@example.test".to_owned()),
        hosted_url: None,
    };
    let times: Vec<f64> = (0..100)
        .map(|_| {
            let started = Instant::now();
            assert!(printer.print(&invoice).unwrap().starts_with(b"%PDF"));
            started.elapsed().as_secs_f64() * 1000.0
        })
        .collect();
    let worst = times.iter().copied().fold(0.0, f64::max);
    let mean = times.iter().sum::<f64>() / 100.0;
    Figure {
        name: "an invoice of ten lines as a PDF".to_owned(),
        unit: "ms",
        ours: mean,
        floor: 50.0,
        goal: "≤ 50 ms".to_owned(),
        ratio: mean / 50.0,
        p99_ms: Some(worst),
        rss_mb: None,
        runs: vec![mean],
    }
}
