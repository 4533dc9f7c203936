//! What a person sees first.

use std::fmt::Write;

use http_api::Site;
use secrecy::ExposeSecret;

use crate::first::FirstAdmin;
use crate::kept::Kept;

/// Where the server is.
pub(super) fn ready(site: &Site) -> String {
    let Site { public_url, version, .. } = site;
    format!("Ops Center {version} is ready: {public_url}\nDocumentation: {public_url}/docs\n")
}

/// What the first start made and where, and how to go on.
pub(super) fn first(admin: &FirstAdmin, public_url: &str, kept: &Kept) -> String {
    let Kept { database, sessions, mails, pictures, keyring } = kept;
    let FirstAdmin { email, username, password, link, org } = admin;
    let (password, link) = (password.expose_secret(), link.expose_secret());
    let mut text = format!(
        "\nThis is the first start. It made a platform admin and \"{org}\".\n\n\
         \x20 database   {database}\n\
         \x20 sessions   {sessions}\n\
         \x20 mails      {mails}\n\
         \x20 pictures   {pictures}\n\
         \x20 key ring   {keyring}\n\n\
         \x20 user name  {username}  ({email})\n\
         \x20 password   {password}\n\
         \x20 sign in    {link}\n\n\
         The link works once, within 24 hours. Neither is shown again.\n\n\
         Copy the key ring to a safe place, apart from the database: without it the provider keys that customers store are lost.\n\nTry it:\n\n"
    );
    for line in curl(username, password, public_url) {
        // Writing to a String does not fail.
        writeln!(text, "  {line}").ok();
    }
    text
}

/// Signs in, asks who one is, invites a colleague.
fn curl(username: &str, password: &str, url: &str) -> [String; 3] {
    let json = "-H 'Content-Type: application/json'";
    [
        format!(
            "curl -c ops-center.cookies {json} -d '{{\"username\":\"{username}\",\"password\":\"{password}\"}}' {url}/api/v1/auth/login"
        ),
        format!("curl -b ops-center.cookies {url}/api/v1/auth/session"),
        format!(
            "curl -b ops-center.cookies -H 'Origin: {url}' {json} -d '{{\"email\":\"colleague@example.com\",\"role\":\"member\"}}' \
             {url}/api/v1/org/members"
        ),
    ]
}
