import { act, screen, waitFor, within } from "@testing-library/react";
import { expect, test, vi } from "vitest";
import { KeptChats } from "../shell/chats";
import { engineStatus, failure } from "../shell/sidecar";
import { expectNoAxeViolations } from "../window";
import { answers, ask, field, openChat, questions, replying, send, stop } from "./page";

const words = (text: string) => [{ type: "text", text }];

test("an answer streams in, and the field is free for the next message", async () => {
  const window = await openChat();
  await ask(window, "What is it?");
  await stop();
  act(() => window.chats.piece("a red "));
  await waitFor(() => expect(answers()[0]).toHaveTextContent("a red"));
  expect(answers()[0]).toHaveAttribute("aria-busy", "true");
  act(() => window.chats.piece("circle"));
  act(() => window.chats.finish());
  await waitFor(() => expect(answers()[0]).toHaveTextContent("a red circle"));
  await send();
  expect(answers()[0]).toHaveAttribute("aria-busy", "false");
  expect(await field()).toHaveValue("");
  expect(await field()).toHaveFocus();
});

test("a chat is begun with its first question and gone on with after that", async () => {
  const window = await openChat(replying("Hello!"));
  await ask(window, "Hi");
  await waitFor(() => expect(answers()).toHaveLength(1));
  await send();
  await ask(window, "And now?");
  await waitFor(() => expect(answers()).toHaveLength(2));
  expect(window.shell.calls("sessions/create")).toHaveLength(1);
  const [{ id } = { id: "" }] = window.chats.sessions;
  expect(window.shell.calls("sessions/send")).toEqual([
    { sessionId: id, parts: words("Hi") },
    { sessionId: id, parts: words("And now?") },
  ]);
  expect(questions().map(({ textContent }) => textContent)).toEqual(["Hi", "And now?"]);
});

test("a question is there before the sidecar has answered", async () => {
  const window = await openChat(new KeptChats(), {
    "sessions/create": () => new Promise<never>(() => undefined),
  });
  await ask(window, "Hi");
  expect(await screen.findByRole("article", { name: "You" })).toHaveTextContent("Hi");
  expect(await screen.findByText("Thinking…")).toBeVisible();
});

test("Stop ends the answer and keeps what was said, which can go on", async () => {
  const window = await openChat();
  await ask(window, "Tell me a story");
  await stop();
  act(() => window.chats.piece("Once upon a time"));
  await waitFor(() => expect(answers()[0]).toHaveTextContent("Once upon a time"));
  await window.person.click(await stop());
  await send();
  expect(answers()[0]).toHaveTextContent("Once upon a time");
  expect(answers()[0]).toHaveTextContent("You stopped this answer.");
  expect(screen.queryByRole("alert")).toBeNull();
  await window.person.click(screen.getByRole("button", { name: "Continue" }));
  await stop();
  act(() => window.chats.piece(" there was"));
  act(() => window.chats.finish());
  await waitFor(() => expect(answers()[0]).toHaveTextContent("Once upon a time there was"));
  expect(answers()).toHaveLength(1);
  expect(screen.queryByText("You stopped this answer.")).toBeNull();
});

test("an answer that was stopped before it began can be asked for again", async () => {
  const window = await openChat();
  await ask(window, "Hi");
  await window.person.click(await stop());
  expect(await screen.findByText("You stopped this answer.")).toBeVisible();
  expect(screen.queryByRole("button", { name: "Continue" })).toBeNull();
  await window.person.click(screen.getByRole("button", { name: "Answer again" }));
  await stop();
  act(() => window.chats.piece("Hello!"));
  await waitFor(() => expect(answers()[0]).toHaveTextContent("Hello!"));
  expect(answers()).toHaveLength(1);
});

test("Enter does not send while an answer runs, and the draft stays", async () => {
  const window = await openChat();
  await ask(window, "Hi");
  await stop();
  await window.person.type(await field(), "And then{Enter}");
  expect(await field()).toHaveValue("And then");
  expect(window.shell.calls("sessions/send")).toHaveLength(1);
});

test("while the model loads, the chat says so", async () => {
  const window = await openChat();
  await ask(window, "Hi");
  expect(await screen.findByText("Thinking…")).toBeVisible();
  act(() => window.shell.notify({ method: "engine/status", params: engineStatus({ loading: true }) }));
  expect(await screen.findByText("Loading model…")).toBeVisible();
  act(() => window.shell.notify({ method: "engine/status", params: engineStatus({ loaded: true }) }));
  await stop();
  act(() => window.chats.piece("Hello"));
  await waitFor(() => expect(answers()[0]).toHaveTextContent("Hello"));
  expect(screen.queryByText("Loading model…")).toBeNull();
});

test("a sidecar that came back is asked anew whether it loads, and what became of the answer", async () => {
  const window = await openChat();
  await ask(window, "Hi");
  await waitFor(() => expect(answers()).toHaveLength(1));
  act(() => window.chats.piece("Hel"));
  act(() => window.shell.notify({ method: "engine/status", params: engineStatus({ loading: true }) }));
  act(() => window.shell.notify({ method: "shell/sidecar", params: { state: "starting" } }));
  expect(screen.queryByRole("alert"), "the next one may go on with it").toBeNull();
  const before = window.shell.calls("engine/status").length;
  window.chats.breakOff("sidecar_restarted");
  act(() => window.shell.notify({ method: "shell/sidecar", params: { state: "ready" } }));
  await waitFor(() => expect(window.shell.calls("engine/status")).toHaveLength(before + 1));
  await waitFor(() => expect(window.shell.calls("sessions/messages")).not.toEqual([]));
  expect(await screen.findByRole("alert")).toHaveTextContent("The engine was restarted");
  expect(answers()[0]).toHaveTextContent("Hel");
  expect(screen.getByRole("button", { name: "Continue" })).toBeVisible();
});

test("an answer whose sidecar does not come back has broken off", async () => {
  const window = await openChat();
  await ask(window, "Hi");
  await waitFor(() => expect(answers()).toHaveLength(1));
  act(() => window.chats.piece("Hel"));
  const error = failure("sidecar_unavailable", true);
  act(() => window.shell.notify({ method: "shell/sidecar", params: { state: "down", error } }));
  const broken = await screen.findByText("The engine was restarted");
  expect(broken).toBeVisible();
});

test("an answer that reached its length limit says so, and can go on", async () => {
  const window = await openChat();
  await ask(window, "Hi");
  await stop();
  act(() => window.chats.piece("a long"));
  act(() => window.chats.finish({ finishReason: "length" }));
  expect(await screen.findByText("The answer reached its length limit.")).toBeVisible();
  expect(screen.getByRole("button", { name: "Continue" })).toBeVisible();
});

test("an answer says who gave it, and whether the chat left this computer for it", async () => {
  const window = await openChat(replying("Hello!"));
  await ask(window, "Hi");
  await waitFor(() => expect(answers()[0]).toHaveTextContent("Qwen3-VL 4B (3-bit)"));
  expect(screen.queryByText("Left this computer")).toBeNull();
  window.chats.reply = null;
  await ask(window, "And now?");
  await waitFor(() => expect(answers()).toHaveLength(2));
  const away = { modelName: "Large VL", providerName: "Example Cloud", leavesComputer: true };
  act(() => window.chats.finish(away));
  const said = "Large VL · answered by Example Cloud, on another computer";
  expect(await screen.findByText(said)).toBeVisible();
  expect(within(answers()[0] as HTMLElement).queryByText(/another computer/)).toBeNull();
});

test("an answer for which the oldest turns were dropped says so, the next one not again", async () => {
  const window = await openChat(replying("one"));
  await ask(window, "Hi");
  await waitFor(() => expect(answers()).toHaveLength(1));
  window.chats.reply = null;
  for (const count of [2, 3]) {
    await ask(window, "And now?");
    await waitFor(() => expect(answers()).toHaveLength(count));
    act(() => window.chats.piece("more"));
    act(() => window.chats.finish({ droppedBefore: 2 }));
    await send();
  }
  const note = "This chat has become long: its 2 oldest messages were not read for this answer.";
  expect(answers()[1]).toHaveTextContent(note);
  expect(answers()[2]).not.toHaveTextContent("has become long");
});

test("an answer can be copied as it was written", async () => {
  const window = await openChat(replying("It is **red**."));
  const write = vi.spyOn(navigator.clipboard, "writeText");
  await ask(window, "Colour?");
  await window.person.click(await screen.findByRole("button", { name: "Copy answer" }));
  expect(write).toHaveBeenCalledWith("It is **red**.");
  expect(await screen.findByText("Copied", { selector: "[role=status]" })).toBeInTheDocument();
});

test("an answer can be asked for again", async () => {
  const window = await openChat(replying("answer 1"));
  await ask(window, "Hi");
  await waitFor(() => expect(answers()[0]).toHaveTextContent("answer 1"));
  window.chats.reply = ["answer 2"];
  await window.person.click(await screen.findByRole("button", { name: "Answer again" }));
  await waitFor(() => expect(answers()[0]).toHaveTextContent("answer 2"));
  expect(answers()).toHaveLength(1);
});

test("a question can be put in other words, and replaces what came after it", async () => {
  const window = await openChat(replying("answer"));
  await ask(window, "Hi");
  await waitFor(() => expect(answers()).toHaveLength(1));
  await ask(window, "And now?");
  await waitFor(() => expect(answers()).toHaveLength(2));
  await window.person.click(screen.getAllByRole("button", { name: "Edit message" })[0] as HTMLElement);
  const editor = await screen.findByRole("textbox", { name: "Your message" });
  expect(editor).toHaveFocus();
  expect(editor).toHaveValue("Hi");
  expect(screen.getByText("What came after this message will be replaced.")).toBeVisible();
  await expectNoAxeViolations();
  await window.person.type(editor, " there{Enter}");
  await waitFor(() => expect(questions().map(({ textContent }) => textContent)).toEqual(["Hi there"]));
  await waitFor(() => expect(answers()).toHaveLength(1));
});

test("nothing looks done while the person is asked whether what came after a question may go", async () => {
  const window = await openChat(replying("answer"), {
    "sessions/edit": () => new Promise<never>(() => undefined),
  });
  await ask(window, "Hi");
  await waitFor(() => expect(answers()).toHaveLength(1));
  await ask(window, "And now?");
  await waitFor(() => expect(answers()).toHaveLength(2));
  await window.person.click(screen.getAllByRole("button", { name: "Edit message" })[0] as HTMLElement);
  await window.person.type(await screen.findByRole("textbox", { name: "Your message" }), " there{Enter}");
  await waitFor(() => expect(window.shell.calls("sessions/edit")).toHaveLength(1));
  await stop();
  expect(answers()).toHaveLength(2);
  expect(screen.queryByText("Thinking…")).toBeNull();
});

test("Escape leaves a question as it was", async () => {
  const window = await openChat(replying("answer"));
  await ask(window, "Hi");
  await waitFor(() => expect(answers()).toHaveLength(1));
  await window.person.click(screen.getByRole("button", { name: "Edit message" }));
  await window.person.type(await screen.findByRole("textbox", { name: "Your message" }), " there{Escape}");
  expect(questions()[0]).toHaveTextContent("Hi");
  expect(window.shell.calls("sessions/edit")).toEqual([]);
});

test("a new chat begins empty, and what runs in the other one goes on", async () => {
  const window = await openChat();
  await ask(window, "Hi");
  await stop();
  await window.person.click(screen.getByRole("button", { name: "New chat" }));
  expect(await screen.findByRole("heading", { name: "What is on your mind?" })).toBeVisible();
  expect(questions()).toEqual([]);
  expect(await field()).toHaveFocus();
  await send();
  act(() => window.chats.piece("Hello!"));
  await window.person.click(document.querySelector("[data-chat]") as HTMLElement);
  await waitFor(() => expect(answers()[0]).toHaveTextContent("Hello!"));
  expect(window.shell.calls("sessions/stop")).toEqual([]);
  act(() => window.chats.piece(" Who are you?"));
  await waitFor(() => expect(answers()[0]).toHaveTextContent("Hello! Who are you?"));
});

test("earlier messages of a long chat are shown when they are asked for", async () => {
  const texts = Array.from({ length: 120 }, (_, index) => `message ${index}`);
  const window = await openChat(new KeptChats().keep("long", "Long", texts));
  await window.person.click(await screen.findByRole("button", { name: "Long" }));
  await waitFor(() => expect(questions()).toHaveLength(50));
  await window.person.click(screen.getByRole("button", { name: "Show earlier messages" }));
  await waitFor(() => expect(questions()).toHaveLength(60));
  expect(questions()[0]).toHaveTextContent("message 0");
  expect(screen.queryByRole("button", { name: "Show earlier messages" })).toBeNull();
});

test("a suggestion is written into the field and not sent", async () => {
  const window = await openChat();
  const suggestions = screen.getByRole("list", { name: "Suggestions" });
  await window.person.click(within(suggestions).getByRole("button", { name: /Get to know the model/ }));
  expect(await field()).toHaveValue("What are you, and what can you do?");
  expect(await field()).toHaveFocus();
  expect(window.shell.calls("sessions/create")).toEqual([]);
});

test("an empty message is not sent", async () => {
  const window = await openChat();
  await window.person.type(await field(), "   {Enter}");
  await window.person.click(await send());
  expect(window.shell.calls("sessions/create")).toEqual([]);
});

test("an answer is spoken sentence by sentence, and only when each is whole", async () => {
  const window = await openChat();
  await ask(window, "Hi");
  await stop();
  await waitFor(() => expect(answers()).toHaveLength(1));
  act(() => window.chats.piece("It is a **circle**. It is re"));
  const spoken = screen.getByRole("log");
  expect(spoken).toHaveAttribute("aria-live", "polite");
  await waitFor(() => expect(spoken).toHaveTextContent("It is a circle."));
  expect(spoken).not.toHaveTextContent("It is re");
  act(() => window.chats.piece("d."));
  act(() => window.chats.finish());
  await waitFor(() => expect(spoken).toHaveTextContent("It is a circle.It is red."));
  expect(screen.getByText("Answer finished.")).toHaveAttribute("role", "status");
});

test("what was answered before is not spoken when its chat is opened", async () => {
  const window = await openChat(new KeptChats().keep("old", "Old", ["Hi", "It is red."]));
  await window.person.click(await screen.findByRole("button", { name: "Old" }));
  await waitFor(() => expect(answers()[0]).toHaveTextContent("It is red."));
  expect(screen.getByRole("log")).toBeEmptyDOMElement();
});

test("the chat is clean for axe, empty, while it answers, and with an error", async () => {
  const window = await openChat();
  await expectNoAxeViolations();
  await ask(window, "Hi");
  await stop();
  await waitFor(() => expect(answers()).toHaveLength(1));
  act(() =>
    window.chats.piece(
      "# Shapes\n\n- a [link](https://example.com)\n\n```python\nprint()\n```\n\n| a |\n|---|\n| b |",
    ),
  );
  await waitFor(() => expect(answers()[0]).toHaveTextContent("Shapes"));
  await expectNoAxeViolations();
  act(() => window.chats.breakOff("engine_failed"));
  await screen.findByRole("alert");
  await expectNoAxeViolations();
});
