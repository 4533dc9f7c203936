//! The story of the README, told by the program itself: from an empty folder to two people with an organization.

use std::path::Path;
use std::process::Command;

use serde_json::json;
use testkit::{Backend, Client};

use crate::rig::cookie::{choose, session_cookies};
use crate::rig::process::{Ended, PASSWORD, Server, Site, run, sign_in_with};

/// 2×2 pixels.
const PICTURE: &[u8] = &[
    0x89, b'P', b'N', b'G', 0x0d, 0x0a, 0x1a, 0x0a, 0, 0, 0, 13, b'I', b'H', b'D', b'R', 0, 0, 0, 1, 0, 0, 0, 1, 8, 2,
    0, 0, 0, 0x90, 0x77, 0x53, 0xde, 0, 0, 0, 12, b'I', b'D', b'A', b'T', 0x08, 0xd7, 0x63, 0xf8, 0xcf, 0xc0, 0, 0, 3,
    1, 1, 0, 0x18, 0xdd, 0x8d, 0xb0, 0, 0, 0, 0, b'I', b'E', b'N', b'D', 0xae, 0x42, 0x60, 0x82,
];

/// The value behind a label of the first screen.
fn told(screen: &str, label: &str) -> String {
    let line = screen
        .lines()
        .find_map(|line| line.trim_start().strip_prefix(label))
        .unwrap_or_else(|| panic!("no {label}: {screen}"));
    line.split_whitespace().next().expect("a value").to_owned()
}

/// The mails in the outbox, the oldest first, with quoted-printable's line breaks undone.
fn outbox(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder.join("data/outbox")).expect("an outbox");
    let mut files: Vec<_> = entries.map(|entry| entry.expect("a file").path()).collect();
    files.sort();
    files
        .iter()
        .map(|file| std::fs::read_to_string(file).expect("a mail").replace("=\r\n", "").replace("=3D", "="))
        .collect()
}

fn token(mail: &str) -> String {
    let (_, rest) = mail.split_once("token=").expect("a link");
    rest.chars().take_while(|c| c.is_ascii_alphanumeric() || "-_".contains(*c)).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn from_an_empty_folder_to_two_people_with_an_organization() {
    for backend in [Backend::Sqlite, Backend::PostgresRedis].into_iter().filter(|backend| backend.is_there()) {
        println!("on {backend}:");
        let site = Site::on(backend).await;
        let server = site.serve();
        let screen = server.screen("/api/v1/org/members").await;
        let admin = first_admin(&server, &screen).await;
        let grace = a_colleague(&server, &site.folder(), &admin).await;
        a_role(&admin, &grace).await;
        a_picture(&server, &admin).await;
        sessions(&server, &admin, &told(&screen, "password")).await;
        // The same folder and database once more: everybody is still signed in, and nothing is told again.
        let base = server.base.clone();
        server.stop();
        let again = Server::start(&mut site.program(&["--listen", base.trim_start_matches("http://")]));
        admin.get("/api/v1/auth/me").await.expect(200);
        grace.get("/api/v1/auth/me").await.expect(200);
        assert!(!again.written().contains("password"), "{}", again.written());
    }
}

/// The password of the first screen signs in, and so does its link, once.
async fn first_admin(server: &Server, screen: &str) -> Client {
    let admin = sign_in_with(&server.base, &told(screen, "user name"), &told(screen, "password")).await;
    let me = admin.get("/api/v1/auth/me").await.expect(200);
    assert_eq!(
        (&me["is_admin"], &me["org_name"], &me["org_role"]),
        (&json!(true), &json!("Default organization"), &json!("owner"))
    );
    let link = told(screen, "sign in");
    let path = link.strip_prefix(&server.base).expect("a link to this server");
    let (page, secret) = path.split_once("?token=").expect("a token");
    let browser = Client::new(&server.base);
    assert_eq!(browser.get(path).await.status, 200);
    let pressed = browser.post(page).without_csrf().form(&[("token", secret)]).await;
    assert_eq!((pressed.status, session_cookies(&pressed).len()), (303, 1));
    assert_eq!(browser.get("/api/v1/auth/me").await.expect(200)["id"], me["id"]);
    assert_eq!(Client::new(&server.base).post(page).without_csrf().form(&[("token", secret)]).await.status, 401);
    admin
}

/// Invites Grace, who makes her account from the mail's link and is in.
async fn a_colleague(server: &Server, folder: &Path, admin: &Client) -> Client {
    let invitation = json!({ "email": "grace@example.com", "role": "member" });
    admin.post("/api/v1/org/members").json(&invitation).await.expect(202);
    let mails = outbox(folder);
    let mail = mails.last().expect("a mail");
    assert!(
        mail.contains("To: grace@example.com") && mail.contains(&format!("{}/invitations/accept?token=", server.base)),
        "{mail}"
    );
    let token = token(mail);
    let grace = Client::new(&server.base);
    let page = grace.get(&format!("/invitations/accept?token={token}")).await;
    assert!(page.status == 200 && page.text().contains("Default organization"), "{}", page.text());
    let fields = [("token", token.as_str()), ("username", "grace"), ("password", PASSWORD), ("repeat", PASSWORD)];
    let made = grace.post("/invitations/account").without_csrf().form(&fields).await;
    assert_eq!(made.status, 303, "{}", made.text());
    let me = grace.get("/api/v1/auth/me").await.expect(200);
    assert_eq!((&me["org_name"], &me["org_role"]), (&json!("Default organization"), &json!("member")));
    grace
}

/// Grace becomes an admin; her sessions end with that, and she signs in again.
async fn a_role(admin: &Client, grace: &Client) {
    let found = admin.get("/api/v1/org/members?search=grace").await.expect(200);
    assert_eq!(found["total"], 1);
    let id = found["members"][0]["id"].as_str().expect("an id");
    let changed =
        admin.put(&format!("/api/v1/org/members/{id}/role")).json(&json!({ "role": "admin" })).await.expect(200);
    assert_eq!(changed["new_role"], "admin");
    choose(grace).await.problem(401, "unauthenticated");
    let credentials = json!({ "username": "grace", "password": PASSWORD });
    grace.post("/api/v1/auth/login").without_csrf().json(&credentials).await.expect(200);
    assert_eq!(grace.get("/api/v1/auth/me").await.expect(200)["org_role"], "admin");
    grace.get("/api/v1/org/invitations").await.expect(200);
}

async fn a_picture(server: &Server, admin: &Client) {
    let set = admin.post("/api/v1/auth/profile/avatar").file("avatar", "image/png", PICTURE).await.expect(200);
    let url = set["avatar_url"].as_str().expect("an address").to_owned();
    let picture = Client::new(&server.base).get(&url).await;
    assert_eq!((picture.status, picture.header("content-type")), (200, Some("image/webp")));
    assert_eq!(admin.get("/api/v1/auth/me").await.expect(200)["profile_picture"], json!(url));
    admin.delete("/api/v1/auth/profile/avatar").await.expect(200);
    assert_eq!(admin.get("/api/v1/auth/me").await.expect(200)["profile_picture"], json!(null));
}

/// Sees two more sessions, ends one, then all others.
async fn sessions(server: &Server, admin: &Client, password: &str) {
    let other = sign_in_with(&server.base, "admin", password).await;
    let third = sign_in_with(&server.base, "admin", password).await;
    let list = admin.get("/api/v1/auth/sessions").await.expect(200);
    let theirs = list["sessions"]
        .as_array()
        .expect("sessions")
        .iter()
        .find(|one| one["ip"] == json!(other.address().to_string()));
    let id = theirs.expect("the other one")["id"].as_str().expect("an id");
    admin.delete(&format!("/api/v1/auth/sessions/{id}")).await.expect(200);
    other.get("/api/v1/auth/me").await.problem(401, "unauthenticated");
    third.get("/api/v1/auth/me").await.expect(200);
    admin.delete("/api/v1/auth/sessions/others").await.expect(200);
    third.get("/api/v1/auth/me").await.problem(401, "unauthenticated");
    admin.get("/api/v1/auth/me").await.expect(200);
}

/// What the first screen says of places is so, and it tells no password of a server's.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_first_screen_says_where_everything_is() {
    for backend in Backend::ALL.into_iter().filter(|backend| backend.is_there()) {
        println!("on {backend}:");
        let site = Site::on(backend).await;
        let server = site.serve();
        let screen = server.screen("/api/v1/org/members").await;
        let place = |label: &str| {
            let line = screen.lines().find_map(|line| line.strip_prefix(&format!("  {label} ")));
            line.unwrap_or_else(|| panic!("no {label}: {screen}")).trim().to_owned()
        };
        let data = site.folder().canonicalize().expect("a folder").join("data");
        let file = data.join("ops-center.db");
        assert_eq!(file.exists(), !backend.has_postgres());
        if backend.has_postgres() {
            assert!(place("database").starts_with("PostgreSQL database "), "{screen}");
            assert!(!screen.contains("SQLite") && !screen.contains("ops-center.db"), "{screen}");
        } else {
            assert_eq!(place("database"), format!("SQLite file {}", file.display()));
        }
        assert_eq!(place("sessions").starts_with("Redis"), backend.has_redis(), "{screen}");
        assert_eq!(place("mails"), format!("files in {}", data.join("outbox").display()));
        let pictures = data.join("blobs");
        assert!(pictures.is_dir() && place("pictures") == format!("files in {}", pictures.display()), "{screen}");
        assert!(!screen.contains("postgres://") && !screen.contains("redis://"), "{screen}");
    }
}

/// The lines of the first screen, as they stand, by the shell that people have.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_commands_of_the_first_screen_work_as_they_stand() {
    for backend in [Backend::Sqlite, Backend::PostgresRedis].into_iter().filter(|backend| backend.is_there()) {
        println!("on {backend}:");
        let site = Site::on(backend).await;
        let server = site.serve();
        let screen = server.screen("/api/v1/org/members").await;
        let lines: Vec<&str> = screen.lines().map(str::trim).filter(|line| line.starts_with("curl ")).collect();
        assert_eq!(lines.len(), 3, "{screen}");
        for (line, wanted) in
            lines.iter().zip(["access_token", "\"authenticated\":true", "\"email\":\"colleague@example.com\""])
        {
            let answered = run(Command::new("sh").args(["-c", line]).current_dir(site.folder()));
            assert_eq!(answered.code, Some(0), "{line}: {answered:?}");
            assert!(answered.out.contains(wanted), "{line}: {answered:?}");
        }
        assert!(outbox(&site.folder())[0].contains("To: colleague@example.com"));
    }
}

/// The shell commands of a page, in their order, from its blocks.
pub(crate) fn commands(page: &str) -> Vec<&str> {
    page.split("```sh\n").skip(1).filter_map(|rest| rest.split_once("```").map(|(block, _)| block)).collect()
}

/// The commands of the README's walk.
pub(crate) fn walk() -> Vec<&'static str> {
    let (_, walk) = include_str!("../../../README.md").split_once("## A walk through").expect("a walk through");
    commands(walk.split_once("\n## ").expect("a next section").0)
}

/// Runs the commands against the server on its first start. Only what a reader fills in is filled in; an error of the server's is an
/// error, but where the reader is told to look at the status.
pub(crate) async fn follow(site: &Site, server: &Server, blocks: &[&str]) -> (Ended, String) {
    let password = told(&server.screen("/api/v1/org/members").await, "password");
    std::fs::write(site.folder().join("me.png"), PICTURE).expect("a picture");
    let script = blocks.join("\n").replace("http://127.0.0.1:8084", &server.base);
    let script = script.replace("THE PRINTED PASSWORD", &password).replace("cargo run --", "ops-center");
    let strict = |line: &str| {
        if line.contains("http_code") { line.to_owned() } else { line.replace("curl -sS", "curl -sS --fail-with-body") }
    };
    let script = script.lines().map(strict).collect::<Vec<_>>().join("\n");
    std::fs::write(site.folder().join("walk.sh"), format!("set -e\n{script}\n")).expect("a script");
    let program = site.program(&[]);
    let variables = program.get_envs().filter_map(|(name, value)| Some((name.to_owned(), value?.to_owned())));
    let programs = crate::rig::process::binary().parent().expect("a folder").to_owned();
    let path = Command::new("sh").args(["-c", "printf %s \"$PATH\""]).output().expect("a path").stdout;
    let path = format!("{}:{}", programs.display(), String::from_utf8_lossy(&path));
    let mut command = Command::new("bash");
    command.args(["-o", "pipefail", "walk.sh"]).current_dir(site.folder()).envs(variables).env("PATH", path);
    (run(&mut command), script)
}

/// The shell commands of the README, in their order.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_commands_of_the_readme_work_in_their_order() {
    let site = Site::on(Backend::Sqlite).await;
    let server = site.serve();
    let blocks = walk();
    assert!(blocks.len() >= 5, "{blocks:?}");
    let (ended, script) = follow(&site, &server, &blocks).await;
    assert_eq!(ended.code, Some(0), "{ended:?}\n{script}");
    assert!(ended.out.lines().any(|line| line == "401"), "the ended session is nobody: {ended:?}");
    let books = "Counters and ledger agree: 1 ledger rows of 1 organizations.";
    assert!(ended.out.trim_end().ends_with(books), "one call was recorded: {ended:?}");
    let password = told(&server.screen("password").await, "password");
    let admin = sign_in_with(&server.base, "admin", &password).await;
    let members = admin.get("/api/v1/org/members?search=grace").await.expect(200);
    assert_eq!(
        (&members["members"][0]["username"], &members["members"][0]["role"]),
        (&json!("grace"), &json!("admin")),
        "{ended:?}"
    );
    assert!(admin.get("/api/v1/auth/me").await.expect(200)["profile_picture"].is_string());
}
