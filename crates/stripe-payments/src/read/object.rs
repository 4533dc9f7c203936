use billing_core::{Currency, GatewayError, Money};
use chrono::DateTime;
use kernel::{Period, Timestamp};
use serde_json::Value;

/// A JSON value of Stripe's. Paths are JSON pointers (RFC 6901); what is `null` is not there.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Object<'a>(&'a Value);

impl<'a> Object<'a> {
    pub(crate) const fn new(value: &'a Value) -> Self {
        Self(value)
    }

    pub(crate) fn get(self, path: &str) -> Option<Self> {
        self.0.pointer(path).filter(|value| !value.is_null()).map(Self)
    }

    pub(crate) fn text(self, path: &str) -> Option<&'a str> {
        self.0.pointer(path)?.as_str()
    }

    pub(crate) fn number(self, path: &str) -> Option<i64> {
        self.0.pointer(path)?.as_i64()
    }

    pub(crate) fn flag(self, path: &str) -> bool {
        self.0.pointer(path).and_then(Value::as_bool).unwrap_or(false)
    }

    /// Seconds since 1970.
    pub(crate) fn time(self, path: &str) -> Option<Timestamp> {
        DateTime::from_timestamp(self.number(path)?, 0)
    }

    /// The name of an object that is named here, or stands here as a whole (`expand`).
    pub(crate) fn id(self, path: &str) -> Option<&'a str> {
        let value = self.0.pointer(path)?;
        value.as_str().or_else(|| value.get("id")?.as_str())
    }

    /// The members of a list: an array, or an object of type `list`.
    pub(crate) fn items(self, path: &str) -> impl Iterator<Item = Object<'a>> + use<'a> {
        let value = self.0.pointer(path);
        let array = value.and_then(|value| value.as_array().or_else(|| value.get("data")?.as_array()));
        array.into_iter().flatten().map(Object)
    }

    /// The first of these texts that is there.
    pub(crate) fn first_id(self, paths: &[&str]) -> Option<&'a str> {
        paths.iter().find_map(|path| self.id(path))
    }

    /// `start` and `end` below this path, if the one is before the other.
    pub(crate) fn period(self, path: &str) -> Option<Period> {
        let (start, end) = (self.time(&format!("{path}/start"))?, self.time(&format!("{path}/end"))?);
        (start < end).then_some(Period { start, end })
    }

    /// An amount in the object's currency.
    pub(crate) fn money(self, path: &str) -> Result<Money, GatewayError> {
        let currency: Currency = self.need("/currency")?.parse().map_err(GatewayError::broken)?;
        let minor = self.number(path).ok_or_else(|| missing(path))?;
        Ok(Money::new(minor, currency))
    }

    /// A text without which the answer is of no use.
    pub(crate) fn need(self, path: &str) -> Result<&'a str, GatewayError> {
        self.text(path).ok_or_else(|| missing(path))
    }

    /// A time without which the answer is of no use.
    pub(crate) fn need_time(self, path: &str) -> Result<Timestamp, GatewayError> {
        self.time(path).ok_or_else(|| missing(path))
    }
}

fn missing(path: &str) -> GatewayError {
    GatewayError::broken(format!("an object of Stripe's has no {path}"))
}

/// A name that may stand in a path: nothing of Stripe's is called otherwise, so there is no such thing.
pub(crate) fn id(text: &str) -> Result<&str, GatewayError> {
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-');
    let good = !text.is_empty() && text.len() <= 255 && text.bytes().all(fits);
    if good { Ok(text) } else { Err(GatewayError::NotFound) }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn an_object_is_read_whatever_shape_it_has() {
        let value = json!({"customer": {"id": "cus_1"}, "other": "cus_2", "none": null, "list": {"object": "list", "data": [{"a": 1}]},
            "array": [{"a": 2}], "amount": 5, "currency": "usd", "odd": {"currency": 7}});
        let object = Object::new(&value);
        assert_eq!(
            (object.id("/customer"), object.id("/other"), object.id("/none")),
            (Some("cus_1"), Some("cus_2"), None)
        );
        assert_eq!(
            object.items("/list").chain(object.items("/array")).filter_map(|it| it.number("/a")).sum::<i64>(),
            3
        );
        assert_eq!(object.items("/none").count() + object.items("/amount").count(), 0);
        assert_eq!(object.money("/amount").unwrap().to_string(), "0.05 USD");
        assert!(object.money("/nothing").is_err() && object.get("/odd").unwrap().money("/x").is_err());
    }

    #[test]
    fn a_name_leads_nowhere_else() {
        for bad in ["", "../customers", "a/b", "a?b", "a#b", "a%2f", "pm_ä", "a b", &"x".repeat(256)] {
            assert!(matches!(id(bad), Err(GatewayError::NotFound)), "{bad}");
        }
        assert!(id("pm_card-1A").is_ok());
    }
}
