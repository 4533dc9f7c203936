//! Which request means what; and that a request with a key is done one time (docs.stripe.com, "Idempotent requests").

use serde_json::Value;

use super::book::{Book, Kept, Outcome, text};
use super::control::{StripeCall, StripeFault};
use super::form::{self, Params};
use super::problem::Problem;

/// A request, read.
#[derive(Debug, Clone)]
pub(super) struct Request {
    pub(super) method: String,
    pub(super) path: String,
    pub(super) query: String,
    pub(super) body: String,
    pub(super) authorization: String,
    pub(super) key: Option<String>,
}

/// An answer of the API.
#[derive(Debug, Clone)]
pub(super) enum Reply {
    Json {
        status: u16,
        body: Value,
        replayed: bool,
        retry: Option<bool>,
    },
    /// The connection breaks.
    Broken,
    /// The connection stays open, and nothing comes.
    Silence,
}

impl Reply {
    fn new(status: u16, body: Value) -> Self {
        Self::Json { status, body, replayed: false, retry: None }
    }

    fn of(problem: Problem) -> Self {
        Self::new(problem.status, problem.body)
    }
}

impl Book {
    /// Answers a request to the API, and notes it.
    pub(super) fn answer(&mut self, request: &Request) -> Reply {
        self.catch_up();
        let fault = self.fault(request);
        let (reply, done) = self.decide(request, fault);
        let status = match reply {
            Reply::Json { status, .. } => status,
            Reply::Broken | Reply::Silence => 0,
        };
        let params = if request.method == "GET" { &request.query } else { &request.body };
        let Request { method, path, key, .. } = request.clone();
        self.calls.push(StripeCall { method, path, key, params: params.clone(), status, done });
        reply
    }

    /// The next fault that is meant for such a request.
    fn fault(&mut self, request: &Request) -> Option<StripeFault> {
        let line = format!("{} {}", request.method, request.path);
        let at = self.faults.iter().position(|(what, _)| line.starts_with(what))?;
        self.faults.remove(at).map(|(_, fault)| fault)
    }

    fn decide(&mut self, request: &Request, fault: Option<StripeFault>) -> (Reply, bool) {
        match fault {
            Some(StripeFault::Refused(status, retry)) => {
                let Problem { status, body } = Problem::of_status(status);
                return (Reply::Json { status, body, replayed: false, retry }, false);
            }
            Some(StripeFault::Silence) => return (Reply::Silence, false),
            Some(StripeFault::Crashed | StripeFault::LostAnswer) | None => {}
        }
        if request.authorization != format!("Bearer {}", self.secret_key) {
            return (Reply::of(Problem::unauthorized()), false);
        }
        let params = if request.method == "GET" { &request.query } else { &request.body };
        let params = Params(form::read(params));
        let key = request.key.clone().filter(|_| request.method == "POST");
        let what = (request.method.clone(), request.path.clone(), params.0.clone());
        if let Some(kept) = key.as_ref().and_then(|key| self.kept.get(key)) {
            if kept.request != what {
                return (Reply::of(Problem::other_parameters()), false);
            }
            let Kept { status, body, .. } = kept.clone();
            if fault == Some(StripeFault::LostAnswer) {
                return (Reply::Broken, false);
            }
            return (Reply::Json { status, body, replayed: true, retry: None }, false);
        }
        let (status, body, done) = if fault == Some(StripeFault::Crashed) {
            let Problem { status, body } = Problem::of_status(500);
            (status, body, false)
        } else {
            match self.perform(request, &params) {
                Ok(body) => (200, body, true),
                Err(Problem { status, body }) => (status, body, status == 402),
            }
        };
        // What was wrong from the start is not kept; what was begun is, however it went.
        if let Some(key) = key.filter(|_| matches!(status, 200 | 402 | 500)) {
            self.kept.insert(key, Kept { request: what, status, body: body.clone() });
        }
        let reply = if fault == Some(StripeFault::LostAnswer) { Reply::Broken } else { Reply::new(status, body) };
        (reply, done)
    }

    fn perform(&mut self, request: &Request, params: &Params) -> Outcome {
        let path: Vec<&str> = request.path.trim_start_matches("/v1/").split('/').collect();
        let value = match request.method.as_str() {
            "GET" => self.read(&path, params)?,
            "POST" => self.write(&path, params)?,
            "DELETE" => match path.as_slice() {
                ["subscriptions", id] => self.cancel(id)?,
                _ => return Err(unknown(request)),
            },
            _ => return Err(unknown(request)),
        };
        if value.is_null() {
            return Err(unknown(request));
        }
        self.shown(value, &params.texts("expand"))
    }

    fn read(&self, path: &[&str], params: &Params) -> Outcome {
        match *path {
            ["customers", id] => self.get("customer", id),
            ["customers", id, "payment_methods"] => {
                self.get("customer", id)?;
                Self::page(self.of("payment_method", "customer", id), params, "/v1/customers")
            }
            ["payment_methods", id] => self.get("payment_method", id),
            ["prices", id] => self.get("price", id),
            ["prices"] => Self::page(self.all("price"), params, "/v1/prices"),
            ["subscriptions", id] => self.get("subscription", id),
            ["subscription_schedules", id] => self.get("subscription_schedule", id),
            ["invoices", id] => self.get("invoice", id),
            ["invoices", id, "lines"] => {
                let lines = self.get("invoice", id)?["lines"]["data"].as_array().cloned().unwrap_or_default();
                Self::page(lines, params, "/v1/invoices/lines")
            }
            ["charges", id] => self.get("charge", id),
            ["disputes", id] => self.get("dispute", id),
            ["setup_intents", id] => self.get("setup_intent", id),
            ["checkout", "sessions", id] => self.get("checkout.session", id),
            ["checkout", "sessions"] => {
                self.filtered("checkout.session", &["customer", "status", "subscription"], params)
            }
            ["subscriptions"] => self.subscriptions(params),
            ["invoices"] => self.filtered("invoice", &["customer", "status"], params),
            ["charges"] => self.filtered("charge", &["customer", "payment_intent"], params),
            ["disputes"] => self.filtered("dispute", &["charge", "payment_intent"], params),
            ["events"] => self.events(params),
            ["events", id] => self.get("event", id),
            _ => Ok(Value::Null),
        }
    }

    fn write(&mut self, path: &[&str], params: &Params) -> Outcome {
        match *path {
            ["customers"] => {
                let id = self.create_customer(params);
                self.get("customer", &id)
            }
            ["customers", id] => self.update_customer(id, params),
            ["payment_methods", id, "attach"] => {
                let customer = params.text("customer").unwrap_or_default().to_owned();
                self.attach(id, &customer)
            }
            ["payment_methods", id, "detach"] => self.detach(id),
            ["setup_intents"] => self.create_setup_intent(params),
            ["setup_intents", id, "confirm"] => {
                let method = params.text("payment_method").unwrap_or_default().to_owned();
                self.confirm_setup(id, &method)
            }
            ["billing_portal", "sessions"] => self.create_portal(params),
            ["checkout", "sessions"] => self.create_checkout(params),
            ["checkout", "sessions", id, "expire"] => self.expire_checkout(id),
            ["subscriptions", id] => self.update_subscription(id, params),
            ["subscription_schedules"] => self.create_schedule(params),
            ["subscription_schedules", id] => self.update_schedule(id, params),
            ["subscription_schedules", id, "release"] => self.release_schedule(id),
            ["invoices", "create_preview"] => self.create_preview(params),
            ["invoices", id, "pay"] => self.pay(id),
            _ => Ok(Value::Null),
        }
    }

    /// A list of those that have the values which the parameters give for these fields.
    fn filtered(&self, kind: &str, fields: &[&str], params: &Params) -> Outcome {
        Self::page(self.matching(kind, fields, params)?, params, &format!("/v1/{kind}s"))
    }

    fn matching(&self, kind: &str, fields: &[&str], params: &Params) -> Result<Vec<Value>, Problem> {
        if let Some(customer) = params.text("customer") {
            self.get("customer", customer).or(Err(Problem::missing("customer", customer)))?;
        }
        let mut all = self.all(kind);
        for field in fields {
            if let Some(value) = params.text(field) {
                all.retain(|object| object[*field] == value);
            }
        }
        Ok(all)
    }

    fn subscriptions(&self, params: &Params) -> Outcome {
        let wanted = params.text("status").unwrap_or("live");
        let mut all = self.matching("subscription", &["customer"], params)?;
        all.retain(|it| match (wanted, text(it, "/status")) {
            ("all", _) => true,
            ("live", status) => !matches!(status, "canceled" | "incomplete_expired"),
            (other, status) => other == status,
        });
        Self::page(all, params, "/v1/subscriptions")
    }

    fn events(&self, params: &Params) -> Outcome {
        let (since, kinds) = (params.number("created/gte").unwrap_or(0), params.texts("types"));
        let mut all = self.all("event");
        all.retain(|event| event["created"].as_i64() >= Some(since));
        all.retain(|event| kinds.is_empty() || kinds.iter().any(|kind| event["type"] == *kind));
        Self::page(all, params, "/v1/events")
    }
}

fn unknown(request: &Request) -> Problem {
    Problem::not_found(&format!("Unrecognized request URL ({}: {})", request.method, request.path))
}
