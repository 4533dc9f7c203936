use std::collections::BTreeMap;

use super::object::Object;

/// A payment that went through.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Charge {
    pub(crate) id: String,
    /// All of it was given back.
    pub(crate) refunded: bool,
    /// The customer's bank asked about it; whether it takes the money is another question.
    pub(crate) questioned: bool,
    /// It takes the money back, or has.
    pub(crate) disputed: bool,
    /// `card visa 4242`
    pub(crate) method: String,
}

/// Payments that went through, by the names under which invoices know them: of the intent, or of the charge.
#[derive(Debug, Default)]
pub(crate) struct Charges(BTreeMap<String, Charge>);

impl Charges {
    /// Takes these in; those that did not go through say nothing.
    pub(crate) fn take<'a>(&mut self, charges: impl Iterator<Item = Object<'a>>) {
        for object in charges {
            let Some(id) = object.text("/id") else { continue };
            if object.text("/status") != Some("succeeded") && !object.flag("/paid") {
                continue;
            }
            let captured = object.number("/amount_captured").or_else(|| object.number("/amount")).unwrap_or(0);
            let returned = object.number("/amount_refunded").unwrap_or(0);
            let charge = Charge {
                id: id.to_owned(),
                refunded: object.flag("/refunded") || captured > 0 && returned >= captured,
                questioned: object.flag("/disputed"),
                disputed: false,
                method: details(object),
            };
            let intent = object.id("/payment_intent").unwrap_or(id);
            self.0.insert(intent.to_owned(), charge.clone());
            self.0.insert(id.to_owned(), charge);
        }
    }

    pub(crate) fn get(&self, name: &str) -> Option<&Charge> {
        self.0.get(name)
    }

    /// Notes what became of the bank's questions about a charge: of each `needs_response`, `won`, …
    pub(crate) fn judge<'a>(&mut self, charge: &str, disputes: impl Iterator<Item = Object<'a>>) {
        let harmless = ["won", "warning_closed", "warning_needs_response", "warning_under_review", "prevented"];
        let lost = disputes.filter_map(|dispute| dispute.text("/status")).any(|status| !harmless.contains(&status));
        for known in self.0.values_mut().filter(|known| known.id == charge) {
            known.disputed = lost;
        }
    }
}

/// What was charged, in a few words.
fn details(charge: Object<'_>) -> String {
    let kind = charge.text("/payment_method_details/type").unwrap_or("stripe");
    let of_kind = |field: &str| charge.text(&format!("/payment_method_details/{kind}/{field}"));
    let words = [Some(kind), of_kind("brand"), of_kind("last4")];
    words.into_iter().flatten().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_came_back_and_what_is_fought_over_is_told_apart() {
        let all = json!([
            {"id": "ch_1", "status": "succeeded", "payment_intent": "pi_1", "amount_captured": 5, "amount_refunded": 5},
            {"id": "ch_2", "status": "succeeded", "amount_captured": 5, "amount_refunded": 4, "disputed": true,
                "payment_method_details": {"type": "card", "card": {"brand": "visa", "last4": "4242"}}},
            {"id": "ch_3", "status": "failed", "payment_intent": "pi_3"},
        ]);
        let mut charges = Charges::default();
        charges.take(Object::new(&all).items(""));
        assert!(charges.get("pi_1").unwrap().refunded && charges.get("ch_1").unwrap().refunded);
        let second = charges.get("ch_2").unwrap();
        assert_eq!((second.refunded, second.questioned, second.method.as_str()), (false, true, "card visa 4242"));
        assert_eq!(charges.get("pi_3"), None);
        for (status, disputed) in
            [("won", false), ("lost", true), ("needs_response", true), ("warning_closed", false), ("new_word", true)]
        {
            let disputes = json!([{"status": status}]);
            charges.judge("ch_2", Object::new(&disputes).items(""));
            assert_eq!(charges.get("ch_2").unwrap().disputed, disputed, "{status}");
        }
    }
}
