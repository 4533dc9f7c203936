use kernel::{Ambient, Role};
use mail_smtp::OutboxMail;
use org_core::InvitationMail;
use tempfile::TempDir;

use crate::{invitation, mime::Mail, outbox::mails, sender, token};

/// Names that try to be more than a name.
const NAMES: &[&str] = &[
    "Evil\r\nBcc: victim@example.org",
    "Evil\nBcc: victim@example.org",
    "Evil\rBcc: victim@example.org",
    "Evil\r\n\r\n<script>alert(1)</script>",
    "Evil\r\n.\r\nMAIL FROM:<x@example.org>",
    "Evil\u{85}Bcc: victim@example.org",
    "Evil\u{2028}Bcc: victim@example.org",
    "Evil\u{b}\u{c}Bcc: victim@example.org",
    "Evil\0Bcc: victim@example.org",
    "=?utf-8?Q?Evil=0D=0ABcc:_victim@example.org?=",
    "Evil =0D=0ABcc: victim@example.org",
    "Evil%0d%0aBcc: victim@example.org",
    "<img src=x onerror=alert(1)>",
    "\"><a href=\"https://evil.example\">click</a>",
    "'><svg onload=alert(1)>",
    "</p></body></html>",
    "&lt;script&gt; &amp; <b>",
    "<!-- -->",
    "--boundary\r\nContent-Type: text/html\r\n\r\nx",
    "\u{202e}gpj.exe",
    "\u{2066}x\u{2069}",
    "M\u{fc}ller & S\u{f6}hne \u{1f980}",
    "",
];

/// The mail that invites with these names.
async fn send(org: &str, inviter: &str) -> Mail {
    let dir = TempDir::new().unwrap();
    let outbox = OutboxMail::new(dir.path(), "https://ops.example.com", sender(), Ambient::system());
    outbox.send(&invitation(Role::Owner), &token(), org, inviter).await.unwrap();
    mails(dir.path()).remove(0)
}

#[tokio::test]
async fn a_name_is_one_line_of_text_wherever_it_stands() {
    let plain = send("Harmless", "Harmless").await;
    let html_tags = plain.html.matches('<').count();
    let html_quotes = plain.html.matches('"').count();
    for name in NAMES.iter().copied().chain(["\u{1f980}".repeat(1000).as_str(), "long ".repeat(500).as_str()]) {
        let mail = send(name, name).await;
        let names = mail.header_names();
        assert_eq!(names, ["Content-Type", "Date", "From", "MIME-Version", "Message-ID", "Subject", "To"], "{name:?}");
        assert_eq!(mail.header("To"), "ada@example.com", "{name:?}");
        let subject = mail.header("Subject");
        assert!(subject.starts_with("Invitation to join"), "{name:?}: {subject}");
        assert!(!subject.chars().any(char::is_control), "{name:?}: {subject:?}");
        assert!(subject.chars().count() <= 19 + 100, "{name:?}: {subject}");
        assert_eq!(mail.plain.lines().count(), plain.plain.lines().count(), "{name:?} adds no line:\n{}", mail.plain);
        assert_eq!(mail.html.lines().count(), plain.html.lines().count(), "{name:?} adds no line:\n{}", mail.html);
        assert_eq!(mail.html.matches('<').count(), html_tags, "{name:?} adds no tag:\n{}", mail.html);
        assert_eq!(mail.html.matches("href=").count(), 1 + name.matches("href=").count() * 2, "{name:?}");
        assert_eq!(mail.html.matches('"').count(), html_quotes, "{name:?} ends no attribute:\n{}", mail.html);
        for turn in ['\u{202e}', '\u{2066}', '\u{2069}', '\0', '\u{85}', '\u{2028}'] {
            assert!(!mail.plain.contains(turn) && !mail.html.contains(turn) && !subject.contains(turn), "{name:?}");
        }
    }
}

#[tokio::test]
async fn what_is_harmless_arrives_as_it_was_written() {
    let (org, inviter) = ("M\u{fc}ller & S\u{f6}hne \u{1f980}", "\u{391}\u{3b4}\u{3b1} O'Neil");
    let mail = send(org, inviter).await;
    assert_eq!(mail.header("Subject"), format!("Invitation to join {org}"));
    assert!(mail.plain.contains(org) && mail.plain.contains(inviter));
    assert!(mail.html.contains("M\u{fc}ller &amp; S\u{f6}hne \u{1f980}"));
    assert!(mail.html.contains("\u{391}\u{3b4}\u{3b1} O&#39;Neil"));
}
