use kernel::{Action, OrgId, Role};

use super::stage::Stage;
use crate::testing::OrgStores;
use crate::{
    AllowedDomain, Color, DateFormat, Org, OrgStatus, Patched, Settings, SettingsPatch, StatusChanged, Theme,
    TimeFormat, WebUrl,
};

async fn find(s: &Stage<'_>, org: OrgId) -> Option<Org> {
    s.stores.orgs.find(org).await.unwrap()
}

/// Settings in which every key says something.
pub(super) fn every_setting() -> Settings {
    full_patch().applied_to(Settings::default())
}

/// A patch that names every key but the name.
fn full_patch() -> SettingsPatch {
    SettingsPatch {
        name: None,
        display_name: Some(Some("Acme".into())),
        description: Some(Some("First line.\nSecond \"line\".".into())),
        website: Some(WebUrl::parse("https://example.com").ok()),
        timezone: Some(Some("Europe/Vienna".into())),
        default_role: Some(Role::BillingAdmin),
        allow_self_registration: Some(true),
        require_email_verification: Some(false),
        auto_accept_members: Some(true),
        allowed_domains: Some(vec![
            AllowedDomain::parse("example.com").unwrap(),
            AllowedDomain::parse("bücher.example").unwrap(),
        ]),
        primary_color: Some(Color::parse("#112233").ok()),
        accent_color: Some(Color::parse("#445566").ok()),
        theme: Some(Some(Theme::Dark)),
        language: Some(Some("de-AT".into())),
        date_format: Some(Some(DateFormat::Dotted)),
        time_format: Some(Some(TimeFormat::Hours12)),
        logo_url: Some(WebUrl::parse("https://example.com/logo.png").ok()),
    }
}

/// Patches of one key each, and one that empties what can be empty.
pub(super) fn single_patches() -> Vec<SettingsPatch> {
    let (full, none) = (full_patch(), SettingsPatch::default());
    vec![
        SettingsPatch { display_name: full.display_name, ..none.clone() },
        SettingsPatch { description: full.description, ..none.clone() },
        SettingsPatch { website: full.website, ..none.clone() },
        SettingsPatch { timezone: full.timezone, ..none.clone() },
        SettingsPatch { default_role: full.default_role, ..none.clone() },
        SettingsPatch { allow_self_registration: full.allow_self_registration, ..none.clone() },
        SettingsPatch { require_email_verification: full.require_email_verification, ..none.clone() },
        SettingsPatch { auto_accept_members: full.auto_accept_members, ..none.clone() },
        SettingsPatch { allowed_domains: full.allowed_domains, ..none.clone() },
        SettingsPatch { primary_color: full.primary_color, ..none.clone() },
        SettingsPatch { accent_color: full.accent_color, ..none.clone() },
        SettingsPatch { theme: full.theme, ..none.clone() },
        SettingsPatch { language: full.language, ..none.clone() },
        SettingsPatch { date_format: full.date_format, ..none.clone() },
        SettingsPatch { time_format: full.time_format, ..none.clone() },
        SettingsPatch { logo_url: full.logo_url, ..none },
    ]
}

pub(super) async fn try_patch(s: &Stage<'_>, org: OrgId, patch: &SettingsPatch) -> Patched {
    let record = s.record(Action::OrgUpdated, org);
    let answer = s.stores.orgs.patch(org, patch, &record).await.unwrap();
    s.assert_kept(&record, matches!(answer, Patched::Patched(_))).await;
    answer
}

/// The same by somebody who may; `None` where there is no such organization.
pub(super) async fn patch(s: &Stage<'_>, org: OrgId, patch: &SettingsPatch) -> Option<Org> {
    match try_patch(s, org, patch).await {
        Patched::Patched(org) => Some(*org),
        Patched::NotFound => None,
        Patched::Outdated => panic!("the system may do everything"),
    }
}

/// The part of the contract about settings.
pub(super) async fn patches(stores: OrgStores<'_>) {
    let s = &Stage::new(stores);
    let ((org, owner), (other, _)) = (s.org().await, s.org().await);
    let untouched = find(s, other).await;
    let mut expected = find(s, org).await.unwrap();
    for change in single_patches() {
        expected.settings = change.applied_to(expected.settings);
        assert_eq!(
            patch(s, org, &change).await.as_ref(),
            Some(&expected),
            "one key changes, the others stay: {change:?}"
        );
        assert_eq!(find(s, org).await.as_ref(), Some(&expected), "and so it reads back");
    }
    let name = crate::OrgName::parse("Renamed").unwrap();
    expected.name = name.clone();
    assert_eq!(
        patch(s, org, &SettingsPatch { name: Some(name), ..SettingsPatch::default() }).await,
        Some(expected.clone())
    );
    assert_eq!(
        patch(s, org, &SettingsPatch::default()).await,
        Some(expected.clone()),
        "nothing named, nothing changed"
    );
    let emptied = SettingsPatch {
        display_name: Some(None),
        description: Some(None),
        website: Some(None),
        timezone: Some(None),
        allowed_domains: Some(vec![]),
        primary_color: Some(None),
        accent_color: Some(None),
        theme: Some(None),
        language: Some(None),
        date_format: Some(None),
        time_format: Some(None),
        logo_url: Some(None),
        ..SettingsPatch::default()
    };
    expected.settings = emptied.applied_to(expected.settings);
    assert_eq!(patch(s, org, &emptied).await, Some(expected.clone()), "Some(None) empties");
    assert_eq!(find(s, org).await, Some(expected));
    assert_eq!(find(s, other).await, untouched, "no other organization changes");
    assert_eq!(s.role(org, owner).await, Some(Role::Owner));
    assert_eq!(patch(s, OrgId::mint(s.stores.ambient), &emptied).await, None, "no such organization");
    assert_eq!(s.set_status(org, OrgStatus::Deleted).await, StatusChanged::Changed);
    assert_eq!(patch(s, org, &full_patch()).await, None, "a deleted one does not change");
}
