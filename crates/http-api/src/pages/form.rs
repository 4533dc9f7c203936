//! Forms, `application/x-www-form-urlencoded`: read within limits, and refused as a whole when they are not what a page of ours sends.

use actix_web::HttpRequest;
use actix_web::dev::Payload;
use actix_web::http::StatusCode;
use actix_web::http::header::CONTENT_TYPE;
use auth_core::policy::csrf::{may_sign_in, passes};
use kernel::{Actor, UserId};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde::de::value::{Error as FieldError, MapDeserializer};

use crate::caller::{actor, data, evidence, identify};
use crate::endpoint::{Argument, Doc};
use crate::identify::CurrentSession;
use crate::input::read;
use crate::problem::{FieldProblem, Problem};
use crate::site::Site;

/// The greatest form, in bytes.
const MAX_FORM: usize = 16 * 1024;

/// The hidden field that carries the session's token.
const CSRF_FIELD: &str = "csrf_token";

/// A form of somebody who need not be signed in. Refused when another site's page sent it.
pub(super) struct Form<T> {
    /// From where.
    pub(super) actor: Actor,
    /// The request.
    pub(super) request: HttpRequest,
    /// What was typed.
    pub(super) fields: T,
}

/// A form of somebody who is signed in. It has passed the CSRF policy.
pub(super) struct OwnForm<T> {
    /// Who, and from where.
    pub(super) actor: Actor,
    /// Who.
    pub(super) user: UserId,
    /// Their session.
    pub(super) current: CurrentSession,
    /// What was typed.
    pub(super) fields: T,
}

/// A form that is only a button.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Button {}

impl<T: DeserializeOwned> Argument for Form<T> {
    async fn take(request: &HttpRequest, payload: &mut Payload) -> Result<Self, Problem> {
        let site = data::<Site>(request)?;
        if !may_sign_in(evidence(request, None), &site.origins) {
            return Err(Problem::csrf());
        }
        let fields = fill(pairs(&body(request, payload).await?)?)?;
        Ok(Self { actor: actor(request, None)?, request: request.clone(), fields })
    }
    fn describe(_: &mut Doc) {}
}

impl<T: DeserializeOwned> Argument for OwnForm<T> {
    async fn take(request: &HttpRequest, payload: &mut Payload) -> Result<Self, Problem> {
        let identity = identify(request).await?.ok_or_else(Problem::unauthenticated)?;
        let needs_session = || Problem::forbidden("this needs a signed-in session");
        let current = identity.session.clone().ok_or_else(needs_session)?;
        // A form that cannot be read has no token; whether it may come from us is decided before what is wrong with it is told.
        let sent = pairs(&body(request, payload).await?);
        let token = sent.as_ref().ok().and_then(|sent| sent.iter().find(|(name, _)| name == CSRF_FIELD));
        let matches = token.map(|(_, token)| current.token.csrf_matches(token));
        if !passes(evidence(request, matches), &data::<Site>(request)?.origins) {
            return Err(Problem::csrf());
        }
        let fields = fill(sent?.into_iter().filter(|(name, _)| name != CSRF_FIELD).collect())?;
        let actor = actor(request, Some(&identity))?;
        Ok(Self { actor, user: identity.user, current, fields })
    }
    fn describe(_: &mut Doc) {}
}

async fn body(request: &HttpRequest, payload: &mut Payload) -> Result<Vec<u8>, Problem> {
    let bytes = read(request, payload, MAX_FORM).await?;
    let given = request.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let essence = given.split(';').next().unwrap_or_default().trim();
    if bytes.is_empty() || essence.eq_ignore_ascii_case("application/x-www-form-urlencoded") {
        return Ok(bytes);
    }
    let detail = "send the form as application/x-www-form-urlencoded";
    Err(Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "unsupported_media_type", detail))
}

fn malformed() -> Problem {
    Problem::invalid(vec![FieldProblem::new("", "malformed_form", "the form cannot be read")])
}

/// The names and values of a form or query (WHATWG URL, 5.1), but strictly: what is no UTF-8, or a control character that no field of
/// ours takes, is refused and not replaced.
fn pairs(bytes: &[u8]) -> Result<Vec<(String, String)>, Problem> {
    let text = std::str::from_utf8(bytes).ok().ok_or_else(malformed)?;
    let pair = |part: &str| {
        let (name, value) = part.split_once('=').unwrap_or((part, ""));
        Some((decode(name)?, decode(value)?))
    };
    let parts = text.split('&').filter(|part| !part.is_empty());
    parts.map(pair).collect::<Option<Vec<_>>>().ok_or_else(malformed)
}

fn decode(text: &str) -> Option<String> {
    let mut rest = text.bytes();
    let mut decoded = Vec::with_capacity(text.len());
    while let Some(byte) = rest.next() {
        decoded.push(match byte {
            b'+' => b' ',
            b'%' => u8::try_from(digit(rest.next())? * 16 + digit(rest.next())?).ok()?,
            other => other,
        });
    }
    String::from_utf8(decoded).ok().filter(|text| !text.chars().any(char::is_control))
}

fn digit(byte: Option<u8>) -> Option<u32> {
    char::from(byte?).to_digit(16)
}

fn fill<T: DeserializeOwned>(pairs: Vec<(String, String)>) -> Result<T, Problem> {
    let filled = T::deserialize(MapDeserializer::<_, FieldError>::new(pairs.into_iter()));
    filled.map_err(|error| Problem::invalid(vec![FieldProblem::new("", "malformed_form", error.to_string())]))
}

/// A parameter of the query; `None` also when it cannot be read. Others are passed over: mail programs add theirs.
pub(super) fn query(request: &HttpRequest, name: &str) -> Option<String> {
    let pairs = pairs(request.query_string().as_bytes()).ok()?;
    pairs.into_iter().find(|(given, _)| given == name).map(|(_, value)| value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, Deserialize, PartialEq)]
    #[serde(deny_unknown_fields)]
    struct Sample {
        login: String,
        #[serde(default)]
        next: String,
    }

    fn parse(bytes: &[u8]) -> Option<(String, String)> {
        let filled = fill::<Sample>(pairs(bytes).ok()?).ok()?;
        Some((filled.login, filled.next))
    }

    #[test]
    fn a_form_is_read_as_browsers_write_it() {
        for (text, login, next) in [
            ("login=ann", "ann", ""),
            ("login=", "", ""),
            ("login", "", ""),
            ("&login=a&&next=b&", "a", "b"),
            ("login=a+b%2Bc&next=%2Fx%3Fy%3D1", "a b+c", "/x?y=1"),
            ("login=%C3%A4%f0%9f%A6%80", "ä\u{1f980}", ""),
            ("login=a=b", "a=b", ""),
            ("lo%67in=a", "a", ""),
        ] {
            assert_eq!(parse(text.as_bytes()), Some((login.to_owned(), next.to_owned())), "{text}");
        }
    }

    #[test]
    fn what_no_page_of_ours_sends_is_refused() {
        for text in [
            &b""[..],
            b"next=a",
            b"login=a&login=b",
            b"login=a&extra=b",
            b"login=%00",
            b"login=a%0Ab",
            b"login=a\x00b",
            b"login=%7f",
            b"login=%C2%85",
            b"login=%",
            b"login=%4",
            b"login=%zz",
            b"login=%+1",
            b"login=%ff",
            b"login=%ed%a0%80",
            b"login=\xff",
            b"{\"login\":\"a\"}",
        ] {
            assert_eq!(parse(text), None, "{}", String::from_utf8_lossy(text));
        }
    }
}
