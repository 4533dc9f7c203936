use std::{
    net::SocketAddr,
    sync::{Arc, Mutex},
    time::Duration,
};

use async_trait::async_trait;
use kernel::{Ambient, Role, StoreError};
use mail_smtp::{BadSender, Sender, SmtpMail, SmtpOptions, SmtpTls};
use org_core::{
    InvitationMail,
    testing::{Delivered, Outbox, invitation_mail_contract},
};
use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader},
    net::{TcpListener, TcpStream},
    task::JoinHandle,
};

use crate::{invitation, mime::Mail, sender, token};

/// What a client said, and the mails it left.
#[derive(Default)]
struct Conversation {
    commands: Vec<String>,
    mails: Vec<String>,
}

impl Conversation {
    /// The one mail, with the dots of its transport taken away (RFC 5321, 4.5.2).
    fn mail(&self) -> Mail {
        assert_eq!(self.mails.len(), 1);
        parse(&self.mails[0])
    }
}

fn parse(data: &str) -> Mail {
    Mail::parse(data.strip_suffix(".\r\n").unwrap().replace("\r\n..", "\r\n.").as_bytes())
}

/// How the server misbehaves.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Mood {
    Kind,
    /// Answers this command with this line.
    Refuses(&'static str, &'static str),
    /// Says nothing after the greeting.
    Silent,
}

/// A mail server for one connection; what was said on it, when it is over.
async fn server(mood: Mood) -> (SocketAddr, JoinHandle<Conversation>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let serving = tokio::spawn(async move {
        let told = Mutex::new(Conversation::default());
        converse(listener.accept().await.unwrap().0, mood, &told).await;
        told.into_inner().unwrap()
    });
    (address, serving)
}

/// A mail server for any number of connections, one after the other or at once.
async fn busy_server(told: Arc<Mutex<Conversation>>) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let told = told.clone();
            tokio::spawn(async move { converse(stream, Mood::Kind, &told).await });
        }
    });
    address
}

async fn converse(stream: TcpStream, mood: Mood, told: &Mutex<Conversation>) {
    let mut stream = BufReader::new(stream);
    stream.write_all(b"220 mail.example.com ESMTP\r\n").await.unwrap();
    loop {
        let mut line = String::new();
        if stream.read_line(&mut line).await.unwrap_or(0) == 0 {
            return;
        }
        let command = line.trim_end().to_owned();
        told.lock().unwrap().commands.push(command.clone());
        let answer = match (mood, command.split([' ', ':']).next().unwrap()) {
            (Mood::Silent, _) => continue,
            (Mood::Refuses(refused, answer), verb) if verb == refused => answer,
            (_, "EHLO") => "250-mail.example.com\r\n250-8BITMIME\r\n250 AUTH PLAIN LOGIN",
            (_, "DATA") => "354 go on",
            (_, "AUTH") => "235 welcome",
            (_, "QUIT") => "221 bye",
            _ => "250 fine",
        };
        stream.write_all(format!("{answer}\r\n").as_bytes()).await.unwrap();
        if answer.starts_with("354") {
            let mut data = String::new();
            while !data.ends_with("\r\n.\r\n") {
                assert_ne!(stream.read_line(&mut data).await.unwrap(), 0, "the mail has an end");
            }
            told.lock().unwrap().mails.push(data);
            stream.write_all(b"250 taken\r\n").await.unwrap();
        }
    }
}

fn mail(address: SocketAddr, tls: SmtpTls, username: Option<&str>) -> SmtpMail {
    let options = SmtpOptions {
        host: address.ip().to_string(),
        port: address.port(),
        tls,
        username: username.map(str::to_owned),
        password: "hunter2".into(),
        from: sender(),
    };
    SmtpMail::new(options, "https://ops.example.com", Ambient::system()).unwrap()
}

struct Mailbox(Arc<Mutex<Conversation>>);

#[async_trait]
impl Outbox for Mailbox {
    async fn delivered(&self) -> Vec<Delivered> {
        let told = self.0.lock().unwrap();
        let mut recipients: Vec<Vec<String>> = Vec::new();
        for command in &told.commands {
            match (command.strip_prefix("RCPT TO:<"), recipients.last_mut()) {
                (Some(address), Some(of_this_mail)) => {
                    of_this_mail.push(address.split('>').next().unwrap().to_owned());
                }
                _ if command.starts_with("MAIL FROM:") => recipients.push(Vec::new()),
                _ => {}
            }
        }
        let mails = told.mails.iter().map(|mail| parse(mail));
        mails.zip(recipients).map(|(mail, recipients)| mail.delivered(recipients)).collect()
    }
}

#[tokio::test]
async fn the_contract_holds() {
    let told = Arc::new(Mutex::new(Conversation::default()));
    let address = busy_server(told.clone()).await;
    invitation_mail_contract(&mail(address, SmtpTls::None, None), &Mailbox(told), &Ambient::system()).await;
}

#[tokio::test]
async fn the_server_gets_the_mail() {
    let (address, serving) = server(Mood::Kind).await;
    let (mailer, token) = (mail(address, SmtpTls::None, None), token());
    mailer.send(&invitation(Role::Admin), &token, "Engines\r\n.\r\nRSET", "Charles").await.unwrap();
    drop(mailer);
    let told = serving.await.unwrap();
    assert!(told.commands[0].starts_with("EHLO "), "{:?}", told.commands);
    assert!(told.commands[1].starts_with("MAIL FROM:<ops@example.com>"), "{:?}", told.commands);
    assert!(told.commands[2].starts_with("RCPT TO:<ada@example.com>"), "{:?}", told.commands);
    assert_eq!(told.commands[3], "DATA");
    assert!(!told.commands.iter().any(|command| command.starts_with("RSET") || command.starts_with("AUTH")));
    let read = told.mail();
    assert_eq!(read.header("From"), "\"Ops Center\" <ops@example.com>");
    assert!(read.header("Message-ID").ends_with("@example.com>"));
    assert_eq!(read.header("Subject"), "Invitation to join Engines . RSET");
    assert!(read.plain.contains(&format!("https://ops.example.com/invitations/accept?token={}", token.expose())));
}

#[tokio::test]
async fn the_account_is_used_when_there_is_one() {
    let (address, serving) = server(Mood::Kind).await;
    let mailer = mail(address, SmtpTls::None, Some("ops"));
    mailer.send(&invitation(Role::Member), &token(), "Org", "Somebody").await.unwrap();
    drop(mailer);
    let told = serving.await.unwrap();
    // RFC 4616: NUL ops NUL hunter2.
    assert!(told.commands.contains(&"AUTH PLAIN AG9wcwBodW50ZXIy".to_owned()), "{:?}", told.commands);
    assert!(!told.mails[0].contains("hunter2"));
}

#[tokio::test]
async fn a_server_that_refuses_is_an_outage() {
    for (command, answer) in [
        ("EHLO", "554 go away"),
        ("AUTH", "535 wrong password"),
        ("MAIL", "451 later"),
        ("RCPT", "550 nobody of that name"),
        ("DATA", "452 full"),
    ] {
        let (address, _serving) = server(Mood::Refuses(command, answer)).await;
        let mailer = mail(address, SmtpTls::None, Some("ops"));
        let sent = mailer.send(&invitation(Role::Member), &token(), "Org", "Somebody").await;
        assert!(matches!(sent, Err(StoreError::Unavailable(_))), "{command}: {sent:?}");
    }
}

#[tokio::test]
async fn starttls_is_not_given_up_when_the_server_does_not_offer_it() {
    let (address, serving) = server(Mood::Kind).await;
    let mailer = mail(address, SmtpTls::StartTls, Some("ops"));
    let sent = mailer.send(&invitation(Role::Member), &token(), "Org", "Somebody").await;
    assert!(matches!(sent, Err(StoreError::Unavailable(_))), "{sent:?}");
    drop(mailer);
    let told = serving.await.unwrap();
    assert!(!told.commands.iter().any(|command| command.starts_with("AUTH") || command.starts_with("MAIL")));
    assert_eq!(told.mails, Vec::<String>::new());
}

#[tokio::test]
async fn nobody_there_is_an_outage() {
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    for tls in [SmtpTls::None, SmtpTls::StartTls, SmtpTls::Implicit] {
        let sent = mail(free, tls, None).send(&invitation(Role::Member), &token(), "Org", "Somebody").await;
        assert!(matches!(sent, Err(StoreError::Unavailable(_))), "{tls:?}: {sent:?}");
    }
}

#[tokio::test]
async fn a_silent_server_is_an_outage_after_ten_seconds() {
    for tls in [SmtpTls::None, SmtpTls::Implicit] {
        let (address, _serving) = server(Mood::Silent).await;
        let mailer = mail(address, tls, None);
        let invitation = invitation(Role::Member);
        let token = token();
        let sending = mailer.send(&invitation, &token, "Org", "Somebody");
        let sent = tokio::time::timeout(Duration::from_secs(12), sending).await.unwrap();
        assert!(matches!(sent, Err(StoreError::Unavailable(_))), "{tls:?}: {sent:?}");
    }
}

#[test]
fn a_sender_that_cannot_be_one_is_refused() {
    for from in ["", "nobody", "a@b@c", "a@example.com\r\nBcc: x@example.org"] {
        assert_eq!(from.parse::<Sender>(), Err(BadSender), "{from:?}");
    }
    for from in ["ops@example.com", "Ops Center <ops-center@localhost>"] {
        assert!(from.parse::<Sender>().is_ok(), "{from:?}");
    }
}
