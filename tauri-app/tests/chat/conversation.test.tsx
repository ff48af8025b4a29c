import { act, screen, waitFor, within } from "@testing-library/react";
import { expect, test, vi } from "vitest";
import { completion, engineStatus, failure, sendPiece } from "../shell/sidecar";
import { expectNoAxeViolations } from "../window";
import { answers, ask, field, OpenAnswer, openChat, questions, send, stop, stream } from "./page";

test("an answer streams in, and the field is free for the next message", async () => {
  const answer = new OpenAnswer();
  const window = await openChat(answer.answers);
  await ask(window, "What is it?");
  await stop();
  act(() => answer.piece("a red "));
  await waitFor(() => expect(answers()[0]).toHaveTextContent("a red"));
  expect(answers()[0]).toHaveAttribute("aria-busy", "true");
  act(() => answer.piece("circle"));
  act(() => answer.finish());
  await waitFor(() => expect(answers()[0]).toHaveTextContent("a red circle"));
  await send();
  expect(answers()[0]).toHaveAttribute("aria-busy", "false");
  expect(await field()).toHaveValue("");
  expect(await field()).toHaveFocus();
});

test("a message is sent as OpenAI's body, streamed, before all work that can wait", async () => {
  const window = await openChat(stream("Hello!"));
  await ask(window, "Hi");
  await waitFor(() => expect(answers()).toHaveLength(1));
  expect(window.shell.calls("chat/completions")).toEqual([
    { messages: [{ role: "user", content: "Hi" }], stream: true, priority: 1 },
  ]);
});

test("the whole conversation goes with the next message", async () => {
  const window = await openChat(stream("Hello!"));
  await ask(window, "Hi");
  await waitFor(() => expect(answers()).toHaveLength(1));
  await send();
  await ask(window, "And now?");
  await waitFor(() => expect(window.shell.calls("chat/completions")).toHaveLength(2));
  expect(window.shell.calls("chat/completions")[1]?.messages).toEqual([
    { role: "user", content: "Hi" },
    { role: "assistant", content: "Hello!" },
    { role: "user", content: "And now?" },
  ]);
});

test("an answer that overtakes its last pieces is whole, and late pieces are not shown twice", async () => {
  let late = () => {};
  const window = await openChat({
    "chat/completions": (call) => {
      sendPiece(call, "one ");
      late = () => sendPiece(call, "two three");
      return completion("one two three");
    },
  });
  await ask(window, "Count");
  await waitFor(() => expect(answers()[0]).toHaveTextContent("one two three"));
  act(() => late());
  await send();
  expect(answers()[0]?.textContent).toBe("one two three");
});

test("Stop cancels the request at once and keeps what was said", async () => {
  const answer = new OpenAnswer();
  const window = await openChat(answer.answers);
  await ask(window, "Tell me a story");
  await stop();
  act(() => answer.piece("Once upon a time"));
  await waitFor(() => expect(answers()[0]).toHaveTextContent("Once upon a time"));
  await window.person.click(await stop());
  await send();
  await waitFor(() => expect(answer.cancelled).toBe(true));
  expect(answers()[0]).toHaveTextContent("Once upon a time");
  await waitFor(() => expect(answers()[0]).toHaveTextContent("You stopped this answer."));
  expect(screen.queryByRole("alert")).toBeNull();
});

test("an answer that was stopped before it began can be asked for again", async () => {
  const answer = new OpenAnswer();
  const window = await openChat(answer.answers);
  await ask(window, "Hi");
  await window.person.click(await stop());
  await waitFor(() => expect(answers()[0]).toHaveTextContent("You stopped this answer."));
  await window.person.click(await screen.findByRole("button", { name: "Answer again" }));
  await stop();
  expect(window.shell.calls("chat/completions")[1]?.messages).toEqual([{ role: "user", content: "Hi" }]);
});

test("Enter does not send while an answer runs, and the draft stays", async () => {
  const answer = new OpenAnswer();
  const window = await openChat(answer.answers);
  await ask(window, "Hi");
  await stop();
  await window.person.type(await field(), "And then{Enter}");
  expect(await field()).toHaveValue("And then");
  expect(window.shell.calls("chat/completions")).toHaveLength(1);
});

test("while the model loads, the chat says so", async () => {
  const answer = new OpenAnswer();
  const window = await openChat(answer.answers);
  await ask(window, "Hi");
  expect(await screen.findByText("Thinking…")).toBeVisible();
  act(() => window.shell.notify({ method: "engine/status", params: engineStatus({ loading: true }) }));
  expect(await screen.findByText("Loading model…")).toBeVisible();
  act(() => window.shell.notify({ method: "engine/status", params: engineStatus({ loaded: true }) }));
  act(() => answer.piece("Hello"));
  await waitFor(() => expect(answers()[0]).toHaveTextContent("Hello"));
  expect(screen.queryByText("Loading model…")).toBeNull();
});

test("a sidecar that came back is asked anew whether it loads", async () => {
  const answer = new OpenAnswer();
  const window = await openChat(answer.answers);
  await ask(window, "Hi");
  act(() => window.shell.notify({ method: "engine/status", params: engineStatus({ loading: true }) }));
  expect(await screen.findByText("Loading model…")).toBeVisible();
  act(() => window.shell.notify({ method: "shell/sidecar", params: { state: "starting" } }));
  expect(await screen.findByText("Thinking…")).toBeVisible();
  const before = window.shell.calls("engine/status").length;
  act(() => window.shell.notify({ method: "shell/sidecar", params: { state: "ready" } }));
  await waitFor(() => expect(window.shell.calls("engine/status")).toHaveLength(before + 1));
});

test("an answer that reached its length limit says so", async () => {
  const window = await openChat({ "chat/completions": () => completion("a long", "length") });
  await ask(window, "Hi");
  expect(await screen.findByText("The answer reached its length limit.")).toBeVisible();
});

test("an answer can be copied as it was written", async () => {
  const window = await openChat(stream("It is **red**."));
  const write = vi.spyOn(navigator.clipboard, "writeText");
  await ask(window, "Colour?");
  await window.person.click(await screen.findByRole("button", { name: "Copy answer" }));
  expect(write).toHaveBeenCalledWith("It is **red**.");
  expect(await screen.findByText("Copied", { selector: "[role=status]" })).toBeInTheDocument();
});

test("an answer can be asked for again", async () => {
  let asked = 0;
  const window = await openChat({
    "chat/completions": () => {
      asked += 1;
      return completion(`answer ${asked}`);
    },
  });
  await ask(window, "Hi");
  await window.person.click(await screen.findByRole("button", { name: "Answer again" }));
  await waitFor(() => expect(answers()[0]).toHaveTextContent("answer 2"));
  expect(answers()).toHaveLength(1);
  expect(window.shell.calls("chat/completions")[1]?.messages).toEqual([{ role: "user", content: "Hi" }]);
});

test("a new chat begins empty and stops what runs", async () => {
  const answer = new OpenAnswer();
  const window = await openChat(answer.answers);
  await ask(window, "Hi");
  await stop();
  await window.person.click(screen.getByRole("button", { name: "New chat" }));
  expect(await screen.findByRole("heading", { name: "What is on your mind?" })).toBeVisible();
  await waitFor(() => expect(answer.cancelled).toBe(true));
  expect(questions()).toEqual([]);
  expect(await field()).toHaveFocus();
});

test("a suggestion is written into the field and not sent", async () => {
  const window = await openChat();
  const suggestions = screen.getByRole("list", { name: "Suggestions" });
  await window.person.click(within(suggestions).getByRole("button", { name: /Get to know the model/ }));
  expect(await field()).toHaveValue("What are you, and what can you do?");
  expect(await field()).toHaveFocus();
  expect(window.shell.calls("chat/completions")).toEqual([]);
});

test("an empty message is not sent", async () => {
  const window = await openChat();
  await window.person.type(await field(), "   {Enter}");
  await window.person.click(await send());
  expect(window.shell.calls("chat/completions")).toEqual([]);
});

test("an answer is spoken sentence by sentence, and only when each is whole", async () => {
  const answer = new OpenAnswer();
  const window = await openChat(answer.answers);
  await ask(window, "Hi");
  await stop();
  act(() => answer.piece("It is a **circle**. It is re"));
  const spoken = screen.getByRole("log");
  expect(spoken).toHaveAttribute("aria-live", "polite");
  await waitFor(() => expect(spoken).toHaveTextContent("It is a circle."));
  expect(spoken).not.toHaveTextContent("It is re");
  act(() => answer.piece("d."));
  act(() => answer.finish());
  await waitFor(() => expect(spoken).toHaveTextContent("It is a circle.It is red."));
  expect(screen.getByText("Answer finished.")).toHaveAttribute("role", "status");
});

test("the chat is clean for axe, empty, while it answers, and with an error", async () => {
  const answer = new OpenAnswer();
  const window = await openChat(answer.answers);
  await expectNoAxeViolations();
  await ask(window, "Hi");
  await stop();
  act(() =>
    answer.piece(
      "# Shapes\n\n- a [link](https://example.com)\n\n```python\nprint()\n```\n\n| a |\n|---|\n| b |",
    ),
  );
  await waitFor(() => expect(answers()[0]).toHaveTextContent("Shapes"));
  await expectNoAxeViolations();
  act(() => answer.fail(failure("engine_failed", true)));
  await screen.findByRole("alert");
  await expectNoAxeViolations();
});
