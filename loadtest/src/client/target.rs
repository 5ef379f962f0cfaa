//! Where the load goes: an address of this machine, and no other.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::str::FromStr;

/// A server on this machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Target(SocketAddr);

/// Why a URL is not taken.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TargetError {
    /// Another machine.
    #[error(
        "{0} is not this machine: the load tester only ever loads a server on 127.0.0.1, ::1 or localhost"
    )]
    NotLoopback(String),
    /// Not an address of a server.
    #[error("{0:?} is not a URL of the form http://127.0.0.1:8080")]
    Malformed(String),
}

impl Target {
    /// Its socket address.
    pub const fn address(self) -> SocketAddr {
        self.0
    }
}

impl std::fmt::Display for Target {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "http://{}", self.0)
    }
}

impl FromStr for Target {
    type Err = TargetError;

    fn from_str(url: &str) -> Result<Self, TargetError> {
        let malformed = || TargetError::Malformed(url.to_owned());
        let authority = url.strip_prefix("http://").ok_or_else(malformed)?;
        let authority = authority.strip_suffix('/').unwrap_or(authority);
        if authority.contains(['/', '?', '#', '@']) {
            return Err(malformed());
        }
        let (host, port) = match authority.rsplit_once(':') {
            Some((host, port)) if !port.ends_with(']') => (host, port.parse().map_err(|_| malformed())?),
            _ => (authority, 80),
        };
        let ip = match host {
            "localhost" => IpAddr::V4(Ipv4Addr::LOCALHOST),
            "[::1]" => IpAddr::V6(Ipv6Addr::LOCALHOST),
            _ => host
                .parse()
                .map_err(|_| TargetError::NotLoopback(host.to_owned()))?,
        };
        if !ip.is_loopback() {
            return Err(TargetError::NotLoopback(host.to_owned()));
        }
        Ok(Self(SocketAddr::new(ip, port)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_this_machine_is_taken() {
        for good in [
            "http://127.0.0.1:8080",
            "http://localhost:9/",
            "http://[::1]:80",
            "http://127.0.0.5",
        ] {
            assert!(good.parse::<Target>().is_ok(), "{good}");
        }
        for other in [
            "http://10.0.0.1:80",
            "http://cet-bm.neea.edu.cn",
            "http://0.0.0.0:80",
            "http://localhost.evil:1",
        ] {
            assert!(
                matches!(other.parse::<Target>(), Err(TargetError::NotLoopback(_))),
                "{other}"
            );
        }
        for bad in [
            "https://127.0.0.1",
            "127.0.0.1:80",
            "http://127.0.0.1@elsewhere:80",
            "http://127.0.0.1/path",
        ] {
            assert!(
                matches!(bad.parse::<Target>(), Err(TargetError::Malformed(_))),
                "{bad}"
            );
        }
    }
}
