use std::time::Duration;

use async_trait::async_trait;
use byok_core::{Endpoint, Finding, Home, KeyProbe, Trial, Verdict};
use kernel::{Ambient, StoreError, Timestamp};
use tokio::time::{Instant, Sleep};

use crate::{
    ProbeOptions,
    guard::{Failure, GuardedClient},
    request,
    verdict::{Said, asks_for_a_key, has_one_of, needs_body, refuses_somebody},
};

/// Why there is no answer to judge.
#[derive(Debug, thiserror::Error)]
enum Trouble {
    #[error(transparent)]
    Request(#[from] request::Malformed),
    #[error(transparent)]
    Sending(#[from] Failure),
}

/// [`KeyProbe`] over a [`GuardedClient`].
///
/// For an address that a customer named, blocked, unknown, refused, filtered and failed-TLS are one finding that takes one time: as
/// long as connecting may take. Silence after a connection takes as long as a whole test may. So neither words nor time tell what
/// is behind an address.
#[derive(Clone)]
pub struct GuardedProbe {
    client: GuardedClient,
    ambient: Ambient,
    connect_timeout: Duration,
    timeout: Duration,
}

impl GuardedProbe {
    /// A probe with these options. Nothing is sent yet; `StoreError::Broken` when the client cannot be made.
    pub fn new(options: ProbeOptions, ambient: Ambient) -> Result<Self, StoreError> {
        let client = GuardedClient::new(&options)?;
        Ok(Self { client, ambient, connect_timeout: options.connect_timeout, timeout: options.timeout })
    }

    /// What the provider says, within the time of a whole test.
    async fn ask(&self, trial: &Trial<'_>) -> Result<Said, Trouble> {
        let provider = trial.provider;
        let Some(call) = request::probe(trial, true)? else { return Ok(Said::no_probe(provider)) };
        let deadline = Instant::now() + self.timeout;
        let answer = self.client.send(call, deadline).await?;
        let status = answer.status();
        let marks = if refuses_somebody(status) { &provider.says_nothing } else { &provider.refused_by };
        let (mut refused, mut aside) = (Some(false), false);
        if !marks.is_empty() && needs_body(status) {
            let (body, whole) = answer.body().await;
            let marked = has_one_of(&body, marks);
            aside = marked && refuses_somebody(status);
            refused = if marked { Some(true) } else { whole.then_some(false) };
        }
        let said = if aside { Said::aside(provider, status) } else { Said::answer(provider, status, refused) };
        if said.verdict == Verdict::Valid && is_customers(trial) && !self.asks_for_a_key(trial, deadline).await? {
            return Ok(Said::unproved(provider, status));
        }
        Ok(said)
    }

    /// Whether the server refuses the same request without the key.
    async fn asks_for_a_key(&self, trial: &Trial<'_>, deadline: Instant) -> Result<bool, Trouble> {
        let Some(call) = request::probe(trial, false)? else { return Ok(false) };
        Ok(match self.client.send(call, deadline).await {
            Ok(answer) => asks_for_a_key(answer.status()),
            Err(_) => false,
        })
    }

    fn since(&self, start: Timestamp) -> u64 {
        u64::try_from((self.ambient.now() - start).num_milliseconds()).unwrap_or(0)
    }
}

#[async_trait]
impl KeyProbe for GuardedProbe {
    async fn admits(&self, endpoint: &Endpoint) -> bool {
        let least = tokio::time::sleep(self.connect_timeout);
        let admitted = match request::url(endpoint) {
            Ok(url) => self.client.admits(&url).await,
            Err(_) => false,
        };
        if !admitted {
            least.await;
        }
        admitted
    }

    async fn probe(&self, trial: Trial<'_>) -> Finding {
        let start = self.ambient.now();
        let (least, most) = (tokio::time::sleep(self.connect_timeout), tokio::time::sleep(self.timeout));
        let said = match self.ask(&trial).await {
            Ok(said) => said,
            Err(trouble) => {
                tracing::info!(provider = %trial.provider.id, trouble = causes(&trouble), "a key could not be tested");
                if is_customers(&trial) {
                    pad(&trouble, least, most).await;
                }
                Said::unreachable(trial.provider)
            }
        };
        said.after(self.since(start))
    }
}

/// Whether a customer chose the address.
fn is_customers(trial: &Trial<'_>) -> bool {
    matches!(trial.provider.home, Home::Customer)
}

/// Waits until what failed cannot be told by the time it took.
async fn pad(trouble: &Trouble, least: Sleep, most: Sleep) {
    let connected = matches!(trouble, Trouble::Sending(Failure::NoAnswer(_)));
    if connected && least.is_elapsed() {
        most.await;
    } else {
        least.await;
    }
}

/// An error and what caused it, in one line. The client's errors name the URL, which has no key in it, and no header.
fn causes(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text.push_str(": ");
        text.push_str(&error.to_string());
        cause = error.source();
    }
    text
}
