//! Bodies and queries as Stripe takes them: `items[0][price]=price_1`.

use serde_json::{Map, Value};

/// The parameters as a tree; every leaf is a text. Lists are objects whose names are numbers, as they come.
pub(super) fn read(text: &str) -> Value {
    let mut tree = Map::new();
    for (n, pair) in text.split('&').filter(|pair| !pair.is_empty()).enumerate() {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        let name = decoded(name);
        let mut path: Vec<String> = name.split(['[', ']']).filter(|part| !part.is_empty()).map(str::to_owned).collect();
        if name.ends_with("[]") {
            path.push(n.to_string());
        }
        put(&mut tree, &path, decoded(value));
    }
    Value::Object(tree)
}

fn put(tree: &mut Map<String, Value>, path: &[String], value: String) {
    match path {
        [] => {}
        [last] => drop(tree.insert(last.clone(), Value::String(value))),
        [first, rest @ ..] => {
            let branch = tree.entry(first.clone()).or_insert_with(|| Value::Object(Map::new()));
            if let Value::Object(branch) = branch {
                put(branch, rest, value);
            }
        }
    }
}

fn decoded(text: &str) -> String {
    let bytes = text.as_bytes();
    let (mut plain, mut at) = (Vec::with_capacity(bytes.len()), 0);
    while at < bytes.len() {
        let hex = text.get(at + 1..at + 3).and_then(|digits| u8::from_str_radix(digits, 16).ok());
        match (bytes[at], hex) {
            (b'%', Some(byte)) => {
                plain.push(byte);
                at += 2;
            }
            (b'+', _) => plain.push(b' '),
            (byte, _) => plain.push(byte),
        }
        at += 1;
    }
    String::from_utf8_lossy(&plain).into_owned()
}

/// What a request says.
#[derive(Debug, Clone)]
pub(super) struct Params(pub(super) Value);

impl Params {
    /// The text at this path: `items/0/price`.
    pub(super) fn text(&self, path: &str) -> Option<&str> {
        self.0.pointer(&format!("/{path}"))?.as_str()
    }

    pub(super) fn number(&self, path: &str) -> Option<i64> {
        self.text(path)?.parse().ok()
    }

    pub(super) fn flag(&self, path: &str) -> Option<bool> {
        self.text(path)?.parse().ok()
    }

    pub(super) fn has(&self, path: &str) -> bool {
        self.0.pointer(&format!("/{path}")).is_some()
    }

    /// The texts, or trees, of a list, in order.
    pub(super) fn list(&self, path: &str) -> Vec<Params> {
        let Some(Value::Object(entries)) = self.0.pointer(&format!("/{path}")) else { return Vec::new() };
        let mut entries: Vec<_> = entries.iter().collect();
        entries.sort_by_key(|(name, _)| name.parse::<u32>().unwrap_or(u32::MAX));
        entries.into_iter().map(|(_, value)| Params(value.clone())).collect()
    }

    /// The texts of a list.
    pub(super) fn texts(&self, path: &str) -> Vec<String> {
        self.list(path).iter().filter_map(|it| it.0.as_str()).map(str::to_owned).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nested_parameters_are_read() {
        let params = Params(read(
            "items[0][price]=price_1&items%5B1%5D%5Bprice%5D=p+2&expand[]=a&expand[]=b%2Fc&flag=true&n=-5&empty=",
        ));
        let prices: Vec<_> =
            params.list("items").iter().filter_map(|item| item.text("price").map(str::to_owned)).collect();
        assert_eq!(prices, ["price_1", "p 2"]);
        assert_eq!(params.texts("expand"), ["a", "b/c"]);
        assert_eq!((params.flag("flag"), params.number("n"), params.text("empty")), (Some(true), Some(-5), Some("")));
        assert!(params.has("empty") && !params.has("nothing"));
    }
}
