//! While the keychain asks the person, who does not answer.

use std::any::type_name_of_val;
use std::io::{Read, Write};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use keychain::Keys;
use tokio::sync::oneshot;

use super::*;
use crate::commands::storage::begin;
use crate::data_folder::{DataFolder, ERASING};

/// Longer than any test goes on: what waits for the keychain waits for the test.
const LONG: Duration = Duration::from_secs(600);
/// Says that this is the program whose keychain waits; its value is the folder of its bus.
const INSIDE: &str = "LOCALHOST_PROXY_TEST_BUS";

/// A proxy whose keychain waits, from the first question on, until what `asked` gets is dropped.
struct Waiting {
    proxy: Arc<LocalhostProxy>,
    asked: oneshot::Receiver<UnixStream>,
}

/// Runs the test function that this is called in again, in a program of its own: which keychain it has is a variable of
/// its environment. There it runs `test`.
fn waiting<Test: AsyncFnOnce(Waiting)>(test: Test) {
    if let Some(folder) = std::env::var_os(INSIDE) {
        return inside(Path::new(&folder), test);
    }
    // `knowledge_focus::module::the_test::{{closure}}`
    let name = type_name_of_val(&test);
    let name =
        name.split_once("::").and_then(|(_, path)| path.strip_suffix("::{{closure}}")).expect("a test's closure");
    let folder = tempfile::tempdir().expect("a temporary folder");
    let ended = Command::new(std::env::current_exe().expect("this program"))
        .args(["--exact", name, "--nocapture"])
        .env(INSIDE, folder.path())
        .env("DBUS_SESSION_BUS_ADDRESS", format!("unix:path={}", bus(folder.path()).display()))
        .output()
        .expect("it starts");
    let said = [ended.stdout, ended.stderr].map(|said| String::from_utf8_lossy(&said).into_owned()).concat();
    assert!(ended.status.success() && said.contains("1 passed"), "{name} in its own program:\n{said}");
}

fn inside<Test: AsyncFnOnce(Waiting)>(folder: &Path, test: Test) {
    let listener = UnixListener::bind(bus(folder)).expect("the disk has room");
    let (tell, asked) = oneshot::channel();
    // It answers nothing, and whoever comes later is refused.
    std::thread::spawn(move || tell.send(listener.accept().expect("somebody comes").0));
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    runtime.block_on(async {
        let keychain = Keychain::of_folder(folder, LONG);
        let proxy = Arc::new(LocalhostProxy::new(supervisor(), keychain, folder.join("api.sock"), HeldUp::default()));
        test(Waiting { proxy, asked }).await;
    });
    runtime.shutdown_background();
}

fn bus(folder: &Path) -> PathBuf {
    folder.join("bus")
}

#[test]
fn leaving_and_looking_do_not_wait_for_the_keychain_and_nothing_is_opened_afterwards() {
    waiting(async |Waiting { proxy, asked }| {
        let applied = tokio::spawn({
            let proxy = Arc::clone(&proxy);
            async move { proxy.apply(proxy.alone().await, &at_socket(&[])).await }
        });
        let question = soon("the question", asked).await.expect("it is asked");
        assert_eq!(soon("a look", proxy.shown(at_socket(&[]))).await.state(), "waiting");
        soon("the end", proxy.shut_down()).await;
        drop(question);
        soon("the change", applied).await.expect("it ends");
        assert!(proxy.token().is_some(), "it came as far as that");
        assert_eq!(proxy.shown(at_socket(&[])).await.address, None);
        // Nor by what comes only now.
        proxy.apply(proxy.alone().await, &at_socket(&[])).await;
        assert_eq!(proxy.shown(at_socket(&[])).await.address, None);
    });
}

#[test]
fn what_was_switched_off_while_the_keychain_was_asked_stays_off() {
    waiting(async |Waiting { proxy, asked }| {
        let applied = tokio::spawn({
            let proxy = Arc::clone(&proxy);
            async move { proxy.apply(proxy.alone().await, &at_socket(&[])).await }
        });
        let question = soon("the question", asked).await.expect("it is asked");
        soon("the switch", proxy.apply(proxy.alone().await, &Choice::default())).await;
        drop(question);
        soon("the change", applied).await.expect("it ends");
        assert!(proxy.token().is_some(), "it came as far as that");
        assert_eq!(proxy.shown(Choice::default()).await.address, None);
        proxy.apply(proxy.alone().await, &at_socket(&[])).await;
        assert_eq!(proxy.shown(at_socket(&[])).await.state(), "listening");
    });
}

#[test]
fn who_switches_it_off_does_not_wait_for_whoever_switched_it_on_and_waits_for_the_keychain() {
    waiting(async |Waiting { proxy, asked }| {
        let (on, off) = (at_socket(&[]), Choice { on: false, ..at_socket(&[]) });
        let switched_on = tokio::spawn({
            let (proxy, on, off) = (Arc::clone(&proxy), on.clone(), off.clone());
            async move { proxy.change(proxy.alone().await, &off, &on, |_| Ok(())).await }
        });
        let question = soon("the question", asked).await.expect("it is asked");
        let switched_off = async { proxy.change(proxy.alone().await, &on, &off, |_| Ok(())).await };
        soon("the switch", switched_off).await.expect("it is kept");
        drop(question);
        soon("the change before", switched_on).await.expect("it ends").expect("it was kept");
        assert!(proxy.token().is_some(), "it came as far as that");
        assert_eq!(proxy.shown(off).await.address, None);
    });
}

#[test]
fn two_that_wait_for_the_keychain_get_the_same_token() {
    waiting(async |Waiting { proxy, asked }| {
        let answered = async { drop(soon("the question", asked).await.expect("it is asked")) };
        let one = async {
            proxy.ensure_token().await;
            proxy.token().expect("there is one")
        };
        let other = async {
            proxy.ensure_token().await;
            proxy.token().expect("there is one")
        };
        let (one, other, ()) = soon("the tokens", async { tokio::join!(one, other, answered) }).await;
        assert_eq!(one.expose(), other.expose());
    });
}

#[test]
fn no_token_is_written_once_the_app_leaves_or_while_what_is_kept_is_erased() {
    waiting(async |Waiting { proxy, asked }| {
        let refused = async |why: &str| {
            let error = soon("the renewal", proxy.renew_token()).await.expect_err("there is no keychain");
            assert_eq!(error.kind, "keychain_unavailable");
            assert!(error.message.contains("erases everything, or leaves"), "{why}: {}", error.message);
        };
        let refusal = proxy.refuse_writes();
        refused("it is erased").await;
        drop(refusal);
        // It could not be erased: the keychain is asked as ever.
        let renewed = tokio::spawn({
            let proxy = Arc::clone(&proxy);
            async move { proxy.renew_token().await }
        });
        drop(soon("the question", asked).await.expect("it is asked"));
        soon("the renewal", renewed).await.expect("it ends").expect_err("nobody answers");
        proxy.shut_down().await;
        refused("it leaves").await;
    });
}

#[test]
fn a_token_that_was_erased_is_for_this_run_where_nothing_else_could_be() {
    waiting(async |Waiting { proxy, asked }| {
        proxy.token.replace(Token::generate());
        proxy.held.lock().await.kept = true;
        let folder = tempfile::tempdir().expect("a temporary folder");
        let data = DataFolder::open(Some(folder.path())).expect("it is ours");
        std::fs::create_dir(folder.path().join(ERASING)).expect("the disk has room");
        let keys = Keys::start(Arc::clone(&proxy.supervisor), proxy.keychain.clone());
        let answered = async { drop(soon("the question", asked).await.expect("it is asked")) };
        let begun = async { tokio::join!(begin(&data, Some(&keys), &proxy), answered).0 };
        soon("the end", begun).await.expect_err("a folder lies in the place of the note");
        assert!(!proxy.shown(Choice::default()).await.token_kept);
        // It cannot be kept, so that it is for this run as the one before.
        let before = proxy.token().expect("there is one");
        soon("the renewal", proxy.renew_token()).await.expect("it is for this run");
        assert_ne!(proxy.token().expect("there is one").expose(), before.expose());
    });
}

#[test]
fn a_token_that_was_renewed_is_refused_though_what_listens_is_the_same() {
    waiting(async |Waiting { proxy, asked }| {
        let status = |token: &Token| {
            let mut stream = UnixStream::connect(&proxy.socket).expect("it listens");
            stream.set_read_timeout(Some(PATIENCE)).expect("it can be set");
            let token = token.expose();
            let request = "GET /nothing HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n";
            write!(stream, "{request}Authorization: Bearer {token}\r\n\r\n").expect("it is read");
            let mut answer = String::new();
            stream.read_to_string(&mut answer).expect("it answers");
            answer.split(' ').nth(1).expect("a status").to_owned()
        };
        let before = Token::generate();
        proxy.token.replace(before.clone());
        proxy.apply(proxy.alone().await, &at_socket(&[])).await;
        assert_eq!(status(&before), "404");
        let answered = async { drop(soon("the question", asked).await.expect("it is asked")) };
        let (renewed, ()) = soon("the renewal", async { tokio::join!(proxy.renew_token(), answered) }).await;
        renewed.expect("it is for this run, as the one before was");
        let after = proxy.token().expect("there is one");
        assert_eq!([&before, &after].map(status), ["401", "404"]);
    });
}
