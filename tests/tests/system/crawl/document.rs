//! The operations of `/openapi.json`.

use std::collections::BTreeSet;

use serde_json::Value;

use super::wire::{Call, Wire};

/// One method of one path.
#[derive(Debug, Clone)]
pub(crate) struct Operation {
    pub(crate) method: String,
    /// With its placeholders.
    pub(crate) path: String,
    pub(crate) node: Value,
}

impl Operation {
    /// `PUT /api/v1/org/members/{id}/role`.
    pub(crate) fn name(&self) -> String {
        format!("{} {}", self.method, self.path)
    }

    /// The same for every path that serves the operation: without the organization in the path.
    pub(crate) fn real_name(&self) -> String {
        let real = match self.path.strip_prefix("/api/v1/org/{org_id}/") {
            Some("status") | None => self.path.clone(),
            Some(rest) => format!("/api/v1/org/{rest}"),
        };
        let real = match real.as_str() {
            "/api/v1/auth/password" => "/api/v1/auth/change-password",
            "/api/v1/users/me/switch-org" => "/api/v1/org/switch",
            "/api/v1/auth/user" | "/api/v1/user" => "/api/v1/auth/me",
            "/api/v1/account/uc-api-keys" => "/api/v1/api-keys",
            "/api/v1/account/uc-api-keys/{id}" => "/api/v1/api-keys/{id}",
            other => other,
        };
        let method = if self.path == "/api/v1/auth/password" { "POST" } else { &self.method };
        format!("{method} {real}")
    }

    pub(crate) fn is_alias(&self) -> bool {
        self.name() != self.real_name()
    }

    pub(crate) fn is_unsafe(&self) -> bool {
        self.method != "GET"
    }

    pub(crate) fn placeholders(&self) -> Vec<&str> {
        self.path.split('/').filter_map(|segment| segment.strip_prefix('{')?.strip_suffix('}')).collect()
    }

    pub(crate) fn has(&self, placeholder: &str) -> bool {
        self.placeholders().contains(&placeholder)
    }

    /// The path with each placeholder replaced.
    pub(crate) fn at(&self, value: impl Fn(&str) -> String) -> String {
        let segment = |segment: &str| match segment.strip_prefix('{').and_then(|name| name.strip_suffix('}')) {
            Some(name) => value(name),
            None => segment.to_owned(),
        };
        self.path.split('/').map(segment).collect::<Vec<_>>().join("/")
    }

    pub(crate) fn call(&self, target: impl Into<String>) -> Call {
        Call::new(&self.method, target)
    }

    pub(crate) fn needs_session(&self) -> bool {
        self.node["security"].as_array().is_some_and(|list| !list.is_empty())
    }

    /// The names of its query parameters.
    pub(crate) fn query(&self) -> Vec<String> {
        self.parameters("query").into_iter().map(|parameter| parameter["name"].as_str().unwrap().to_owned()).collect()
    }

    pub(crate) fn parameters(&self, place: &str) -> Vec<&Value> {
        let all = self.node["parameters"].as_array().into_iter().flatten();
        all.filter(|parameter| parameter["in"] == place).collect()
    }

    pub(crate) fn takes(&self, media_type: &str) -> bool {
        self.node["requestBody"]["content"].get(media_type).is_some()
    }

    pub(crate) fn takes_json(&self) -> bool {
        // Webhooks take bytes as they came: they are judged by their signature.
        !self.path.contains("/webhooks/") && self.takes("application/json")
    }

    pub(crate) fn takes_form(&self) -> bool {
        self.takes("multipart/form-data")
    }

    /// The statuses that it is said to answer with.
    pub(crate) fn statuses(&self) -> BTreeSet<u16> {
        self.node["responses"].as_object().unwrap().keys().map(|status| status.parse().unwrap()).collect()
    }
}

/// The document.
#[derive(Debug, Clone)]
pub(crate) struct Document {
    pub(crate) root: Value,
    pub(crate) operations: Vec<Operation>,
}

impl Document {
    pub(crate) async fn fetch(wire: &Wire) -> Self {
        Self::read(wire.send(Call::get("/openapi.json")).await.ok())
    }

    pub(crate) fn read(root: Value) -> Self {
        let mut operations = Vec::new();
        for (path, methods) in root["paths"].as_object().expect("paths") {
            for (method, node) in
                methods.as_object().unwrap().iter().filter(|(_, node)| node.get("responses").is_some())
            {
                operations.push(Operation { method: method.to_uppercase(), path: path.clone(), node: node.clone() });
            }
        }
        assert!(operations.len() >= 5, "a document of {} operations", operations.len());
        Self { root, operations }
    }

    pub(crate) fn unsafe_operations(&self) -> impl Iterator<Item = &Operation> {
        self.operations.iter().filter(|operation| operation.is_unsafe())
    }

    /// The operation that a request reaches: static segments before placeholders.
    pub(crate) fn reached(&self, method: &str, target: &str) -> Option<&Operation> {
        let path = target.split('?').next().unwrap_or_default();
        let method = if method == "HEAD" { "GET" } else { method };
        let fits = |operation: &&Operation| operation.method == method && matches(&operation.path, path);
        self.operations.iter().filter(fits).min_by_key(|operation| operation.placeholders().len())
    }
}

fn matches(template: &str, path: &str) -> bool {
    let (template, path): (Vec<_>, Vec<_>) = (template.split('/').collect(), path.split('/').collect());
    let fits =
        |(pattern, segment): (&&str, &&str)| pattern == segment || (pattern.starts_with('{') && !segment.is_empty());
    template.len() == path.len() && template.iter().zip(&path).all(fits)
}
