//! Changes that the person is asked about first.

use std::sync::{Mutex as StdMutex, PoisonError};

use tempfile::TempDir;
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;

use super::*;
use crate::commands::proxy::set;
use crate::consent::Person;
use crate::preferences::Language;
use crate::question::Question;

const NOTES: &str = "https://notes.example";

/// A question, and where its answer goes; that is closed once nobody wants to know.
type Open = (Question, oneshot::Sender<bool>);

/// Answers when the test does.
struct Thinking(mpsc::UnboundedSender<Open>);

impl Person for Thinking {
    fn language(&self) -> Language {
        Language::En
    }

    async fn agrees(&self, question: Question) -> Result<bool, RpcError> {
        let (answer, answered) = oneshot::channel();
        self.0.send((question, answer)).expect("the test goes on");
        Ok(answered.await.expect("the test answers"))
    }
}

struct Asking {
    proxy: LocalhostProxy,
    chosen: StdMutex<Choice>,
    person: Thinking,
    asked: Mutex<mpsc::UnboundedReceiver<Open>>,
    _folder: TempDir,
}

impl Asking {
    fn before(before: Choice) -> Arc<Self> {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let keychain = Keychain::of_folder(folder.path(), PATIENCE);
        let proxy = LocalhostProxy::new(supervisor(), keychain, folder.path().join("api.sock"), HeldUp::default());
        // So that nobody's keychain is asked for it.
        proxy.token.replace(Token::generate());
        let (person, asked) = mpsc::unbounded_channel();
        let (chosen, person, asked) = (StdMutex::new(before), Thinking(person), Mutex::new(asked));
        Arc::new(Self { proxy, chosen, person, asked, _folder: folder })
    }

    fn chosen(&self) -> Choice {
        self.chosen.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn set(self: &Arc<Self>, choice: &Choice) -> JoinHandle<Result<(), RpcError>> {
        let (asking, choice) = (Arc::clone(self), choice.clone());
        tokio::spawn(async move {
            let keep = |choice: &Choice, _: &Choice| {
                *asking.chosen.lock().unwrap_or_else(PoisonError::into_inner) = choice.clone();
                Ok(())
            };
            set(&asking.proxy, &asking.person, || asking.chosen(), choice, keep).await
        })
    }

    async fn question(&self) -> Open {
        soon("a question", async { self.asked.lock().await.recv().await }).await.expect("somebody is asked")
    }

    async fn state(&self) -> String {
        self.proxy.shown(self.chosen()).await.state().to_owned()
    }
}

async fn done(set: JoinHandle<Result<(), RpcError>>) {
    soon("the change", set).await.expect("it ends").expect("nothing is refused");
}

fn off() -> Choice {
    Choice { on: false, ..at_socket(&[]) }
}

#[tokio::test]
async fn who_switches_it_off_waits_for_no_question_and_nothing_comes_of_that_one() {
    let at_port = Choice { socket: false, ..at_socket(&[]) };
    for (before, wanted) in [(off(), at_socket(&[])), (at_socket(&[]), at_port), (off(), choice(&[NOTES]))] {
        let asking = Asking::before(before);
        let overtaken = asking.set(&wanted);
        let (_, mut answer) = asking.question().await;
        done(asking.set(&off())).await;
        soon("the end of the question", answer.closed()).await;
        done(overtaken).await;
        assert_eq!((asking.chosen(), &*asking.state().await), (off(), "off"), "{wanted:?}");
    }
}

#[tokio::test]
async fn a_yes_that_came_with_the_switch_opens_nothing() {
    let asking = Asking::before(off());
    let overtaken = asking.set(&at_socket(&[]));
    let (_, answer) = asking.question().await;
    // Both are there when the one who was waiting looks.
    let alone = soon("nobody else's change", asking.proxy.alone()).await;
    answer.send(true).expect("it is waited for");
    asking.proxy.change(alone, &off(), &off(), |_| Ok(())).await.expect("it is kept");
    done(overtaken).await;
    assert_eq!((asking.chosen(), &*asking.state().await), (off(), "off"));
}

#[tokio::test]
async fn off_ends_a_question_though_it_cannot_be_kept() {
    let asking = Asking::before(off());
    let overtaken = asking.set(&at_socket(&[]));
    let (_, mut answer) = asking.question().await;
    let full = |_: &Choice, _: &Choice| Err(io::Error::from(io::ErrorKind::StorageFull));
    soon("the change", set(&asking.proxy, &asking.person, off, off(), full)).await.expect_err("the disk is full");
    soon("the end of the question", answer.closed()).await;
    done(overtaken).await;
    assert_eq!((asking.chosen(), &*asking.state().await), (off(), "off"));
}

#[tokio::test]
async fn off_asks_nothing_and_is_not_refused_whatever_is_said_beside() {
    let before = at_socket(&[]);
    let many = (0..60).map(|at| format!("https://notes-{at}.example")).collect();
    let beside =
        [choice(&[NOTES]), Choice { origins: many, ..off() }, Choice { port: 0, ..off() }, choice(&["no address"])];
    for said in beside {
        let asking = Asking::before(before.clone());
        done(asking.set(&Choice { on: false, ..said })).await;
        assert_eq!(asking.chosen(), Choice { on: false, ..before.clone() });
        assert!(asking.asked.lock().await.try_recv().is_err());
    }
}

#[tokio::test]
async fn nothing_changes_before_the_person_has_agreed_to_all_of_it() {
    let wanted = at_socket(&[NOTES]);
    for answers in [[false, true], [true, false], [true, true]] {
        let asking = Asking::before(off());
        let changed = asking.set(&wanted);
        for (title, yes) in ["Let pages of this address ask?", "Let other programs ask?"].into_iter().zip(answers) {
            let (question, answer) = asking.question().await;
            assert_eq!((question.title, &*asking.state().await), (title, "off"));
            answer.send(yes).expect("it is waited for");
            if !yes {
                break;
            }
        }
        done(changed).await;
        let all = answers == [true, true];
        assert_eq!(asking.chosen(), if all { wanted.clone() } else { off() });
        assert_eq!(asking.state().await, if all { "listening" } else { "off" });
    }
}
