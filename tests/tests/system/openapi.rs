//! The document is the program's own, complete, and the one in the repository.

use std::collections::BTreeSet;
use std::path::Path;

use serde_json::Value;

use crate::crawl::document::Document;
use crate::crawl::schema::{resolve, violations};
use crate::crawl::site::Site;
use crate::crawl::wire::Call;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_document_that_is_served_is_the_one_in_the_repository() {
    let site = Site::open().await;
    let answer = site.wire.send(Call::get("/openapi.json")).await;
    let served = answer.ok();
    assert_eq!(answer.header("content-type"), Some("application/json"));
    let kept = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/openapi.json"))
        .expect("docs/openapi.json");
    let kept: Value = serde_json::from_str(&kept).expect("JSON");
    assert!(kept == served, "docs/openapi.json is not what the program says: run `just openapi`");
    assert!(served["openapi"].as_str().is_some_and(|version| version.starts_with("3.1")), "{}", served["openapi"]);
    assert!(site.wire.send(Call::get("/docs/")).await.status == 200, "the document can be browsed");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_document_is_complete() {
    let site = Site::open().await;
    let document = Document::fetch(&site.wire).await;
    let mut wrong = Vec::new();
    let mut ids = BTreeSet::new();
    for operation in &document.operations {
        let name = operation.name();
        let mut must = |holds: bool, what: &str| {
            if !holds {
                wrong.push(format!("{name}: {what}"));
            }
        };
        let text =
            |pointer: &str| operation.node.pointer(pointer).and_then(Value::as_str).unwrap_or_default().to_owned();
        must(text("/summary").len() >= 10, "has no summary");
        must(operation.node["tags"].as_array().is_some_and(|tags| tags.len() == 1), "has not one tag");
        must(ids.insert(text("/operationId")), "has the operationId of another");
        let statuses = operation.statuses();
        must(statuses.iter().any(|status| (200..400).contains(status)), "never succeeds");
        must(!statuses.contains(&500), "plans to fail");
        let secured = operation.needs_session();
        must(!secured || [401, 503].iter().all(|status| statuses.contains(status)), "does not list 401 and 503");
        must(!secured || !operation.is_unsafe() || statuses.contains(&403), "does not list 403");
        must(operation.placeholders().is_empty() || statuses.contains(&404), "does not list 404");
        // An event is kept as it came, whatever it is: only its signature is judged.
        let signed = operation.path.contains("/webhooks/");
        let reads = (operation.takes_json() || operation.takes_form()) && !signed;
        must(
            !reads || [413, 415, 422].iter().all(|status| statuses.contains(status)),
            "does not list 413, 415 and 422",
        );
        let named: BTreeSet<&str> =
            operation.parameters("path").iter().filter_map(|parameter| parameter["name"].as_str()).collect();
        must(named == operation.placeholders().into_iter().collect(), "has other path parameters than its path");
        for parameter in operation.node["parameters"].as_array().into_iter().flatten() {
            must(
                parameter["schema"].is_object() && parameter["description"].is_string(),
                "has a parameter without schema or text",
            );
        }
        for (status, response) in operation.node["responses"].as_object().unwrap() {
            must(
                response["description"].as_str().is_some_and(|text| !text.is_empty()),
                &format!("{status} has no description"),
            );
            let problem = response["content"].get("application/problem+json").is_some();
            must(
                problem == (status.as_str() >= "400"),
                &format!("{status} is a problem, or is not, against its status"),
            );
        }
    }
    for reference in references(&document.root) {
        let found = reference.strip_prefix('#').and_then(|pointer| document.root.pointer(pointer));
        if found.is_none() {
            wrong.push(format!("{reference} leads nowhere"));
        }
    }
    let scheme = &document.root["components"]["securitySchemes"]["session"];
    if scheme["in"] != "cookie" || scheme["name"] != "__Host-ops_session" {
        wrong.push(format!("the session's cookie is not described: {scheme}"));
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_member_is_explained_and_every_example_fits_its_schema() {
    let site = Site::open().await;
    let document = Document::fetch(&site.wire).await;
    let mut wrong = Vec::new();
    for (name, schema) in document.root["components"]["schemas"].as_object().unwrap() {
        for (member, property) in schema["properties"].as_object().into_iter().flatten() {
            let target = resolve(&document.root, property).unwrap_or(&Value::Null);
            let explained = [property, target].iter().any(|one| one["description"].is_string());
            let in_choice =
                ["oneOf", "anyOf"].iter().any(|keyword| property[keyword].to_string().contains("description"));
            if !explained && !in_choice {
                wrong.push(format!("{name}.{member} has no description"));
            }
            let examples = property["examples"].as_array().into_iter().flatten();
            for example in examples.chain(property.get("example")) {
                wrong.extend(
                    violations(&document.root, property, example)
                        .iter()
                        .map(|what| format!("{name}.{member}: example {what}")),
                );
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

fn references(value: &Value) -> BTreeSet<String> {
    match value {
        Value::Object(members) => {
            let own = members.get("$ref").and_then(Value::as_str).map(str::to_owned);
            members.values().flat_map(references).chain(own).collect()
        }
        Value::Array(items) => items.iter().flat_map(references).collect(),
        _ => BTreeSet::new(),
    }
}
