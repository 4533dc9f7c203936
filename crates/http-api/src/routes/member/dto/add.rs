//! A new member, or an invitation to become one.

use actix_web::HttpResponse;
use kernel::{Email, Role, UserId, plain_line};
use org_core::{Invitation, Invited};
use serde::{Deserialize, Deserializer, Serialize};
use utoipa::openapi::schema::{AdditionalProperties, Schema, SchemaFormat, SchemaType, Type};
use utoipa::openapi::{KnownFormat, ObjectBuilder, OneOfBuilder, RefOr};
use utoipa::{PartialSchema, ToSchema};

use crate::endpoint::{Doc, Reply};
use crate::input::Fields;
use crate::problem::Problem;
use crate::wire::time;
use crate::{Answer, Created};

/// Who is to become a member: exactly one of `email` and `user_id`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::routes::member) struct AddMember {
    email: Option<String>,
    user_id: Option<String>,
    #[serde(default, deserialize_with = "named")]
    role: Option<String>,
    first_name: Option<String>,
    last_name: Option<String>,
}

/// What [`AddMember`] asks for.
pub(in crate::routes::member) struct NewMember {
    pub(in crate::routes::member) whom: Whom,
    /// `None` is the organization's default role.
    pub(in crate::routes::member) role: Option<Role>,
}

/// A role that is there is a text: `null` names none, and is not how to ask for the default one.
fn named<'de, D: Deserializer<'de>>(role: D) -> Result<Option<String>, D::Error> {
    String::deserialize(role).map(Some)
}

/// Somebody, by address or by id.
pub(in crate::routes::member) enum Whom {
    Email(Email),
    User(UserId),
}

impl TryFrom<AddMember> for NewMember {
    type Error = Problem;

    fn try_from(body: AddMember) -> Result<Self, Problem> {
        let mut fields = Fields::default();
        let whom = match (body.email, body.user_id) {
            (Some(email), None) => fields.read("/email", Email::parse(&email)).map(Whom::Email),
            (None, Some(user)) => fields.read("/user_id", user.parse()).map(Whom::User),
            (None, None) => fields.read("/email", Err("give the e-mail address, or user_id instead")),
            (Some(_), Some(_)) => fields.read("/user_id", Err("give the e-mail address or user_id, not both")),
        };
        let role = fields.read_some("/role", body.role, |role| role.parse());
        // An account has its own name: these two are read only so that a client that sends them is told what is wrong with them.
        fields.read_some("/first_name", body.first_name, |name| plain_line(&name, 100));
        fields.read_some("/last_name", body.last_name, |name| plain_line(&name, 100));
        fields.done(whom.map(|whom| Self { whom, role }))
    }
}

impl ToSchema for AddMember {}

impl PartialSchema for AddMember {
    fn schema() -> RefOr<Schema> {
        let email = text("Their e-mail address.", "ada@acme.example")
            .format(Some(SchemaFormat::KnownFormat(KnownFormat::Email)));
        let user = text("Their account.", "usr_01890a5d-ac96-774b-bcce-b302099a8057")
            .pattern(Some("^usr_[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$"));
        let whom = "Exactly one of `email` and `user_id`.";
        OneOfBuilder::new()
            .item(shape("email", email.max_length(Some(Email::MAX_BYTES))))
            .item(shape("user_id", user))
            .description(Some(whom))
            .into()
    }
}

/// The body with one way to name the person.
fn shape(whom: &str, property: ObjectBuilder) -> ObjectBuilder {
    let role = text(
        "What they will be; not above the caller's own role. Without it, what the setting `defaultRole` says.",
        "member",
    );
    ObjectBuilder::new()
        .property(whom, property)
        .property("role", role.pattern(Some("^(owner|admin|billing_admin|member)$")))
        .property("first_name", name())
        .property("last_name", name())
        .required(whom)
        .additional_properties(Some(AdditionalProperties::<Schema>::FreeForm(false)))
}

fn name() -> ObjectBuilder {
    text("Taken for clients that send it; the account's own name counts.", "Ada")
        .schema_type(SchemaType::from_iter([Type::String, Type::Null]))
        .max_length(Some(100))
        .pattern(Some(r"^[^\x00-\x1f\x7f-\x9f]*$"))
}

fn text(description: &str, example: &str) -> ObjectBuilder {
    ObjectBuilder::new().schema_type(Type::String).description(Some(description)).examples([example])
}

/// How an addition ended.
pub(in crate::routes::member) enum Addition {
    /// A member now.
    Member(Created<MemberAdded>),
    /// An invitation is open now.
    Invitation(Answer<MemberInvited, 202>),
}

impl Reply for Addition {
    fn reply(self) -> HttpResponse {
        match self {
            Self::Member(answer) => answer.reply(),
            Self::Invitation(answer) => answer.reply(),
        }
    }

    fn describe(doc: &mut Doc) {
        doc.answer::<MemberAdded>(201, "They are a member now.");
        doc.answer::<MemberInvited>(202, "They are invited: an invitation is open.");
    }
}

/// The person is a member now.
#[derive(Serialize, ToSchema)]
pub(in crate::routes::member) struct MemberAdded {
    /// Always true.
    #[schema(example = true)]
    success: bool,
    /// What happened, for people.
    #[schema(example = "They are a member now.")]
    message: &'static str,
    /// The member.
    member: NewMemberBody,
}

/// A member who was added just now.
#[derive(Serialize, ToSchema)]
#[schema(as = NewMember)]
struct NewMemberBody {
    /// The account.
    #[schema(example = "usr_01890a5d-ac96-774b-bcce-b302099a8057")]
    id: String,
    /// `id` again.
    #[schema(example = "usr_01890a5d-ac96-774b-bcce-b302099a8057")]
    user_id: String,
    /// The role in this organization.
    #[schema(example = "member")]
    role: &'static str,
}

/// The person is invited.
#[derive(Serialize, ToSchema)]
pub(in crate::routes::member) struct MemberInvited {
    /// Always true: the invitation is open, whether or not its mail left.
    #[schema(example = true)]
    success: bool,
    /// What happened, for people: whether the mail left.
    #[schema(example = "They are invited.")]
    message: &'static str,
    /// The invitation.
    invitation: NewInvitationBody,
}

/// An invitation that was opened just now.
#[derive(Serialize, ToSchema)]
#[schema(as = NewInvitation)]
struct NewInvitationBody {
    /// Its id.
    #[schema(example = "inv_01890a5d-ac96-774b-bcce-b302099a8057")]
    id: String,
    /// Whom it is for.
    #[schema(example = "ada@acme.example")]
    email: String,
    /// What they will be.
    #[schema(example = "member")]
    role: &'static str,
    /// Until when it can be accepted.
    #[schema(format = DateTime, example = "2026-02-07T09:30:00.000000Z")]
    expires_at: String,
}

impl From<Invited> for Addition {
    fn from(done: Invited) -> Self {
        match done {
            Invited::Member(user, role) => {
                let id = user.to_string();
                let member = NewMemberBody { id: id.clone(), user_id: id, role: role.as_str() };
                Self::Member(Created::new(MemberAdded { success: true, message: "They are a member now.", member }))
            }
            Invited::Invitation { invitation, mailed } => {
                let message = if mailed {
                    "They are invited."
                } else {
                    "The invitation is open, but its mail could not be sent: send it again with POST /org/invitations/{id}/resend."
                };
                Self::Invitation(Answer::new(MemberInvited { success: true, message, invitation: invitation.into() }))
            }
        }
    }
}

impl From<Invitation> for NewInvitationBody {
    fn from(invitation: Invitation) -> Self {
        Self {
            id: invitation.id.to_string(),
            email: invitation.email.as_str().to_owned(),
            role: invitation.role.as_str(),
            expires_at: time(invitation.expires_at),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::input::parse_json;
    use crate::problem::Place;

    fn wrong(text: &str) -> Vec<String> {
        let read = parse_json::<AddMember>(text.as_bytes()).and_then(NewMember::try_from);
        let body = read.err().expect(text).body(&Place::default());
        assert_eq!(body.status, 422, "{text}");
        body.errors.unwrap_or_default().into_iter().map(|error| error.pointer).collect()
    }

    #[test]
    fn exactly_one_of_address_and_id_is_given() {
        let user = "usr_01890a5d-ac96-774b-bcce-b302099a8057";
        assert_eq!(wrong(r#"{"role":"member"}"#), ["/email"]);
        assert_eq!(wrong(&format!(r#"{{"email":"a@b.example","user_id":"{user}","role":"member"}}"#)), ["/user_id"]);
        assert_eq!(wrong(r#"{"user_id":"usr_1","role":"member","first_name":"\u0000"}"#), ["/user_id", "/first_name"]);
        let read = |text: &str| parse_json::<AddMember>(text.as_bytes()).and_then(NewMember::try_from);
        assert!(read(&format!(r#"{{"user_id":"{user}","role":"admin"}}"#)).is_ok());
        let unnamed = read(r#"{"email":"a@b.example"}"#).unwrap();
        assert_eq!(unnamed.role, None);
        assert!(read(r#"{"email":"a@b.example","role":"owner","first_name":"Ada","last_name":null}"#).is_ok());
    }

    #[test]
    fn what_is_no_role_is_refused() {
        for role in [
            r#""OWNER""#,
            r#""superuser""#,
            r#""""#,
            r#""member ""#,
            r#""ｏwner""#,
            r#""ow\u0000ner""#,
            "null",
            "[\"owner\"]",
            "1",
        ] {
            assert_eq!(wrong(&format!(r#"{{"email":"a@b.example","role":{role}}}"#)), ["/role"], "{role}");
        }
    }
}
