use std::num::NonZeroU32;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU32, Ordering};

use actix_web::App;
use actix_web::body::BoxBody;
use actix_web::dev::ServiceResponse;
use actix_web::http::{Method, StatusCode};
use actix_web::test::{TestRequest, call_service, init_service, read_body_json};
use auth_core::Freshness;
use chrono::TimeDelta;
use kernel::testing::{ManualClock, MemoryIdempotency, manual_ambient};
use kernel::{Begun, Idempotency, IdempotencyKey, PlatformRole, Recorded, StoreError};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use usage_core::Rate;
use utoipa::ToSchema;

use super::*;
use crate::Answer;
use crate::caller::{Caller, Visitor};
use crate::endpoint::Endpoint;
use crate::identify::{Identify, Identity};
use crate::input::Json;
use crate::site::{Environment, Site};

/// Whoever sends `X-Test-User` is signed in.
struct Header;

#[async_trait(?Send)]
impl Identify for Header {
    async fn identify(&self, request: &HttpRequest, _: Freshness) -> Result<Option<Identity>, Problem> {
        let user = request.headers().get("X-Test-User").and_then(|value| value.to_str().ok()?.parse().ok());
        Ok(user.map(|user| Identity { user, org: None, role: PlatformRole::User, session: None }))
    }
}

/// One bucket for everybody, with one request in it, and then one more at a time that is said.
struct Fake {
    ambient: Ambient,
    asked: Mutex<Vec<(Subject, Class)>>,
    opens: Mutex<Timestamp>,
    down: bool,
}

#[async_trait]
impl RateLimits for Fake {
    async fn of(&self, who: &Subject, class: Class) -> Result<Option<Taken>, Problem> {
        if self.down {
            return Err(Problem::unavailable("the double is down"));
        }
        self.asked.lock().unwrap().push((who.clone(), class));
        let (now, opens) = (self.ambient.now(), *self.opens.lock().unwrap());
        let allowed = now >= opens;
        let retry_at = if allowed { now } else { opens };
        let rate = Rate::per_minute(NonZeroU32::new(100).unwrap());
        let full_at = retry_at + TimeDelta::milliseconds(2_500);
        Ok(Some(Taken { allowed, remaining: if allowed { 97 } else { 0 }, full_at, retry_at, rate }))
    }
}

#[derive(Serialize, ToSchema)]
struct Done {
    done: bool,
}

#[derive(Deserialize, ToSchema)]
struct Given {
    fails: bool,
}

/// Counts what is written.
#[derive(Default)]
struct Written {
    kept: MemoryIdempotency,
    writes: AtomicU32,
}

#[async_trait]
impl Idempotency for Written {
    async fn begin(&self, key: &IdempotencyKey, now: Timestamp, until: Timestamp) -> Result<Begun, StoreError> {
        self.writes.fetch_add(1, Ordering::SeqCst);
        self.kept.begin(key, now, until).await
    }
    async fn finish(&self, key: &IdempotencyKey, answer: &Recorded, until: Timestamp) -> Result<(), StoreError> {
        self.writes.fetch_add(1, Ordering::SeqCst);
        self.kept.finish(key, answer, until).await
    }
    async fn abandon(&self, key: &IdempotencyKey) -> Result<(), StoreError> {
        self.writes.fetch_add(1, Ordering::SeqCst);
        self.kept.abandon(key).await
    }
}

/// How often a handler ran.
struct Runs(AtomicU32);

async fn read(runs: web::Data<Runs>, _: Caller) -> Result<Answer<Done>, Problem> {
    runs.0.fetch_add(1, Ordering::SeqCst);
    Ok(Answer::new(Done { done: true }))
}

async fn write(runs: web::Data<Runs>, _: Caller, body: Json<Given>) -> Result<Answer<Done>, Problem> {
    runs.0.fetch_add(1, Ordering::SeqCst);
    if body.0.fails { Err(Problem::conflict("taken", "it is taken")) } else { Ok(Answer::new(Done { done: true })) }
}

async fn visit(_: Visitor) -> Result<Answer<Done>, Problem> {
    Ok(Answer::new(Done { done: true }))
}

async fn panic(_: Caller) -> Result<Answer<Done>, Problem> {
    std::panic::panic_any("a defect".to_owned())
}

fn endpoints() -> Vec<Endpoint> {
    vec![
        Endpoint::get("/read", read),
        Endpoint::post("/write", write),
        Endpoint::post("/decide", write).decision(),
        Endpoint::post("/free", write).unlimited(),
        Endpoint::post("/once", write).once(),
        Endpoint::get("/visit", visit),
        Endpoint::get("/panic", panic),
    ]
}

fn site() -> Site {
    Site {
        public_url: String::new(),
        origins: Vec::new(),
        secure: false,
        trusted_proxies: Vec::new(),
        deadline: Duration::from_secs(5),
        version: "test",
        environment: Environment::Development,
    }
}

struct Stage {
    clock: Arc<ManualClock>,
    ambient: Ambient,
    limits: Arc<Fake>,
    runs: web::Data<Runs>,
    written: Arc<Written>,
    user: UserId,
}

impl Stage {
    fn new(down: bool) -> Self {
        let (clock, ambient) = manual_ambient(3);
        let (asked, opens) = (Mutex::default(), Mutex::new(ambient.now()));
        let limits = Arc::new(Fake { ambient: ambient.clone(), asked, opens, down });
        let user = UserId::mint(&ambient);
        let runs = web::Data::new(Runs(AtomicU32::new(0)));
        Self { clock, ambient, limits, runs, written: Arc::default(), user }
    }

    async fn call(&self, request: TestRequest) -> ServiceResponse<BoxBody> {
        let limits: Arc<dyn RateLimits> = self.limits.clone();
        let identify: Arc<dyn Identify> = Arc::new(Header);
        let idempotency: Arc<dyn Idempotency> = self.written.clone();
        let app = App::new()
            .app_data(web::Data::new(idempotency))
            .app_data(web::Data::new(limits))
            .app_data(web::Data::new(identify))
            .app_data(web::Data::new(site()))
            .app_data(web::Data::new(self.ambient.clone()))
            .app_data(self.runs.clone())
            .configure(|cfg| crate::app::mount(cfg, &endpoints()));
        call_service(&init_service(app).await, request.to_request()).await
    }

    /// A request of the user.
    fn request(&self, method: Method, path: &str) -> TestRequest {
        stranger(method, path).insert_header(("X-Test-User", self.user.to_string()))
    }

    fn close_for(&self, wait: TimeDelta) {
        *self.limits.opens.lock().unwrap() = self.ambient.now() + wait;
    }

    fn classes(&self) -> Vec<Class> {
        self.limits.asked.lock().unwrap().drain(..).map(|(_, class)| class).collect()
    }

    fn runs(&self) -> u32 {
        self.runs.0.load(Ordering::SeqCst)
    }
}

/// A request of nobody we know.
fn stranger(method: Method, path: &str) -> TestRequest {
    TestRequest::default().method(method).uri(path)
}

fn header<'a>(answer: &'a ServiceResponse<BoxBody>, name: &str) -> Option<&'a str> {
    answer.headers().get(name).map(|value| value.to_str().unwrap())
}

/// A field as a structured field: its one name and that name's parameters (RFC 9651).
fn field(answer: &ServiceResponse<BoxBody>, name: &str) -> (String, Vec<(String, i64)>) {
    let list: sfv::List = sfv::Parser::new(header(answer, name).unwrap()).parse().unwrap();
    let [sfv::ListEntry::Item(item)] = list.as_slice() else { panic!("one item: {list:?}") };
    let number = |value: &sfv::BareItem| i64::from(value.as_integer().unwrap());
    let parameters = item.params.iter().map(|(key, value)| (key.as_str().to_owned(), number(value))).collect();
    (item.bare_item.as_string().unwrap().as_str().to_owned(), parameters)
}

fn told(name: &str, parameters: &[(&str, i64)]) -> (String, Vec<(String, i64)>) {
    (name.to_owned(), parameters.iter().map(|(key, value)| ((*key).to_owned(), *value)).collect())
}

#[actix_web::test]
async fn a_counted_answer_says_what_is_left() {
    let stage = Stage::new(false);
    let answer = stage.call(stage.request(Method::GET, "/read")).await;
    assert_eq!(answer.status(), StatusCode::OK);
    assert_eq!(header(&answer, "RateLimit-Policy"), Some("\"api\";q=100;w=60"));
    assert_eq!(header(&answer, "RateLimit"), Some("\"api\";r=97;t=3"));
    assert_eq!(field(&answer, "RateLimit-Policy"), told("api", &[("q", 100), ("w", 60)]));
    assert_eq!(field(&answer, "RateLimit"), told("api", &[("r", 97), ("t", 3)]));
    assert_eq!(header(&answer, "X-RateLimit-Limit"), Some("100"));
    assert_eq!(header(&answer, "X-RateLimit-Remaining"), Some("97"));
    // The first moment of 2030 and 2.5 s.
    assert_eq!(header(&answer, "X-RateLimit-Reset"), Some("1893456003"));
    assert_eq!(header(&answer, "Retry-After"), None);
    let subject = Subject { user: Some(stage.user), org: None, key: None };
    assert_eq!(*stage.limits.asked.lock().unwrap(), [(subject, Class::Reads)]);
}

#[actix_web::test]
async fn a_refused_request_is_told_when_and_does_nothing() {
    let stage = Stage::new(false);
    stage.close_for(TimeDelta::microseconds(12_000_001));
    let request = stage.request(Method::POST, "/decide").set_json(serde_json::json!({ "fails": false }));
    let answer = stage.call(request).await;
    assert_eq!(answer.status(), StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(header(&answer, "Retry-After"), Some("13"));
    assert_eq!(field(&answer, "RateLimit"), told("decision", &[("r", 0), ("t", 13)]));
    assert_eq!(header(&answer, "X-RateLimit-Remaining"), Some("0"));
    assert_eq!(header(&answer, "X-RateLimit-Reset"), Some("1893456015"), "12.000001 s and 2.5 s");
    let body: Value = read_body_json(answer).await;
    assert_eq!(body["type"], "https://iana.org/assignments/http-problem-types#quota-exceeded");
    assert_eq!(body["violated-policies"], serde_json::json!(["decision"]));
    assert_eq!((&body["code"], &body["status"]), (&Value::from("rate_limited"), &Value::from(429)));
    assert_eq!(body["detail"], "too many requests; try again in 13 seconds");
    assert_eq!(stage.runs(), 0);
}

#[actix_web::test]
async fn waiting_as_long_as_told_is_long_enough_and_a_second_less_is_not() {
    let stage = Stage::new(false);
    let ask = async || stage.call(stage.request(Method::GET, "/read")).await;
    for trial in 0..100_u32 {
        stage.clock.advance(Duration::from_micros(u64::from(trial) * 7_919));
        stage.close_for(TimeDelta::microseconds(i64::from(trial + 1) * 611_953));
        let refused = ask().await;
        let seconds: u64 = header(&refused, "Retry-After").unwrap().parse().unwrap();
        assert!(seconds >= 1);
        stage.clock.advance(Duration::from_secs(seconds - 1));
        assert_eq!(ask().await.status(), StatusCode::TOO_MANY_REQUESTS, "{seconds} s, trial {trial}");
        stage.clock.advance(Duration::from_secs(1));
        assert_eq!(ask().await.status(), StatusCode::OK, "{seconds} s, trial {trial}");
    }
}

#[actix_web::test]
async fn the_method_or_the_row_chooses_the_bucket() {
    let stage = Stage::new(false);
    let good = serde_json::json!({ "fails": false });
    for (method, path, expected) in [
        (Method::GET, "/read", Some(Class::Reads)),
        (Method::HEAD, "/read", Some(Class::Reads)),
        (Method::POST, "/write", Some(Class::Writes)),
        (Method::POST, "/decide", Some(Class::Decision)),
        (Method::POST, "/free", None),
        (Method::GET, "/visit", Some(Class::Reads)),
    ] {
        let mut request = stage.request(method.clone(), path);
        if method == Method::POST {
            request = request.set_json(&good);
        }
        let answer = stage.call(request).await;
        assert_eq!(answer.status(), StatusCode::OK, "{method} {path}");
        assert_eq!(stage.classes().first().copied(), expected, "{method} {path}");
        assert_eq!(header(&answer, "RateLimit").is_some(), expected.is_some(), "{method} {path}");
    }
    let answer = stage.call(stranger(Method::GET, "/visit")).await;
    assert_eq!((answer.status(), header(&answer, "RateLimit")), (StatusCode::OK, None));
    assert_eq!(stage.classes(), []);
}

#[actix_web::test]
async fn what_is_wrong_with_a_request_costs_one_and_is_said_while_there_are_any() {
    let stage = Stage::new(false);
    let wrong = || stage.request(Method::POST, "/write").set_json(serde_json::json!({ "fails": 1 }));
    let told = stage.call(wrong()).await;
    assert_eq!(told.status(), StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(header(&told, "RateLimit"), Some("\"api\";r=97;t=3"));
    assert_eq!(stage.classes(), [Class::Writes]);

    stage.close_for(TimeDelta::seconds(60));
    let told = stage.call(wrong()).await;
    assert_eq!((told.status(), header(&told, "Retry-After")), (StatusCode::TOO_MANY_REQUESTS, Some("60")));
    assert_eq!((stage.classes(), stage.runs()), (vec![Class::Writes], 0));
    let told = stage.call(stranger(Method::GET, "/read")).await;
    assert_eq!((told.status(), header(&told, "RateLimit")), (StatusCode::UNAUTHORIZED, None));
    assert_eq!(stage.classes(), [], "whom we do not know has no bucket");
}

#[actix_web::test]
async fn a_key_is_taken_only_after_the_request_was_counted() {
    let stage = Stage::new(false);
    let once = |key: &str, body: Value| {
        let request = stage.request(Method::POST, "/once").insert_header(("Idempotency-Key", key));
        request.set_json(body)
    };
    let good = || serde_json::json!({ "fails": false });
    let writes = || stage.written.writes.swap(0, Ordering::SeqCst);

    stage.close_for(TimeDelta::seconds(60));
    for number in 0..3 {
        let refused = stage.call(once(&format!("fresh-{number}"), good())).await;
        assert_eq!(refused.status(), StatusCode::TOO_MANY_REQUESTS);
    }
    assert_eq!((writes(), stage.runs(), stage.classes().len()), (0, 0, 3), "a refusal writes nothing");
    stage.close_for(TimeDelta::zero());

    let first = stage.call(once("one", good())).await;
    assert_eq!((first.status(), header(&first, "Idempotent-Replayed")), (StatusCode::OK, None));
    assert_eq!((writes(), stage.runs(), stage.classes().len()), (2, 1, 1));
    let again = stage.call(once("one", good())).await;
    assert_eq!((again.status(), header(&again, "Idempotent-Replayed")), (StatusCode::OK, Some("true")));
    assert_eq!(header(&again, "RateLimit"), Some("\"api\";r=97;t=3"), "a replay is counted");
    assert_eq!((stage.runs(), stage.classes().len()), (1, 1));
    stage.close_for(TimeDelta::seconds(60));
    assert_eq!(stage.call(once("one", good())).await.status(), StatusCode::TOO_MANY_REQUESTS, "and refused");
    stage.close_for(TimeDelta::zero());

    // What is wrong with a request is said before its key is taken; it is counted all the same.
    writes();
    stage.classes();
    let wrong = [("one", serde_json::json!({ "fails": 1 })), ("with space", good()), ("", good())];
    for (key, body) in wrong {
        assert_eq!(stage.call(once(key, body)).await.status(), StatusCode::UNPROCESSABLE_ENTITY, "{key:?}");
    }
    let stranger = stranger(Method::POST, "/once").insert_header(("Idempotency-Key", "one")).set_json(good());
    assert_eq!(stage.call(stranger).await.status(), StatusCode::UNAUTHORIZED);
    assert_eq!((writes(), stage.classes().len()), (0, 3), "the stranger is not");
    let other = stage.call(once("one", serde_json::json!({ "fails": true }))).await;
    assert_eq!(other.status(), StatusCode::UNPROCESSABLE_ENTITY, "another body under the same key");
    assert_eq!(stage.runs(), 1);
}

#[actix_web::test]
async fn a_key_whose_request_failed_or_broke_off_is_free_again() {
    let stage = Stage::new(false);
    let once = |key: &str, fails: bool| {
        let request = stage.request(Method::POST, "/once").insert_header(("Idempotency-Key", key));
        request.set_json(serde_json::json!({ "fails": fails }))
    };
    let conflict = stage.call(once("one", true)).await;
    assert_eq!((conflict.status(), header(&conflict, "Idempotent-Replayed")), (StatusCode::CONFLICT, None));
    let again = stage.call(once("one", true)).await;
    assert_eq!((again.status(), header(&again, "Idempotent-Replayed")), (StatusCode::CONFLICT, Some("true")));
    stage.written.kept.break_down(true);
    assert_eq!(stage.call(once("two", false)).await.status(), StatusCode::SERVICE_UNAVAILABLE);
    stage.written.kept.break_down(false);
    assert_eq!(stage.runs(), 1, "what cannot be remembered is not done");
    assert_eq!(stage.call(once("two", false)).await.status(), StatusCode::OK);
}

#[actix_web::test]
async fn a_counted_request_that_fails_says_so_too() {
    let stage = Stage::new(false);
    let fails = stage.request(Method::POST, "/write").set_json(serde_json::json!({ "fails": true }));
    for (request, status) in
        [(fails, StatusCode::CONFLICT), (stage.request(Method::GET, "/panic"), StatusCode::INTERNAL_SERVER_ERROR)]
    {
        let answer = stage.call(request).await;
        assert_eq!(answer.status(), status);
        assert_eq!(header(&answer, "RateLimit"), Some("\"api\";r=97;t=3"), "{status}");
    }
}

#[actix_web::test]
async fn limits_that_cannot_be_asked_let_nobody_through() {
    let stage = Stage::new(true);
    let answer = stage.call(stage.request(Method::GET, "/read")).await;
    assert_eq!(answer.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(stage.runs(), 0);
    let wrong = stage.request(Method::POST, "/write").set_json(serde_json::json!({ "fails": 1 }));
    assert_eq!(stage.call(wrong).await.status(), StatusCode::UNPROCESSABLE_ENTITY, "what is wrong is wrong");
    let free = stage.request(Method::POST, "/free").set_json(serde_json::json!({ "fails": false }));
    assert_eq!(stage.call(free).await.status(), StatusCode::OK, "what is not counted goes on");
}

#[test]
fn the_document_names_the_refusal_where_it_can_happen() {
    let told: Vec<(&str, bool)> = [("/read", true), ("/decide", true), ("/free", false), ("/visit", true)].to_vec();
    let endpoints = endpoints();
    for (path, counted) in told {
        let row = endpoints.iter().find(|row| row.paths.contains(&path)).unwrap();
        let codes = row.doc.problems().get(&429);
        assert_eq!(codes.is_some_and(|codes| codes.contains("rate_limited")), counted, "{path}");
    }
}
