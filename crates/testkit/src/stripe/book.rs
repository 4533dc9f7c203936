//! What the fake knows: objects by name, in the order in which they were made, and its time.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use chrono::TimeDelta;
use kernel::{Clock, Timestamp};
use serde_json::{Value, json};

use super::control::{StripeCall, StripeFault};
use super::form::Params;
use super::problem::Problem;
use super::webhook::Mail;

pub(super) type Outcome = Result<Value, Problem>;

/// An answer that is given again under its key.
#[derive(Debug, Clone)]
pub(super) struct Kept {
    pub(super) request: (String, String, Value),
    pub(super) status: u16,
    pub(super) body: Value,
}

pub(super) struct Book {
    pub(super) clock: Arc<dyn Clock>,
    pub(super) ahead: TimeDelta,
    /// While the past is made up for, it is this time.
    pub(super) during: Option<Timestamp>,
    /// What makes the names of this start differ from those of the last one.
    tag: String,
    made: u64,
    pub(super) objects: BTreeMap<String, Value>,
    pub(super) order: Vec<String>,
    pub(super) kept: BTreeMap<String, Kept>,
    pub(super) faults: VecDeque<(String, StripeFault)>,
    pub(super) calls: Vec<StripeCall>,
    /// Cards that do not pay, and why.
    pub(super) declines: BTreeMap<String, String>,
    pub(super) mail: Mail,
    pub(super) base: String,
    pub(super) secret_key: String,
    pub(super) invoices: u64,
}

impl Book {
    pub(super) fn new(clock: Arc<dyn Clock>, base: String) -> Self {
        let tag = format!("{:x}", clock.now().timestamp_micros());
        Self {
            mail: Mail::new(format!("whsec_fake{tag}")),
            secret_key: format!("sk_test_fake{tag}"),
            tag,
            clock,
            ahead: TimeDelta::zero(),
            during: None,
            made: 0,
            objects: BTreeMap::new(),
            order: Vec::new(),
            kept: BTreeMap::new(),
            faults: VecDeque::new(),
            calls: Vec::new(),
            declines: BTreeMap::new(),
            base,
            invoices: 0,
        }
    }

    pub(super) fn time(&self) -> Timestamp {
        self.during.unwrap_or_else(|| self.clock.now() + self.ahead)
    }

    /// Now, in seconds since 1970.
    pub(super) fn now(&self) -> i64 {
        self.time().timestamp()
    }

    pub(super) fn name(&mut self, prefix: &str) -> String {
        self.made += 1;
        format!("{prefix}_{}{:05}", self.tag, self.made)
    }

    /// Keeps a new object: `id`, `object`, `created` and `livemode` are filled in.
    pub(super) fn make(&mut self, prefix: &str, kind: &str, mut value: Value) -> String {
        let id = self.name(prefix);
        value["id"] = json!(id);
        value["object"] = json!(kind);
        value["created"] = json!(self.now());
        value["livemode"] = json!(false);
        self.put(&id, value);
        id
    }

    pub(super) fn put(&mut self, id: &str, value: Value) {
        if self.objects.insert(id.to_owned(), value).is_none() {
            self.order.push(id.to_owned());
        }
    }

    /// The object of this kind that a path names.
    pub(super) fn get(&self, kind: &str, id: &str) -> Outcome {
        let found = self.objects.get(id).filter(|object| object["object"] == kind);
        found.cloned().ok_or_else(|| Problem::not_found(id))
    }

    /// The object of this kind that a parameter names.
    pub(super) fn named(&self, kind: &str, params: &Params, param: &str) -> Outcome {
        let id = params
            .text(param)
            .ok_or_else(|| Problem::coded("parameter_missing", &format!("Missing required param: {param}.")))?;
        self.get(kind, id).or(Err(Problem::missing(param, id)))
    }

    /// Changes an object that is there.
    pub(super) fn change(&mut self, id: &str, change: impl FnOnce(&mut Value)) {
        change(self.objects.get_mut(id).expect("an object of this fake's own"));
    }

    /// All objects of a kind, newest first.
    pub(super) fn all(&self, kind: &str) -> Vec<Value> {
        let objects = self.order.iter().rev().filter_map(|id| self.objects.get(id));
        objects.filter(|object| object["object"] == kind).cloned().collect()
    }

    /// All objects of a kind whose field has this value, newest first.
    pub(super) fn of(&self, kind: &str, field: &str, value: &str) -> Vec<Value> {
        let mut all = self.all(kind);
        all.retain(|object| object[field] == value);
        all
    }

    /// A page of a list, newest first.
    pub(super) fn page(items: Vec<Value>, params: &Params, url: &str) -> Outcome {
        let limit = params.number("limit").unwrap_or(10);
        let limit = usize::try_from(limit).ok().filter(|limit| (1..=100).contains(limit));
        let limit = limit.ok_or_else(|| Problem::invalid("limit must be between 1 and 100"))?;
        let start = match params.text("starting_after") {
            None => 0,
            Some(after) => {
                let at = items.iter().position(|item| item["id"] == after);
                at.ok_or_else(|| Problem::missing("starting_after", after))? + 1
            }
        };
        let rest = &items[start..];
        let data: Vec<_> = rest.iter().take(limit).cloned().collect();
        Ok(json!({"object": "list", "url": url, "has_more": rest.len() > data.len(), "data": data}))
    }

    /// An answer with what the request wants to see in full (docs.stripe.com/expand): four levels at most.
    pub(super) fn shown(&self, value: Value, expand: &[String]) -> Outcome {
        let paths: Vec<Vec<&str>> = expand.iter().map(|path| path.split('.').collect()).collect();
        if let Some(deep) = paths.iter().find(|path| path.len() > 4) {
            return Err(Problem::invalid(&format!(
                "You cannot expand more than 4 levels of a property. Property: {}",
                deep.join(".")
            )));
        }
        let paths: Vec<&[&str]> = paths.iter().map(Vec::as_slice).collect();
        Ok(self.show(value, &paths))
    }

    fn show(&self, mut value: Value, paths: &[&[&str]]) -> Value {
        match &mut value {
            Value::Array(items) => {
                for item in items {
                    *item = self.show(item.take(), paths);
                }
            }
            Value::String(id) if !paths.is_empty() => {
                if let Some(object) = self.objects.get(id) {
                    let rest: Vec<_> = paths.iter().copied().filter(|path| !path.is_empty()).collect();
                    return self.show(object.clone(), &rest);
                }
            }
            Value::Object(fields) => {
                let is_invoice = fields.get("object").is_some_and(|kind| kind == "invoice");
                let wanted = |name: &str| -> Vec<&[&str]> {
                    paths.iter().filter(|path| path.first() == Some(&name)).map(|path| &path[1..]).collect()
                };
                if is_invoice && wanted("payments").is_empty() {
                    fields.remove("payments");
                }
                for (name, field) in fields.iter_mut() {
                    let rest = wanted(name);
                    if !rest.is_empty() {
                        *field = self.show(field.take(), &rest);
                    } else if name == "data" {
                        *field = self.show(field.take(), &[]);
                    }
                }
            }
            _ => {}
        }
        value
    }
}

/// A list inside an object.
pub(super) fn list(items: &[Value]) -> Value {
    json!({"object": "list", "has_more": false, "data": items})
}

pub(super) fn text<'a>(value: &'a Value, path: &str) -> &'a str {
    value.pointer(path).and_then(Value::as_str).unwrap_or_default()
}

pub(super) fn number(value: &Value, path: &str) -> i64 {
    value.pointer(path).and_then(Value::as_i64).unwrap_or_default()
}
