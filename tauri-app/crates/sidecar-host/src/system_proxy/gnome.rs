//! GNOME's settings, by the program that reads them.

use super::{Address, Settings};

const SCHEMA: &str = "org.gnome.system.proxy";

/// `None` where there is no GNOME, or nobody answers.
pub(super) fn settings() -> Option<Settings> {
    super::asking::answer("gsettings", &["list-recursively", SCHEMA]).map(|said| read(&said))
}

/// What `gsettings list-recursively` said: lines of schema, key, and value in `GVariant`'s text.
fn read(said: &str) -> Settings {
    let value = |schema: &str, key: &str| {
        let start = format!("{SCHEMA}{schema} {key} ");
        said.lines().find_map(|line| line.strip_prefix(&start)).unwrap_or_default()
    };
    if unquoted(value("", "mode")) != "manual" {
        return Settings::default();
    }
    let address = |schema: &str| Address::new(unquoted(value(schema, "host")), value(schema, "port"));
    let ignored = value("", "ignore-hosts").trim_start_matches("@as ").trim_matches(['[', ']']).split(',');
    Settings {
        http: address(".http"),
        https: address(".https"),
        socks: address(".socks"),
        ignored: ignored.map(|host| unquoted(host.trim()).to_owned()).collect(),
    }
}

fn unquoted(text: &str) -> &str {
    text.trim_matches(['\'', '"'])
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::PermissionsExt;
    use std::path::{Path, PathBuf};
    use std::process::Command;

    use super::super::{NAMES, completed};
    use super::*;

    /// Run by the tests below, each in an environment of its own.
    #[test]
    #[ignore = "asks for an environment"]
    fn tells_what_is_found() {
        let own = std::env::vars_os().filter(|(name, _)| name.to_string_lossy().to_lowercase().ends_with("_proxy"));
        let own: Vec<_> = own.collect();
        // As for each program that the app starts.
        completed(own.clone());
        for (name, value) in completed(own) {
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
        let test = ["--ignored", "--exact", "--nocapture", "system_proxy::gnome::tests::tells_what_is_found"];
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
    fn a_socks_proxy_is_for_what_has_none_of_its_own() {
        let home = tempfile::tempdir().expect("a temporary folder");
        set(home.path(), "", "mode", "manual");
        set(home.path(), ".socks", "host", "socks.example");
        set(home.path(), ".socks", "port", "1080");
        let socks = ["all_proxy=socks5h://socks.example:1080", "no_proxy=localhost,127.0.0.0/8,::1"];
        assert_eq!(found(home.path(), &[]), socks);
        manual(home.path());
        let all = found(home.path(), &[]);
        assert_eq!((all.len(), &*all[0], &*all[2]), (4, "http_proxy=http://proxy.example:3128", socks[0]));
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
        let asked = in_place_of_gsettings(folder.path(), "exec /bin/sleep 600");
        assert_eq!(found(folder.path(), &[("PATH", path)]), [""; 0]);
        let asked = fs::read_to_string(asked).expect("it was asked");
        assert_eq!(asked.matches("PATH=").count(), 1, "it is not waited for again");
    }

    #[test]
    fn what_this_app_is_made_to_load_is_not_loaded_by_the_systems_program() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let asked = in_place_of_gsettings(folder.path(), "exit 1");
        let path = folder.path().to_str().expect("a plain path");
        let names = ["LD_LIBRARY_PATH", "GIO_EXTRA_MODULES", "GSETTINGS_SCHEMA_DIR", "PYTHONPATH", "HF_TOKEN"];
        let own: Vec<_> = [("PATH", path)].into_iter().chain(names.map(|name| (name, path))).collect();
        assert_eq!(found(folder.path(), &own), [""; 0]);
        let asked = fs::read_to_string(asked).expect("it was asked");
        assert_eq!(asked.matches("GSETTINGS_BACKEND=keyfile").count(), 2, "each time");
        assert!(!names.iter().any(|name| asked.contains(&format!("{name}="))), "{asked}");
    }

    /// A program that notes its environment in the file that is returned, and goes on with `then`.
    fn in_place_of_gsettings(folder: &Path, then: &str) -> PathBuf {
        let (program, asked) = (folder.join("gsettings"), folder.join("asked"));
        let script = format!("#!/bin/sh\n/usr/bin/env >>'{}'\n{then}\n", asked.display());
        fs::write(&program, script).expect("the disk has room");
        fs::set_permissions(&program, fs::Permissions::from_mode(0o700)).expect("it is ours");
        asked
    }
}
