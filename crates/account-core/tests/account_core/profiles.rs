//! What a person says, and what is left as it was.

use std::sync::Arc;

use account_core::testing::{MemoryProfiles, Population};
use account_core::{
    AccountError, DisplayName, Frequency, NotificationPatch, Notifications, Phone, Profile, ProfilePatch, Profiles,
    ShortText,
};
use kernel::testing::manual_ambient;
use kernel::{Action, Actor, UserId};

async fn world(seed: u64) -> (Arc<MemoryProfiles>, Profiles, UserId) {
    let store = Arc::new(MemoryProfiles::new());
    let user = store.user().await;
    (store.clone(), Profiles::new(store, manual_ambient(seed).1), user)
}

#[tokio::test]
async fn a_patch_changes_what_it_names() {
    let (store, profiles, user) = world(1).await;
    let actor = Actor::user(user);
    assert_eq!(profiles.get(user).await.unwrap(), Profile::empty(user));
    let name = DisplayName::parse("Ann").ok();
    let phone = Phone::parse("+4312345678").ok();
    let patch = ProfilePatch { display_name: Some(name.clone()), phone: Some(phone), ..ProfilePatch::default() };
    profiles.update(&actor, user, &patch).await.unwrap();
    let patch = ProfilePatch { phone: Some(None), bio: Some(ShortText::parse("Hi.").ok()), ..ProfilePatch::default() };
    let changed = profiles.update(&actor, user, &patch).await.unwrap();
    let expected = Profile { display_name: name, bio: ShortText::parse("Hi.").ok(), ..Profile::empty(user) };
    assert_eq!(changed, expected, "named is changed, Some(None) is emptied, the rest stays");
    assert_eq!(profiles.get(user).await.unwrap(), expected);
    let trail: Vec<_> = store.records().iter().map(|record| (record.action, record.actor.user_id())).collect();
    assert_eq!(trail, vec![(Action::ProfileUpdated, Some(user)); 2]);
    assert!(!format!("{:?}", store.records()).contains("Hi."), "the trail does not repeat what people say");
}

#[tokio::test]
async fn choices_begin_with_the_default_and_change_one_by_one() {
    let (store, profiles, user) = world(2).await;
    assert_eq!(profiles.notifications(user).await.unwrap(), Notifications::default());
    let patch = NotificationPatch { frequency: Some(Frequency::Weekly), ..NotificationPatch::default() };
    let chosen = profiles.choose(&Actor::user(user), user, &patch).await.unwrap();
    assert_eq!(chosen, Notifications { frequency: Frequency::Weekly, ..Notifications::default() });
    assert_eq!(profiles.notifications(user).await.unwrap(), chosen);
    assert_eq!(store.records().pop().map(|record| record.action), Some(Action::NotificationsUpdated));
}

#[tokio::test]
async fn unknown_accounts_and_outages_are_told_apart() {
    let (store, profiles, user) = world(3).await;
    let (patch, choice) = (ProfilePatch::default(), NotificationPatch::default());
    let answers = async |user: UserId| {
        let actor = Actor::user(user);
        [
            profiles.get(user).await.err(),
            profiles.update(&actor, user, &patch).await.err(),
            profiles.notifications(user).await.err(),
            profiles.choose(&actor, user, &choice).await.err(),
        ]
    };
    for answer in answers(UserId::mint(&manual_ambient(4).1)).await {
        assert!(matches!(answer, Some(AccountError::NotFound)), "{answer:?}");
    }
    store.break_down(true);
    for answer in answers(user).await {
        assert!(matches!(answer, Some(AccountError::Store(_))), "{answer:?}");
    }
    store.break_down(false);
    store.refuse_records(true);
    let [get, update, notifications, choose] = answers(user).await;
    assert!(get.is_none() && notifications.is_none(), "reads stay up");
    assert!(matches!((update, choose), (Some(AccountError::Store(_)), Some(AccountError::Store(_)))), "changes do not");
}
