use kernel::{ServiceName, plain_line, plain_text};

use super::field::{Fields, Invalid, filled, title};
use crate::error::FieldError;

/// A service of the platform that plans open or keep closed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Service {
    /// Its name.
    pub name: ServiceName,
    /// What people read.
    pub display_name: String,
    /// One sentence about it.
    pub description: String,
    /// The name of an icon, if it has one.
    pub icon: Option<String>,
    /// Where it is, http or https or a path of the platform's own site.
    pub url: Option<String>,
    /// A permission that the caller needs beside the plan, for the services to check.
    pub required_permission: Option<String>,
    /// Whether it is run by somebody else.
    pub is_external: bool,
}

/// A service, as somebody wrote it down.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ServiceDraft {
    /// `service`: its name.
    pub service: String,
    /// `display_name`: 1 to 100 characters.
    pub display_name: String,
    /// `description`: at most 500 characters.
    pub description: String,
    /// `icon`: at most 100 characters.
    pub icon: Option<String>,
    /// `url`: http, https or a path, at most 2048 characters.
    pub url: Option<String>,
    /// `required_permission`: at most 100 characters.
    pub required_permission: Option<String>,
    /// `is_external`.
    pub is_external: bool,
}

impl ServiceDraft {
    /// The service; or every field that is wrong.
    pub fn build(&self) -> Result<Service, Invalid> {
        let mut fields = Fields::default();
        let line = |text: &Option<String>| filled(text.as_deref()).map(title).transpose();
        let name = fields.take("service", self.service.parse::<ServiceName>().or(Err(FieldError::Name)));
        let display_name = fields.take("display_name", title(&self.display_name));
        let description = fields.take("description", plain_text(&self.description, 500).map_err(FieldError::from));
        let icon = fields.take("icon", line(&self.icon));
        let url = fields.take("url", filled(self.url.as_deref()).map(address).transpose());
        let permission = fields.take("required_permission", line(&self.required_permission));
        match (name, display_name, description, icon, url, permission) {
            (Some(name), Some(display_name), Some(description), Some(icon), Some(url), Some(required_permission)) => {
                let is_external = self.is_external;
                Ok(Service { name, display_name, description, icon, url, required_permission, is_external })
            }
            _ => Err(fields.0),
        }
    }
}

/// Only shown to people, never fetched: the form is checked, not the host.
fn address(text: &str) -> Result<String, FieldError> {
    let url = plain_line(text, 2048)?;
    let web = url.strip_prefix("https://").or_else(|| url.strip_prefix("http://"));
    // Two slashes would lead to another site.
    let path = url.starts_with('/') && !url.starts_with("//");
    let clean = url.chars().all(|c| !c.is_whitespace() && !"<>\"\\^`{|}".contains(c));
    let there = web.is_some_and(|rest| rest.starts_with(|c: char| c.is_alphanumeric() || c == '['));
    if clean && (there || path) { Ok(url) } else { Err(FieldError::Url) }
}
