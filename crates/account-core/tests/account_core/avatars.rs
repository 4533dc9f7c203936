//! A picture is replaced completely or not at all.

use std::sync::Arc;

use account_core::testing::{MemoryBlobs, MemoryProfiles, Population, StampRenderer};
use account_core::{AccountError, AvatarName, Avatars, NotRendered, ProfileStore};
use kernel::testing::manual_ambient;
use kernel::{Action, Actor, Ambient, UserId};

struct World {
    profiles: Arc<MemoryProfiles>,
    blobs: Arc<MemoryBlobs>,
    avatars: Avatars,
    ambient: Ambient,
    user: UserId,
}

impl World {
    async fn new(seed: u64) -> Self {
        let (_, ambient) = manual_ambient(seed);
        let (profiles, blobs) = (Arc::new(MemoryProfiles::new()), Arc::new(MemoryBlobs::new()));
        let avatars = Avatars::new(profiles.clone(), blobs.clone(), Arc::new(StampRenderer), ambient.clone());
        let user = profiles.user().await;
        Self { profiles, blobs, avatars, ambient, user }
    }

    async fn set(&self, file: &[u8]) -> Result<AvatarName, AccountError> {
        self.avatars.set(&Actor::user(self.user), self.user, file.to_vec()).await
    }

    async fn remove(&self) -> Result<(), AccountError> {
        self.avatars.remove(&Actor::user(self.user), self.user).await
    }

    /// The name that the profile shows.
    async fn shown(&self) -> Option<AvatarName> {
        self.profiles.find(self.user).await.unwrap().unwrap().avatar
    }

    async fn bytes(&self, file: &str) -> Option<(&'static str, Vec<u8>)> {
        self.avatars.read(file).await.unwrap().map(|file| (file.media_type, file.bytes))
    }
}

fn files(name: &AvatarName) -> Vec<String> {
    vec![name.png(), name.webp()]
}

#[tokio::test]
async fn a_picture_is_kept_in_two_formats_under_a_random_name() {
    let w = World::new(1).await;
    let name = w.set(b"one").await.unwrap();
    assert_eq!(w.shown().await.as_ref(), Some(&name));
    assert_eq!(w.bytes(&name.webp()).await, Some(("image/webp", b"webp:one".to_vec())));
    assert_eq!(w.bytes(&name.png()).await, Some(("image/png", b"png:one".to_vec())));
    let user = w.user.to_string();
    assert!(!user.contains(&name.to_string()), "nothing of the person is in the name");
    let record = w.profiles.records().pop().unwrap();
    assert_eq!(
        (record.action, record.actor.user_id(), record.resource.id),
        (Action::AvatarUpdated, Some(w.user), user)
    );
}

#[tokio::test]
async fn a_new_picture_has_a_new_name_and_the_old_files_go() {
    let w = World::new(2).await;
    let first = w.set(b"one").await.unwrap();
    let second = w.set(b"one").await.unwrap();
    assert_ne!(first, second, "also for the same picture: nothing is served from a cache");
    assert_eq!(w.shown().await.as_ref(), Some(&second));
    assert_eq!(w.blobs.names(), files(&second), "the old files are gone");
    w.remove().await.unwrap();
    assert_eq!((w.shown().await, w.blobs.names()), (None, vec![]));
    w.remove().await.unwrap();
    let actions: Vec<_> = w.profiles.records().iter().map(|record| record.action).collect();
    assert_eq!(actions[..3], [Action::AvatarUpdated, Action::AvatarUpdated, Action::AvatarRemoved]);
}

#[tokio::test]
async fn what_cannot_be_rendered_changes_nothing() {
    let w = World::new(3).await;
    let old = w.set(b"one").await.unwrap();
    let refused = w.set(StampRenderer::NO_PICTURE).await;
    assert!(matches!(refused, Err(AccountError::Picture(NotRendered::UnknownFormat))), "{refused:?}");
    assert_eq!((w.shown().await, w.blobs.names()), (Some(old.clone()), files(&old)));
}

#[tokio::test]
async fn a_failure_in_between_leaves_the_old_picture() {
    let w = World::new(4).await;
    let old = w.set(b"one").await.unwrap();
    let intact = async || {
        assert_eq!(w.shown().await.as_ref(), Some(&old));
        assert_eq!(w.bytes(&old.webp()).await, Some(("image/webp", b"webp:one".to_vec())));
        assert_eq!(w.bytes(&old.png()).await, Some(("image/png", b"png:one".to_vec())));
    };
    for calls in [0, 1] {
        w.blobs.fail_after(Some(calls));
        let failed = w.set(b"two").await;
        assert!(matches!(failed, Err(AccountError::Store(_))), "file {calls} was not kept: {failed:?}");
        w.blobs.fail_after(None);
        intact().await;
    }
    let before = w.blobs.names();
    for (refuse, down) in [(true, false), (false, true)] {
        w.profiles.refuse_records(refuse);
        w.profiles.break_down(down);
        let failed = w.set(b"two").await;
        assert!(matches!(failed, Err(AccountError::Store(_))), "the name was not kept: {failed:?}");
        let failed = w.remove().await;
        assert!(matches!(failed, Err(AccountError::Store(_))), "{failed:?}");
        w.profiles.refuse_records(false);
        w.profiles.break_down(false);
        intact().await;
        assert_eq!(w.blobs.names(), before, "the new files went again");
    }
}

#[tokio::test]
async fn a_stranger_gets_no_picture_and_leaves_no_files() {
    let w = World::new(5).await;
    let nobody = UserId::mint(&w.ambient);
    let refused = w.avatars.set(&Actor::user(nobody), nobody, b"one".to_vec()).await;
    assert!(matches!(refused, Err(AccountError::NotFound)), "{refused:?}");
    assert_eq!(w.blobs.names(), Vec::<String>::new());
    let refused = w.avatars.remove(&Actor::user(nobody), nobody).await;
    assert!(matches!(refused, Err(AccountError::NotFound)), "{refused:?}");
}

#[tokio::test]
async fn only_the_names_of_pictures_are_read() {
    let w = World::new(6).await;
    let name = w.set(b"one").await.unwrap();
    let text = name.to_string();
    w.blobs.fail_after(Some(0));
    for bad in [
        String::new(),
        text.clone(),
        format!("{text}."),
        format!("{text}.svg"),
        format!("{text}.WEBP"),
        format!("{text}.webp.png"),
        format!("{}.webp", text.to_uppercase()),
        format!("../{text}.webp"),
        format!("{text}/../{text}.webp"),
        format!("/{text}.webp"),
        format!("{text}.webp\0"),
        format!("{}.webp", &text[1..]),
        "../../etc/passwd".to_owned(),
        "%2e%2e%2fetc.png".to_owned(),
    ] {
        assert!(w.avatars.read(&bad).await.unwrap().is_none(), "{bad:?} never reaches the store");
    }
    let outage = w.avatars.read(&name.png()).await;
    assert!(matches!(outage, Err(AccountError::Store(_))), "an outage is not a missing picture");
    w.blobs.fail_after(None);
    assert!(w.avatars.read(&AvatarName::mint(&w.ambient).png()).await.unwrap().is_none(), "no such picture");
}
