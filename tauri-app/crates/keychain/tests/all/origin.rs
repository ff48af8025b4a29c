//! Shell and sidecar say the same origin for the same address, letter by letter.

use std::path::Path;
use std::process::Command;

use keychain::origin_of;

const OF_SIDECAR: &str = "
import json, sys
sys.path.insert(0, sys.argv[1])
from sidecar.routing.address import Address
print(json.dumps([Address.parse(address).origin for address in sys.argv[2:]]))
";

#[test]
fn every_address_has_the_origin_that_the_sidecar_gives_it() {
    let addresses = [
        "https://api.openai.com/v1",
        "HTTPS://API.Example.com:443/v1/",
        "http://localhost:11434/v1",
        "http://127.1:80",
        "http://0x7f.0.0.1:8080/",
        "http://[::1]:8000/v1",
        "http://[FE80::1%25Eth0]:80/v1",
        "http://[0:0:0:0:0:0:0:1]",
        "https://example.com:/v1",
        "https://example.com:00443/v1",
        "https://example.com.:8443/v1/a:b",
        "https://ex%41mple.com/v1",
        "https://xn--bcher-kva.example/v1",
        "http://host_name:1",
    ];
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../..");
    let python =
        Command::new(root.join(".venv/bin/python")).args(["-I", "-c", OF_SIDECAR]).arg(&root).args(addresses).output();
    let python = python.expect("the tests run in a checkout");
    assert!(python.status.success(), "{}", String::from_utf8_lossy(&python.stderr));
    let theirs: Vec<String> = serde_json::from_slice(&python.stdout).expect("JSON");
    let ours: Vec<_> = addresses.iter().map(|address| origin_of(address).expect("an address")).collect();
    assert_eq!(ours, theirs);
}
