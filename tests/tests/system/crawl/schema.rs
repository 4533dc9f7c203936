//! Whether a JSON value is what a schema of the document says (the part of JSON Schema 2020-12 that the document uses), and nothing
//! beside it: a member that the schema does not name is wrong.

use std::collections::BTreeSet;

use serde_json::Value;

/// What is wrong, one sentence each; empty when the value is as it must be.
pub(crate) fn violations(root: &Value, schema: &Value, value: &Value) -> Vec<String> {
    let mut check = Check { root, wrong: Vec::new() };
    check.value(schema, value, "");
    check.wrong
}

/// The schema that a reference names; itself when it is none.
pub(crate) fn resolve<'a>(root: &'a Value, schema: &'a Value) -> Option<&'a Value> {
    match schema["$ref"].as_str() {
        Some(reference) => root.pointer(reference.strip_prefix('#')?),
        None => Some(schema),
    }
}

struct Check<'a> {
    root: &'a Value,
    wrong: Vec<String>,
}

impl Check<'_> {
    fn value(&mut self, schema: &Value, value: &Value, at: &str) {
        let known = resolve(self.root, schema).cloned();
        let Some(schema) = known else {
            self.wrong.push(format!("{at}: {schema} leads nowhere"));
            return;
        };
        let before = self.wrong.len();
        self.kind(&schema, value, at);
        if self.wrong.len() > before {
            return;
        }
        self.alternatives(&schema, value, at);
        self.object(&schema, value, at);
        if let (Some(items), Some(list)) = (schema.get("items"), value.as_array()) {
            for (index, item) in list.iter().enumerate() {
                self.value(items, item, &format!("{at}/{index}"));
            }
        }
        self.limits(&schema, value, at);
    }

    fn kind(&mut self, schema: &Value, value: &Value, at: &str) {
        let types: Vec<&str> = match &schema["type"] {
            Value::String(only) => vec![only],
            Value::Array(several) => several.iter().filter_map(Value::as_str).collect(),
            _ => Vec::new(),
        };
        let is = |kind: &&str| match *kind {
            "null" => value.is_null(),
            "boolean" => value.is_boolean(),
            "integer" => value.is_i64() || value.is_u64(),
            "number" => value.is_number(),
            "string" => value.is_string(),
            "array" => value.is_array(),
            "object" => value.is_object(),
            _ => false,
        };
        if !types.is_empty() && !types.iter().any(is) {
            self.wrong.push(format!("{at}: {value} is no {types:?}"));
        }
    }

    fn alternatives(&mut self, schema: &Value, value: &Value, at: &str) {
        for keyword in ["oneOf", "anyOf"] {
            let Some(list) = schema[keyword].as_array() else { continue };
            let fitting = list.iter().filter(|one| violations(self.root, one, value).is_empty()).count();
            if fitting == 0 {
                self.wrong.push(format!("{at}: {value} is none of {keyword}"));
            }
        }
        if let Some(list) = schema["enum"].as_array()
            && !list.contains(value)
        {
            self.wrong.push(format!("{at}: {value} is none of {list:?}"));
        }
    }

    fn object(&mut self, schema: &Value, value: &Value, at: &str) {
        let Some(object) = value.as_object() else { return };
        let mut named = Vec::new();
        members(self.root, schema, &mut named);
        for (required, _, property) in &named {
            match object.get(required.as_str()) {
                Some(inner) => self.value(property, inner, &format!("{at}/{required}")),
                None if named.iter().any(|(name, must, _)| name == required && *must) => {
                    self.wrong.push(format!("{at}: {required} is missing"));
                }
                None => {}
            }
        }
        let extra = schema.get("additionalProperties").filter(|extra| extra.is_object());
        let known: BTreeSet<&str> = named.iter().map(|(name, _, _)| name.as_str()).collect();
        let closed = !known.is_empty() && schema["additionalProperties"] != true;
        for (name, inner) in object.iter().filter(|(name, _)| !known.contains(name.as_str())) {
            match extra {
                Some(extra) => self.value(extra, inner, &format!("{at}/{name}")),
                None if closed => self.wrong.push(format!("{at}: {name} is not in the document")),
                None => {}
            }
        }
    }

    fn limits(&mut self, schema: &Value, value: &Value, at: &str) {
        let number = |keyword: &str| schema[keyword].as_f64();
        let length = value.as_str().map(|text| text.chars().count());
        let count = |keyword: &str| schema[keyword].as_u64().and_then(|limit| usize::try_from(limit).ok());
        let short = length.zip(count("minLength")).is_some_and(|(length, least)| length < least);
        let long = length.zip(count("maxLength")).is_some_and(|(length, most)| length > most);
        let low = value.as_f64().zip(number("minimum")).is_some_and(|(value, least)| value < least);
        let high = value.as_f64().zip(number("maximum")).is_some_and(|(value, most)| value > most);
        if short || long || low || high {
            self.wrong.push(format!("{at}: {value} is out of bounds"));
        }
    }
}

/// The members that a schema names, those of its `allOf` parts included: name, whether it must be there, schema.
fn members(root: &Value, schema: &Value, found: &mut Vec<(String, bool, Value)>) {
    let Some(schema) = resolve(root, schema) else { return };
    let required: Vec<&str> = schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    for (name, property) in schema["properties"].as_object().into_iter().flatten() {
        found.push((name.clone(), required.contains(&name.as_str()), property.clone()));
    }
    for part in schema["allOf"].as_array().into_iter().flatten() {
        members(root, part, found);
    }
}
