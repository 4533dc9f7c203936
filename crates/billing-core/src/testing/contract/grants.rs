use kernel::OrgId;

use super::stage::{MINUTE, Stage};
use crate::testing::{BillingStores, Entitled, Giver};
use crate::{Access, Grant, Posting};

const STARTER: (&str, u8) = ("starter", 2);
const PROFESSIONAL: (&str, u8) = ("professional", 3);
const ENTERPRISE: (&str, u8) = ("enterprise", 4);

/// What [`Posting::grant`](crate::Posting) promises.
pub async fn grant_contract(stores: BillingStores<'_>) {
    follows_the_payment(&Stage::new(stores)).await;
    needs_a_payment_to_end(&Stage::new(stores)).await;
    leaves_higher_gifts(&Stage::new(stores)).await;
    replaces_gifts_that_give_nothing(&Stage::new(stores)).await;
    leaves_what_is_paused_paused(&Stage::new(stores)).await;
}

async fn grant(s: &Stage<'_>, org: OrgId, grant: &Grant) {
    s.posted(&Posting { grant: Some(grant.clone()), ..s.next(org).await }).await;
}

async fn entitled(s: &Stage<'_>, org: OrgId) -> Entitled {
    s.stores.world.entitled(org).await.unwrap()
}

fn paid(grant: &Grant, version: u32) -> Entitled {
    Entitled {
        plan: grant.plan.clone(),
        status: grant.access.as_str().to_owned(),
        source: "payment".to_owned(),
        anchor: grant.anchor,
        trial_ends_at: grant.trial_ends_at,
        version,
    }
}

async fn follows_the_payment(s: &Stage<'_>) {
    let org = s.org().await;
    let mut now = s.grant(STARTER, Access::Active);
    let trial_ends_at = Some(s.tick() + MINUTE * 60);
    let mut version = 0;
    for (plan, access) in [
        (STARTER, Access::Trialing),
        (STARTER, Access::Active),
        (PROFESSIONAL, Access::Active),
        (PROFESSIONAL, Access::PastDue),
        (PROFESSIONAL, Access::Unpaid),
        (PROFESSIONAL, Access::Active),
        (STARTER, Access::Active),
        (STARTER, Access::Canceled),
        (ENTERPRISE, Access::Active),
    ] {
        now = Grant {
            anchor: now.anchor,
            trial_ends_at: trial_ends_at.filter(|_| access == Access::Trialing),
            ..s.grant(plan, access)
        };
        version += 1;
        for _ in 0..2 {
            grant(s, org, &now).await;
            assert_eq!(entitled(s, org).await, paid(&now, version), "one version higher, and none for the same again");
        }
        s.posted(&s.next(org).await).await;
        assert_eq!(entitled(s, org).await, paid(&now, version), "a posting without a grant leaves it as it is");
    }
    let later = s.grant(ENTERPRISE, Access::Active);
    grant(s, org, &later).await;
    assert_eq!(entitled(s, org).await, paid(&later, version + 1), "months are counted from another day");
}

async fn needs_a_payment_to_end(s: &Stage<'_>) {
    for access in [Access::Unpaid, Access::Canceled] {
        let org = s.org().await;
        grant(s, org, &s.grant(STARTER, access)).await;
        assert_eq!(s.stores.world.entitled(org).await, None, "nothing began, and nothing ends");
        for giver in [Giver::Administrator, Giver::Installation] {
            for plan in [STARTER, PROFESSIONAL, ENTERPRISE] {
                let org = s.org().await;
                s.stores.world.give(org, giver, plan, None).await;
                let given = entitled(s, org).await;
                assert_eq!((&*given.plan, &*given.source), (plan.0, giver.as_str()));
                grant(s, org, &s.grant(PROFESSIONAL, access)).await;
                assert_eq!(entitled(s, org).await, given, "what was given does not end because nobody pays for it");
            }
        }
    }
}

async fn leaves_higher_gifts(s: &Stage<'_>) {
    for giver in [Giver::Administrator, Giver::Installation] {
        let org = s.org().await;
        s.stores.world.give(org, giver, ENTERPRISE, Some(s.tick() + MINUTE * 60)).await;
        let given = entitled(s, org).await;
        grant(s, org, &s.grant(PROFESSIONAL, Access::Active)).await;
        assert_eq!(entitled(s, org).await, given, "it stands higher");
        for plan in [PROFESSIONAL, STARTER] {
            let org = s.org().await;
            s.stores.world.give(org, giver, plan, None).await;
            let bought = s.grant(PROFESSIONAL, Access::Active);
            grant(s, org, &bought).await;
            assert_eq!(entitled(s, org).await, paid(&bought, 2), "it stands no higher than what is paid for");
            let ended = Grant { access: Access::Canceled, ..bought };
            grant(s, org, &ended).await;
            assert_eq!(entitled(s, org).await, paid(&ended, 3), "and then ends, because it was paid for");
        }
    }
}

async fn replaces_gifts_that_give_nothing(s: &Stage<'_>) {
    let org = s.org().await;
    s.stores.world.give(org, Giver::Administrator, ENTERPRISE, Some(s.tick())).await;
    let bought = s.grant(STARTER, Access::Active);
    grant(s, org, &bought).await;
    assert_eq!(entitled(s, org).await, paid(&bought, 2), "a trial that is over stands nowhere");
    s.stores.world.give(org, Giver::Administrator, ENTERPRISE, None).await;
    let given = entitled(s, org).await;
    grant(s, org, &bought).await;
    assert_eq!(entitled(s, org).await, given, "an administrator may give more than is paid for");
    s.stores.world.give(org, Giver::Administrator, ("free", 0), None).await;
    grant(s, org, &bought).await;
    assert_eq!(entitled(s, org).await, paid(&bought, 5), "but takes nothing away that is paid for");
}

async fn leaves_what_is_paused_paused(s: &Stage<'_>) {
    let paused = |entitled: Entitled| Entitled { status: "suspended".to_owned(), ..entitled };
    let org = s.org().await;
    let bought = s.grant(STARTER, Access::Active);
    grant(s, org, &bought).await;
    s.stores.world.pause(org).await;
    grant(s, org, &bought).await;
    assert_eq!(entitled(s, org).await, paused(paid(&bought, 2)), "a payment does not end an administrator's pause");
    let more = s.grant(PROFESSIONAL, Access::Active);
    grant(s, org, &more).await;
    assert_eq!(entitled(s, org).await, paused(paid(&more, 3)), "though another plan is paid for");
    let ended = Grant { access: Access::Canceled, ..more.clone() };
    grant(s, org, &ended).await;
    assert_eq!(entitled(s, org).await, paid(&ended, 4), "an end is an end");

    let org = s.org().await;
    s.stores.world.pause(org).await;
    grant(s, org, &more).await;
    assert_eq!(entitled(s, org).await, paused(paid(&more, 2)), "nor does a first payment");
    let org = s.org().await;
    s.stores.world.give(org, Giver::Administrator, ENTERPRISE, None).await;
    s.stores.world.pause(org).await;
    let before = entitled(s, org).await;
    grant(s, org, &more).await;
    assert_eq!(entitled(s, org).await, before, "a higher gift that is paused stays what it is");
}
