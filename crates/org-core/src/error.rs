use kernel::{StoreError, TextError};

use crate::Permission;

/// A value that cannot be what its field holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum FieldError {
    /// Too long, or not for people to read.
    #[error(transparent)]
    Text(#[from] TextError),
    /// More entries than the field holds.
    #[error("at most {0} entries")]
    TooMany(usize),
    /// Empty, where the field must say something.
    #[error("must not be empty")]
    Empty,
    /// Not a slug.
    #[error("must be 2 to 63 of the characters a-z, 0-9 and '-', beginning and ending with a letter or digit")]
    Slug,
    /// Not a web address.
    #[error("must be an http or https address")]
    Url,
    /// Not a time zone.
    #[error("must be an IANA time zone name, such as Europe/Vienna")]
    Timezone,
    /// Not a language.
    #[error("must be a BCP 47 language tag, such as en or de-AT")]
    Language,
    /// Not a role that a new member may be given.
    #[error("must be one of admin, billing_admin, member")]
    DefaultRole,
    /// Not a domain.
    #[error("must be a domain name, such as example.com")]
    Domain,
    /// Not a color.
    #[error("must be a color of the form #rrggbb")]
    Color,
    /// Not one of the named choices.
    #[error("must be one of {0}")]
    Choice(&'static str),
}

/// By what a request named the person whose address it is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NamedBy {
    /// By the address itself.
    Email,
    /// By the id of their account.
    UserId,
    /// By the token of their invitation.
    Token,
    /// By the id of their invitation.
    Invitation,
}

/// Why a use case of this crate did not happen.
#[derive(Debug, thiserror::Error)]
pub enum OrgError {
    /// There is no such organization, or the caller has nothing to do with it: never told apart.
    #[error("there is no such organization")]
    OrgNotFound,
    /// There is no such member of this organization.
    #[error("there is no such member")]
    MemberNotFound,
    /// There is no such invitation of this organization, or no invitation with this token for this user.
    #[error("there is no such invitation")]
    InvitationNotFound,
    /// The invitation's time is over.
    #[error("the invitation has expired; ask for a new one")]
    InvitationExpired,
    /// The caller's role does not carry this permission.
    #[error("this needs the permission {}", .0.as_str())]
    Forbidden(Permission),
    /// Only an owner may do this.
    #[error("only an owner may do this")]
    OwnerOnly,
    /// Nobody may give, change or take a role above their own.
    #[error("this role is above your own")]
    RoleAboveOwn,
    /// The caller had the role when they asked, and lost it before it was done.
    #[error("your role in the organization has changed meanwhile, and does not allow this any more")]
    Outdated,
    /// An active organization would have no active owner.
    #[error("this is the last owner; make another member an owner first")]
    LastOwner,
    /// An organization without an active owner cannot become active.
    #[error("the organization has no active owner; enable the account of one of its owners first")]
    NoActiveOwner,
    /// The organization's plan has no seat left.
    #[error("all {0} seats of the plan are taken")]
    SeatLimit(u32),
    /// The person is a member.
    #[error("this person is a member already")]
    AlreadyMember,
    /// An invitation for this address is open.
    #[error("this address has an open invitation")]
    AlreadyInvited,
    /// The organization takes addresses of certain domains only.
    #[error("the organization takes only addresses of its allowed domains")]
    DomainNotAllowed(NamedBy),
    /// Another organization has this slug.
    #[error("another organization has this slug")]
    SlugTaken,
    /// The deletion was not confirmed.
    #[error("repeat the request with confirm=true to delete the organization")]
    ConfirmRequired,
    /// A store could not answer.
    #[error(transparent)]
    Store(#[from] StoreError),
}
