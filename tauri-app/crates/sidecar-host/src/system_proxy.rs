//! The proxy of GNOME's settings, which browsers follow, as the variables that Python and uv go by.
//!
//! macOS has no part in this: there Python and uv ask the system themselves. A PAC file (mode `auto`) and SOCKS are not
//! followed: neither can be said in variables that both understand.

use std::ffi::OsString;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};

const SCHEMA: &str = "org.gnome.system.proxy";
/// Ordinarily it answers in some 10 ms.
const PATIENCE: Duration = Duration::from_secs(1);

/// Any of these in the environment is the person's word; the settings are not asked then.
const NAMES: &[&str] = &["ALL_PROXY", "HTTP_PROXY", "HTTPS_PROXY", "all_proxy", "http_proxy", "https_proxy"];

/// `environment`, and the system's proxy where it names none.
pub(crate) fn completed(mut environment: Vec<(OsString, OsString)>) -> Vec<(OsString, OsString)> {
    let has = |names: &[&str]| {
        environment.iter().any(|(name, value)| !value.is_empty() && names.iter().any(|known| name == *known))
    };
    if has(NAMES) {
        return environment;
    }
    let mut found = settings().map_or_else(Vec::new, |said| variables(&said));
    if has(&["NO_PROXY", "no_proxy"]) {
        found.retain(|(name, _)| *name != "no_proxy");
    }
    environment.extend(found.into_iter().map(|(name, value)| (name.into(), value.into())));
    environment
}

/// What `gsettings` says of proxies; `None` where there is no GNOME, or nobody answers.
fn settings() -> Option<String> {
    let mut command = Command::new("gsettings");
    command.args(["list-recursively", SCHEMA]).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
    output_in_time(command.spawn().ok()?)
}

fn output_in_time(child: Child) -> Option<String> {
    let process = Pid::from_child(&child);
    let (sender, receiver) = mpsc::channel();
    thread::spawn(move || sender.send(child.wait_with_output()));
    match receiver.recv_timeout(PATIENCE) {
        Ok(output) => output
            .ok()
            .filter(|output| output.status.success())
            .map(|output| String::from_utf8_lossy(&output.stdout).into_owned()),
        Err(_) => {
            // Fails when it has ended by itself in this moment.
            let _ = kill_process(process, Signal::KILL);
            None
        }
    }
}

/// The variables for what `gsettings list-recursively` said: lines of schema, key, and value in `GVariant`'s text.
fn variables(said: &str) -> Vec<(&'static str, String)> {
    let value = |schema: &str, key: &str| {
        let start = format!("{SCHEMA}{schema} {key} ");
        said.lines().find_map(|line| line.strip_prefix(&start)).unwrap_or_default()
    };
    if unquoted(value("", "mode")) != "manual" {
        return Vec::new();
    }
    let address = |schema: &str| {
        let (host, port) = (unquoted(value(schema, "host")), value(schema, "port").parse::<u16>().ok()?);
        let is_host = !host.is_empty() && host.chars().all(|c| c.is_ascii_alphanumeric() || ".-_:".contains(c));
        let host = if host.contains(':') { format!("[{host}]") } else { host.to_owned() };
        (is_host && port > 0).then(|| format!("http://{host}:{port}"))
    };
    let proxies = [("http_proxy", ".http"), ("https_proxy", ".https")];
    let mut found: Vec<_> = proxies.iter().filter_map(|&(name, schema)| Some((name, address(schema)?))).collect();
    // `*.example.org` is GNOME's form; variables have `.example.org` for the same.
    let hosts = value("", "ignore-hosts").trim_start_matches("@as ").trim_matches(['[', ']']).split(',');
    let ignored: Vec<_> = hosts
        .map(|host| unquoted(host.trim()))
        .map(|host| host.strip_prefix("*.").map_or(host.to_owned(), |rest| format!(".{rest}")))
        .filter(|host| !host.is_empty())
        .collect();
    if !found.is_empty() && !ignored.is_empty() {
        found.push(("no_proxy", ignored.join(",")));
    }
    found
}

fn unquoted(text: &str) -> &str {
    text.trim_matches(['\'', '"'])
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::PermissionsExt;
    use std::path::Path;

    use super::*;

    /// Run by the tests below, each in an environment of its own.
    #[test]
    #[ignore = "asks for an environment"]
    fn tells_what_is_found() {
        let own = std::env::vars_os().filter(|(name, _)| name.to_string_lossy().to_lowercase().ends_with("_proxy"));
        for (name, value) in completed(own.collect()) {
            println!("variable {}={}", name.to_string_lossy(), value.to_string_lossy());
        }
    }

    /// A person's settings in a file of their own, which the real gsettings reads and writes.
    fn with_settings(home: &Path, program: impl AsRef<std::ffi::OsStr>) -> Command {
        let mut command = Command::new(program);
        for name in NAMES.iter().chain(&["NO_PROXY", "no_proxy"]) {
            command.env_remove(name);
        }
        command.env("GSETTINGS_BACKEND", "keyfile").env("XDG_CONFIG_HOME", home);
        command
    }

    fn set(home: &Path, schema: &str, key: &str, value: &str) {
        let arguments = ["set", &format!("{SCHEMA}{schema}"), key, value];
        let done = with_settings(home, "gsettings").args(arguments).status();
        assert!(done.is_ok_and(|status| status.success()), "gsettings, which setup/window-needs.sh brings");
    }

    fn found(home: &Path, own: &[(&str, &str)]) -> Vec<String> {
        let test = ["--ignored", "--exact", "--nocapture", "system_proxy::tests::tells_what_is_found"];
        let program = std::env::current_exe().expect("this program");
        let output = with_settings(home, program).args(test).envs(own.iter().copied()).output().expect("it runs");
        let said = String::from_utf8_lossy(&output.stdout);
        assert!(said.contains("1 passed"), "{said}");
        // The harness prints the test's name and no end of line before it.
        said.lines().filter_map(|line| line.split_once("variable ")).map(|(_, variable)| variable.to_owned()).collect()
    }

    fn manual(home: &Path) {
        set(home, "", "mode", "manual");
        set(home, ".http", "host", "proxy.example");
        set(home, ".http", "port", "3128");
        set(home, ".https", "host", "fd00::1");
        set(home, ".https", "port", "3129");
    }

    #[test]
    fn the_proxy_of_the_settings_is_used_but_for_the_hosts_that_they_leave_out() {
        let home = tempfile::tempdir().expect("a temporary folder");
        manual(home.path());
        let proxies = ["http_proxy=http://proxy.example:3128", "https_proxy=http://[fd00::1]:3129"];
        let usual = "no_proxy=localhost,127.0.0.0/8,::1";
        assert_eq!(found(home.path(), &[]), [&proxies[..], &[usual]].concat());
        set(home.path(), "", "ignore-hosts", "['*.lan.example', 'other.example']");
        assert_eq!(found(home.path(), &[]).last().expect("three"), "no_proxy=.lan.example,other.example");
        set(home.path(), "", "ignore-hosts", "[]");
        assert_eq!(found(home.path(), &[]), proxies);
    }

    #[test]
    fn the_environment_goes_before_the_settings() {
        let home = tempfile::tempdir().expect("a temporary folder");
        manual(home.path());
        for name in NAMES {
            assert_eq!(found(home.path(), &[(name, "http://own.example")]), [format!("{name}=http://own.example")]);
        }
        assert_eq!(found(home.path(), &[("NO_PROXY", "*")])[0], "NO_PROXY=*");
        assert!(!found(home.path(), &[("NO_PROXY", "*")]).iter().any(|line| line.starts_with("no_proxy")));
        assert_eq!(found(home.path(), &[("HTTPS_PROXY", "")]).len(), 4, "an empty one names none");
    }

    #[test]
    fn settings_without_a_proxy_change_nothing() {
        let home = tempfile::tempdir().expect("a temporary folder");
        assert_eq!(found(home.path(), &[]), [""; 0], "nobody chose any");
        manual(home.path());
        for mode in ["none", "auto"] {
            set(home.path(), "", "mode", mode);
            assert_eq!(found(home.path(), &[]), [""; 0], "{mode}");
        }
        set(home.path(), "", "mode", "manual");
        set(home.path(), ".http", "host", "");
        set(home.path(), ".https", "port", "0");
        assert_eq!(found(home.path(), &[]), [""; 0], "no whole address");
    }

    #[test]
    fn without_gnome_or_an_answer_there_is_none() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().to_str().expect("a plain path");
        assert_eq!(found(folder.path(), &[("PATH", path)]), [""; 0]);
        let program = folder.path().join("gsettings");
        fs::write(&program, "#!/bin/sh\nexec /bin/sleep 600\n").expect("the disk has room");
        fs::set_permissions(&program, fs::Permissions::from_mode(0o700)).expect("it is ours");
        assert_eq!(found(folder.path(), &[("PATH", path)]), [""; 0]);
    }
}
