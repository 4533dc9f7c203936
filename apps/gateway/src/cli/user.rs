use std::io::Read;

use auth_core::{BadUsername, NewUser, Username};
use clap::{Args, Subcommand};
use kernel::{Actor, BadEmail, Email, PlatformRole};
use secrecy::SecretString;
use secrecy::zeroize::Zeroizing;
use serde_json::json;

use super::output::{say, say_json, warn};
use super::{Context, Json};
use crate::failure::Failure;
use crate::first::{NO_ADMIN, explain, nobody_administers};
use crate::kept;
use crate::wiring::Foundation;

const EXAMPLES: &str = "\
EXAMPLES:
  ops-center user create --email ada@example.com --username ada --password-stdin < password.txt
  pass show ops/ada | ops-center user create --email ada@example.com --username ada --admin --password-stdin --json
  ops-center user disable ada
  ops-center user enable ada@example.com";

/// Accounts
#[derive(Debug, Args)]
#[command(after_long_help = EXAMPLES)]
pub(super) struct UserArgs {
    #[command(subcommand)]
    command: UserCommand,
}

#[derive(Debug, Subcommand)]
enum UserCommand {
    Create(CreateArgs),
    /// Shut somebody out: their sessions end at once, and they cannot sign in
    #[command(after_long_help = EXAMPLES)]
    Disable(SwitchArgs),
    /// Let somebody in again
    #[command(after_long_help = EXAMPLES)]
    Enable(SwitchArgs),
}

#[derive(Debug, Args)]
struct SwitchArgs {
    /// The user name or the e-mail address
    login: String,
}

/// Make an account with a password from standard input
///
/// The password must satisfy the policy: at least 12 characters, none of the common ones. One line break at its end is not part of it.
#[derive(Debug, Args)]
#[command(after_long_help = EXAMPLES)]
struct CreateArgs {
    /// The account's e-mail address
    #[arg(long)]
    email: String,
    /// What the user types to sign in: a-z, 0-9, '.', '_' and '-'
    #[arg(long)]
    username: String,
    /// Make a platform admin
    #[arg(long)]
    admin: bool,
    /// The address was not proved to be the user's: they cannot accept invitations yet
    #[arg(long)]
    unverified: bool,
    /// Read the password from standard input (required: a password on a command line can be read by every user of the machine)
    #[arg(long, required = true)]
    password_stdin: bool,
    #[command(flatten)]
    output: Json,
}

impl UserArgs {
    pub(super) async fn run(self, context: Context) -> Result<(), Failure> {
        match self.command {
            UserCommand::Create(arguments) => arguments.run(context).await,
            UserCommand::Disable(arguments) => arguments.run(context, false).await,
            UserCommand::Enable(arguments) => arguments.run(context, true).await,
        }
    }
}

impl SwitchArgs {
    async fn run(self, context: Context, enable: bool) -> Result<(), Failure> {
        let config = context.config()?;
        let foundation = Foundation::lay(&config, &context.data, Context::ambient()).await?;
        let users = foundation.users(&config);
        let user = users.find(&self.login).await.map_err(|error| explain("finding the account", error))?;
        let (done, word) = if enable {
            (users.enable(&Actor::system(), user.id).await, "can sign in again")
        } else {
            (users.disable(&Actor::system(), user.id).await, "cannot sign in any more, and their sessions have ended")
        };
        done.map_err(|error| explain("changing the account", error))?;
        foundation.database.close().await.map_err(|error| Failure::store("closing the database", &error))?;
        let database = kept::database(&config, &context.data);
        say(&format!("{} ({}) in the {database} {word}.\n", user.username, user.email))
    }
}

impl CreateArgs {
    async fn run(self, context: Context) -> Result<(), Failure> {
        let new = NewUser {
            email: Email::parse(&self.email).map_err(|error: BadEmail| Failure::Usage(format!("--email: {error}")))?,
            email_verified: !self.unverified,
            username: Username::parse(&self.username)
                .map_err(|error: BadUsername| Failure::Usage(format!("--username: {error}")))?,
            role: if self.admin { PlatformRole::Admin } else { PlatformRole::User },
        };
        let password = read_password()?;
        let config = context.config()?;
        let foundation = Foundation::lay(&config, &context.data, Context::ambient()).await?;
        let users = foundation.users(&config);
        let made = users.create(&Actor::system(), new, &password).await;
        let user = made.map_err(|error| explain("making the account", error))?;
        let unruled = nobody_administers(&users).await?;
        foundation.database.close().await.map_err(|error| Failure::store("closing the database", &error))?;
        if unruled {
            warn(NO_ADMIN)?;
        }
        let database = kept::database(&config, &context.data);
        if self.output.json {
            return say_json(&json!({
                "database": database,
                "id": user.id.to_string(),
                "email": user.email.as_str(),
                "email_verified": user.email_verified,
                "username": user.username.as_str(),
                "role": user.role.as_str(),
            }));
        }
        let (name, email, id) = (&user.username, &user.email, user.id);
        say(&format!("{name} ({email}) can sign in now; its id is {id}, and it is in the {database}.\n"))
    }
}

fn read_password() -> Result<SecretString, Failure> {
    let mut text = Zeroizing::new(String::new());
    // Longer than any password, so that too long a one is refused as such.
    std::io::stdin()
        .lock()
        .take(4096)
        .read_to_string(&mut text)
        .map_err(|error| Failure::Usage(format!("the password cannot be read from standard input: {error}")))?;
    let line = text.strip_suffix('\n').map_or(text.as_str(), |line| line.strip_suffix('\r').unwrap_or(line));
    Ok(line.into())
}
