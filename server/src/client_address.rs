//! Whose request it is, as far as addresses tell.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use axum::extract::Request;
use axum::extract::connect_info::ConnectInfo;
use ipnet::IpNet;

/// What proxies add the address to that they were asked from.
const FORWARDED_FOR: &str = "x-forwarded-for";

/// The client's address: that of the connection or, where this is a trusted proxy's, the last one that no trusted proxy has.
pub fn client_address(request: &Request, trusted: &[IpNet]) -> IpAddr {
    // A request without a connection is made within this process.
    let peer = request.extensions().get::<ConnectInfo<SocketAddr>>();
    let mut address = peer.map_or(IpAddr::V4(Ipv4Addr::LOCALHOST), |ConnectInfo(peer)| peer.ip().to_canonical());
    let is_trusted = |address: &IpAddr| trusted.iter().any(|network| network.contains(address));
    let headers = request.headers().get_all(FORWARDED_FOR);
    let forwarded: Vec<&str> =
        headers.iter().filter_map(|value| value.to_str().ok()).flat_map(|value| value.split(',')).collect();
    for text in forwarded.iter().rev() {
        if !is_trusted(&address) {
            break;
        }
        match read(text.trim()) {
            Some(further) => address = further,
            // What a client made up before the first proxy may be anything.
            None => break,
        }
    }
    address
}

/// What counts as one client: an address, or in IPv6 the network that one customer has.
pub fn network_of(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V4(_) => address,
        IpAddr::V6(address) => {
            let [first, second, third, fourth, ..] = address.segments();
            IpAddr::V6(Ipv6Addr::new(first, second, third, fourth, 0, 0, 0, 0))
        }
    }
}

/// An address, with or without a port.
fn read(text: &str) -> Option<IpAddr> {
    let address = text.parse().ok().or_else(|| text.parse::<SocketAddr>().ok().map(|address| address.ip()));
    address.map(|address| address.to_canonical())
}

#[cfg(test)]
mod tests {
    use axum::body::Body;

    use super::*;

    fn client(peer: &str, forwarded: &[&str], trusted: &[&str]) -> String {
        let mut request = Request::new(Body::empty());
        request.extensions_mut().insert(ConnectInfo(SocketAddr::new(peer.parse().unwrap(), 1)));
        for value in forwarded {
            request.headers_mut().append(FORWARDED_FOR, value.parse().unwrap());
        }
        let trusted: Vec<IpNet> = trusted.iter().map(|network| network.parse().unwrap()).collect();
        client_address(&request, &trusted).to_string()
    }

    #[test]
    fn only_trusted_proxies_are_believed() {
        assert_eq!(client("198.51.100.7", &["203.0.113.9"], &[]), "198.51.100.7");
        assert_eq!(client("198.51.100.7", &["203.0.113.9"], &["10.0.0.0/8"]), "198.51.100.7");
        assert_eq!(client("10.0.0.1", &["203.0.113.9"], &["10.0.0.0/8"]), "203.0.113.9");
        assert_eq!(client("::ffff:10.0.0.1", &["203.0.113.9:4711"], &["10.0.0.0/8"]), "203.0.113.9");
        assert_eq!(client("10.0.0.1", &[], &["10.0.0.0/8"]), "10.0.0.1");
    }

    #[test]
    fn what_a_client_makes_up_is_not_believed() {
        let trusted = ["10.0.0.0/8"];
        assert_eq!(client("10.0.0.1", &["192.0.2.1, 203.0.113.9, 10.2.2.2"], &trusted), "203.0.113.9");
        assert_eq!(client("10.0.0.1", &["192.0.2.1", "203.0.113.9"], &trusted), "203.0.113.9");
        assert_eq!(client("10.0.0.1", &["nonsense"], &trusted), "10.0.0.1");
        assert_eq!(client("10.0.0.1", &["nonsense, 203.0.113.9"], &trusted), "203.0.113.9");
    }

    #[test]
    fn one_customer_of_ipv6_is_one_client() {
        let network = |address: &str| network_of(address.parse().unwrap()).to_string();
        assert_eq!(network("2001:db8:1:2:3:4:5:6"), "2001:db8:1:2::");
        assert_eq!(network("203.0.113.9"), "203.0.113.9");
    }
}
