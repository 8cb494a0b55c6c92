//! Which addresses may be sent to.
//!
//! Whoever owns a class chooses where its events go, and must not reach by that what only this server can reach: its own
//! network, other programs on its machine, the cloud's metadata.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipnet::{Ipv4Net, Ipv6Net};
use thiserror::Error;
use url::{Host, Url};

/// Where may be sent to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reach {
    /// By HTTPS to public addresses only.
    Public,
    /// To every address, and by HTTP as well.
    Everywhere,
}

/// An address is not to be sent to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum Unreachable {
    #[error("the address does not begin with https://")]
    NotHttps,
    #[error("the address is not on the public internet, and this server sends nowhere else")]
    NotPublic,
    #[error("the address has a user name or a password in it")]
    Credentials,
    #[error("the address has no host")]
    NoHost,
}

/// Networks of IPv4 that are not public, by the registry of special-purpose addresses (RFC 6890), and those for groups.
const NOT_PUBLIC_V4: [Ipv4Net; 16] = [
    v4([0, 0, 0, 0], 8),
    v4([10, 0, 0, 0], 8),
    v4([100, 64, 0, 0], 10),
    v4([127, 0, 0, 0], 8),
    v4([169, 254, 0, 0], 16),
    v4([172, 16, 0, 0], 12),
    v4([192, 0, 0, 0], 24),
    v4([192, 0, 2, 0], 24),
    v4([192, 88, 99, 0], 24),
    v4([192, 168, 0, 0], 16),
    v4([198, 18, 0, 0], 15),
    v4([198, 51, 100, 0], 24),
    v4([203, 0, 113, 0], 24),
    v4([224, 0, 0, 0], 4),
    v4([240, 0, 0, 0], 4),
    // Azure's own services for each machine.
    v4([168, 63, 129, 16], 32),
];
/// All public addresses of IPv6 are in here.
const PUBLIC_V6: Ipv6Net = v6(0x2000, 0, 3);
/// And not in these: protocols with Teredo, documentation, 6to4.
const NOT_PUBLIC_V6: [Ipv6Net; 4] = [v6(0x2001, 0, 23), v6(0x2001, 0xdb8, 32), v6(0x2002, 0, 16), v6(0x3fff, 0, 20)];

impl Reach {
    /// An error if an address is not to be sent to, as far as it tells by itself. A host's name is looked at again when it is
    /// resolved.
    pub fn allows(self, url: &Url) -> Result<(), Unreachable> {
        match (self, url.scheme()) {
            (_, "https") | (Self::Everywhere, "http") => (),
            _ => return Err(Unreachable::NotHttps),
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(Unreachable::Credentials);
        }
        let address = match url.host().ok_or(Unreachable::NoHost)? {
            Host::Domain(_) => return Ok(()),
            Host::Ipv4(address) => IpAddr::from(address),
            Host::Ipv6(address) => IpAddr::from(address),
        };
        if self.allows_address(address) { Ok(()) } else { Err(Unreachable::NotPublic) }
    }

    /// Whether an address may be connected to.
    pub fn allows_address(self, address: IpAddr) -> bool {
        self == Self::Everywhere || is_public(address)
    }
}

/// Whether an address is on the public internet.
fn is_public(address: IpAddr) -> bool {
    match address.to_canonical() {
        IpAddr::V4(address) => !NOT_PUBLIC_V4.iter().any(|network| network.contains(&address)),
        IpAddr::V6(address) => {
            PUBLIC_V6.contains(&address) && !NOT_PUBLIC_V6.iter().any(|network| network.contains(&address))
        }
    }
}

const fn v4([a, b, c, d]: [u8; 4], length: u8) -> Ipv4Net {
    Ipv4Net::new_assert(Ipv4Addr::new(a, b, c, d), length)
}

const fn v6(first: u16, second: u16, length: u8) -> Ipv6Net {
    Ipv6Net::new_assert(Ipv6Addr::new(first, second, 0, 0, 0, 0, 0, 0), length)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn addresses_that_are_not_public_are_known() {
        let inside = [
            "0.0.0.0",
            "0.1.2.3",
            "10.0.0.1",
            "10.255.255.255",
            "100.64.0.1",
            "100.100.100.200",
            "100.127.255.255",
            "127.0.0.1",
            "127.255.255.255",
            "168.63.129.16",
            "169.254.0.1",
            "169.254.169.254",
            "172.16.0.1",
            "172.31.255.255",
            "192.0.0.1",
            "192.0.2.1",
            "192.88.99.1",
            "192.168.0.1",
            "198.18.0.1",
            "198.19.255.255",
            "198.51.100.1",
            "203.0.113.1",
            "224.0.0.1",
            "239.255.255.255",
            "240.0.0.1",
            "255.255.255.255",
            "::",
            "::1",
            "::7f00:1",
            "::ffff:10.0.0.1",
            "::ffff:127.0.0.1",
            "::ffff:169.254.169.254",
            "64:ff9b::7f00:1",
            "64:ff9b:1::1",
            "100::1",
            "2001::1",
            "2001:db8::1",
            "2002:7f00:1::",
            "2002:a00:1::1",
            "3fff::1",
            "5f00::1",
            "fc00::1",
            "fd00:ec2::254",
            "fdff::1",
            "fe80::1",
            "fec0::1",
            "ff02::1",
        ];
        for address in inside {
            assert!(!is_public(address.parse().unwrap()), "{address}");
        }
        let public = [
            "1.1.1.1",
            "8.8.8.8",
            "9.255.255.255",
            "11.0.0.0",
            "100.63.255.255",
            "100.128.0.0",
            "126.255.255.255",
            "128.0.0.1",
            "168.63.129.15",
            "169.253.255.255",
            "169.255.0.1",
            "172.15.255.255",
            "172.32.0.0",
            "192.167.0.1",
            "192.169.0.1",
            "198.17.0.1",
            "198.20.0.1",
            "223.255.255.255",
            "::ffff:8.8.8.8",
            "2001:4860:4860::8888",
            "2606:4700::1111",
            "2a00::1",
            "2001:200::1",
        ];
        for address in public {
            assert!(is_public(address.parse().unwrap()), "{address}");
        }
    }

    #[test]
    fn an_address_in_whatever_spelling_is_refused() {
        let refused = |url: &str| Reach::Public.allows(&url.parse().unwrap()).err();
        let inside = [
            "https://127.0.0.1/",
            "https://127.1/",
            "https://2130706433/",
            "https://0x7f.0.0.1/",
            "https://0177.0.0.1/",
            "https://[::1]/",
            "https://[::ffff:7f00:1]/",
            "https://169.254.169.254/latest/meta-data/",
            "https://0/",
            "https://①②⑦.⓪.⓪.①/",
            "https://10.0.0.1:8443/hook",
        ];
        for url in inside {
            assert_eq!(refused(url), Some(Unreachable::NotPublic), "{url}");
        }
        assert_eq!(refused("http://hook.example/"), Some(Unreachable::NotHttps));
        assert_eq!(refused("ftp://hook.example/"), Some(Unreachable::NotHttps));
        assert_eq!(refused("https://user:word@hook.example/"), Some(Unreachable::Credentials));
        assert_eq!(refused("https://hook.example/"), None);
        assert_eq!(refused("https://8.8.8.8/"), None);
        let everywhere = |url: &str| Reach::Everywhere.allows(&url.parse().unwrap()).err();
        assert_eq!(everywhere("http://127.0.0.1:1/"), None);
        assert_eq!(everywhere("https://10.0.0.1/"), None);
        assert_eq!(everywhere("file:///etc/passwd"), Some(Unreachable::NotHttps));
    }

    proptest! {
        #[test]
        fn an_address_in_ipv6_clothes_is_judged_by_what_it_is(address: u32) {
            let address = Ipv4Addr::from(address);
            prop_assert_eq!(is_public(address.into()), is_public(address.to_ipv6_mapped().into()));
        }
    }
}
