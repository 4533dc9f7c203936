use byok_core::{Finding, Provider, Verdict};

/// What an answer says of a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Said {
    pub(crate) verdict: Verdict,
    /// One sentence; never words of the provider.
    pub(crate) message: String,
    /// The status code, if there was one.
    pub(crate) status: Option<u16>,
}

impl Said {
    /// The finding after so many milliseconds.
    pub(crate) fn after(self, latency_ms: u64) -> Finding {
        Finding { verdict: self.verdict, message: self.message, status_code: self.status, latency_ms }
    }

    /// Nothing was asked: the provider has no request for it.
    pub(crate) fn no_probe(provider: &Provider) -> Self {
        let message = format!("{} has no request that would prove a key without using it", provider.name);
        Self { verdict: Verdict::Unknown, message, status: None }
    }

    /// Nothing came back: one sentence for every reason.
    pub(crate) fn unreachable(provider: &Provider) -> Self {
        let message = format!("{} could not be reached; the key was not tested", provider.name);
        Self { verdict: Verdict::Error, message, status: None }
    }

    /// The provider answered; `refused` when the body says so, `None` when the body matters and could not be read to its end.
    pub(crate) fn answer(provider: &Provider, status: u16, refused: Option<bool>) -> Self {
        let name = &provider.name;
        let (verdict, message) = match (status, refused) {
            (401 | 403, _) | (200..=299 | 400, Some(true)) => (Verdict::Invalid, format!("{name} refused the key")),
            (200..=299, Some(false)) => (Verdict::Valid, format!("{name} accepted the key")),
            (200..=299, None) => {
                (Verdict::Unknown, format!("{name} did not finish its answer; whether it takes the key is not known"))
            }
            (429, _) => {
                (Verdict::Unknown, format!("{name} has been asked too often to answer; test the key again later"))
            }
            (500..=599, _) => {
                (Verdict::Unknown, format!("{name} has a problem of its own ({status}); test the key again later"))
            }
            _ => (Verdict::Unknown, format!("{name} answered {status}, which says nothing about the key")),
        };
        Self { verdict, message, status: Some(status) }
    }

    /// It is not the key that was refused: it may be a good one that must not do just this.
    pub(crate) fn aside(provider: &Provider, status: u16) -> Self {
        let name = &provider.name;
        let message = format!("{name} refused the test and not the key; whether it takes the key is not known");
        Self { verdict: Verdict::Unknown, message, status: Some(status) }
    }

    /// The server took the key, but nothing shows that it would not take any other.
    pub(crate) fn unproved(provider: &Provider, status: u16) -> Self {
        let name = &provider.name;
        let message = format!("{name} answers without a key as well; whether it takes this one is not known");
        Self { verdict: Verdict::Unknown, message, status: Some(status) }
    }
}

/// Whether a status needs its body to be understood.
pub(crate) const fn needs_body(status: u16) -> bool {
    matches!(status, 200..=299 | 400 | 401 | 403)
}

/// Whether a status says that something was refused: the key, if the body does not say otherwise.
pub(crate) const fn refuses_somebody(status: u16) -> bool {
    matches!(status, 401 | 403)
}

/// Whether the body has one of these texts. White space does not count.
pub(crate) fn has_one_of(body: &[u8], marks: &[String]) -> bool {
    let dense = |bytes: &[u8]| bytes.iter().copied().filter(|b| !b.is_ascii_whitespace()).collect::<Vec<u8>>();
    let body = dense(body);
    marks
        .iter()
        .map(|mark| dense(mark.as_bytes()))
        .any(|mark| !mark.is_empty() && body.windows(mark.len()).any(|window| window == mark))
}

/// Whether the answer to a request without the key shows that the server asks for one: any answer but a good one, and but one that
/// says nothing (too many requests, an error of the server's own).
pub(crate) const fn asks_for_a_key(status: u16) -> bool {
    !matches!(status, 100..=299 | 408 | 429 | 500..=599)
}
