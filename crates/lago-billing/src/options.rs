use std::time::Duration;

use secrecy::SecretString;

/// Where Lago is, and how long it may take.
#[derive(Debug, Clone)]
pub struct LagoOptions {
    /// Its address, with or without `/api/v1`: `https://api.getlago.com`.
    pub api_url: String,
    /// The key of our organization there.
    pub api_key: SecretString,
    /// The most that connecting may take.
    pub connect_timeout: Duration,
    /// The most that a call may take, all its tries together.
    pub timeout: Duration,
    /// At most so many requests are under way; others wait, within their time.
    pub in_flight: usize,
    /// So often a request that failed in passing is made again.
    pub retries: u32,
}

impl LagoOptions {
    /// The usual limits: 1 s, 10 s, 20 requests, 2 more tries.
    pub const fn new(api_url: String, api_key: SecretString) -> Self {
        Self {
            api_url,
            api_key,
            connect_timeout: Duration::from_secs(1),
            timeout: Duration::from_secs(10),
            in_flight: 20,
            retries: 2,
        }
    }
}
