use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Outcome {
    outcome: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct State {
    state: &'static str,
}

/// What became of something that is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Event {
    /// It is kept.
    Received,
    /// It was kept already.
    Duplicate,
    /// It took effect.
    Applied,
    /// It is about nothing that is kept here.
    Ignored,
    /// It could not be applied, and is tried again.
    Failed,
    /// It failed so often that somebody must look.
    Dead,
}

/// What became of a command to a payment provider.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Task {
    /// It is agreed.
    Agreed,
    /// It was carried out.
    Done,
    /// It could not be carried out, and is tried again.
    Failed,
    /// It was refused, or failed so often that somebody must look.
    Dead,
}

impl Event {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Received => "received",
            Self::Duplicate => "duplicate",
            Self::Applied => "applied",
            Self::Ignored => "ignored",
            Self::Failed => "failed",
            Self::Dead => "dead",
        }
    }
}

impl Task {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Agreed => "agreed",
            Self::Done => "done",
            Self::Failed => "failed",
            Self::Dead => "dead",
        }
    }
}

/// Figures about money. Counters are of this process; the inbox's gauges are of the whole installation.
#[derive(Debug, Clone, Default)]
pub(crate) struct Figures {
    events: Family<Outcome, Counter>,
    commands: Family<Outcome, Counter>,
    inbox: Family<State, Gauge>,
    oldest: Gauge,
    compared: Counter,
    drift: Counter,
}

impl Figures {
    /// Makes them part of what Prometheus reads.
    pub(crate) fn register(&self, registry: &mut Registry) {
        let billing = registry.sub_registry_with_prefix("billing");
        billing.register("events", "Events of payment providers, by what became of them", self.events.clone());
        billing.register("commands", "Commands to payment providers, by what became of them", self.commands.clone());
        billing.register("inbox_events", "Events that wait or are dead, of all instances", self.inbox.clone());
        let oldest = "Age of the oldest event that waits, of all instances; 0 without one";
        billing.register("inbox_oldest_pending_seconds", oldest, self.oldest.clone());
        billing.register("reconciled_accounts", "Accounts compared with the payment provider", self.compared.clone());
        billing.register("reconcile_drift", "Accounts that differed from what the provider says", self.drift.clone());
    }

    pub(crate) fn event(&self, what: Event) {
        self.events.get_or_create(&Outcome { outcome: what.as_str() }).inc();
    }

    pub(crate) fn command(&self, what: Task) {
        self.commands.get_or_create(&Outcome { outcome: what.as_str() }).inc();
    }

    /// How the inbox is now.
    pub(crate) fn inbox(&self, pending: u64, dead: u64, oldest_seconds: i64) {
        for (state, count) in [("pending", pending), ("dead", dead)] {
            self.inbox.get_or_create(&State { state }).set(i64::try_from(count).unwrap_or(i64::MAX));
        }
        self.oldest.set(oldest_seconds);
    }

    pub(crate) fn reconciled(&self, compared: u64, drift: u64) {
        self.compared.inc_by(compared);
        self.drift.inc_by(drift);
    }
}
