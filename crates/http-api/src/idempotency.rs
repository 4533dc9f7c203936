//! `Idempotency-Key` (IETF draft): the same key and body of the same caller give the first answer again.

use std::sync::Arc;
use std::time::Duration;

use actix_web::body::{BoxBody, MessageBody, to_bytes};
use actix_web::dev::{Payload, ServiceRequest, ServiceResponse};
use actix_web::http::StatusCode;
use actix_web::http::header::{CONTENT_TYPE, HeaderValue};
use actix_web::middleware::Next;
use actix_web::{Error, HttpMessage, HttpRequest, HttpResponse, web};
use kernel::{Ambient, Begun, Idempotency, IdempotencyKey, Recorded, Timestamp, TokenHash};
use sha2::{Digest, Sha256};

use crate::answer::Remembered;
use crate::caller::{ON_BEHALF_OF, credential, data};
use crate::endpoint::{Admission, contained};
use crate::identify::Credential;
use crate::input::{MAX_JSON, read};
use crate::problem::{FieldProblem, Problem};

/// How long an attempt may run before another may take it over.
const LEASE: Duration = Duration::from_mins(1);
/// How long an answer is kept.
const KEEP: Duration = Duration::from_hours(24);

/// What the middleware asks for.
pub type IdempotencyData = web::Data<Arc<dyn Idempotency>>;

/// Answers a repeated attempt from memory, and remembers the answer of a first one. Who may not make the request any more is refused
/// like everybody else.
pub(crate) async fn replay<B: MessageBody + 'static>(
    admission: Admission,
    request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    let kept = request.request().clone();
    match contained(&kept, begin(admission, request)).await {
        Ok(Step::PassOn(request)) => next.call(request).await.map(ServiceResponse::map_into_boxed_body),
        Ok(Step::Answer(answer)) => Ok(ServiceResponse::new(kept, answer)),
        Ok(Step::First(request, key)) => {
            let response = next.call(request).await?;
            let answer = remember(&kept, &key, response.into_parts().1.map_into_boxed_body()).await;
            Ok(ServiceResponse::new(kept.clone(), answer.unwrap_or_else(|problem| problem.answer(&kept))))
        }
        Err(problem) => Ok(ServiceResponse::new(kept.clone(), problem.answer(&kept))),
    }
}

enum Step {
    /// No key, or nobody who could use one.
    PassOn(ServiceRequest),
    /// It was done, or cannot be.
    Answer(HttpResponse),
    /// Do it.
    First(ServiceRequest, IdempotencyKey),
}

async fn begin(admission: Admission, mut request: ServiceRequest) -> Result<Step, Problem> {
    let Some(given) = request.headers().get("Idempotency-Key").cloned() else { return Ok(Step::PassOn(request)) };
    admission(request.request().clone()).await?;
    let Some(credential) = credential(request.request()).await? else { return Ok(Step::PassOn(request)) };
    let visible = given.as_bytes().iter().all(u8::is_ascii_graphic);
    if !visible || !(1..=255).contains(&given.len()) {
        let why = "must be 1 to 255 visible ASCII characters";
        return Err(Problem::invalid(vec![FieldProblem::new("Idempotency-Key", "invalid_value", why)]));
    }
    let mut payload = request.take_payload();
    let body = read(request.request(), &mut payload, MAX_JSON).await?;
    let operation = format!("{} {}", request.method(), request.path());
    let (who, org) = match &credential {
        Credential::Session(identity) => (identity.user.to_string(), identity.org),
        Credential::Key(key) => (key.id.to_string(), Some(key.org)),
    };
    let org = org.map(|org| org.to_string()).unwrap_or_default();
    let whom = request.headers().get(ON_BEHALF_OF).map(HeaderValue::as_bytes).unwrap_or_default();
    let key = IdempotencyKey {
        scope: digest(&[who.as_bytes(), org.as_bytes(), operation.as_bytes(), given.as_bytes()]),
        payload: digest(&[operation.as_bytes(), request.query_string().as_bytes(), whom, &body]),
    };
    request.set_payload(Payload::from(web::Bytes::from(body)));
    let now = data::<Ambient>(request.request())?.now();
    match store(request.request())?.begin(&key, now, after(now, LEASE)).await? {
        Begun::First => Ok(Step::First(request, key)),
        Begun::Done(answer) => Ok(Step::Answer(replayed(answer))),
        Begun::OtherPayload => {
            let why = "this key was used with another request; use a new key";
            Err(Problem::invalid_as(
                "idempotency_key_reused",
                vec![FieldProblem::new("Idempotency-Key", "reused", why)],
            ))
        }
        Begun::Running => Err(Problem::conflict(
            "idempotency_in_progress",
            "the first request with this key still runs; try again shortly",
        )),
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
    response.insert_header(("Idempotent-Replayed", "true"));
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
