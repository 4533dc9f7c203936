//! What people tell of themselves, their picture, and what they want to hear about.

mod dto;
mod update;
mod upload;

use account_core::{Avatars, NotificationPatch, Profiles};
use actix_web::HttpResponse;
use actix_web::web::Data;
use auth_core::Users;

use self::dto::notification::NotificationChange;
pub(crate) use self::dto::notification::NotificationsBody;
use self::dto::profile::{AvatarChanged, ProfileBody, ProfileChanged};
use self::update::ProfileUpdate;
use self::upload::Picture;
use crate::caller::Caller;
use crate::endpoint::Endpoint;
use crate::input::{Json, PathText};
use crate::problem::Problem;
use crate::wire::Done;
use crate::{Answer, Raw};

/// The operations of this area.
pub fn endpoints() -> Vec<Endpoint> {
    vec![
        Endpoint::get("/api/v1/auth/profile", show).summary("The user's profile"),
        Endpoint::put("/api/v1/auth/profile", update)
            .summary("Changes the fields that are given; null or empty text empties one")
            .fails(409, "email_read_only")
            .fails(422, "image_invalid"),
        Endpoint::post("/api/v1/auth/profile/avatar", set_avatar)
            .summary("Sets the user's picture: PNG, JPEG or WebP, at most 2 MiB and 4096×4096 pixels, one frame")
            .fails(422, "image_invalid"),
        Endpoint::delete("/api/v1/auth/profile/avatar", remove_avatar).summary("Takes the user's picture away"),
        Endpoint::get("/avatars/{file}", picture)
            .summary("A picture, 256×256 pixels, by its file name; the name changes with the picture")
            .serves(200, "image/webp", "The picture.")
            .serves(200, "image/png", "The picture.")
            .fails(503, "unavailable"),
        Endpoint::get("/api/v1/auth/notifications", notifications).summary("What the user wants to hear about"),
        Endpoint::put("/api/v1/auth/notifications", choose)
            .summary("Changes the choices that are given; the answer has all of them"),
    ]
}

async fn show(users: Data<Users>, profiles: Data<Profiles>, caller: Caller) -> Result<Answer<ProfileBody>, Problem> {
    let user = users.get(caller.user()).await?;
    Ok(Answer::new(ProfileBody::new(&user, profiles.get(user.id).await?)))
}

async fn update(
    users: Data<Users>,
    profiles: Data<Profiles>,
    avatars: Data<Avatars>,
    caller: Caller,
    change: ProfileUpdate,
) -> Result<Answer<ProfileChanged>, Problem> {
    let user = users.get(caller.user()).await?;
    change.keeps(&user.email)?;
    // The picture first: it is what can turn out to be wrong, and then nothing has changed.
    if let Some(file) = change.picture {
        avatars.set(&caller.actor, user.id, file).await?;
    }
    let profile = profiles.update(&caller.actor, user.id, &change.patch).await?;
    Ok(Answer::new(ProfileBody::new(&user, profile).into()))
}

async fn set_avatar(avatars: Data<Avatars>, caller: Caller, file: Picture) -> Result<Answer<AvatarChanged>, Problem> {
    Ok(Answer::new(avatars.set(&caller.actor, caller.user(), file.0).await?.into()))
}

async fn remove_avatar(avatars: Data<Avatars>, caller: Caller) -> Result<Answer<Done>, Problem> {
    avatars.remove(&caller.actor, caller.user()).await?;
    Ok(Answer::new(Done::new("the picture was removed")))
}

async fn picture(avatars: Data<Avatars>, file: PathText) -> Result<Raw, Problem> {
    let found = avatars.read(&file.0).await?.ok_or_else(Problem::not_found)?;
    let mut answer = HttpResponse::Ok();
    answer.content_type(found.media_type);
    answer.insert_header(("X-Content-Type-Options", "nosniff"));
    answer.insert_header(("Content-Security-Policy", "sandbox; default-src 'none'"));
    answer.insert_header(("Cross-Origin-Resource-Policy", "cross-origin"));
    answer.insert_header(("Cache-Control", "public, max-age=31536000, immutable"));
    Ok(Raw(answer.body(found.bytes)))
}

async fn notifications(profiles: Data<Profiles>, caller: Caller) -> Result<Answer<NotificationsBody>, Problem> {
    Ok(Answer::new(profiles.notifications(caller.user()).await?.into()))
}

async fn choose(
    profiles: Data<Profiles>,
    caller: Caller,
    body: Json<NotificationChange>,
) -> Result<Answer<NotificationsBody>, Problem> {
    let patch = NotificationPatch::try_from(body.0)?;
    Ok(Answer::new(profiles.choose(&caller.actor, caller.user(), &patch).await?.into()))
}
