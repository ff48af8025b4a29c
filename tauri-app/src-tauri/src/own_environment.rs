//! The environment of this process, which all that it starts inherit: the web view's processes, a browser for a link.
//!
//! A shell's start-up file may have put tokens and passwords there, for other programs. A process that has them can be
//! looked at by every program of the same person, and a page that has taken over its web process is one. So the app
//! starts itself anew without them, in the same process. Proxies with a password are of use to it: they go along in a
//! file without a name.

use std::convert::Infallible;
use std::ffi::{OsStr, OsString};
use std::fs::{File, OpenOptions};
use std::io::{self, Read, Seek, Write};
use std::os::fd::AsRawFd;
use std::os::unix::process::CommandExt;
use std::process::Command;

use rustix::io::{FdFlags, fcntl_setfd};
use sidecar_host::withheld;

/// Says in which descriptor the proxies are.
const HANDED_ON: &str = "KNOWLEDGE_FOCUS_PROXIES";
/// Parts of names of variables that hold what opens something.
const SECRET: &[&str] =
    &["TOKEN", "SECRET", "PASSWORD", "PASSWD", "API_KEY", "APIKEY", "ACCESS_KEY", "PRIVATE_KEY", "CREDENTIAL"];
/// Not one of them: by it the desktop lets a window come forward.
const HARMLESS: &[&str] = &["XDG_ACTIVATION_TOKEN"];

/// Call it first of all, with no thread beside this one. Returns with an environment without secrets, or one that the
/// system did not let us leave, which is said on stderr.
pub(crate) fn close() {
    if let Some(descriptor) = std::env::var_os(HANDED_ON) {
        match taken(&descriptor) {
            Ok(proxies) => withheld::keep_proxies(proxies),
            Err(error) => eprintln!("knowledge-focus: the proxies with a password are not used: {error}"),
        }
    }
    let parted = Parted::of(std::env::vars_os());
    if parted.is_needed {
        let Err(error) = start_anew(&parted);
        eprintln!("knowledge-focus: what it starts sees secrets of the environment: {error}");
    }
}

/// An environment, and what is kept out of it.
#[derive(Debug, PartialEq)]
struct Parted {
    environment: Vec<(OsString, OsString)>,
    proxies: Vec<(String, String)>,
    is_needed: bool,
}

impl Parted {
    fn of(variables: impl Iterator<Item = (OsString, OsString)>) -> Self {
        let mut parted = Self { environment: Vec::new(), proxies: Vec::new(), is_needed: false };
        for (name, value) in variables {
            if withheld::is_withheld(&name, &value) {
                parted.proxies.extend(name.into_string().ok().zip(value.into_string().ok()));
                parted.is_needed = true;
            } else if is_secret(&name, &value) {
                parted.is_needed = true;
            } else {
                parted.environment.push((name, value));
            }
        }
        parted
    }
}

fn is_secret(name: &OsStr, value: &OsStr) -> bool {
    let (name, value) = (name.to_string_lossy().to_uppercase(), value.to_string_lossy());
    let is_named = SECRET.iter().any(|part| name.contains(part)) && !HARMLESS.contains(&name.as_str());
    is_named || (value.contains("://") && withheld::has_user(&value))
}

/// This process becomes the same program with the same arguments; the error is that it did not.
fn start_anew(parted: &Parted) -> io::Result<Infallible> {
    let mut arguments = std::env::args_os();
    let mut program = Command::new(std::env::current_exe()?);
    if let Some(name) = arguments.next() {
        program.arg0(name);
    }
    program.args(arguments).env_clear().envs(parted.environment.iter().map(|(name, value)| (name, value)));
    let file = handed_on(&parted.proxies)?;
    program.env(HANDED_ON, file.as_raw_fd().to_string());
    Err(program.exec())
}

/// A file that has no name, for the same process as another program.
fn handed_on(proxies: &[(String, String)]) -> io::Result<File> {
    let mut file = tempfile::tempfile()?;
    file.write_all(&serde_json::to_vec(proxies)?)?;
    file.rewind()?;
    fcntl_setfd(&file, FdFlags::empty())?;
    Ok(file)
}

/// What is in the file of that descriptor, which is empty from now on: whatever this process starts inherits it.
fn taken(descriptor: &OsStr) -> io::Result<Vec<(String, String)>> {
    let descriptor = descriptor.to_str().and_then(|text| text.parse::<u32>().ok());
    let descriptor = descriptor.ok_or_else(|| io::Error::from(io::ErrorKind::InvalidInput))?;
    let mut file = OpenOptions::new().read(true).write(true).open(format!("/dev/fd/{descriptor}"))?;
    let mut content = Vec::new();
    file.read_to_end(&mut content)?;
    let proxies = serde_json::from_slice(&content)?;
    file.set_len(0)?;
    Ok(proxies)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parted(variables: &[(&str, &str)]) -> Parted {
        Parted::of(variables.iter().map(|&(name, value)| (name.into(), value.into())))
    }

    #[test]
    fn an_environment_without_secrets_stays_as_it_is() {
        let parted = parted(&[
            ("HOME", "/home/ann"),
            ("XAUTHORITY", "/run/x"),
            ("XDG_ACTIVATION_TOKEN", "x"),
            ("DBUS_SESSION_BUS_ADDRESS", "unix:path=/run/user/1000/bus"),
            ("https_proxy", "http://proxy:3128"),
            ("GIT_AUTHOR_EMAIL", "ann@example.com"),
        ]);
        assert!(!parted.is_needed);
        assert_eq!(parted.environment.len(), 6);
    }

    #[test]
    fn secrets_are_left_out_and_proxies_with_a_password_kept_aside() {
        let parted = parted(&[
            ("HOME", "/home/ann"),
            ("HF_TOKEN", "hf_secret"),
            ("OPENAI_API_KEY", "sk-secret"),
            ("AWS_SECRET_ACCESS_KEY", "secret"),
            ("database_password", "secret"),
            ("UV_INDEX_URL", "https://ann:secret@pypi.example/simple"),
            ("HTTPS_PROXY", "http://ann:secret@proxy:3128"),
            ("all_proxy", "socks5h://ann:secret@proxy:1080"),
        ]);
        assert!(parted.is_needed);
        assert_eq!(parted.environment, [("HOME".into(), "/home/ann".into())]);
        assert_eq!(
            parted.proxies,
            [
                ("HTTPS_PROXY".into(), "http://ann:secret@proxy:3128".into()),
                ("all_proxy".into(), "socks5h://ann:secret@proxy:1080".into())
            ]
        );
    }

    #[test]
    fn what_is_handed_on_is_read_once() {
        let proxies = vec![("https_proxy".to_owned(), "http://ann:secret@proxy:3128".to_owned())];
        let file = handed_on(&proxies).expect("a file without a name");
        let descriptor: OsString = file.as_raw_fd().to_string().into();
        assert_eq!(taken(&descriptor).expect("what was handed on"), proxies);
        assert_eq!(file.metadata().expect("it is open").len(), 0, "whoever inherits it reads nothing");
        taken(&descriptor).expect_err("it is empty");
    }
}
