//! Seats are never exceeded, however many people are asked in at once; additions at once are all kept.

use serde_json::json;
use testkit::{Client, TestApp};

use crate::rig::party::{add, adding, found, members, no_failures, removing};
use crate::rig::{at_once, tally};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn thirty_two_invitations_at_once_take_the_seats_there_are() {
    TestApp::each(|app| async move {
        let sibling = app.sibling().await;
        let ada = app.user("ada@x.test").await;
        let org = found(&ada, "Full").await;
        let base = |number: usize| if number.is_multiple_of(2) { &app.base } else { &sibling.base };
        let invite =
            |number: usize| adding(&Client::at(&ada, base(number)), &org, &format!("guest{number}@x.test"), "member");
        let answers = at_once((0..32).map(invite)).await;
        assert_eq!(tally(&answers), [(202, 9), (409, 23)]);
        for answer in answers.iter().filter(|answer| answer.status == 409) {
            answer.problem(409, "seat_limit");
        }
        let info = ada.get(&format!("/api/v1/org/{org}")).await.expect(200);
        assert_eq!((&info["seats"], &info["seats_used"], &info["member_count"]), (&json!(10), &json!(10), &json!(1)));
        assert_eq!(app.mails().len(), 9, "nobody is told of an invitation that is none");

        // An invitation taken back frees its seat, for one.
        let open = ada.get(&format!("/api/v1/org/{org}/invitations")).await.expect(200);
        let first = open["invitations"][0]["id"].as_str().expect("an id");
        ada.delete(&format!("/api/v1/org/{org}/invitations/{first}")).await.expect(200);
        let answers = at_once((32..64).map(invite)).await;
        assert_eq!(tally(&answers), [(202, 1), (409, 31)]);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn expired_invitations_sent_again_at_once_take_the_seats_there_are() {
    TestApp::each(|app| async move {
        let sibling = app.sibling().await;
        let ada = app.user("ada@x.test").await;
        let org = found(&ada, "Again").await;
        let mut expired = Vec::new();
        for number in 0..9 {
            let made = adding(&ada, &org, &format!("guest{number}@x.test"), "member").await.expect(202);
            expired.push(made["invitation"]["id"].as_str().expect("an id").to_owned());
        }
        app.clock.advance(std::time::Duration::from_hours(7 * 24 + 1));
        ada.sign_in().await;
        for number in 0..5 {
            adding(&ada, &org, &format!("late{number}@x.test"), "member").await.expect(202);
        }
        let mails = app.mails().len();
        let again = |(number, id): (usize, &String)| {
            let at = if number.is_multiple_of(2) { &app.base } else { &sibling.base };
            Client::at(&ada, at).post(&format!("/api/v1/org/{org}/invitations/{id}/resend"))
        };
        let answers = at_once(expired.iter().enumerate().map(again)).await;
        assert_eq!(tally(&answers), [(200, 4), (409, 5)]);
        for answer in answers.iter().filter(|answer| answer.status == 409) {
            answer.problem(409, "seat_limit");
        }
        assert_eq!(app.mails().len(), mails + 4, "nobody is told of an invitation that is none");
        let info = ada.get(&format!("/api/v1/org/{org}")).await.expect(200);
        assert_eq!((&info["seats"], &info["seats_used"]), (&json!(10), &json!(10)));
        // One that is open has its seat, however full it is.
        let open = ada.get(&format!("/api/v1/org/{org}/invitations")).await.expect(200);
        let first = open["invitations"][0]["id"].as_str().expect("an id").to_owned();
        again((0, &first)).await.expect(200);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn additions_and_acceptances_at_once_share_the_seats() {
    TestApp::each(|app| async move {
        app.seats(6).await;
        let sibling = app.sibling().await;
        let ada = app.user("ada@x.test").await;
        let org = found(&ada, "Tight").await;
        // Two invitations are open, three seats are left, and sixteen people are added at once, each twice.
        ada.put(&format!("/api/v1/org/{org}/settings")).json(&json!({ "autoAcceptMembers": false })).await.expect(200);
        let mut acceptances = Vec::new();
        for number in 0..2 {
            let guest = app.user(&format!("guest{number}@x.test")).await;
            adding(&ada, &org, &guest.email, "member").await.expect(202);
            let token = app.mails().pop().and_then(|mail| mail.token()).expect("a token");
            acceptances.push((guest, token));
        }
        ada.put(&format!("/api/v1/org/{org}/settings")).json(&json!({ "autoAcceptMembers": true })).await.expect(200);
        let mut requests = Vec::new();
        for number in 0..16 {
            let user = app.user(&format!("user{number}@x.test")).await;
            requests.push(adding(&ada, &org, &user.email, "member"));
            requests.push(adding(&Client::at(&ada, &sibling.base), &org, &user.email, "member"));
        }
        let accept = |(guest, token): &(testkit::TestUser, String)| {
            guest.post("/api/v1/org/invitations/accept").json(&json!({ "token": token }))
        };
        let accepted = acceptances.iter().map(accept);
        let answers = at_once(requests.into_iter().chain(accepted)).await;
        no_failures(&answers);
        assert_eq!(answers[32..].iter().filter(|answer| answer.status == 200).count(), 2, "an invitation has its seat");
        assert_eq!(answers[..32].iter().filter(|answer| answer.status == 201).count(), 3);
        for answer in answers[..32].iter().filter(|answer| answer.status != 201) {
            let code = answer.expect(409)["code"].clone();
            assert!(["seat_limit", "already_member"].contains(&code.as_str().expect("a code")), "{code}");
        }
        assert_eq!(members(&ada, &org).await.len(), 6);
        let info = ada.get(&format!("/api/v1/org/{org}")).await.expect(200);
        assert_eq!(info["seats_used"], 6);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_person_is_one_member_however_often_they_are_added() {
    TestApp::each(|app| async move {
        let ada = app.user("ada@x.test").await;
        let bob = app.user("bob@x.test").await;
        let org = found(&ada, "Acme").await;
        let answers = at_once((0..32).map(|_| adding(&ada, &org, "BOB@x.test", "member"))).await;
        assert_eq!(tally(&answers), [(201, 1), (409, 31)]);
        for answer in answers.iter().filter(|answer| answer.status == 409) {
            answer.problem(409, "already_member");
        }
        assert_eq!(members(&ada, &org).await.len(), 2);
        let answers = at_once((0..8).map(|_| removing(&ada, &org, &bob))).await;
        assert_eq!(tally(&answers), [(200, 1), (404, 7)]);
        let answers = at_once((0..32).map(|_| adding(&ada, &org, "stranger@x.test", "member"))).await;
        assert_eq!(tally(&answers), [(202, 1), (409, 31)]);
        for answer in answers.iter().filter(|answer| answer.status == 409) {
            answer.problem(409, "already_invited");
        }
        assert_eq!(app.mails().len(), 1);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn members_added_at_once_are_all_there() {
    TestApp::each(|app| async move {
        app.seats(100).await;
        let sibling = app.sibling().await;
        let ada = app.user("ada@x.test").await;
        let org = found(&ada, "Crowd").await;
        let mut requests = Vec::new();
        for number in 0..20 {
            let user = app.user(&format!("user{number}@x.test")).await;
            let at = if number % 2 == 0 { &app.base } else { &sibling.base };
            requests.push(adding(&Client::at(&ada, at), &org, &user.email, "member"));
        }
        assert_eq!(tally(&at_once(requests).await), [(201, 20)]);
        assert_eq!(members(&ada, &org).await.len(), 21);
        let stats = ada.get(&format!("/api/v1/org/{org}/stats")).await.expect(200);
        assert_eq!((&stats["total_members"], &stats["members_by_role"]["member"]), (&json!(21), &json!(20)));
        // The list is paged without a gap and without a double.
        let mut seen = std::collections::BTreeSet::new();
        for offset in [0, 10, 20] {
            let page = ada.get(&format!("/api/v1/org/{org}/members?limit=10&offset={offset}")).await.expect(200);
            assert_eq!((&page["total"], &page["limit"], &page["offset"]), (&json!(21), &json!(10), &json!(offset)));
            seen.extend(page["members"].as_array().expect("members").iter().map(|member| member["id"].to_string()));
        }
        assert_eq!(seen.len(), 21);
        let bob = app.user("later@x.test").await;
        add(&ada, &org, &bob, "billing_admin").await;
        let found = ada.get(&format!("/api/v1/org/{org}/members?search=LATER&role=billing_admin")).await.expect(200);
        assert_eq!((&found["total"], &found["members"][0]["email"]), (&json!(1), &json!("later@x.test")));
    })
    .await;
}
