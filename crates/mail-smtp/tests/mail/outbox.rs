use std::{
    fs,
    io::Write,
    os::unix::fs::PermissionsExt,
    path::Path,
    sync::{Arc, Mutex},
};

use async_trait::async_trait;
use kernel::{Ambient, Role, StoreError};
use mail_smtp::OutboxMail;
use org_core::{
    InvitationMail,
    testing::{Delivered, Outbox, invitation_mail_contract},
};
use tempfile::TempDir;

use crate::{invitation, mime::Mail, sender, token};

pub(crate) fn mails(dir: &Path) -> Vec<Mail> {
    let mut files: Vec<_> = fs::read_dir(dir).unwrap().map(|file| file.unwrap().path()).collect();
    files.sort();
    files.iter().map(|file| Mail::parse(&fs::read(file).unwrap())).collect()
}

struct Folder<'a>(&'a Path);

#[async_trait]
impl Outbox for Folder<'_> {
    async fn delivered(&self) -> Vec<Delivered> {
        mails(self.0).iter().map(|mail| mail.delivered(vec![mail.header("To")])).collect()
    }
}

#[tokio::test]
async fn the_contract_holds() {
    let dir = TempDir::new().unwrap();
    let outbox = OutboxMail::new(dir.path(), "https://ops.example.com", sender(), Ambient::system());
    invitation_mail_contract(&outbox, &Folder(dir.path()), &Ambient::system()).await;
}

#[tokio::test]
async fn the_file_says_who_invites_whom_to_what_until_when() {
    let dir = TempDir::new().unwrap();
    let outbox = OutboxMail::new(dir.path(), "https://ops.example.com/", sender(), Ambient::system());
    let token = token();
    outbox.send(&invitation(Role::BillingAdmin), &token, "Analytical Engines", "Charles Babbage").await.unwrap();
    let mails = mails(dir.path());
    assert_eq!(mails.len(), 1);
    let mail = &mails[0];
    assert_eq!(mail.header("To"), "ada@example.com");
    assert_eq!(mail.header("From"), "\"Ops Center\" <ops@example.com>");
    assert!(mail.header("Message-ID").ends_with("@example.com>"));
    assert_eq!(mail.header("Subject"), "Invitation to join Analytical Engines");
    assert_eq!(
        mail.header_names(),
        ["Content-Type", "Date", "From", "MIME-Version", "Message-ID", "Subject", "To"],
        "and no other header"
    );
    let link = format!("https://ops.example.com/invitations/accept?token={}", token.expose());
    for said in ["Charles Babbage", "Analytical Engines", "billing admin", "2026-11-10T12:00:00Z", &link] {
        assert!(mail.plain.contains(said), "{said} in {}", mail.plain);
        assert!(mail.html.contains(said), "{said} in {}", mail.html);
    }
    assert!(mail.html.contains(&format!("<a href=\"{link}\">")));
    assert!(!mail.html.contains("src="), "it loads nothing");
}

#[tokio::test]
async fn the_file_is_for_the_operator_only_and_named_by_time() {
    let dir = TempDir::new().unwrap();
    let outbox =
        OutboxMail::new(dir.path().join("data/outbox"), "https://ops.example.com", sender(), Ambient::system());
    for _ in 0..20 {
        outbox.send(&invitation(Role::Member), &token(), "Org", "Somebody").await.unwrap();
    }
    let folder = dir.path().join("data/outbox");
    assert_eq!(fs::metadata(&folder).unwrap().permissions().mode() & 0o777, 0o700);
    let mut count = 0;
    for file in fs::read_dir(&folder).unwrap() {
        let file = file.unwrap();
        assert_eq!(file.metadata().unwrap().permissions().mode() & 0o777, 0o600);
        let name = file.file_name().into_string().unwrap();
        let (time, rest) = name.split_once("Z-").unwrap();
        assert_eq!((time.len(), &time[8..9], &time[15..16]), (22, "T", "."), "{name}");
        let suffix = rest.strip_suffix(".eml").unwrap();
        assert!(suffix.len() == 16 && suffix.bytes().all(|b| b.is_ascii_hexdigit()), "{name}");
        count += 1;
    }
    assert_eq!(count, 20, "each mail is a file of its own, and no draft is left");
}

#[tokio::test]
async fn a_folder_that_cannot_be_written_is_an_outage() {
    let dir = TempDir::new().unwrap();
    fs::write(dir.path().join("outbox"), "a file in its place").unwrap();
    let outbox = OutboxMail::new(dir.path().join("outbox"), "https://ops.example.com", sender(), Ambient::system());
    let answer = outbox.send(&invitation(Role::Member), &token(), "Org", "Somebody").await;
    assert!(matches!(answer, Err(StoreError::Unavailable(_))), "{answer:?}");
}

/// What was logged.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn the_link_is_logged_for_the_operator() {
    let log = Log::default();
    let writer = log.clone();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(tracing::Level::INFO)
        .with_ansi(false)
        .with_writer(move || writer.clone())
        .finish();
    tracing::subscriber::set_global_default(subscriber).unwrap();
    // Another test may have logged while there was nobody to ask whether anybody listens.
    tracing::callsite::rebuild_interest_cache();
    let dir = TempDir::new().unwrap();
    let outbox = OutboxMail::new(dir.path(), "https://ops.example.com", sender(), Ambient::system());
    let token = token();
    outbox.send(&invitation(Role::Member), &token, "Org", "Somebody").await.unwrap();
    let logged = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
    let ours: Vec<&str> = logged.lines().filter(|line| line.contains(token.expose())).collect();
    assert_eq!(ours.len(), 1, "{logged}");
    assert!(ours[0].contains("INFO"), "{logged}");
    let link = format!("https://ops.example.com/invitations/accept?token={}", token.expose());
    assert!(ours[0].contains(&link), "{logged}");
}
