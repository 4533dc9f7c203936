//! Ids, pages and hashes: one spelling each, and bounds that hold.

use std::str::FromStr;
use std::time::Duration;

use kernel::testing::manual_ambient;
use kernel::{InvitationId, OrgId, Page, Paged, RecordId, SessionId, TokenHash, UserId};

#[test]
fn every_kind_of_id_has_its_prefix_and_reads_no_other() {
    let (_, ambient) = manual_ambient(1);
    let ids = [
        UserId::mint(&ambient).to_string(),
        OrgId::mint(&ambient).to_string(),
        SessionId::mint(&ambient).to_string(),
        InvitationId::mint(&ambient).to_string(),
        RecordId::mint(&ambient).to_string(),
    ];
    for (n, (id, prefix)) in ids.iter().zip(["usr", "org", "ses", "inv", "rec"]).enumerate() {
        assert_eq!(id.split_once('_').map(|(found, rest)| (found, rest.len())), Some((prefix, 36)), "{id}");
        let read = [
            UserId::from_str(id).is_ok(),
            OrgId::from_str(id).is_ok(),
            SessionId::from_str(id).is_ok(),
            InvitationId::from_str(id).is_ok(),
            RecordId::from_str(id).is_ok(),
        ];
        for (m, read) in read.into_iter().enumerate() {
            assert_eq!(read, n == m, "{id} read as kind {m}");
        }
    }
}

#[test]
fn what_is_not_an_id_is_refused() {
    let good = "usr_01890a5d-ac96-774b-bcce-b302099a8057";
    assert!(good.parse::<UserId>().is_ok());
    for bad in [
        "",
        "usr",
        "usr_",
        "_01890a5d-ac96-774b-bcce-b302099a8057",
        "01890a5d-ac96-774b-bcce-b302099a8057",
        "usr-01890a5d-ac96-774b-bcce-b302099a8057",
        "USR_01890a5d-ac96-774b-bcce-b302099a8057",
        "usr_01890A5D-AC96-774B-BCCE-B302099A8057",
        "usr_01890a5dac96774bbcceb302099a8057",
        "usr_{01890a5d-ac96-774b-bcce-b302099a8057}",
        "usr_urn:uuid:01890a5d-ac96-774b-bcce-b302099a8057",
        "usr_01890a5d-ac96-774b-bcce-b302099a805",
        "usr_01890a5d-ac96-774b-bcce-b302099a80577",
        "usr_01890a5d-ac96-774b-bcce-b302099a805g",
        " usr_01890a5d-ac96-774b-bcce-b302099a8057",
        "usr_01890a5d-ac96-774b-bcce-b302099a8057\n",
        "usr_01890a5d-ac96-774b-bcce-b302099a8057\0",
        "usr_usr_01890a5d-ac96-774b-bcce-b302099a8057",
        "usr_../../../../etc/passwd/............",
        "usr_' OR '1'='1",
        "usr_０１890a5d-ac96-774b-bcce-b302099a8057",
    ] {
        assert!(bad.parse::<UserId>().is_err(), "{bad:?}");
    }
}

#[test]
fn ids_sort_by_the_time_they_were_made_and_never_repeat() {
    let (clock, ambient) = manual_ambient(2);
    let mut ids = Vec::new();
    for _ in 0..1000 {
        ids.push(OrgId::mint(&ambient));
        clock.advance(Duration::from_millis(1));
    }
    assert!(ids.is_sorted_by(|earlier, later| earlier < later));
    let texts: Vec<_> = ids.iter().map(ToString::to_string).collect();
    assert!(texts.is_sorted(), "as text too");
    let at_once: std::collections::HashSet<_> = (0..10_000).map(|_| OrgId::mint(&ambient)).collect();
    assert_eq!(at_once.len(), 10_000, "also within one millisecond");
    for id in ids {
        assert_eq!(OrgId::from_uuid(id.uuid()), id, "through a store and back");
        assert_eq!(format!("{id:?}"), id.to_string());
    }
}

#[test]
fn a_page_exists_only_within_its_bounds() {
    for (limit, exists) in [(0, false), (1, true), (50, true), (200, true), (201, false), (u32::MAX, false)] {
        for offset in [0, 1, u32::MAX] {
            let page = Page::new(limit, offset);
            assert_eq!(page.is_some(), exists, "{limit}");
            assert!(page.is_none_or(|page| page.limit() == limit && page.offset() == offset));
        }
    }
    assert_eq!(Page::new(50, 0), Some(Page::default()));
    let paged = Paged { items: vec![1, 2, 3], total: 9, page: Page::default() }.map(|n| n * 2);
    assert_eq!(paged, Paged { items: vec![2, 4, 6], total: 9, page: Page::default() });
}

#[test]
fn a_token_hash_shows_itself_only_when_asked() {
    let hash = TokenHash::from_bytes([0xab; 32]);
    assert_eq!(hash.to_hex(), "ab".repeat(32));
    assert_eq!(hash.as_bytes(), &[0xab; 32]);
    assert!(!format!("{hash:?}").contains("ab"), "not in logs");
}
