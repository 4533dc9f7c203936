use kernel::testing::race;
use kernel::{Action, Actor, Ambient, Record, UserId};

use crate::testing::Population;
use crate::{
    AvatarName, DisplayName, Frequency, Locale, NotificationPatch, Notifications, Phone, Profile, ProfilePatch,
    ProfileStore, ShortText, Timezone, UsageAlertThreshold,
};

struct Profiles<'a> {
    store: &'a dyn ProfileStore,
    population: &'a dyn Population,
    ambient: &'a Ambient,
}

impl Profiles<'_> {
    fn record(&self, action: Action, user: UserId) -> Record {
        Record::new(self.ambient, &Actor::system(), action, "user", user)
    }

    async fn find(&self, user: UserId) -> Option<Profile> {
        self.store.find(user).await.unwrap()
    }

    async fn patch(&self, user: UserId, patch: &ProfilePatch) -> Option<Profile> {
        let record = self.record(Action::ProfileUpdated, user);
        let answer = self.store.patch(user, patch, &record).await.unwrap();
        assert_eq!(self.population.kept(record.id).await, answer.is_some(), "a change and its record");
        answer
    }

    async fn set_avatar(&self, user: UserId, avatar: Option<&AvatarName>) -> Option<Option<AvatarName>> {
        let action = if avatar.is_some() { Action::AvatarUpdated } else { Action::AvatarRemoved };
        let record = self.record(action, user);
        let answer = self.store.set_avatar(user, avatar, &record).await.unwrap();
        assert_eq!(self.population.kept(record.id).await, answer.is_some(), "a change and its record");
        answer
    }

    async fn choose(&self, user: UserId, patch: &NotificationPatch) -> Option<Notifications> {
        let record = self.record(Action::NotificationsUpdated, user);
        let answer = self.store.patch_notifications(user, patch, &record).await.unwrap();
        assert_eq!(self.population.kept(record.id).await, answer.is_some(), "a change and its record");
        answer
    }
}

/// A profile in which every field but the picture says something.
fn full_profile(user: UserId) -> Profile {
    Profile {
        display_name: DisplayName::parse("Änn \"%_\" O'Neil \u{1f980}").ok(),
        bio: ShortText::parse("First line.\nSecond line.").ok(),
        company: ShortText::parse("Acme & Söhne").ok(),
        job_title: ShortText::parse("").ok(),
        phone: Phone::parse("+43 1 2345678").ok(),
        locale: Locale::parse("de-AT").ok(),
        timezone: Timezone::parse("Europe/Vienna").ok(),
        ..Profile::empty(user)
    }
}

/// Patches of one field each, which together make [`full_profile`].
fn single_patches(user: UserId) -> Vec<ProfilePatch> {
    let (full, none) = (full_profile(user), ProfilePatch::default());
    vec![
        ProfilePatch { display_name: Some(full.display_name), ..none.clone() },
        ProfilePatch { bio: Some(full.bio), ..none.clone() },
        ProfilePatch { company: Some(full.company), ..none.clone() },
        ProfilePatch { job_title: Some(full.job_title), ..none.clone() },
        ProfilePatch { phone: Some(full.phone), ..none.clone() },
        ProfilePatch { locale: Some(full.locale), ..none.clone() },
        ProfilePatch { timezone: Some(full.timezone), ..none },
    ]
}

/// What every [`ProfileStore`] promises.
pub async fn profile_store_contract(store: &dyn ProfileStore, population: &dyn Population, ambient: &Ambient) {
    let profiles = Profiles { store, population, ambient };
    patches_fields(&profiles).await;
    sets_the_picture(&profiles).await;
    patches_choices(&profiles).await;
    knows_no_strangers(&profiles).await;
}

async fn patches_fields(p: &Profiles<'_>) {
    let (user, other) = (p.population.user().await, p.population.user().await);
    let mut expected = Profile::empty(user);
    assert_eq!(p.find(user).await, Some(expected.clone()), "nothing was said yet");
    assert_eq!(p.patch(user, &ProfilePatch::default()).await, Some(expected.clone()), "nothing named, nothing changed");
    let full = full_profile(user);
    for (n, patch) in single_patches(user).iter().enumerate() {
        match n {
            0 => expected.display_name = full.display_name.clone(),
            1 => expected.bio = full.bio.clone(),
            2 => expected.company = full.company.clone(),
            3 => expected.job_title = full.job_title.clone(),
            4 => expected.phone = full.phone.clone(),
            5 => expected.locale = full.locale.clone(),
            _ => expected.timezone = full.timezone.clone(),
        }
        assert_eq!(p.patch(user, patch).await.as_ref(), Some(&expected), "one field changes, the others stay");
        assert_eq!(p.find(user).await.as_ref(), Some(&expected), "and so it reads back");
    }
    assert_eq!(expected, full, "empty text is not the same as none");
    let emptied = ProfilePatch { bio: Some(None), locale: Some(None), phone: Some(None), ..ProfilePatch::default() };
    let expected = Profile { bio: None, locale: None, phone: None, ..full };
    assert_eq!(p.patch(user, &emptied).await, Some(expected.clone()), "Some(None) empties");
    assert_eq!(p.find(user).await, Some(expected));
    assert_eq!(p.find(other).await, Some(Profile::empty(other)), "nobody else's profile changes");
}

async fn sets_the_picture(p: &Profiles<'_>) {
    let (user, other) = (p.population.user().await, p.population.user().await);
    let (first, second) = (AvatarName::mint(p.ambient), AvatarName::mint(p.ambient));
    let full = full_profile(user);
    for patch in single_patches(user) {
        p.patch(user, &patch).await;
    }
    let mut before = None;
    for next in [None, Some(&first), Some(&second), None, Some(&first)] {
        assert_eq!(p.set_avatar(user, next).await, Some(before), "the name it had");
        before = next.cloned();
        assert_eq!(
            p.find(user).await,
            Some(Profile { avatar: before.clone(), ..full.clone() }),
            "and nothing else changes"
        );
    }
    let patched = p.patch(user, &ProfilePatch { bio: Some(None), ..ProfilePatch::default() }).await;
    assert_eq!(patched.and_then(|profile| profile.avatar), Some(first), "a patch leaves the picture");
    assert_eq!(p.find(other).await.and_then(|profile| profile.avatar), None, "nobody else has it");
}

/// Patches of one choice each, every one another than the default.
fn single_choices() -> Vec<NotificationPatch> {
    let none = NotificationPatch::default();
    let usual = Notifications::default();
    vec![
        NotificationPatch { email: Some(!usual.email), ..none },
        NotificationPatch { system: Some(!usual.system), ..none },
        NotificationPatch { updates: Some(!usual.updates), ..none },
        NotificationPatch { security: Some(!usual.security), ..none },
        NotificationPatch { billing: Some(!usual.billing), ..none },
        NotificationPatch { marketing: Some(!usual.marketing), ..none },
        NotificationPatch { sms: Some(!usual.sms), ..none },
        NotificationPatch { push: Some(!usual.push), ..none },
        NotificationPatch { usage_alerts: Some(!usual.usage_alerts), ..none },
        NotificationPatch { usage_alert_threshold: UsageAlertThreshold::new(50).ok(), ..none },
        NotificationPatch { frequency: Some(Frequency::Weekly), ..none },
    ]
}

async fn patches_choices(p: &Profiles<'_>) {
    let (user, other) = (p.population.user().await, p.population.user().await);
    let mut expected = Notifications::default();
    assert_eq!(p.store.notifications(user).await.unwrap(), Some(expected), "the default when none were made");
    for patch in single_choices() {
        expected = patch.applied_to(expected);
        assert_eq!(p.choose(user, &patch).await, Some(expected), "one choice changes, the others stay: {patch:?}");
        assert_eq!(p.store.notifications(user).await.unwrap(), Some(expected), "and so it reads back");
    }
    assert_eq!(p.choose(user, &NotificationPatch::default()).await, Some(expected), "nothing named, nothing changed");
    for frequency in [Frequency::Immediate, Frequency::Daily, Frequency::Weekly] {
        let patch = NotificationPatch { frequency: Some(frequency), ..NotificationPatch::default() };
        assert_eq!(p.choose(user, &patch).await.map(|chosen| chosen.frequency), Some(frequency));
    }
    assert_eq!(
        p.store.notifications(other).await.unwrap(),
        Some(Notifications::default()),
        "nobody else's choices change"
    );
}

async fn knows_no_strangers(p: &Profiles<'_>) {
    let nobody = UserId::mint(p.ambient);
    assert_eq!(p.find(nobody).await, None);
    assert_eq!(p.patch(nobody, &single_patches(nobody)[0]).await, None);
    assert_eq!(p.set_avatar(nobody, Some(&AvatarName::mint(p.ambient))).await, None);
    assert_eq!(p.store.notifications(nobody).await.unwrap(), None);
    assert_eq!(p.choose(nobody, &single_choices()[0]).await, None);
    assert_eq!(p.find(nobody).await, None, "and asking makes none");
}

/// Concurrent patches of different fields and choices all hold, also the very first ones of a user; of 32 pictures set at once each
/// is handed back exactly once, but for the one that stays.
pub async fn profile_store_race(store: &dyn ProfileStore, population: &dyn Population, ambient: &Ambient) {
    let p = Profiles { store, population, ambient };
    let user = population.user().await;
    let (fields, choices) = (single_patches(user), single_choices());
    race(fields.len() + choices.len(), async |n| {
        if n < fields.len() {
            assert!(p.patch(user, &fields[n]).await.is_some());
        } else {
            assert!(p.choose(user, &choices[n - fields.len()]).await.is_some());
        }
    })
    .await;
    assert_eq!(p.find(user).await, Some(full_profile(user)), "all patches hold");
    let chosen = choices.iter().fold(Notifications::default(), |now, patch| patch.applied_to(now));
    assert_eq!(store.notifications(user).await.unwrap(), Some(chosen), "all choices hold");

    let names: Vec<_> = (0..32).map(|_| AvatarName::mint(ambient)).collect();
    let replaced = race(32, async |n| p.set_avatar(user, Some(&names[n])).await.unwrap()).await;
    let stays = p.find(user).await.and_then(|profile| profile.avatar);
    let mut seen: Vec<_> = replaced.into_iter().flatten().chain(stays).map(|name| name.to_string()).collect();
    let mut all: Vec<_> = names.iter().map(ToString::to_string).collect();
    seen.sort();
    all.sort();
    assert_eq!(seen, all, "no picture is forgotten, none is handed back twice");
}
