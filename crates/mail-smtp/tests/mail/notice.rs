use std::fs;

use kernel::{Ambient, Email};
use mail_smtp::{Notice, NoticeMail, OutboxMail};
use tempfile::TempDir;

use crate::{mime, sender};

/// The headers and the text of the one mail that tells this.
async fn told(subject: &str, paragraphs: &[&str]) -> (Vec<(String, String)>, String) {
    let dir = TempDir::new().unwrap();
    let outbox = OutboxMail::new(dir.path(), "https://ops.example.com", sender(), Ambient::system());
    let paragraphs = paragraphs.iter().map(|&paragraph| paragraph.to_owned()).collect();
    let to = Email::parse("ada@example.com").unwrap();
    outbox.notify(&Notice { to, subject: subject.to_owned(), paragraphs }).await.unwrap();
    let file = fs::read_dir(dir.path()).unwrap().next().unwrap().unwrap().path();
    mime::single(&fs::read(file).unwrap())
}

fn header<'a>(headers: &'a [(String, String)], name: &str) -> &'a str {
    &headers.iter().find(|(found, _)| found == name).unwrap().1
}

#[tokio::test]
async fn a_notice_says_what_it_should_in_plain_text() {
    let (headers, text) =
        told("M\u{fc}ller\u{2019}s key", &["Hello,", "the key of M\u{fc}ller & S\u{f6}hne is refused."]).await;
    assert_eq!(header(&headers, "To"), "ada@example.com");
    assert_eq!(header(&headers, "From"), "\"Ops Center\" <ops@example.com>");
    assert_eq!(header(&headers, "Subject"), "M\u{fc}ller\u{2019}s key");
    assert!(header(&headers, "Content-Type").starts_with("text/plain; charset=utf-8"));
    assert_eq!(text, "Hello,\n\nthe key of M\u{fc}ller & S\u{f6}hne is refused.\n");
}

#[tokio::test]
async fn what_strangers_wrote_adds_neither_line_nor_header() {
    for name in ["Evil\r\nBcc: victim@example.org", "Evil\n\n<b>", "\u{202e}gpj\0", "=?utf-8?Q?a=0D=0ABcc:_x?="] {
        let (headers, text) = told(&format!("The key of {name}"), &["Hello,", &format!("It is {name}'s.")]).await;
        let mut names: Vec<&str> = headers.iter().map(|(name, _)| name.as_str()).collect();
        names.sort_unstable();
        let ours = "Content-Transfer-Encoding Content-Type Date From MIME-Version Message-ID Subject To";
        assert_eq!(names.join(" "), ours, "{name:?}");
        assert_eq!(text.lines().count(), 3, "{name:?}: {text}");
        assert!(!text.contains(['\u{202e}', '\0']), "{name:?}: {text:?}");
    }
    let long = "long ".repeat(100);
    let (headers, text) = told(&long, &[&long]).await;
    assert!(header(&headers, "Subject").chars().count() <= 100);
    assert_eq!(text.trim_end(), long.trim_end());
}
