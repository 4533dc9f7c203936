use clap::Args;
use secrecy::ExposeSecret;
use serde_json::json;

use super::output::{say, say_json};
use super::{Context, Json, screen};
use crate::failure::Failure;
use crate::kept::Kept;
use crate::place;
use crate::wiring::{Asked, Foundation};

const EXAMPLES: &str = "\
EXAMPLES:
  ops-center init
  ops-center --data-dir /var/lib/ops-center init
  ops-center init --json | jq -r .sign_in_link";

/// Make database, key ring and first platform admin without serving
///
/// Does what the first `serve` does, and nothing when somebody has an account already. The key ring is made at the place that byok.keyring
/// names, too, as long as the database knows none.
#[derive(Debug, Args)]
#[command(after_long_help = EXAMPLES)]
pub(super) struct InitArgs {
    #[command(flatten)]
    output: Json,
}

impl InitArgs {
    pub(super) async fn run(self, context: Context) -> Result<(), Failure> {
        let config = context.config()?;
        let ambient = Context::ambient();
        let foundation = Foundation::lay(&config, &context.data, ambient.clone()).await?;
        let vault = foundation.vault(&config, &context.data, Asked::Init).await?;
        let url = place::site(&config, config.server.listen).public_url;
        let admin = foundation.first_start(&config).admin(&url, &ambient).await?;
        foundation.database.close().await.map_err(|error| Failure::store("closing the database", &error))?;
        let kept = Kept::by(&config, &context.data);
        match (admin, self.output.json) {
            (Some(admin), true) => say_json(&json!({
                "created": true,
                "database": kept.database,
                "keyring": kept.keyring,
                "keyring_created": vault.made,
                "username": admin.username,
                "email": admin.email,
                "password": admin.password.expose_secret(),
                "sign_in_link": admin.link.expose_secret(),
                "organization": admin.org,
            })),
            (None, true) => say_json(&json!({
                "created": false,
                "database": kept.database,
                "keyring": kept.keyring,
                "keyring_created": vault.made,
            })),
            (Some(admin), false) => say(&screen::first(&admin, &url, &kept)),
            (None, false) if vault.made => say(&format!(
                "The {} has accounts already. Its key ring was made: {}. Copy it to a safe place, apart from the database.\n",
                kept.database, kept.keyring
            )),
            (None, false) => say(&format!("The {} has accounts already; nothing was made.\n", kept.database)),
        }
    }
}
