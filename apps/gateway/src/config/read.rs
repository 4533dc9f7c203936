//! How the texts and numbers of the configuration become what they mean.

use std::fmt::Display;
use std::net::{IpAddr, SocketAddr};
use std::str::FromStr;
use std::time::Duration;

use ipnet::IpNet;
use secrecy::SecretString;
use serde::de::Error;
use serde::{Deserialize, Deserializer};

/// Whole seconds.
pub(super) fn seconds<'de, D: Deserializer<'de>>(from: D) -> Result<Duration, D::Error> {
    Ok(Duration::from_secs(u64::deserialize(from)?))
}

/// Whole milliseconds.
pub(super) fn milliseconds<'de, D: Deserializer<'de>>(from: D) -> Result<Duration, D::Error> {
    Ok(Duration::from_millis(u64::deserialize(from)?))
}

/// Port numbers.
pub(super) fn ports<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<u16>, D::Error> {
    let port = |text: String| {
        let number = text.parse::<u16>().ok().filter(|port| *port > 0);
        number.ok_or_else(|| D::Error::custom(format!("{text:?} is no port: 1 to 65535")))
    };
    Vec::<String>::deserialize(from)?.into_iter().map(port).collect()
}

/// What the text says.
pub(super) fn parsed<'de, D, T>(from: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: FromStr<Err: Display>,
{
    String::deserialize(from)?.parse().map_err(D::Error::custom)
}

/// An address to listen on.
pub(super) fn address<'de, D: Deserializer<'de>>(from: D) -> Result<SocketAddr, D::Error> {
    super::address(&String::deserialize(from)?).map_err(D::Error::custom)
}

/// An address to listen on; empty is none.
pub(super) fn optional_address<'de, D: Deserializer<'de>>(from: D) -> Result<Option<SocketAddr>, D::Error> {
    let text = String::deserialize(from)?;
    if text.is_empty() { Ok(None) } else { super::address(&text).map(Some).map_err(D::Error::custom) }
}

/// Empty text is nothing.
pub(super) fn optional<'de, D, T>(from: D) -> Result<Option<T>, D::Error>
where
    D: Deserializer<'de>,
    T: FromStr<Err: Display>,
{
    let text = String::deserialize(from)?;
    if text.is_empty() { Ok(None) } else { text.parse().map(Some).map_err(D::Error::custom) }
}

/// A text that is never printed.
pub(super) fn secret<'de, D: Deserializer<'de>>(from: D) -> Result<SecretString, D::Error> {
    Ok(String::deserialize(from)?.into())
}

/// A text that is never printed; empty is nothing.
pub(super) fn optional_secret<'de, D: Deserializer<'de>>(from: D) -> Result<Option<SecretString>, D::Error> {
    let text = String::deserialize(from)?;
    Ok((!text.is_empty()).then(|| text.into()))
}

/// Texts that are never printed.
pub(super) fn secrets<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<SecretString>, D::Error> {
    Ok(Vec::<String>::deserialize(from)?.into_iter().map(SecretString::from).collect())
}

/// Addresses and networks.
pub(super) fn networks<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<IpNet>, D::Error> {
    let network = |text: String| {
        let address = text.parse::<IpAddr>().map(IpNet::from);
        let bad = || D::Error::custom(format!("{text:?} is no address or network such as 10.0.0.0/8"));
        text.parse::<IpNet>().or(address).ok().ok_or_else(bad)
    };
    Vec::<String>::deserialize(from)?.into_iter().map(network).collect()
}
