use std::collections::BTreeMap;

use auth_core::policy::password::{CATEGORIES, MAXIMUM_LENGTH, MINIMUM_LENGTH, Strength, Violation};
use secrecy::SecretString;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::input::Fields;
use crate::problem::Problem;
use crate::wire::Password;

/// One password of each strength that the policy takes. Nobody should use them: they are public.
const EXAMPLES: [(Strength, &str); 3] = [
    (Strength::Weak, "wrensandoaks"),
    (Strength::Medium, "Wrens-and-oak"),
    (Strength::Strong, "tall ships sail at dawn"),
];

/// What a password must be.
#[derive(Serialize, ToSchema)]
pub(in crate::routes::auth) struct PasswordPolicy {
    /// The fewest characters.
    #[schema(example = 12)]
    minimum_length: usize,
    /// The most characters.
    #[schema(example = 128)]
    maximum_length: usize,
    /// How many of the categories must occur: none must.
    #[schema(example = 0)]
    required_categories: usize,
    /// What a password can be made of; more of them make a shorter one strong.
    #[schema(example = json!(["lowercase", "uppercase", "digits", "symbols"]))]
    categories: Vec<&'static str>,
    /// What it must not be: the code that a refusal carries, and what it means.
    #[schema(example = json!({"too_common": "is one of the passwords that are tried first"}))]
    restrictions: BTreeMap<String, String>,
    /// A password of each strength. They are public: do not use them.
    #[schema(example = json!({"strong": "tall ships sail at dawn"}))]
    examples: BTreeMap<String, String>,
}

impl PasswordPolicy {
    /// The policy that is in force.
    pub(in crate::routes::auth) fn present() -> Self {
        let restrictions = [
            Violation::Common,
            Violation::Repetitive,
            Violation::ContainsIdentity,
            Violation::Unchanged,
            Violation::ControlCharacter,
        ];
        Self {
            minimum_length: MINIMUM_LENGTH,
            maximum_length: MAXIMUM_LENGTH,
            required_categories: 0,
            categories: CATEGORIES.to_vec(),
            restrictions: restrictions.iter().map(|why| (why.code().to_owned(), why.to_string())).collect(),
            examples: EXAMPLES
                .iter()
                .map(|(strength, text)| (strength.as_str().to_owned(), (*text).to_owned()))
                .collect(),
        }
    }
}

/// The present password and the one to come.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::routes::auth) struct PasswordChange {
    /// The present password.
    current_password: Password,
    /// The password to come; `GET /auth/password-policy` says what it must be.
    #[schema(value_type = String, format = Password, write_only, min_length = 12, max_length = 128)]
    #[schema(example = "tall ships sail at dawn")]
    new_password: Password,
}

/// The present password and the one to come, out of sight.
pub(in crate::routes::auth) struct NewPassword {
    pub(in crate::routes::auth) current: SecretString,
    pub(in crate::routes::auth) new: SecretString,
}

impl TryFrom<PasswordChange> for NewPassword {
    type Error = Problem;
    fn try_from(change: PasswordChange) -> Result<Self, Problem> {
        let mut fields = Fields::default();
        let current = fields.read("/current_password", change.current_password.typed());
        fields.done(current.map(|current| Self { current, new: change.new_password.proposed() }))
    }
}

/// The password was changed.
#[derive(Serialize, ToSchema)]
pub(in crate::routes::auth) struct PasswordChanged {
    /// Always `true`.
    #[schema(example = true)]
    success: bool,
    /// What was done, for people.
    #[schema(example = "the password was changed; all other sessions have ended")]
    message: &'static str,
    /// How hard the new password is to guess: `weak`, `medium` or `strong`.
    #[schema(example = "strong")]
    strength: &'static str,
    /// What would make it better.
    #[schema(example = json!([]))]
    warnings: Vec<&'static str>,
}

impl From<Strength> for PasswordChanged {
    fn from(strength: Strength) -> Self {
        let warnings = match strength {
            Strength::Weak => vec!["the password is short; a few more words make it much harder to guess"],
            Strength::Medium | Strength::Strong => Vec::new(),
        };
        let message = "the password was changed; all other sessions have ended";
        Self { success: true, message, strength: strength.as_str(), warnings }
    }
}

#[cfg(test)]
mod tests {
    use auth_core::policy::password::judge;

    use super::*;

    #[test]
    fn the_examples_have_the_strength_they_stand_for() {
        for (strength, text) in EXAMPLES {
            assert_eq!(judge(&text.into(), &["ada", "ada@example.com"]), Ok(strength), "{text}");
        }
        assert_eq!(PasswordPolicy::present().examples.len(), EXAMPLES.len());
        assert_eq!(PasswordPolicy::present().restrictions.len(), 5);
    }

    #[test]
    fn only_a_weak_password_is_warned_of() {
        assert_eq!(PasswordChanged::from(Strength::Weak).warnings.len(), 1);
        assert!(PasswordChanged::from(Strength::Strong).warnings.is_empty());
    }
}
