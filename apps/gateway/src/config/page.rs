//! A TOML text whose parts know their line, and what is wrong with it.

use std::collections::BTreeSet;

use toml::Spanned;
use toml::de::{DeTable, DeValue, Error};

use super::{ConfigError, problems::Problems};

/// The text, and what was found wrong in it so far.
pub(crate) struct Page<'a> {
    text: &'a str,
    origin: &'a str,
    /// By line. Each thing is said once.
    wrong: BTreeSet<(usize, String)>,
    /// What was complained of already: a field that cannot be read is not missing as well.
    told: BTreeSet<String>,
}

impl<'a> Page<'a> {
    pub(crate) const fn new(text: &'a str, origin: &'a str) -> Self {
        Self { text, origin, wrong: BTreeSet::new(), told: BTreeSet::new() }
    }

    /// The line, from 1, of this byte.
    fn line(&self, at: usize) -> usize {
        self.text.bytes().take(at).filter(|byte| *byte == b'\n').count() + 1
    }

    /// Whether nothing was found wrong so far.
    pub(crate) fn is_good(&self) -> bool {
        self.wrong.is_empty()
    }

    pub(crate) fn complain(&mut self, line: usize, what: String) {
        self.wrong.insert((line, what));
    }

    /// What the parser says, on one line.
    pub(crate) fn syntax(&mut self, error: &Error) {
        let line = self.line(error.span().map_or(0, |span| span.start));
        let said = error.message().lines().collect::<Vec<_>>().join(", ");
        self.complain(line, format!("not valid TOML: {said}"));
    }

    /// The result, if nothing was wrong.
    pub(crate) fn end<T>(self, result: T) -> Result<T, ConfigError> {
        let mut problems = Problems::default();
        for (line, what) in self.wrong {
            problems.require(false, &format!("{} line {line}: {what}", self.origin));
        }
        problems.end().map(|()| result)
    }
}

/// The known name that is spelled most like this one.
pub(crate) fn nearest<'k>(name: &str, known: impl Iterator<Item = &'k str>) -> Option<&'k str> {
    let scored = known.map(|known| (strsim::normalized_damerau_levenshtein(known, name), known));
    scored.max_by(|(a, _), (b, _)| a.total_cmp(b)).filter(|(score, _)| *score >= 0.5).map(|(_, known)| known)
}

/// A table of the file: the file itself, a service, a plan, a feature of a plan.
pub(crate) struct Entry<'a> {
    /// `plan free`; empty for the file.
    what: String,
    name: &'a str,
    /// The byte at which it begins.
    at: usize,
    table: &'a DeTable<'a>,
    known: &'static [&'static str],
}

impl<'a> Entry<'a> {
    /// The file.
    pub(crate) const fn top(table: &'a DeTable<'a>, known: &'static [&'static str]) -> Self {
        Self { what: String::new(), name: "", at: 0, table, known }
    }

    /// What the file calls it.
    pub(crate) const fn name(&self) -> &'a str {
        self.name
    }

    /// Complains of a field, in the field's line; of one that is not there, in the line in which the entry begins.
    pub(crate) fn refuse(&self, page: &mut Page<'_>, field: &str, why: &str) {
        let place = if self.what.is_empty() { field.to_owned() } else { format!("{}: {field}", self.what) };
        if page.told.insert(format!("{} {place}", self.at)) {
            let found = self.table.get_key_value(field);
            let why = if found.is_none() && self.known.contains(&field) { "is missing" } else { why };
            let line = page.line(found.map_or(self.at, |(key, _)| key.span().start));
            page.complain(line, format!("{place}: {why}"));
        }
    }

    /// Complains of the entry itself, in the line in which it begins.
    pub(crate) fn wrong(&self, page: &mut Page<'_>, why: &str) {
        page.complain(page.line(self.at), format!("{}: {why}", self.what));
    }

    /// Whether a field is there.
    pub(crate) fn has(&self, field: &str) -> bool {
        self.table.contains_key(field)
    }

    /// Complains of every key that is not known, with the nearest that is.
    pub(crate) fn refuse_unknown(&self, page: &mut Page<'_>) {
        for key in self.table.keys().map(Spanned::get_ref) {
            if !self.known.contains(&key.as_ref()) {
                let hint = match nearest(key, self.known.iter().copied()) {
                    Some(near) => format!("did you mean {near}?"),
                    None => format!("the keys are {}", self.known.join(", ")),
                };
                self.refuse(page, key, &format!("there is no such key; {hint}"));
            }
        }
    }

    /// What `read` makes of a field that is there; complains where it makes nothing of it.
    pub(crate) fn value<T>(
        &self,
        page: &mut Page<'_>,
        field: &str,
        expected: &str,
        read: impl FnOnce(&'a DeValue<'a>) -> Option<T>,
    ) -> Option<T> {
        let found = read(self.table.get(field)?.get_ref());
        if found.is_none() {
            self.refuse(page, field, &format!("must be {expected}"));
        }
        found
    }

    pub(crate) fn text(&self, page: &mut Page<'_>, field: &str) -> Option<String> {
        self.value(page, field, "text", |value| value.as_str().map(str::to_owned))
    }

    /// A text that must be there, and not be empty.
    pub(crate) fn required(&self, page: &mut Page<'_>, field: &str) -> Option<String> {
        if !self.has(field) {
            self.refuse(page, field, "is missing");
        }
        let text = self.text(page, field)?;
        if text.trim().is_empty() {
            self.refuse(page, field, "must not be empty");
            return None;
        }
        Some(text)
    }

    /// Texts by name.
    pub(crate) fn pairs(&self, page: &mut Page<'_>, field: &str) -> Option<Vec<(String, String)>> {
        self.value(page, field, "names with texts, such as { name = \"text\" }", |value| {
            let text = |value: &DeValue<'_>| value.as_str().map(str::to_owned);
            table(value)?
                .iter()
                .map(|(name, value)| Some((name.get_ref().to_string(), text(value.get_ref())?)))
                .collect()
        })
    }

    pub(crate) fn switch(&self, page: &mut Page<'_>, field: &str) -> Option<bool> {
        self.value(page, field, "true or false", DeValue::as_bool)
    }

    pub(crate) fn number(&self, page: &mut Page<'_>, field: &str) -> Option<i64> {
        self.value(page, field, "a whole number", integer)
    }

    pub(crate) fn limit(&self, page: &mut Page<'_>, field: &str) -> Option<i64> {
        self.value(page, field, "a whole number, or \"unlimited\"", |value| match value.as_str() {
            Some("unlimited") => Some(-1),
            _ => integer(value),
        })
    }

    pub(crate) fn texts(&self, page: &mut Page<'_>, field: &str) -> Option<Vec<String>> {
        self.value(page, field, "a list of texts", |value| match value {
            DeValue::Array(items) => items.iter().map(|item| item.get_ref().as_str().map(str::to_owned)).collect(),
            _ => None,
        })
    }

    /// The names in this table, as they stand in the file.
    pub(crate) fn names(&self) -> impl Iterator<Item = &'a str> {
        self.table.keys().map(|key| key.get_ref().as_ref())
    }

    /// A table of which nobody knows what it contains: complaints of it name the field.
    pub(crate) fn table(&self, page: &mut Page<'_>, field: &'a str) -> Option<Entry<'a>> {
        let at = self.table.get_key_value(field).map_or(self.at, |(key, _)| key.span().start);
        let table = self.value(page, field, "a table", table)?;
        Some(Entry { what: field.to_owned(), name: field, at, table, known: &[] })
    }

    /// The tables of a section, `[plans.free]`, and what each is called.
    pub(crate) fn tables(
        &self,
        page: &mut Page<'_>,
        section: &str,
        kind: &str,
        known: &'static [&'static str],
    ) -> Vec<Entry<'a>> {
        let expected = format!("tables, such as [{section}.name]");
        let mut entries = Vec::new();
        for (key, value) in self.value(page, section, &expected, table).into_iter().flatten() {
            let (name, at): (&'a str, usize) = (key.get_ref(), key.span().start);
            match table(value.get_ref()) {
                Some(table) => entries.push(Entry { what: format!("{kind} {name}"), name, at, table, known }),
                None => {
                    page.complain(page.line(at), format!("{kind} {name}: must be a table, such as [{section}.{name}]"));
                }
            }
        }
        for entry in &entries {
            entry.refuse_unknown(page);
        }
        entries
    }

    /// The tables of a list, `[[plans.free.features]]`, counted from 1.
    pub(crate) fn list(
        &self,
        page: &mut Page<'_>,
        field: &str,
        kind: &str,
        known: &'static [&'static str],
    ) -> Vec<Entry<'a>> {
        let entry = |(number, value): (usize, &'a Spanned<DeValue<'a>>)| {
            let what = format!("{}, {kind} {}", self.what, number + 1);
            table(value.get_ref()).map(|table| Entry { what, name: "", at: value.span().start, table, known })
        };
        let entries: Vec<Entry<'a>> = self
            .value(page, field, "a list of tables", |value| match value {
                DeValue::Array(items) => items.iter().enumerate().map(entry).collect(),
                _ => None,
            })
            .unwrap_or_default();
        for entry in &entries {
            entry.refuse_unknown(page);
        }
        entries
    }
}

fn table<'a>(value: &'a DeValue<'a>) -> Option<&'a DeTable<'a>> {
    match value {
        DeValue::Table(table) => Some(table),
        _ => None,
    }
}

fn integer(value: &DeValue<'_>) -> Option<i64> {
    value.as_integer().and_then(|number| i64::from_str_radix(number.as_str(), number.radix()).ok())
}
