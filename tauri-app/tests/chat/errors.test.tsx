import { act, screen, waitFor } from "@testing-library/react";
import { expect, test } from "vitest";
import { errorLine } from "@/components/error-text";
import { i18n } from "@/i18n";
import { KeptChats } from "../shell/chats";
import { failure, modelStatus, READY } from "../shell/sidecar";
import { expectNoAxeViolations } from "../window";
import { answers, ask, field, type OpenChat, openChat, questions, replying, send } from "./page";

/** Asks, and has the answer break off after `text`. */
async function brokenOff(window: OpenChat, kind: string, text = "", said?: string): Promise<void> {
  await ask(window, "Hi");
  await waitFor(() => expect(answers()).toHaveLength(1));
  act(() => {
    if (text !== "") {
      window.chats.piece(text);
    }
    window.chats.breakOff(kind, said);
  });
  await screen.findByRole("alert");
}

test("an answer that broke off is told in plain words and can be retried", async () => {
  const window = await openChat();
  await brokenOff(window, "engine_failed");
  expect(screen.getByRole("alert")).toHaveTextContent("The model broke off");
  expect(screen.queryByRole("button", { name: "Continue" })).toBeNull();
  window.chats.reply = ["Hello!"];
  await window.person.click(screen.getByRole("button", { name: "Retry" }));
  await waitFor(() => expect(answers()[0]).toHaveTextContent("Hello!"));
  expect(answers()).toHaveLength(1);
  expect(screen.queryByRole("alert")).toBeNull();
});

test("what a provider said to an answer that it broke off can be read", async () => {
  const window = await openChat();
  await brokenOff(window, "provider_rate_limited", "", "You exceeded your current quota.");
  expect(screen.getByRole("alert")).toHaveTextContent("You exceeded your current quota.");
  await expectNoAxeViolations();
});

test("an answer cut by an error keeps what was said, and goes on from there", async () => {
  const window = await openChat();
  await brokenOff(window, "sidecar_restarted", "Hel");
  expect(screen.getByRole("alert")).toHaveTextContent("The engine was restarted");
  expect(answers()[0]).toHaveTextContent("Hel");
  window.chats.reply = ["lo!"];
  await window.person.click(screen.getByRole("button", { name: "Continue" }));
  await waitFor(() => expect(answers()[0]).toHaveTextContent("Hello!"));
  expect(screen.queryByRole("alert")).toBeNull();
});

test("an answer that broke off long ago says so without raising the alarm", async () => {
  const chats = new KeptChats().keep("old", "Old", ["Hi", "Hel"]);
  const [question, answer] = chats.said("old");
  if (question && answer) {
    chats.messages.set("old", [question, { ...answer, state: "interrupted", kind: "sidecar_restarted" }]);
  }
  const window = await openChat(chats);
  await window.person.click(await screen.findByRole("button", { name: "Old" }));
  expect(await screen.findByText("The engine was restarted")).toBeVisible();
  expect(screen.getByRole("button", { name: "Continue" })).toBeVisible();
  expect(screen.queryByRole("alert")).toBeNull();
});

test("an unknown kind of error still has words", async () => {
  const window = await openChat();
  await brokenOff(window, "from_the_future");
  expect(screen.getByRole("alert")).toHaveTextContent("Something unexpected happened");
});

test("a question that was refused is kept in the field, with its pictures, and no empty chat stays", async () => {
  let asked = 0;
  const chats = replying("Hello!");
  const sent = chats.answers["sessions/send"];
  const window = await openChat(
    chats,
    {
      "sessions/send": (call) => {
        asked += 1;
        if (asked === 1 || !sent) {
          throw failure("capability_conflict");
        }
        return sent(call);
      },
    },
    { pick: () => [{ url: "attachment:red", name: "red.png", size: 1, mime: "image/png" }] },
  );
  await window.person.click(screen.getByRole("button", { name: "Attach pictures" }));
  await screen.findByRole("list", { name: "Attached pictures" });
  await ask(window, "What is it?");
  expect(await screen.findByRole("alert")).toHaveTextContent("No one model does all of this");
  expect(await field()).toHaveValue("What is it?");
  expect(screen.getByRole("button", { name: "Remove red.png" })).toBeVisible();
  expect(questions()).toEqual([]);
  await waitFor(() => expect(window.chats.sessions).toEqual([]));
  expect(screen.queryByRole("button", { name: "Untitled chat" })).toBeNull();
  await window.person.click(await send());
  await waitFor(() => expect(answers()[0]).toHaveTextContent("Hello!"));
  expect(screen.queryByRole("alert")).toBeNull();
  expect(await field()).toHaveValue("");
});

test("what was written meanwhile stays behind a question that comes back", async () => {
  const { promise, reject } = Promise.withResolvers<never>();
  const window = await openChat(new KeptChats(), { "sessions/send": () => promise });
  await ask(window, "One");
  await window.person.type(await field(), "Two");
  act(() => reject(failure("store_failed", true)));
  await screen.findByRole("alert");
  expect(await field()).toHaveValue("One\nTwo");
});

test("an engine that refuses to start again says why in the details", async () => {
  const stderr = 'sidecar: the catalog "a.json":\n  no such file';
  const refusal = { ...failure("start_refused"), details: { exitCode: 64, stderr } };
  const window = await openChat(new KeptChats(), { "sessions/create": () => Promise.reject(refusal) });
  await ask(window, "Hi");
  expect(await screen.findByRole("alert")).toHaveTextContent("the details say why");
  await window.person.click(screen.getByRole("button", { name: "Show details" }));
  expect(screen.getByRole("region", { name: "Details" }).textContent).toBe(stderr);
  await expectNoAxeViolations();
});

test("an error that has no more to say has no details", async () => {
  const refuse = () => Promise.reject(failure("store_failed"));
  const window = await openChat(new KeptChats(), { "sessions/send": refuse });
  await ask(window, "Hi");
  await screen.findByRole("alert");
  expect(screen.queryByRole("button", { name: "Show details" })).toBeNull();
});

test("a model that is gone leads back to the download", async () => {
  const window = await openChat();
  await brokenOff(window, "model_not_ready");
  await window.person.click(screen.getByRole("button", { name: "Get the model" }));
  await waitFor(() => expect(window.shell.calls("models/list")).toHaveLength(3));
});

test.each([
  ["en", "Some of the model's files are damaged", "only these files are downloaded", "Get the model"],
  ["zh", "模型的部分文件已损坏", "只会下载损坏的文件", "获取模型"],
] as const)(
  "a damaged model is told from a missing one, and leads to the download: %s",
  async (language, title, hint, get) => {
    let damagedFiles: string[] = [];
    const window = await openChat(new KeptChats(), {
      "models/status": () => modelStatus({ ...READY, damagedFiles }),
    });
    damagedFiles = ["model.safetensors"];
    await brokenOff(window, "model_not_ready");
    await act(() => i18n.changeLanguage(language));
    await waitFor(() => expect(screen.getByRole("alert")).toHaveTextContent(title));
    expect(screen.getByRole("alert")).toHaveTextContent(hint);
    await window.person.click(screen.getByRole("button", { name: get }));
    await waitFor(() => expect(window.shell.calls("models/list")).toHaveLength(3));
  },
);

test("a question that cannot be answered as it is is changed in its place, with its pictures", async () => {
  const pick = () => [{ url: "attachment:bad", name: "bad.png", size: 1, mime: "image/png" }];
  const window = await openChat(new KeptChats(), {}, { pick });
  await window.person.click(screen.getByRole("button", { name: "Attach pictures" }));
  await screen.findByRole("list", { name: "Attached pictures" });
  await brokenOff(window, "invalid_image");
  expect(screen.queryByRole("button", { name: "Retry" })).toBeNull();
  await window.person.click(screen.getAllByRole("button", { name: "Edit message" }).at(-1) as HTMLElement);
  expect(await screen.findByRole("textbox", { name: "Your message" })).toHaveValue("Hi");
  await window.person.click(screen.getByRole("button", { name: "Remove bad.png" }));
  window.chats.reply = ["Hello!"];
  await window.person.click(screen.getByRole("button", { name: "Ask again" }));
  await waitFor(() => expect(answers()[0]).toHaveTextContent("Hello!"));
  expect(window.shell.calls("sessions/edit")).toMatchObject([{ parts: [{ type: "text", text: "Hi" }] }]);
});

test("an edit that is refused says why, and what was written stays", async () => {
  const refuse = () => Promise.reject(failure("store_failed", true));
  const window = await openChat(replying("Hello!"), { "sessions/edit": refuse });
  await ask(window, "Hi");
  await waitFor(() => expect(answers()).toHaveLength(1));
  await window.person.click(screen.getByRole("button", { name: "Edit message" }));
  await window.person.type(await screen.findByRole("textbox", { name: "Your message" }), " there{Enter}");
  expect(await screen.findByRole("alert")).toHaveTextContent("The app's database cannot be written");
  expect(screen.getByRole("textbox", { name: "Your message" })).toHaveValue("Hi there");
  expect(answers()).toHaveLength(1);
});

test("a chat goes on without a question that cannot be answered", async () => {
  const window = await openChat();
  await brokenOff(window, "invalid_request");
  window.chats.reply = ["Hello!"];
  await ask(window, "Hello");
  await waitFor(() => expect(answers()[1]).toHaveTextContent("Hello!"));
  expect(questions()[0]).toHaveTextContent("The chat goes on without it.");
  expect(questions()[1]).not.toHaveTextContent("The chat goes on without it.");
});

test("a chat that cannot be read says why and can be tried again", async () => {
  let reads = 0;
  const chats = new KeptChats().keep("old", "Old", ["Hi", "Hello!"]);
  const window = await openChat(chats, {
    "sessions/messages": () => {
      reads += 1;
      return reads === 1
        ? Promise.reject(failure("store_failed", true))
        : { messages: chats.said("old"), more: false };
    },
  });
  await window.person.click(await screen.findByRole("button", { name: "Old" }));
  expect(await screen.findByRole("alert")).toHaveTextContent("The app's database cannot be written");
  await window.person.click(screen.getByRole("button", { name: "Retry" }));
  await waitFor(() => expect(answers()[0]).toHaveTextContent("Hello!"));
  expect(screen.queryByRole("alert")).toBeNull();
});

test("a message that rotted on the disk says so, and a question can be asked in other words", async () => {
  const chats = new KeptChats().keep("old", "Old", ["Hi", "Hello!", "Who are you?", "A model."]);
  const said = chats.said("old").map((each, index) => (index < 2 ? { ...each, parts: [] } : each));
  chats.messages.set("old", said);
  const window = await openChat(chats);
  await window.person.click(await screen.findByRole("button", { name: "Old" }));
  await waitFor(() => expect(answers()).toHaveLength(2));
  const unreadable = "This message can no longer be read: it was damaged on the disk.";
  expect(questions()[0]).toHaveTextContent(unreadable);
  expect(answers()[0]).toHaveTextContent(unreadable);
  expect(questions()[1]).toHaveTextContent("Who are you?");
  expect(questions()[1]).not.toHaveTextContent(unreadable);
  expect(answers()[1]).not.toHaveTextContent(unreadable);
  await window.person.click(screen.getAllByRole("button", { name: "Edit message" })[0] as HTMLElement);
  await window.person.type(screen.getByRole("textbox", { name: "Your message" }), "Hello?{Enter}");
  await waitFor(() => expect(questions()[0]).toHaveTextContent("Hello?"));
});

test("what is said in one line ends in Chinese as Chinese does", async () => {
  const chats = new KeptChats().keep("old", "Old", ["Hi", "Hel", "More?", "Yes."]);
  const [question, answer, ...rest] = chats.said("old");
  if (question && answer) {
    chats.messages.set("old", [
      question,
      { ...answer, state: "interrupted", kind: "engine_failed" },
      ...rest,
    ]);
  }
  const window = await openChat(chats);
  await window.person.click(await screen.findByRole("button", { name: "Old" }));
  expect(await screen.findByText("This answer was interrupted. The model broke off.")).toBeVisible();
  await act(() => i18n.changeLanguage("zh"));
  expect(await screen.findByText("这次回答被中断了。模型中途停止了。")).toBeVisible();
  expect(errorLine(i18n.t, { kind: "disk_full", details: {} })).toBe(
    "磁盘空间不足。请腾出一些空间后重试。已下载的内容会保留。",
  );
});
