//! A key that is to be kept, and one that is not any more.

use std::fmt;

use byok_core::{Endpoint, Label, NewKey, ProviderId, ProviderSecret, Stored};
use secrecy::SecretString;
use serde::de::{Error, Visitor};
use serde::{Deserialize, Deserializer, Serialize};
use utoipa::ToSchema;

use super::list::preview;
use crate::input::Fields;
use crate::problem::{ENDPOINT_FORBIDDEN, KEY_FORMAT, Problem};

/// A provider's key in a request: a secret from the moment it is read. Wiped when it is dropped, and never printed.
#[derive(ToSchema)]
#[schema(as = ProviderKeyText, value_type = String, format = Password, min_length = 10, max_length = 4096)]
#[schema(pattern = "^[!-~]+$", example = "sk-example-0123456789abcdef")]
struct KeyText(SecretString);

impl<'de> Deserialize<'de> for KeyText {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_str(KeyVisitor)
    }
}

struct KeyVisitor;

impl Visitor<'_> for KeyVisitor {
    type Value = KeyText;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a key")
    }

    // Of exactly its length: what is cut to size later leaves a copy behind.
    fn visit_str<E: Error>(self, text: &str) -> Result<KeyText, E> {
        Ok(KeyText(SecretString::from(text.to_owned())))
    }
}

/// A key to be kept.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = AddProviderKey)]
pub(in crate::routes::byok) struct AddKey {
    /// At which provider: one that `GET /api/v1/byok/providers` lists.
    #[schema(min_length = 1, max_length = 64, pattern = "^[a-z0-9]([a-z0-9_-]*[a-z0-9])?$", example = "openai")]
    provider: String,
    /// The key: 10 to 4096 visible ASCII characters, without blanks. No answer shows it to a person again.
    key: KeyText,
    /// What people will call it: one line.
    #[schema(max_length = 100, pattern = r"^[^\x00-\x1f\x7f-\x9f]*$", example = "production")]
    label: Option<String>,
    /// Where the key may be sent, for a provider that has no address of its own (`custom`, `azure_openai`, `ollama`): the https URL of a
    /// server that can be reached publicly, without user name, query and fragment. Paths of the provider's API are put behind it.
    #[schema(max_length = 2048, format = "uri", example = json!(null))]
    endpoint: Option<String>,
}

impl TryFrom<AddKey> for NewKey {
    type Error = Problem;

    fn try_from(body: AddKey) -> Result<Self, Problem> {
        let mut fields = Fields::default();
        let provider = fields.read("/provider", body.provider.parse::<ProviderId>());
        let secret = noted(&mut fields, ("/key", KEY_FORMAT), ProviderSecret::parse(body.key.0));
        let label = fields.read_some("/label", body.label, |label| Label::parse(&label)).flatten();
        let endpoint = body.endpoint.map(|text| Endpoint::parse(&text));
        let endpoint = endpoint.and_then(|read| noted(&mut fields, ("/endpoint", ENDPOINT_FORBIDDEN), read));
        let made = provider.zip(secret).map(|(provider, secret)| Self { provider, secret, label, endpoint });
        fields.done(made).map_err(Problem::under_its_field)
    }
}

/// Notes what is wrong with a field under a code of its own. What is said never repeats what was sent.
fn noted<T, E: fmt::Display>(fields: &mut Fields, field: (&str, &str), read: Result<T, E>) -> Option<T> {
    match read {
        Ok(value) => Some(value),
        Err(why) => {
            fields.wrong(field.0, field.1, &why.to_string());
            None
        }
    }
}

/// The key is kept.
#[derive(Serialize, ToSchema)]
#[schema(as = ProviderKeyAdded)]
pub(in crate::routes::byok) struct KeyAdded {
    /// What was done, for people.
    #[schema(example = "the key for OpenAI is stored")]
    message: String,
    /// The provider.
    #[schema(example = "openai")]
    provider: String,
    /// What the provider is called.
    #[schema(example = "OpenAI")]
    provider_name: String,
    /// Names the record; not a credential. A key that takes another's place has its id.
    #[schema(example = "key_01890a5d-ac96-774b-bcce-b302099a8057")]
    id: String,
    /// `****` and the last four characters of the key, none of a key shorter than twenty.
    #[schema(min_length = 4, max_length = 8, example = "****cdef")]
    key_preview: String,
    /// What is unusual about the key, in sentences; it is kept all the same.
    #[schema(example = json!([]))]
    warnings: Vec<String>,
}

impl From<Stored> for KeyAdded {
    fn from(stored: Stored) -> Self {
        Self {
            message: format!("the key for {} is stored", stored.provider_name),
            provider: stored.key.provider.to_string(),
            provider_name: stored.provider_name,
            id: stored.key.id.to_string(),
            key_preview: preview(&stored.key),
            warnings: stored.warnings,
        }
    }
}

/// The key is gone for good.
#[derive(Serialize, ToSchema)]
#[schema(as = ProviderKeyDeleted)]
pub(in crate::routes::byok) struct KeyDeleted {
    /// What was done, for people.
    #[schema(example = "the key is destroyed")]
    message: &'static str,
    /// The provider.
    #[schema(example = "openai")]
    provider: String,
    /// Always `true`.
    #[schema(example = true)]
    success: bool,
}

impl KeyDeleted {
    /// The one at this provider.
    pub(in crate::routes::byok) fn new(provider: &ProviderId) -> Self {
        Self { message: "the key is destroyed", provider: provider.to_string(), success: true }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::input::parse_json;
    use crate::problem::Place;

    const KEY: &str = "sk-canary-0123456789abcdef";

    fn read(body: &Value) -> Result<NewKey, Problem> {
        parse_json::<AddKey>(body.to_string().as_bytes()).and_then(NewKey::try_from)
    }

    /// The code, and pointer and code of each field that is wrong.
    fn refused(body: &Value) -> (String, Vec<String>) {
        let Err(problem) = read(body) else { panic!("{body} was taken") };
        let told = problem.body(&Place::default());
        let all = serde_json::to_string(&told).unwrap();
        assert!(!all.contains("canary"), "the key is never repeated: {all}");
        assert_eq!(told.status, 422, "{all}");
        let fields = told.errors.unwrap_or_default();
        (told.code, fields.into_iter().map(|field| format!("{} {}", field.pointer, field.code)).collect())
    }

    fn wrong(code: &str, fields: &[&str]) -> (String, Vec<String>) {
        (code.to_owned(), fields.iter().map(|field| (*field).to_owned()).collect())
    }

    #[test]
    fn a_key_is_read_field_by_field() {
        let new = read(&json!({"provider": "openai", "key": KEY})).unwrap();
        assert_eq!((new.provider.as_str(), new.secret.expose()), ("openai", KEY));
        assert!(new.label.is_none() && new.endpoint.is_none());
        let all =
            json!({"provider": "custom", "key": KEY, "label": " mine ", "endpoint": "https://Models.Example.com/v1/"});
        let new = read(&all).unwrap();
        assert_eq!(new.label.map(|label| label.as_str().to_owned()).as_deref(), Some("mine"));
        assert_eq!(new.endpoint.map(|endpoint| endpoint.to_string()).as_deref(), Some("https://models.example.com/v1"));
        let none = json!({"provider": "openai", "key": KEY, "label": "  ", "endpoint": null});
        assert!(read(&none).unwrap().label.is_none());
        assert!(!format!("{:?}", read(&none).unwrap()).contains("canary"));
    }

    #[test]
    fn a_key_that_cannot_be_one_has_a_code_of_its_own() {
        let long = "x".repeat(4097);
        for key in [
            "",
            "sk-canary",
            "sk-canary 0123456789",
            "sk-canary-0123\r\nX: y",
            "sk-canary-\0-0123456789",
            "sk-cänary-0123456789",
            &long,
        ] {
            let body = json!({"provider": "openai", "key": key});
            assert_eq!(refused(&body), wrong("key_format", &["/key key_format"]), "{key:?}");
        }
        for key in [&"x".repeat(10), &"x".repeat(4096)] {
            assert_eq!(read(&json!({"provider": "openai", "key": key})).unwrap().secret.expose(), key);
        }
    }

    #[test]
    fn an_endpoint_that_cannot_be_one_has_a_code_of_its_own() {
        for endpoint in [
            "",
            "x",
            "ftp://example.com",
            "https://me:canary@example.com",
            "https://example.com/?canary",
            "https://a b",
        ] {
            let body = json!({"provider": "custom", "key": KEY, "endpoint": endpoint});
            assert_eq!(refused(&body), wrong("endpoint_forbidden", &["/endpoint endpoint_forbidden"]), "{endpoint:?}");
        }
    }

    #[test]
    fn several_wrong_fields_are_told_together() {
        let body = json!({"provider": "Open AI", "key": "canary", "label": "a\u{0}canary", "endpoint": "canary"});
        let fields =
            ["/provider invalid_value", "/key key_format", "/label invalid_value", "/endpoint endpoint_forbidden"];
        assert_eq!(refused(&body), wrong("invalid_request", &fields));
        let long = json!({"provider": "openai", "key": KEY, "label": "x".repeat(101)});
        assert_eq!(refused(&long), wrong("invalid_request", &["/label invalid_value"]));
    }

    #[test]
    fn a_key_in_the_wrong_place_is_not_repeated_either() {
        let typed = |key: Value| json!({"provider": "openai", "key": key});
        for key in [json!(["sk-canary"]), json!({"sk-canary": 1}), json!(12_345_678_901_u64), json!(null)] {
            assert_eq!(refused(&typed(key.clone())), wrong("invalid_request", &["/key invalid_type"]), "{key}");
        }
        assert_eq!(refused(&json!({"provider": KEY})), wrong("invalid_request", &["/key missing_field"]));
        let unknown = json!({"provider": "openai", "key": KEY, "secret": KEY});
        assert_eq!(refused(&unknown), wrong("unknown_field", &["/secret unknown_field"]));
    }
}
