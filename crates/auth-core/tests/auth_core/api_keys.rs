//! Keys of services: made once, recognised while they live, and not to be guessed (LOG-1).

use std::collections::HashSet;
use std::time::Duration;

use auth_core::testing::Population;
use auth_core::{ApiKey, ApiKeyToken, AuthError, KeyName, NewApiKey, Scope, Scopes};
use kernel::{Action, Actor, OrgId, Outcome, PlatformRole, Role, Timestamp};
use proptest::prelude::*;
use secrecy::SecretString;

use crate::world::{World, from};

fn new_key(scopes: &[Scope]) -> NewApiKey {
    NewApiKey {
        name: KeyName::parse("gateway").unwrap(),
        scopes: Scopes::new(scopes.iter().copied()).unwrap(),
        expires_at: None,
        platform: false,
    }
}

async fn org(w: &World) -> OrgId {
    let owner = w.user(&format!("owner{}", w.memory.records().len())).await;
    w.memory.org(owner.id, w.ambient.now()).await
}

async fn create(w: &World, org: OrgId, new: NewApiKey) -> Result<(ApiKey, ApiKeyToken), AuthError> {
    w.api_keys.create(&Actor::system(), org, PlatformRole::User, new).await
}

/// What the text opens, from an address.
async fn present(w: &World, ip: &str, text: &str) -> Result<Option<ApiKey>, AuthError> {
    w.api_keys.authenticate(&from(ip), &SecretString::from(text)).await
}

async fn opens(w: &World, token: &ApiKeyToken) -> bool {
    present(w, "192.0.2.1", token.expose()).await.unwrap().is_some()
}

#[tokio::test]
async fn a_key_is_recognised_until_it_is_revoked() {
    let w = World::new(1);
    let (home, foreign) = (org(&w).await, org(&w).await);
    let (key, token) = create(&w, home, new_key(&[Scope::UsageWrite])).await.unwrap();
    assert!(token.expose().ends_with(&key.preview) && key.preview.len() == 4);
    assert_eq!(present(&w, "192.0.2.1", token.expose()).await.unwrap(), Some(key.clone()));
    assert_eq!(w.api_keys.list(home).await.unwrap(), vec![key.clone()]);
    assert_eq!(w.api_keys.list(foreign).await.unwrap(), vec![]);

    let revoke = async |org| w.api_keys.revoke(&Actor::system(), org, key.id).await;
    assert!(matches!(revoke(foreign).await, Err(AuthError::ApiKeyNotFound)), "another organization's key");
    assert!(opens(&w, &token).await);
    revoke(home).await.unwrap();
    assert!(!opens(&w, &token).await);
    assert_eq!(w.api_keys.list(home).await.unwrap(), vec![]);
    assert!(matches!(revoke(home).await, Err(AuthError::ApiKeyNotFound)));
    let (made, revoked) = (Action::ApiKeyCreated, Action::ApiKeyRevoked);
    assert_eq!(w.trail().into_iter().filter(|a| [made, revoked].contains(a)).collect::<Vec<_>>(), [made, revoked]);
}

#[tokio::test]
async fn a_key_dies_at_its_end_and_rests_while_its_organization_does() {
    let w = World::new(2);
    let home = org(&w).await;
    let end = w.ambient.now() + Duration::from_hours(1);
    let (_, token) = create(&w, home, NewApiKey { expires_at: Some(end), ..new_key(&[Scope::ActAs]) }).await.unwrap();
    w.memory.set_org_active(home, false).await;
    assert!(!opens(&w, &token).await, "suspended");
    w.memory.set_org_active(home, true).await;
    assert!(opens(&w, &token).await, "active again");
    w.clock.advance(Duration::from_secs(3599));
    assert!(opens(&w, &token).await);
    w.clock.advance(Duration::from_secs(1));
    assert!(!opens(&w, &token).await, "from its end on");
}

#[tokio::test]
async fn the_end_of_a_key_is_in_the_future_and_at_most_five_years_away() {
    let w = World::new(3);
    let (home, now) = (org(&w).await, w.ambient.now());
    let years = now.checked_add_months(chrono::Months::new(60)).unwrap();
    let (instant, nanos) = (Duration::from_micros(1), Duration::from_nanos(999));
    let (first, last) = (Timestamp::MIN_UTC, Timestamp::MAX_UTC);
    for (end, good) in [
        (now, false),
        (now + nanos, false),
        (now + instant, true),
        (years, true),
        (years + nanos, true),
        (years + instant, false),
        (first, false),
        (last, false),
    ] {
        let made = create(&w, home, NewApiKey { expires_at: Some(end), ..new_key(&[Scope::ActAs]) }).await;
        match made {
            Ok((key, _)) => assert!(good && key.expires_at.unwrap() <= years, "{end}"),
            Err(AuthError::BadKeyExpiry) => assert!(!good, "{end}"),
            Err(other) => panic!("{end}: {other:?}"),
        }
    }
}

#[tokio::test]
async fn only_the_platforms_administrators_make_keys_of_the_platform() {
    let w = World::new(4);
    let home = org(&w).await;
    let platform = NewApiKey { platform: true, ..new_key(&[Scope::AdminRead]) };
    for role in [PlatformRole::User, PlatformRole::Viewer] {
        let made = w.api_keys.create(&Actor::system(), home, role, platform.clone()).await;
        assert!(matches!(made, Err(AuthError::PlatformAdminOnly)), "{made:?}");
    }
    let admin = PlatformRole::Admin;
    let made = w.api_keys.create(&Actor::system(), home, admin, new_key(&[Scope::AdminRead])).await;
    assert!(matches!(made, Err(AuthError::PlatformScope)), "not for one organization's key: {made:?}");
    let (key, token) = w.api_keys.create(&Actor::system(), home, admin, platform).await.unwrap();
    assert!(key.platform && opens(&w, &token).await);
}

#[tokio::test]
async fn an_organization_has_fifty_living_keys_at_most() {
    let w = World::new(5);
    let (home, other) = (org(&w).await, org(&w).await);
    let mut made = Vec::new();
    for _ in 0..50 {
        made.push(create(&w, home, new_key(&[Scope::UsageWrite])).await.unwrap().0);
    }
    let refused = create(&w, home, new_key(&[Scope::UsageWrite])).await;
    assert!(matches!(refused, Err(AuthError::TooManyKeys)), "{refused:?}");
    create(&w, other, new_key(&[Scope::UsageWrite])).await.unwrap();
    w.api_keys.revoke(&Actor::system(), home, made[0].id).await.unwrap();
    create(&w, home, new_key(&[Scope::UsageWrite])).await.unwrap();
}

#[tokio::test]
async fn nothing_changes_without_its_record() {
    let w = World::new(6);
    let home = org(&w).await;
    let (key, token) = create(&w, home, new_key(&[Scope::UsageWrite])).await.unwrap();
    w.memory.refuse_records(true);
    assert!(matches!(create(&w, home, new_key(&[Scope::ActAs])).await, Err(AuthError::Store(_))));
    let revoked = w.api_keys.revoke(&Actor::system(), home, key.id).await;
    assert!(matches!(revoked, Err(AuthError::Store(_))), "{revoked:?}");
    assert!(opens(&w, &token).await);
    assert_eq!(w.api_keys.list(home).await.unwrap().len(), 1);
    w.memory.break_down(true);
    assert!(matches!(present(&w, "192.0.2.1", token.expose()).await, Err(AuthError::Store(_))), "never a denial");
}

#[tokio::test]
async fn guesses_from_one_address_are_slowed_down_and_good_keys_are_not() {
    let w = World::new(7);
    let home = org(&w).await;
    let (key, token) = create(&w, home, new_key(&[Scope::UsageWrite])).await.unwrap();
    let (mut guesses, start) = (0_u64, w.ambient.now());
    for n in 0..1000 {
        let guess = if n % 2 == 0 { ApiKeyToken::mint(&w.ambient).expose().to_owned() } else { format!("oc_{n}") };
        match present(&w, "192.0.2.9", &guess).await {
            Ok(found) => guesses += u64::from(found.is_none()),
            Err(AuthError::TooManyAttempts(wait)) => assert!(wait <= Duration::from_secs(20)),
            Err(other) => panic!("{other:?}"),
        }
        let elapsed = (w.ambient.now() - start).to_std().unwrap();
        assert!(guesses <= 5 + elapsed.as_secs() / 20, "{guesses} guesses in {elapsed:?}");
        assert_eq!(present(&w, "192.0.2.9", token.expose()).await.unwrap().as_ref(), Some(&key), "a good key passes");
        w.clock.advance(Duration::from_millis(500));
    }
    assert_eq!(guesses, 5 + 499 / 20, "slow, not shut");
    assert!(present(&w, "192.0.2.10", "oc_guess").await.is_ok(), "another address");
    let user = w.user("ann").await;
    assert!(w.attempt("192.0.2.9", user.username.as_str(), crate::world::PASSWORD, None).await.is_ok(), "sign-in");

    w.api_keys.revoke(&Actor::system(), home, key.id).await.unwrap();
    for _ in 0..50 {
        assert_eq!(present(&w, "192.0.2.9", token.expose()).await.unwrap(), None, "a dead key is no guess");
    }
}

#[tokio::test]
async fn of_the_guesses_from_an_address_one_in_a_minute_is_in_the_trail() {
    let w = World::new(17);
    let home = org(&w).await;
    let (_, token) = create(&w, home, new_key(&[Scope::UsageWrite])).await.unwrap();
    let before = w.memory.records().len();
    let trail = || w.memory.records().split_off(before);
    for _ in 0..600 {
        for ip in ["192.0.2.9", "2001:db8:1:2::9", "2001:db8:1:2::a"] {
            present(&w, ip, "oc_canary").await.ok();
        }
        assert!(opens(&w, &token).await);
        w.clock.advance(Duration::from_secs(1));
    }
    let found = trail();
    assert_eq!(found.len(), 2 * 10, "ten minutes, two addresses");
    for record in &found {
        assert_eq!((record.action, record.outcome), (Action::ApiKeyRefused, Outcome::Failure));
        assert!(record.actor.ip.is_some() && record.org.is_none(), "{record:?}");
        assert!(!format!("{record:?}").contains("canary"), "what was guessed may be somebody's secret");
    }
    w.memory.refuse_records(true);
    let unremembered = present(&w, "192.0.2.77", "oc_canary").await;
    assert!(matches!(unremembered, Err(AuthError::Store(_))), "{unremembered:?}");
}

#[tokio::test]
async fn a_use_is_remembered_at_most_once_a_minute() {
    let w = World::new(8);
    let home = org(&w).await;
    let (key, token) = create(&w, home, new_key(&[Scope::UsageWrite])).await.unwrap();
    let mut noted = Vec::new();
    for _ in 0..200 {
        let used = present(&w, "192.0.2.1", token.expose()).await.unwrap().unwrap();
        for stale in [&used, &key] {
            if let Some(note) = w.api_keys.note_use(stale) {
                note.await.unwrap();
                noted.push(w.ambient.now());
            }
        }
        w.clock.advance(Duration::from_secs(1));
    }
    assert_eq!(noted.len(), 4, "at 0, 60, 120 and 180 seconds: {noted:?}");
    assert_eq!(w.api_keys.list(home).await.unwrap()[0].last_used, noted.last().copied());
}

#[tokio::test]
async fn a_key_acts_where_the_organization_is_active_and_for_its_active_members() {
    let w = World::new(9);
    let (member, disabled, stranger) = (w.user("member").await, w.user("disabled").await, w.user("stranger").await);
    let (home, other) = (org(&w).await, org(&w).await);
    for user in [&member, &disabled] {
        w.memory.join(home, user.id, Role::Member, w.ambient.now()).await;
    }
    w.users.disable(&Actor::system(), disabled.id).await.unwrap();
    let may = async |org, user| w.api_keys.may_act(org, user).await.unwrap();
    assert!(may(home, None).await && may(home, Some(member.id)).await);
    for user in [disabled.id, stranger.id, kernel::UserId::mint(&w.ambient)] {
        assert!(!may(home, Some(user)).await, "{user}");
    }
    assert!(!may(other, Some(member.id)).await, "no member there");
    assert!(!may(OrgId::mint(&w.ambient), None).await, "no such organization");
    w.memory.set_org_active(home, false).await;
    assert!(!may(home, None).await && !may(home, Some(member.id)).await, "suspended");
    w.memory.set_org_active(home, true).await;
    w.memory.remove(home, member.id).await;
    assert!(!may(home, Some(member.id)).await, "removed");
}

#[test]
fn keys_are_unlike_each_other_and_do_not_print() {
    let w = World::new(10);
    let tokens: Vec<ApiKeyToken> = (0..100).map(|_| ApiKeyToken::mint(&w.ambient)).collect();
    assert_eq!(tokens.iter().map(|token| token.hash().to_hex()).collect::<HashSet<_>>().len(), 100);
    for token in &tokens {
        assert_eq!(token.expose().len(), ApiKeyToken::LENGTH);
        assert_eq!(format!("{token:?}"), "ApiKeyToken(…)");
        let read = ApiKeyToken::parse(token.expose()).unwrap();
        assert_eq!(read.hash(), token.hash());
    }
    let one = tokens[0].expose();
    let bad = [
        String::new(),
        "oc_".into(),
        one[1..].into(),
        one[..51].into(),
        format!("{one}A"),
        format!("{one} "),
        one.replacen("oc_", "OC_", 1),
        format!("oc_{}", "é".repeat(30)),
        "🦀".repeat(13),
    ];
    for text in bad {
        assert!(ApiKeyToken::parse(&text).is_none(), "{text:?}");
    }
}

proptest! {
    #[test]
    fn one_wrong_character_is_told_without_a_store(place in 3_usize..52, letter in "[A-Za-z0-9_-]") {
        let token = ApiKeyToken::mint(&World::new(11).ambient);
        let mut text = token.expose().to_owned();
        let same = text.get(place..=place) == Some(letter.as_str());
        text.replace_range(place..=place, &letter);
        prop_assert_eq!(ApiKeyToken::parse(&text).is_some(), same);
    }

    #[test]
    fn no_text_breaks_the_parsers(text in ".{0,80}") {
        prop_assert!(ApiKeyToken::parse(&text).is_none());
        prop_assert!(text.parse::<Scope>().is_err() || Scope::ALL.iter().any(|scope| scope.as_str() == text));
        if let Ok(name) = KeyName::parse(&text) {
            prop_assert_eq!(name.as_str(), text.trim());
        }
    }
}

#[test]
fn scopes_read_back_as_they_are_written() {
    let all = Scopes::new(Scope::ALL).unwrap();
    assert_eq!(all.to_string(), "usage:write entitlements:read byok:resolve act_as admin:read");
    assert_eq!(all.to_string().parse::<Scopes>(), Ok(all));
    let two = Scopes::new([Scope::ActAs, Scope::UsageWrite, Scope::ActAs]).unwrap();
    assert_eq!(two.to_string(), "usage:write act_as", "each once, in order");
    assert!(two.contain(Scope::ActAs) && !two.contain(Scope::AdminRead));
    assert_eq!(Scopes::new([]), None);
    for bad in ["", " ", "usage:write ", "usage", "USAGE:WRITE", "usage:write,act_as", "admin:write"] {
        assert!(bad.parse::<Scopes>().is_err(), "{bad:?}");
    }
}

#[test]
fn a_name_is_one_line_of_text() {
    for good in ["a", "  Gateway (eu) ", &"ä".repeat(100)] {
        assert!(KeyName::parse(good).is_ok(), "{good:?}");
    }
    for bad in ["", "   ", "a\0b", "a\nb", &"ä".repeat(101)] {
        assert!(KeyName::parse(bad).is_err(), "{bad:?}");
    }
}
