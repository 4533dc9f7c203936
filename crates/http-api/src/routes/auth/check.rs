//! Forward authentication: the answer is in headers, for a proxy that hands them on.

use actix_web::HttpResponse;
use actix_web::web::Data;
use auth_core::Users;
use org_core::Orgs;

use super::account::NO_PLAN;
use crate::Raw;
use crate::caller::Caller;
use crate::problem::Problem;

/// Every header is there always, empty if need be: a proxy that replaces what it is given lets nobody bring their own.
pub(super) async fn check(users: Data<Users>, orgs: Data<Orgs>, caller: Caller) -> Result<Raw, Problem> {
    let user = users.get(caller.user()).await?;
    let org = caller.identity.org;
    let tier = match org {
        Some(org) => orgs.tier_of(org).await?,
        None => NO_PLAN.to_owned(),
    };
    let mut answer = HttpResponse::Ok();
    answer.insert_header(("X-User-Id", user.id.to_string()));
    answer.insert_header(("X-User-Email", visible(user.email.canonical())));
    answer.insert_header(("X-Org-Id", org.map(|org| org.to_string()).unwrap_or_default()));
    answer.insert_header(("X-Tier", visible(&tier)));
    Ok(Raw(answer.finish()))
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
