use std::collections::{BTreeMap, BTreeSet};

use utoipa::openapi::header::HeaderBuilder;
use utoipa::openapi::path::{OperationBuilder, Parameter, ParameterBuilder, ParameterIn};
use utoipa::openapi::request_body::{RequestBody, RequestBodyBuilder};
use utoipa::openapi::schema::{KnownFormat, ObjectBuilder, Schema, SchemaFormat, Type};
use utoipa::openapi::security::SecurityRequirement;
use utoipa::openapi::{Content, RefOr, Required, Response, ResponseBuilder};
use utoipa::{IntoParams, ToSchema};

/// Who may call an operation, beyond what the organization's role decides.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Who {
    /// Anybody.
    #[default]
    Anyone,
    /// Whoever is signed in.
    SignedIn,
    /// A member of the organization whose role carries this permission.
    Member(&'static str),
    /// A platform admin.
    PlatformAdmin,
    /// A service whose API key has this scope, or whoever is signed in.
    Service(&'static str),
    /// A service whose API key has this scope, and nobody else.
    Key(&'static str),
}

/// What the document says of one operation, gathered from the handler's signature.
#[derive(Default)]
pub struct Doc {
    /// One line.
    pub summary: &'static str,
    /// Who may call it.
    pub who: Who,
    parameters: Vec<Parameter>,
    body: Option<RequestBody>,
    answers: BTreeMap<u16, Response>,
    problems: BTreeMap<u16, BTreeSet<&'static str>>,
    schemas: Vec<(String, RefOr<Schema>)>,
}

impl Doc {
    /// A problem that it answers with.
    pub fn problem(&mut self, status: u16, code: &'static str) {
        self.problems.entry(status).or_default().insert(code);
    }

    /// A problem that it does not answer with after all.
    pub fn without(&mut self, status: u16, code: &'static str) {
        if let Some(codes) = self.problems.get_mut(&status) {
            codes.remove(code);
        }
        self.problems.retain(|_, codes| !codes.is_empty());
    }

    /// Only these callers get through; the problems that others meet come with it.
    pub fn only(&mut self, who: Who) {
        self.who = who;
        self.problem(401, "unauthenticated");
        self.problem(401, "invalid_api_key");
        self.problem(429, "too_many_attempts");
        self.problem(429, "rate_limited");
        self.problem(503, "unavailable");
        match who {
            Who::Member(_) => {
                self.problem(404, "not_found");
                self.problem(403, "forbidden");
            }
            Who::PlatformAdmin | Who::Service(_) => self.problem(403, "forbidden"),
            Who::Key(_) => self.problem(403, "api_key_required"),
            Who::Anyone | Who::SignedIn => {}
        }
        if let Who::Service(_) | Who::Key(_) = who {
            self.problem(403, "insufficient_scope");
            self.problem(404, "not_found");
            self.problem(422, "invalid_request");
        } else {
            self.problem(403, "session_required");
        }
        if !matches!(who, Who::Key(_)) {
            self.problem(403, "csrf_failed");
        }
    }

    /// Query or path parameters.
    pub fn parameters<T: IntoParams>(&mut self, place: ParameterIn) {
        for parameter in T::into_params(|| Some(place.clone())) {
            self.add(parameter);
        }
        match place {
            ParameterIn::Path => self.problem(404, "not_found"),
            _ => self.problem(422, "invalid_request"),
        }
    }

    /// One text parameter.
    pub fn parameter(&mut self, name: &str, place: ParameterIn, required: bool, text: &str) {
        let schema = ObjectBuilder::new().schema_type(Type::String).build();
        let required = if required { Required::True } else { Required::False };
        let parameter = ParameterBuilder::new()
            .name(name)
            .parameter_in(place)
            .required(required)
            .description(Some(text))
            .schema(Some(Schema::Object(schema)));
        self.add(parameter.build());
    }

    /// Two arguments may read the same parameter; the document names it once.
    fn add(&mut self, parameter: Parameter) {
        let same = |known: &Parameter| known.name == parameter.name && known.parameter_in == parameter.parameter_in;
        if !self.parameters.iter().any(same) {
            self.parameters.push(parameter);
        }
    }

    /// The operation honours `Idempotency-Key`.
    pub fn idempotent(&mut self) {
        let text = "At most 255 visible characters. The same key with the same body gives the first answer again, with \
                    `Idempotent-Replayed: true`; with another body 422; while the first still runs 409. Kept for 24 hours.";
        self.parameter("Idempotency-Key", ParameterIn::Header, false, text);
        self.problem(409, "idempotency_in_progress");
        self.problem(422, "idempotency_key_reused");
    }

    /// The schema of a type, by reference; it and what it needs become components.
    pub fn schema<T: ToSchema>(&mut self) -> RefOr<Schema> {
        self.schemas.push((T::name().into_owned(), T::schema()));
        T::schemas(&mut self.schemas);
        RefOr::Ref(utoipa::openapi::Ref::from_schema_name(T::name()))
    }

    /// A body of one media type.
    pub fn body<T: ToSchema>(&mut self, media_type: &str) {
        let schema = self.schema::<T>();
        let earlier =
            self.body.take().unwrap_or_else(|| RequestBodyBuilder::new().required(Some(Required::True)).build());
        self.body = Some(RequestBodyBuilder::from(earlier).content(media_type, Content::new(Some(schema))).build());
        self.problem(413, "payload_too_large");
        self.problem(415, "unsupported_media_type");
        self.problem(422, "invalid_request");
    }

    /// The body's fields may come another way.
    pub fn body_may_be_absent(&mut self) {
        let body = self.body.take();
        self.body = body.map(|body| RequestBodyBuilder::from(body).required(Some(Required::False)).build());
    }

    /// An answer with a JSON body.
    pub fn answer<T: ToSchema>(&mut self, status: u16, text: &str) {
        let schema = self.schema::<T>();
        self.typed_answer(status, text, "application/json", schema);
    }

    /// An answer of a named media type; one status may have several.
    pub fn typed_answer(&mut self, status: u16, text: &str, media_type: &str, schema: RefOr<Schema>) {
        let earlier = self.answers.remove(&status).map_or_else(ResponseBuilder::new, ResponseBuilder::from);
        let response = earlier.description(text).content(media_type, Content::new(Some(schema)));
        self.answers.insert(status, response.build());
    }

    /// An answer whose body is neither JSON of ours nor a problem: a picture, text, a foreign document.
    pub fn raw_answer(&mut self, status: u16, text: &str, media_type: &str) {
        let kind = if media_type.starts_with("application/json") { Type::Object } else { Type::String };
        let schema = ObjectBuilder::new().schema_type(kind);
        let binary = media_type.starts_with("image/").then_some(SchemaFormat::KnownFormat(KnownFormat::Binary));
        self.typed_answer(status, text, media_type, RefOr::T(Schema::Object(schema.format(binary).build())));
    }

    /// An answer without a body.
    pub fn plain_answer(&mut self, status: u16, text: &str) {
        self.answers.insert(status, ResponseBuilder::new().description(text).build());
    }

    /// Which statuses and codes it may answer with that are problems.
    pub const fn problems(&self) -> &BTreeMap<u16, BTreeSet<&'static str>> {
        &self.problems
    }

    /// The components that it needs.
    pub fn components(&self) -> &[(String, RefOr<Schema>)] {
        &self.schemas
    }

    /// The operation as the document has it. `placeholders` are the names in braces of the path.
    pub fn operation(&self, id: String, tag: &str, placeholders: &[&str]) -> OperationBuilder {
        let mut operation = OperationBuilder::new().operation_id(Some(id)).tag(tag).summary(Some(self.summary));
        // One that the path has by name is asked for there only; one that only another path of the operation has is not asked for.
        let known = |p: &&Parameter| (p.parameter_in == ParameterIn::Path) == placeholders.contains(&p.name.as_str());
        for parameter in self.parameters.iter().filter(known) {
            operation = operation.parameter(parameter.clone());
        }
        for name in placeholders.iter().filter(|name| !self.names_path(name)) {
            operation = operation.parameter(path_parameter(name));
        }
        for (status, answer) in &self.answers {
            operation = operation.response(status.to_string(), answer.clone());
        }
        for (status, codes) in self.problems.iter().filter(|(status, _)| !self.answers.contains_key(status)) {
            operation = operation.response(status.to_string(), problem_response(codes));
        }
        if !matches!(self.who, Who::Anyone | Who::Key(_)) {
            operation = operation.security(SecurityRequirement::new("session", Vec::<String>::new()));
        }
        if let Who::Service(scope) | Who::Key(scope) = self.who {
            for scheme in ["bearer", "api_key"] {
                operation = operation.security(SecurityRequirement::new(scheme, [scope]));
            }
        }
        operation.request_body(self.body.clone())
    }

    fn names_path(&self, name: &str) -> bool {
        self.parameters.iter().any(|p| p.parameter_in == ParameterIn::Path && p.name == name)
    }
}

fn path_parameter(name: &str) -> Parameter {
    let text = if name == "org_id" { "The organization, `org_…`." } else { "The object." };
    let schema = ObjectBuilder::new().schema_type(Type::String).build();
    ParameterBuilder::new()
        .name(name)
        .parameter_in(ParameterIn::Path)
        .required(Required::True)
        .description(Some(text))
        .schema(Some(Schema::Object(schema)))
        .build()
}

fn problem_response(codes: &BTreeSet<&'static str>) -> Response {
    let list: Vec<String> = codes.iter().map(|code| format!("`{code}`")).collect();
    let schema = RefOr::Ref(utoipa::openapi::Ref::from_schema_name(crate::problem::ProblemBody::name()));
    let mut builder = ResponseBuilder::new()
        .description(list.join(", "))
        .content("application/problem+json", Content::new(Some(schema)));
    let header = |text: &str| HeaderBuilder::new().description(Some(text)).build();
    if codes.iter().any(|code| ["too_many_attempts", "rate_limited", "unavailable"].contains(code)) {
        builder = builder.header("Retry-After", header("Seconds after which to try again."));
    }
    if codes.contains("rate_limited") {
        let policy =
            "The rule: its name, how many requests (`q`) in how many seconds (`w`). Every counted answer has it.";
        let left = "What is left: `r` requests, and in `t` seconds more. Every counted answer has it.";
        builder = builder.header("RateLimit-Policy", header(policy)).header("RateLimit", header(left));
    }
    builder.build()
}
