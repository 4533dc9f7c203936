//! Which session the durable facts admit.

use auth_core::{MembershipStanding, Session, Standing};
use kernel::testing::manual_ambient;
use kernel::{OrgId, PlatformRole, Role, SessionId, UserId};

#[test]
fn a_session_is_admitted_only_when_every_fact_agrees() {
    let (_, ambient) = manual_ambient(1);
    let in_org = Session {
        id: SessionId::mint(&ambient),
        user: UserId::mint(&ambient),
        org: Some(OrgId::mint(&ambient)),
        created_at: ambient.now(),
        auth_time: ambient.now(),
        expires_at: ambient.now(),
        idle: std::time::Duration::ZERO,
        user_epoch: 4,
        org_epoch: 5,
        platform_epoch: 6,
        ip: None,
        user_agent: None,
    };
    let nowhere = Session { org: None, org_epoch: 0, ..in_org.clone() };
    let member = MembershipStanding { role: Role::Member, epoch: 5, org_active: true };
    let good = Standing {
        user_epoch: 4,
        platform_epoch: 6,
        enabled: true,
        email: "ada@example.test".to_owned(),
        platform_role: PlatformRole::User,
        membership: Some(member),
    };
    let with = |membership| Standing { membership, ..good.clone() };
    for (standing, in_org_admitted, nowhere_admitted, why) in [
        (good.clone(), true, true, "all agree"),
        (Standing { platform_role: PlatformRole::Admin, ..good.clone() }, true, true, "the platform role is no matter"),
        (Standing { enabled: false, ..good.clone() }, false, false, "a disabled account"),
        (Standing { user_epoch: 5, ..good.clone() }, false, false, "a newer user epoch"),
        (Standing { user_epoch: 3, ..good.clone() }, false, false, "an older user epoch: a restored backup"),
        (Standing { platform_epoch: 7, ..good.clone() }, false, false, "a newer platform epoch"),
        (Standing { platform_epoch: 5, ..good.clone() }, false, false, "an older platform epoch"),
        (with(None), false, true, "no member any more"),
        (with(Some(MembershipStanding { epoch: 6, ..member })), false, true, "a newer membership epoch"),
        (with(Some(MembershipStanding { epoch: 4, ..member })), false, true, "an older membership epoch"),
        (with(Some(MembershipStanding { org_active: false, ..member })), false, true, "a suspended organization"),
    ] {
        assert_eq!(standing.admits(&in_org), in_org_admitted, "{why}, in the organization");
        assert_eq!(standing.admits(&nowhere), nowhere_admitted, "{why}, in none");
    }
}
