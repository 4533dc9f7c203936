//! How fast somebody may guess (OWASP ASVS 6.3.1): slow, and never so that a victim is locked out for good.

use std::net::{IpAddr, Ipv6Addr};
use std::time::Duration;

use kernel::UserId;

use crate::{Device, ThrottleRule};

/// Attempts from one address: five at once, then one in twenty seconds.
pub const PER_ADDRESS: ThrottleRule = ThrottleRule::Steady { burst: 5, period: Duration::from_secs(20) };

/// Guesses of API keys from one address that are remembered in the trail, so that nobody can flood it: one in a minute.
pub const NOTED_GUESSES: ThrottleRule = ThrottleRule::Steady { burst: 1, period: Duration::from_mins(1) };

/// Attempts at one account, from anywhere: each doubles the wait, from a second to a quarter of an hour.
pub const PER_ACCOUNT: ThrottleRule =
    ThrottleRule::Doubling { first: Duration::from_secs(1), longest: Duration::from_mins(15) };

/// Attempts at one account from a browser that has signed in to it before: strangers' attempts do not slow it down.
pub const PER_DEVICE: ThrottleRule = ThrottleRule::Steady { burst: 5, period: Duration::from_mins(1) };

/// The counter of an address. An IPv6 client holds a /64, so that is what counts.
pub fn address_key(ip: Option<IpAddr>) -> String {
    match ip.map(|ip| ip.to_canonical()) {
        Some(IpAddr::V4(v4)) => format!("ip:{v4}"),
        Some(IpAddr::V6(v6)) => format!("ip:{}/64", Ipv6Addr::from_bits(v6.to_bits() >> 64 << 64)),
        None => "ip:unknown".to_owned(),
    }
}

/// The counter of an account, by the canonical login that was typed: whether such an account exists makes no difference.
pub fn login_key(canonical_login: &str) -> String {
    format!("login:{canonical_login}")
}

/// The counter of an address that guesses API keys: a service with an old key keeps nobody from signing in.
pub fn key_guess_key(ip: Option<IpAddr>) -> String {
    format!("api_key:{}", address_key(ip))
}

/// The counter of what is remembered of such an address.
pub fn key_guess_note_key(ip: Option<IpAddr>) -> String {
    format!("api_key_note:{}", address_key(ip))
}

/// The counter of a known device of an account.
pub fn device_key(user: UserId, device: &Device) -> String {
    format!("device:{user}:{}", device.hash().to_hex())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_ipv6_network_is_one_client() {
        let key = |text: &str| address_key(text.parse().ok());
        assert_eq!(key("2001:db8:1:2::1"), key("2001:db8:1:2:ffff:ffff:ffff:ffff"));
        assert_ne!(key("2001:db8:1:2::1"), key("2001:db8:1:3::1"));
        assert_eq!(key("::ffff:192.0.2.1"), key("192.0.2.1"));
        assert_ne!(key("192.0.2.1"), key("192.0.2.2"));
        assert_eq!(key("no address"), "ip:unknown");
    }
}
