//! Options that bound what clients may take.

use std::net::IpAddr;
use std::time::Duration;

use clap::Args;
use ipnet::IpNet;
use serving::Limits;

/// Connections and requests, of the pages and of the sandbox alike.
#[derive(Clone, Copy, Debug, Args)]
pub struct BoundsOptions {
    /// Connections that each listener serves at once; further ones wait.
    #[arg(long, env = "HEADWATER_MAX_CONNECTIONS", default_value_t = 10_000, value_parser = clap::value_parser!(u32).range(1..))]
    pub max_connections: u32,
    /// Seconds in which the head of a request must arrive; idle connections are closed after as long.
    #[arg(long, env = "HEADWATER_HEAD_TIMEOUT", default_value_t = 30, value_parser = clap::value_parser!(u64).range(1..=3600))]
    pub head_timeout: u64,
    /// Seconds for which a client may pause within a request's body.
    #[arg(long, env = "HEADWATER_BODY_TIMEOUT", default_value_t = 30, value_parser = clap::value_parser!(u64).range(1..=3600))]
    pub body_timeout: u64,
    /// Seconds that requests under way have to end after SIGTERM or SIGINT, before the process ends.
    #[arg(long, env = "HEADWATER_SHUTDOWN_GRACE", default_value_t = 20, value_parser = clap::value_parser!(u64).range(0..=3600))]
    pub shutdown_grace: u64,
}

/// What one address may do, and how addresses are known.
#[derive(Clone, Debug, Args)]
pub struct VisitOptions {
    /// Labs that may be started, and classes joined, in a minute from one address (IPv6: one /64 network). 0: no limit.
    #[arg(long, env = "HEADWATER_STARTS_PER_MINUTE", default_value_t = 600)]
    pub starts_per_minute: u32,
    /// Wrong codes and passwords in a minute from one address; after that nothing is tried from there for a while.
    /// 0: no limit.
    #[arg(long, env = "HEADWATER_WRONG_GUESSES_PER_MINUTE", default_value_t = 30)]
    pub wrong_guesses_per_minute: u32,
    /// Networks of the proxies in front of this server, whose X-Forwarded-For is believed, such as 10.0.0.0/8; several are
    /// separated by commas.
    #[arg(long, env = "HEADWATER_TRUSTED_PROXY", value_delimiter = ',', value_parser = network)]
    pub trusted_proxy: Vec<IpNet>,
}

impl BoundsOptions {
    pub fn limits(self) -> Limits {
        Limits {
            connections: self.max_connections as usize,
            head: Duration::from_secs(self.head_timeout),
            pause: Duration::from_secs(self.body_timeout),
            grace: Duration::from_secs(self.shutdown_grace),
        }
    }
}

/// A network, or one address.
fn network(text: &str) -> Result<IpNet, String> {
    let text = text.trim();
    let address = || text.parse::<IpAddr>().map(IpNet::from).ok();
    text.parse().ok().or_else(address).ok_or_else(|| format!("{text} is no network such as 10.0.0.0/8"))
}
