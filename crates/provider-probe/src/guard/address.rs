use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipnet::{IpNet, Ipv4Net, Ipv6Net};

/// What is not the public internet, though it lies in the unicast space: the IANA IPv4 Special-Purpose Address Registry (RFC 6890 and
/// its updates) with all its entries, also those that are globally reachable, because no provider is there; multicast and the reserved
/// class E; and one address that a cloud answers on from inside only.
const SPECIAL_V4: [Ipv4Net; 20] = [
    v4([0, 0, 0, 0], 8),          // this network, RFC 791; connects to this machine
    v4([10, 0, 0, 0], 8),         // private use, RFC 1918
    v4([100, 64, 0, 0], 10),      // shared address space, RFC 6598; a cloud's metadata: 100.100.100.200
    v4([127, 0, 0, 0], 8),        // loopback, RFC 1122
    v4([168, 63, 129, 16], 32),   // Azure's WireServer: metadata on a public address
    v4([169, 254, 0, 0], 16),     // link local, RFC 3927; clouds' metadata: 169.254.169.254, 169.254.170.2
    v4([172, 16, 0, 0], 12),      // private use, RFC 1918
    v4([192, 0, 0, 0], 24),       // IETF protocol assignments, RFC 6890; a cloud's metadata: 192.0.0.192
    v4([192, 0, 2, 0], 24),       // documentation, RFC 5737
    v4([192, 31, 196, 0], 24),    // AS112-v4, RFC 7535
    v4([192, 52, 193, 0], 24),    // AMT, RFC 7450
    v4([192, 88, 99, 0], 24),     // 6to4 relay anycast, RFC 7526
    v4([192, 168, 0, 0], 16),     // private use, RFC 1918
    v4([192, 175, 48, 0], 24),    // direct delegation AS112 service, RFC 7534
    v4([198, 18, 0, 0], 15),      // benchmarking, RFC 2544
    v4([198, 51, 100, 0], 24),    // documentation, RFC 5737
    v4([203, 0, 113, 0], 24),     // documentation, RFC 5737
    v4([224, 0, 0, 0], 4),        // multicast, RFC 5771
    v4([240, 0, 0, 0], 4),        // reserved, RFC 1112
    v4([255, 255, 255, 255], 32), // limited broadcast, RFC 919
];

/// All that IANA has given out as global unicast (RFC 4291). What lies outside is not public: unspecified, loopback, IPv4-mapped
/// (`::ffff:0:0/96`), IPv4-compatible, NAT64 (`64:ff9b::/96`, RFC 6052, and `64:ff9b:1::/48`, RFC 8215: whether they lead inside is
/// for the translator to say), discard-only (`100::/64`, RFC 6666), segment routing (`5f00::/16`, RFC 9602), unique local
/// (`fc00::/7`, RFC 4193), link local (`fe80::/10`), site local (`fec0::/10`, RFC 3879) and multicast (`ff00::/8`).
const GLOBAL_V6: Ipv6Net = v6([0x2000, 0, 0], 3);

/// What is not public within global unicast: the IANA IPv6 Special-Purpose Address Registry with all its entries.
const SPECIAL_V6: [Ipv6Net; 5] = [
    v6([0x2001, 0, 0], 23), // IETF protocol assignments, RFC 2928: Teredo, benchmarking, ORCHID, AMT, DRIP, anycast
    v6([0x2001, 0xdb8, 0], 32), // documentation, RFC 3849
    v6([0x2002, 0, 0], 16), // 6to4, RFC 3056: carries any IPv4 address
    v6([0x2620, 0x4f, 0x8000], 48), // direct delegation AS112 service, RFC 7534
    v6([0x3fff, 0, 0], 20), // documentation, RFC 9637
];

const fn v4(octets: [u8; 4], prefix: u8) -> Ipv4Net {
    let [a, b, c, d] = octets;
    Ipv4Net::new_assert(Ipv4Addr::new(a, b, c, d), prefix)
}

const fn v6(start: [u16; 3], prefix: u8) -> Ipv6Net {
    let [a, b, c] = start;
    Ipv6Net::new_assert(Ipv6Addr::new(a, b, c, 0, 0, 0, 0, 0), prefix)
}

/// Whether the address is one of the public internet's: global unicast, and in no special-purpose registry.
pub fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => !SPECIAL_V4.iter().any(|net| net.contains(&address)),
        IpAddr::V6(address) => GLOBAL_V6.contains(&address) && !SPECIAL_V6.iter().any(|net| net.contains(&address)),
    }
}

/// Whether one of these networks has the address, as it is written: an IPv4 network does not have the IPv4-mapped IPv6 addresses.
pub(super) fn within(networks: &[IpNet], address: IpAddr) -> bool {
    networks.iter().any(|network| network.contains(&address))
}
