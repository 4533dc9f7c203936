//! Forward authentication: the answer is in headers, for a proxy that hands them on.

use actix_web::HttpResponse;
use actix_web::web::Data;
use auth_core::Users;
use kernel::OrgId;
use org_core::{OrgError, Orgs};
use plan_core::Plans;

use crate::Raw;
use crate::caller::Caller;
use crate::identify::Identity;
use crate::problem::Problem;

/// Every header is there always, empty if need be: a proxy that replaces what it is given lets nobody bring their own.
pub(super) async fn check(
    users: Data<Users>,
    orgs: Data<Orgs>,
    plans: Data<Plans>,
    caller: Caller,
) -> Result<Raw, Problem> {
    let org = active_org(&orgs, &caller.identity).await?;
    let email = match &caller.identity.session {
        Some(session) => session.email.clone(),
        None => users.get(caller.user()).await?.email.canonical().to_owned(),
    };
    let tier = match org {
        Some(org) => orgs.tier_of(org).await?,
        None => plans.default_plan().to_string(),
    };
    let mut answer = HttpResponse::Ok();
    answer.insert_header(("X-User-Id", caller.user().to_string()));
    answer.insert_header(("X-User-Email", visible(&email)));
    answer.insert_header(("X-Org-Id", org.map(|org| org.to_string()).unwrap_or_default()));
    answer.insert_header(("X-Tier", visible(&tier)));
    Ok(Raw(answer.finish()))
}

/// The organization that somebody acts in, for a proxy: one that is not active any more, or that they are no member of any more, lets
/// them through nowhere.
pub(crate) async fn active_org(orgs: &Orgs, identity: &Identity) -> Result<Option<OrgId>, Problem> {
    let Some(org) = identity.org else { return Ok(None) };
    if identity.proven_org() == Some(org) {
        return Ok(Some(org));
    }
    match orgs.membership(org, identity.user).await {
        Ok(membership) => Ok(Some(membership.org())),
        Err(OrgError::OrgNotFound) => Err(Problem::outside()),
        Err(failure) => Err(failure.into()),
    }
}

/// Text that can stand in a header: percent-encoded (RFC 3986, 2.1) where it is not visible ASCII. The `%` itself is encoded too, so
/// that no two texts become one.
pub(crate) fn visible(text: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_graphic() && byte != b'%';
    text.bytes().map(|byte| if plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") }).collect()
}

#[cfg(test)]
mod tests {
    use actix_web::http::header::HeaderValue;

    use super::visible;

    #[test]
    fn every_text_becomes_header_text_and_no_two_become_one() {
        for (text, shown) in [
            ("ada@example.com", "ada@example.com"),
            ("ä@example.com", "%C3%A4@example.com"),
            ("%c3%a4@example.com", "%25c3%25a4@example.com"),
            ("a\r\nX-User-Id: b", "a%0D%0AX-User-Id:%20b"),
            ("", ""),
        ] {
            assert_eq!(visible(text), shown);
            assert!(HeaderValue::from_str(&visible(text)).is_ok(), "{text}");
        }
    }
}
