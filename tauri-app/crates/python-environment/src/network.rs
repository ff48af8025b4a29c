//! Whether this computer has a network at all.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, UdpSocket};

/// Whether there is a way to anywhere but this computer. Sends nothing: connecting a datagram socket only looks a
/// route up. The addresses are those that documentation uses (RFC 5737, RFC 3849); nobody has them.
pub fn has_route() -> bool {
    let leads_out =
        |from: IpAddr, to: IpAddr| UdpSocket::bind((from, 0)).and_then(|socket| socket.connect((to, 443))).is_ok();
    leads_out(Ipv4Addr::UNSPECIFIED.into(), Ipv4Addr::new(192, 0, 2, 1).into())
        || leads_out(Ipv6Addr::UNSPECIFIED.into(), Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 1).into())
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use std::process::Command;

    use super::*;

    /// Run by the test below, where there is no interface but loopback.
    #[test]
    #[ignore = "asks for a computer without a network"]
    fn there_is_none() {
        assert!(!has_route());
    }

    #[test]
    fn a_computer_without_a_network_is_known() {
        let program = std::env::current_exe().expect("this program");
        let unshare = ["unshare", "--user", "--map-root-user", "--net"];
        let allowed = Command::new(unshare[0]).args(&unshare[1..]).arg("true").status();
        if !allowed.is_ok_and(|status| status.success()) {
            eprintln!("skipped: this system allows no namespaces");
            return;
        }
        let test = ["--ignored", "--exact", "network::tests::there_is_none"];
        let output = Command::new(unshare[0]).args(&unshare[1..]).arg(program).args(test).output().expect("it runs");
        let said = String::from_utf8_lossy(&output.stdout);
        assert!(output.status.success() && said.contains("1 passed"), "{said}");
    }
}
