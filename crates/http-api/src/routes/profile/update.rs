//! A change of a profile, as JSON or as a form.

use account_core::policy::MAX_PICTURE_BYTES;
use account_core::{DisplayName, ProfilePatch};
use actix_web::HttpRequest;
use actix_web::dev::Payload;
use kernel::Email;
use serde::Deserialize;
use utoipa::ToSchema;

use super::dto::profile::{ProfileChange, filled};
use super::upload::{Form, PartRule, is_form};
use crate::endpoint::{Argument, Doc};
use crate::input::{Fields, Json};
use crate::problem::Problem;

/// The greatest text of a form, in bytes.
const MAX_TEXT: usize = 4 * 1024;

/// What to change.
#[derive(Debug)]
pub(super) struct ProfileUpdate {
    /// The fields.
    pub(super) patch: ProfilePatch,
    /// A new picture.
    pub(super) picture: Option<Vec<u8>>,
    email: Option<String>,
}

/// The parts of the form that older consoles send.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "only the document reads it")]
struct ProfileForm {
    /// What others see instead of the user name; empty text empties it.
    #[schema(value_type = String, required = false, max_length = 100, pattern = "^[^\\x00-\\x1f\\x7f-\\x9f]*$", example = "Ada Lovelace")]
    name: Option<String>,
    /// Must be the present address: addresses are not changed here.
    #[schema(value_type = String, required = false, example = "ada@example.com")]
    email: Option<String>,
    /// A picture: PNG, JPEG or WebP, at most 2 MiB.
    #[schema(value_type = String, format = Binary, required = false)]
    avatar: Option<Vec<u8>>,
}

impl ProfileUpdate {
    /// Refuses to change the address.
    pub(super) fn keeps(&self, email: &Email) -> Result<(), Problem> {
        match &self.email {
            Some(given) if Email::parse(given).as_ref() != Ok(email) => {
                Err(Problem::conflict("email_read_only", "the e-mail address cannot be changed here"))
            }
            Some(_) | None => Ok(()),
        }
    }

    fn from_json(mut change: ProfileChange) -> Result<Self, Problem> {
        let email = change.email.take();
        Ok(Self { patch: change.try_into()?, picture: None, email })
    }

    fn from_form(mut form: Form) -> Result<Self, Problem> {
        let mut fields = Fields::default();
        let name = filled(form.text("name")?.map(Some), DisplayName::parse);
        let display_name = fields.read("/name", name).flatten();
        let patch = fields.done(Some(ProfilePatch { display_name, ..ProfilePatch::default() }))?;
        Ok(Self { patch, email: form.text("email")?, picture: form.take("avatar") })
    }
}

impl Argument for ProfileUpdate {
    async fn take(request: &HttpRequest, payload: &mut Payload) -> Result<Self, Problem> {
        if is_form(request) {
            let rules = [
                PartRule { name: "name", max: MAX_TEXT },
                PartRule { name: "email", max: MAX_TEXT },
                PartRule { name: "avatar", max: MAX_PICTURE_BYTES },
            ];
            Self::from_form(Form::read(request, payload, &rules).await?)
        } else {
            Self::from_json(Json::<ProfileChange>::take(request, payload).await?.0)
        }
    }
    fn describe(doc: &mut Doc) {
        doc.body::<ProfileChange>("application/json");
        doc.body::<ProfileForm>("multipart/form-data");
    }
}

#[cfg(test)]
mod tests {
    use actix_web::http::header::CONTENT_TYPE;
    use actix_web::test::TestRequest;

    use super::*;

    async fn send(media_type: &str, body: &str) -> Result<ProfileUpdate, Problem> {
        let request = TestRequest::put().insert_header((CONTENT_TYPE, media_type)).set_payload(body.to_owned());
        let (request, mut payload) = request.to_http_parts();
        ProfileUpdate::take(&request, &mut payload).await
    }

    fn form(parts: &[(&str, &str)]) -> String {
        let part = |(name, text): &(&str, &str)| {
            format!("--X\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{text}\r\n")
        };
        parts.iter().map(part).chain(["--X--\r\n".to_owned()]).collect()
    }

    const FORM: &str = "multipart/form-data; boundary=X";

    #[actix_web::test]
    async fn a_form_says_what_json_says() {
        let parts = [("name", "Ada"), ("email", "ADA@Example.com"), ("avatar", "picture")];
        let by_form = send(FORM, &form(&parts)).await.expect("a form");
        let by_json = send("application/json", r#"{"display_name":"Ada"}"#).await.expect("JSON");
        assert_eq!(by_form.patch, by_json.patch);
        assert_eq!((by_form.picture.as_deref(), by_json.picture), (Some(&b"picture"[..]), None));
        assert!(by_form.keeps(&Email::parse("ada@example.com").expect("an address")).is_ok());
    }

    #[actix_web::test]
    async fn another_address_is_a_conflict_and_a_wrong_part_is_told_by_its_own_name() {
        let ada = Email::parse("ada@example.com").expect("an address");
        for text in ["eve@example.com", "", "nonsense"] {
            let update = send(FORM, &form(&[("email", text)])).await.expect("a form");
            assert_eq!(update.keeps(&ada).expect_err(text).code(), "email_read_only");
        }
        let long = "x".repeat(101);
        let problem = send(FORM, &form(&[("name", &long)])).await.expect_err("too long");
        assert_eq!(problem.detail(), "name: at most 100 characters");
        assert_eq!(send(FORM, &form(&[("bio", "x")])).await.expect_err("unknown").code(), "unknown_field");
    }
}
