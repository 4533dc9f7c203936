//! `Idempotency-Key` (IETF draft): the same key and body of the same caller give the first answer again.
//!
//! A request that has one is looked at like every other: who asks, what they may, whether it is well-formed, and how often they ask.
//! Only then the key is taken, so that what is refused writes nothing, and a replay is counted.

mod event;
mod keyed;

use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use actix_web::body::{BoxBody, to_bytes};
use actix_web::dev::Payload;
use actix_web::http::StatusCode;
use actix_web::http::header::{CONTENT_TYPE, HeaderValue};
use actix_web::{HttpMessage, HttpRequest, HttpResponse, web};
use futures_util::TryStreamExt;
use kernel::{Ambient, Begun, Idempotency, IdempotencyKey, Recorded, Timestamp, TokenHash};
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

pub(crate) use self::event::EventNames;
pub use self::keyed::KeyedIdempotency;
use crate::answer::Remembered;
use crate::caller::{ON_BEHALF_OF, credential, data};
use crate::identify::Credential;
use crate::problem::{FieldProblem, Problem};

/// The header.
const HEADER: &str = "Idempotency-Key";
/// Says that an answer is not the first.
pub(crate) const REPLAYED: &str = "Idempotent-Replayed";
/// How long an attempt may run before another may take it over.
const LEASE: Duration = Duration::from_mins(1);
/// How long an answer is kept.
const KEEP: Duration = Duration::from_hours(24);

/// What the routes ask for.
pub type IdempotencyData = web::Data<Arc<dyn Idempotency>>;

/// A request with a key, and what was read of its body; wiped, because it may have a secret in it.
pub(crate) struct Attempt {
    key: HeaderValue,
    body: Rc<RefCell<Zeroizing<Vec<u8>>>>,
}

/// The key that a running request has taken.
struct Claimed(IdempotencyKey);

impl Attempt {
    /// The attempt of a request that has a key. What its arguments read of the body from now on is part of it.
    pub(crate) fn of(request: &HttpRequest, payload: &mut Payload) -> Option<Self> {
        let key = request.headers().get(HEADER).cloned()?;
        let body = Rc::new(RefCell::new(Zeroizing::new(Vec::new())));
        let heard = Rc::clone(&body);
        let sent = std::mem::replace(payload, Payload::None);
        let sent = sent.inspect_ok(move |bytes| heard.borrow_mut().extend_from_slice(bytes));
        *payload = Payload::Stream { payload: Box::pin(sent) };
        Some(Self { key, body })
    }

    /// The same, if its key can be one.
    pub(crate) fn well_formed(self) -> Result<Self, Problem> {
        well_formed(&self.key)?;
        Ok(self)
    }

    /// Takes the key. `Some` is the first answer, of a request that was made before; `None` is: go on.
    pub(crate) async fn begin(self, request: &HttpRequest) -> Result<Option<HttpResponse>, Problem> {
        let Some(credential) = credential(request).await? else { return Ok(None) };
        let key = self.named(request, &credential);
        let now = data::<Ambient>(request)?.now();
        match store(request)?.begin(&key, now, after(now, LEASE)).await? {
            Begun::First => {
                request.extensions_mut().insert(Claimed(key));
                Ok(None)
            }
            Begun::Done(answer) => Ok(Some(replayed(answer))),
            Begun::OtherPayload => Err(reused()),
            Begun::Running => Err(Problem::conflict(
                "idempotency_in_progress",
                "the first request with this key still runs; try again shortly",
            )),
        }
    }

    fn named(&self, request: &HttpRequest, credential: &Credential) -> IdempotencyKey {
        let whom = request.headers().get(ON_BEHALF_OF).map(HeaderValue::as_bytes).unwrap_or_default();
        let query = request.query_string().as_bytes();
        IdempotencyKey {
            scope: scope(request, credential, &self.key),
            payload: digest(&[operation(request).as_bytes(), query, whom, &self.body.borrow()]),
        }
    }
}

fn operation(request: &HttpRequest) -> String {
    format!("{} {}", request.method(), request.path())
}

/// Whose key it is, and of which operation.
fn scope(request: &HttpRequest, credential: &Credential, key: &HeaderValue) -> TokenHash {
    let (who, org) = match credential {
        Credential::Session(identity) => (identity.user.to_string(), identity.org),
        Credential::Key(key) => (key.id.to_string(), Some(key.org)),
    };
    let org = org.map(|org| org.to_string()).unwrap_or_default();
    digest(&[who.as_bytes(), org.as_bytes(), operation(request).as_bytes(), key.as_bytes()])
}

/// Whether this can be a key.
fn well_formed(key: &HeaderValue) -> Result<(), Problem> {
    let visible = key.as_bytes().iter().all(u8::is_ascii_graphic);
    if visible && (1..=255).contains(&key.len()) {
        return Ok(());
    }
    let why = "must be 1 to 255 visible ASCII characters";
    Err(Problem::invalid(vec![FieldProblem::new(HEADER, "invalid_value", why)]))
}

/// 422: the key was used before, for something else.
fn reused() -> Problem {
    let why = "this key was used with another request; use a new key";
    Problem::invalid_as("idempotency_key_reused", vec![FieldProblem::new(HEADER, "reused", why)])
}

/// The answer of a request that ended, kept if the request had taken a key. One that cannot be kept is not given.
pub(crate) async fn remembered(request: &HttpRequest, answer: HttpResponse) -> HttpResponse {
    let claimed = request.extensions_mut().remove::<Claimed>();
    match claimed {
        Some(Claimed(key)) => remember(request, &key, answer).await.unwrap_or_else(|problem| problem.answer(request)),
        None => answer,
    }
}

/// Keeps the answer of what took effect or conflicted with the state; gives the key back after a refusal that changed nothing.
async fn remember(request: &HttpRequest, key: &IdempotencyKey, answer: HttpResponse) -> Result<HttpResponse, Problem> {
    let status = answer.status();
    let store = store(request)?;
    let lasting =
        status.is_success() || [StatusCode::CONFLICT, StatusCode::GONE, StatusCode::PAYMENT_REQUIRED].contains(&status);
    if !lasting {
        store.abandon(key).await?;
        return Ok(answer);
    }
    let content_type =
        answer.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or("").to_owned();
    let (head, body) = answer.into_parts();
    let bytes = to_bytes(body).await.map_err(Problem::internal)?;
    let kept = head.extensions().get::<Remembered>().map_or_else(|| bytes.to_vec(), |kept| kept.0.clone());
    let recorded = Recorded { status: status.as_u16(), content_type, body: kept };
    let now = data::<Ambient>(request)?.now();
    store.finish(key, &recorded, after(now, KEEP)).await?;
    Ok(head.set_body(BoxBody::new(bytes)))
}

fn replayed(answer: Recorded) -> HttpResponse {
    let mut response = HttpResponse::build(StatusCode::from_u16(answer.status).unwrap_or(StatusCode::OK));
    response.insert_header((REPLAYED, "true"));
    response.insert_header((CONTENT_TYPE, answer.content_type));
    response.body(answer.body)
}

fn store(request: &HttpRequest) -> Result<IdempotencyData, Problem> {
    data::<Arc<dyn Idempotency>>(request)
}

fn after(now: Timestamp, by: Duration) -> Timestamp {
    now + chrono::TimeDelta::from_std(by).unwrap_or_default()
}

/// SHA-256 of parts, each with its length before it so that no two lists agree by accident.
fn digest(parts: &[&[u8]]) -> TokenHash {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update(u64::try_from(part.len()).unwrap_or(u64::MAX).to_be_bytes());
        hash.update(part);
    }
    TokenHash::from_bytes(hash.finalize().into())
}
