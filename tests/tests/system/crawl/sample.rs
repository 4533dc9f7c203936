//! A request for every operation, good enough to get past 422 when its sender may send it.

use serde_json::{Value, json};

use super::document::Operation;
use super::wire::Call;

/// A password that the policy takes.
pub(crate) const PASSWORD: &str = "seven rivers and a bridge";
/// Ids of the right form that name nothing.
pub(crate) const NO_ORG: &str = "org_01890a5d-ac96-774b-bcce-000000000001";
pub(crate) const NO_USER: &str = "usr_01890a5d-ac96-774b-bcce-000000000002";
pub(crate) const NO_SESSION: &str = "ses_01890a5d-ac96-774b-bcce-000000000003";
pub(crate) const NO_INVITATION: &str = "inv_01890a5d-ac96-774b-bcce-000000000004";
pub(crate) const NO_KEY: &str = "apk_01890a5d-ac96-774b-bcce-000000000005";
pub(crate) const NO_RESERVATION: &str = "rsv_01890a5d-ac96-774b-bcce-000000000006";
const NO_INVOICE: &str = "in_01890a5d-ac96-774b-bcce-000000000007";
/// A key that `OpenAI` could have given out.
pub(crate) const PROVIDER_KEY: &str = "sk-proj-7Qz4LmVx2Rt9Yc5Wb8Nd3Fh6Jk1PsXqA";
const NO_PICTURE: &str = "4f9c2a0e4f9c2a0e4f9c2a0e4f9c2a0e.webp";
const NO_TOKEN: &str = "4f9c2a0e4f9c2a0e4f9c2a0e4f9c2a0e4f9c2a0e4f9c2a0e4f9c2a0e4f9c2a0e";

/// A picture of one pixel.
pub(crate) const PNG: &[u8] = &[
    0x89, b'P', b'N', b'G', 0x0d, 0x0a, 0x1a, 0x0a, 0, 0, 0, 0x0d, b'I', b'H', b'D', b'R', 0, 0, 0, 1, 0, 0, 0, 1, 8,
    6, 0, 0, 0, 0x1f, 0x15, 0xc4, 0x89, 0, 0, 0, 0x0d, b'I', b'D', b'A', b'T', 0x78, 0x9c, 0x63, 0xf8, 0xdf, 0xc0,
    0xf0, 0x1f, 0, 0x06, 0x80, 0x02, 0x7f, 0x10, 0x4c, 0x1b, 0xe1, 0, 0, 0, 0, b'I', b'E', b'N', b'D', 0xae, 0x42,
    0x60, 0x82,
];

/// What no session may do, from wherever its request comes.
pub(crate) const FOR_KEYS: [&str; 3] = [
    "POST /api/v1/byok/resolve",
    "POST /api/v1/usage/reservations/{id}/settle",
    "DELETE /api/v1/usage/reservations/{id}",
];

/// The request, with the API key where only a key may make it.
pub(crate) fn keyed(call: Call, operation: &Operation, key: &str) -> Call {
    if FOR_KEYS.contains(&operation.name().as_str()) {
        return call.header("Authorization", format!("Bearer {key}"));
    }
    call
}

/// What a request is about.
#[derive(Debug, Clone)]
pub(crate) struct Subject {
    pub(crate) org: String,
    /// A member of it, not the one who asks.
    pub(crate) member: String,
    /// An open invitation of it.
    pub(crate) invitation: String,
    pub(crate) session: String,
    /// Nobody has this address yet.
    pub(crate) newcomer: String,
}

impl Subject {
    /// Ids of the right form that name nothing.
    pub(crate) fn nothing() -> Self {
        Self {
            org: NO_ORG.to_owned(),
            member: NO_USER.to_owned(),
            invitation: NO_INVITATION.to_owned(),
            session: NO_SESSION.to_owned(),
            newcomer: "newcomer@example.test".to_owned(),
        }
    }

    /// What the `{id}` of an operation names.
    pub(crate) fn id(&self, operation: &Operation) -> &str {
        match operation.path.split("/{id}").next().and_then(|before| before.rsplit('/').next()) {
            Some("members" | "user-access") => &self.member,
            Some("invitations") => &self.invitation,
            Some("sessions") => &self.session,
            Some("api-keys" | "uc-api-keys") => NO_KEY,
            Some("reservations") => NO_RESERVATION,
            Some("plans") => "starter",
            Some("services" | "check-access") => "chat",
            Some("invoices") => NO_INVOICE,
            Some("payment-methods") => "pm_nobody",
            other => panic!("{}: what does {{id}} name after {other:?}? Say so in crawl/sample.rs", operation.name()),
        }
    }

    /// The path of an operation, and the query where the organization is named in it.
    pub(crate) fn target(&self, operation: &Operation) -> String {
        let path = operation.at(|placeholder| match placeholder {
            "org_id" => self.org.clone(),
            "id" => self.id(operation).to_owned(),
            "file" => NO_PICTURE.to_owned(),
            "service" => "chat".to_owned(),
            "provider" => "openai".to_owned(),
            "user_id" => self.member.clone(),
            "email" => self.newcomer.clone(),
            other => panic!("{}: say in crawl/sample.rs what {{{other}}} is", operation.name()),
        });
        match operation.name().as_str() {
            "DELETE /api/v1/org/{org_id}" => format!("{path}?confirm=true"),
            _ if names_org_in_query(operation) => format!("{path}?org_id={}", self.org),
            _ => path,
        }
    }

    /// The whole request.
    pub(crate) fn call(&self, operation: &Operation) -> Call {
        let call = operation.call(self.target(operation));
        match body(operation, self) {
            Some(body) => call.json(&body),
            None if operation.takes_form() => call.parts(&[("avatar", "a.png", "image/png", PNG)]),
            None => call,
        }
    }
}

/// Whether the operation is about the caller's current organization unless the query names another.
pub(crate) fn names_org_in_query(operation: &Operation) -> bool {
    let about_no_org =
        ["/api/v1/org/my-orgs", "/api/v1/org/switch", "/api/v1/org/invitations/accept", "/api/v1/org/organizations"];
    let path = operation.path.as_str();
    let documented = operation.query().iter().any(|name| name == "org_id");
    let within = path.starts_with("/api/v1/org/") && !about_no_org.contains(&path);
    (documented || within) && !operation.has("org_id")
}

/// A body that the operation takes; `None` when it takes no JSON.
pub(crate) fn body(operation: &Operation, subject: &Subject) -> Option<Value> {
    if !operation.takes_json() {
        return None;
    }
    Some(match operation.real_name().as_str() {
        "POST /api/v1/auth/login" => json!({"username": format!("nobody.{}", subject.newcomer), "password": PASSWORD}),
        // Refused by the policy after all questions of authorization, and before the present password is tried.
        "POST /api/v1/auth/change-password" => json!({"current_password": PASSWORD, "new_password": "short"}),
        "PUT /api/v1/auth/profile" => json!({
            "display_name": "Ada Lovelace", "bio": "Makes engines think.", "company": "Example Ltd", "job_title": "Analyst",
            "phone": "+442079460000", "locale": "en-GB", "timezone": "Europe/London",
        }),
        "PUT /api/v1/auth/notifications" => json!({
            "email": true, "system": true, "updates": false, "security": true, "billing": true, "marketing": false, "sms": false,
            "push": false, "usage_alerts": true, "usage_alert_threshold": 90, "frequency": "daily",
        }),
        "POST /api/v1/org" => json!({"name": "Workshop"}),
        "POST /api/v1/org/switch" => json!({"org_id": subject.org}),
        "POST /api/v1/org/members" => {
            json!({"email": subject.newcomer, "role": "member", "first_name": "New", "last_name": "Comer"})
        }
        "POST /api/v1/org/invitations/accept" => json!({"token": NO_TOKEN}),
        "PUT /api/v1/org/members/{id}/role" => json!({"role": "billing_admin"}),
        "POST /api/v1/org/transfer-ownership" => json!({"user_id": subject.member}),
        "PUT /api/v1/org/settings" => settings(),
        "PUT /api/v1/org/{org_id}/status" => json!({"status": "active"}),
        "POST /api/v1/api-keys" => json!({"name": "Gateway", "scopes": ["usage:write"]}),
        "POST /api/v1/usage/track" | "POST /api/v1/decide" => json!({"service": "chat"}),
        "POST /api/v1/usage/track/batch" => json!({"events": [{"service": "chat"}]}),
        "POST /api/v1/usage/reservations/{id}/settle" => json!({"quantity": 1}),
        "POST /api/v1/subscriptions/check-access/{service}" => json!({}),
        "POST /api/v1/byok/keys/add" => json!({"provider": "openai", "key": PROVIDER_KEY, "label": "production"}),
        "POST /api/v1/byok/resolve" => json!({"org_id": subject.org, "provider": "openai"}),
        "POST /api/v1/subscriptions/upgrade"
        | "POST /api/v1/subscriptions/change"
        | "POST /api/v1/subscriptions/downgrade" => {
            json!({"target_tier": "starter", "billing_cycle": "monthly"})
        }
        "POST /api/v1/subscriptions/cancel" => json!({"reason": "too much", "feedback": "none"}),
        "POST /api/v1/billing/subscription/cancel" => json!({"reason": "too much"}),
        "POST /api/v1/billing/subscription/upgrade" => json!({"new_tier_id": "starter", "billing_cycle": "monthly"}),
        "POST /api/v1/billing/subscriptions/checkout" => json!({"tier_id": "starter", "billing_cycle": "monthly"}),
        "POST /api/v1/billing/portal/create" => json!({"return_url": "/billing"}),
        "POST /api/v1/billing/payment-methods" => json!({"payment_method_id": "pm_card_visa"}),
        "POST /api/v1/billing/webhooks/stripe" | "POST /api/v1/webhooks/stripe" | "POST /api/v1/webhooks/lago" => {
            json!({"id": "evt_1", "type": "invoice.paid"})
        }
        "POST /api/v1/subscriptions/plans" => json!({"id": "team", "name": "Team"}),
        "PUT /api/v1/subscriptions/plans/{id}" => json!({"description": "For those who start."}),
        "PATCH /api/v1/admin/subscriptions/{email}" => json!({"tier": "starter", "notes": "a trial"}),
        other => panic!("{other} is new: give it a body in crawl/sample.rs"),
    })
}

/// Every settings key. People who are known are added at once.
pub(crate) fn settings() -> Value {
    json!({
        "displayName": "The workshop", "description": "Makers of everything", "website": "https://workshop.example",
        "timezone": "Europe/Vienna", "defaultRole": "member", "allowSelfRegistration": false, "requireEmailVerification": true,
        "autoAcceptMembers": true, "allowedDomains": [], "logoUrl": "https://workshop.example/logo.png",
        "branding": {"primaryColor": "#1a73e8", "accentColor": "#fbbc04", "theme": "dark"},
        "preferences": {"language": "de-AT", "dateFormat": "YYYY-MM-DD", "timeFormat": "24h"},
    })
}

/// Every string of a JSON value, as a JSON Pointer.
pub(crate) fn strings(value: &Value) -> Vec<String> {
    match value {
        Value::String(_) => vec![String::new()],
        Value::Object(members) => {
            let deeper = |(name, inner): (&String, &Value)| {
                strings(inner).into_iter().map(|rest| format!("/{name}{rest}")).collect::<Vec<_>>()
            };
            members.iter().flat_map(deeper).collect()
        }
        _ => Vec::new(),
    }
}
