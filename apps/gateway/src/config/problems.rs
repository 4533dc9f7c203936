use super::error::ConfigError;

/// What is wrong with the configuration: everything is told at once.
#[derive(Debug, Default)]
pub(super) struct Problems(Vec<ConfigError>);

impl Problems {
    /// Goes on without what is wrong.
    pub(super) fn note<T>(&mut self, outcome: Result<T, ConfigError>) -> Option<T> {
        outcome.map_err(|problem| self.0.push(problem)).ok()
    }

    /// Notes what does not hold.
    pub(super) fn require(&mut self, holds: bool, why: &str) {
        if !holds {
            self.0.push(ConfigError::Rejected(why.to_owned()));
        }
    }

    /// Nothing, or all that was noted.
    pub(super) fn end(mut self) -> Result<(), ConfigError> {
        match (self.0.pop(), self.0.is_empty()) {
            (None, _) => Ok(()),
            (Some(only), true) => Err(only),
            (Some(last), false) => {
                self.0.push(last);
                Err(ConfigError::Several(self.0))
            }
        }
    }
}
