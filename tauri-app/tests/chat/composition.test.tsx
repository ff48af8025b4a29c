import { createEvent, fireEvent, screen, waitFor } from "@testing-library/react";
import { expect, test } from "vitest";
import { Composition } from "@/chat/composition";
import { openSettings } from "../settings/page";
import { withProviders } from "../shell/providers";
import { field, openChat, replying } from "./page";

/** Fires an event that happened at `at` milliseconds. */
function fireAt(
  element: Element,
  at: number,
  type: "compositionEnd" | "keyDown" | "keyUp",
  init: object = {},
) {
  const event = createEvent[type](element, init);
  Object.defineProperty(event, "timeStamp", { value: at });
  fireEvent(element, event);
}

const ENTER = { key: "Enter", keyCode: 13 };

async function typed(text: string) {
  const window = await openChat();
  const element = await field();
  fireEvent.change(element, { target: { value: text } });
  return { element, sent: () => window.shell.calls("sessions/create") };
}

test("Enter sends, and Shift+Enter is a line break", async () => {
  const { shell, person } = await openChat(replying("Hello!"));
  await person.type(await field(), "one{Shift>}{Enter}{/Shift}two");
  expect(await field()).toHaveValue("one\ntwo");
  expect(shell.calls("sessions/create")).toEqual([]);
  await person.keyboard("{Enter}");
  await waitFor(() => expect(shell.calls("sessions/send")).toHaveLength(1));
  expect(shell.calls("sessions/send")[0]?.parts).toEqual([{ type: "text", text: "one\ntwo" }]);
});

test("an Enter during a composition does not send (Chromium: keydown, then compositionend)", async () => {
  const { element, sent } = await typed("你好");
  fireEvent.compositionStart(element);
  fireAt(element, 1000, "keyDown", { ...ENTER, isComposing: true });
  fireAt(element, 1001, "compositionEnd");
  fireAt(element, 1080, "keyUp", ENTER);
  expect(sent()).toEqual([]);
  fireAt(element, 1090, "keyDown", ENTER);
  await waitFor(() => expect(sent()).toHaveLength(1));
});

test("an Enter with key code 229 does not send", async () => {
  const { element, sent } = await typed("你好");
  fireAt(element, 1000, "keyDown", { key: "Enter", keyCode: 229 });
  expect(sent()).toEqual([]);
});

test("an Enter that comes right behind the composition does not send (WebKit: compositionend, then keydown)", async () => {
  const { element, sent } = await typed("你好");
  fireEvent.compositionStart(element);
  fireAt(element, 1000, "compositionEnd");
  fireAt(element, 1002, "keyDown", ENTER);
  expect(sent()).toEqual([]);
  fireAt(element, 1070, "keyUp", ENTER);
  fireAt(element, 1090, "keyDown", ENTER);
  await waitFor(() => expect(sent()).toHaveLength(1));
});

test("the next Enter sends after a candidate was chosen with the mouse", () => {
  const composition = new Composition();
  composition.ended(1000);
  expect(composition.owns({ isComposing: false, keyCode: 13, timeStamp: 1600 })).toBe(false);
});

test("a key press that the engine dates before the end of its composition belongs to it", () => {
  const composition = new Composition();
  composition.ended(1000);
  expect(composition.owns({ isComposing: false, keyCode: 13, timeStamp: 998 })).toBe(true);
});

const ESCAPE = { key: "Escape", keyCode: 27 };

test("an Escape that sends candidates away keeps the question that is being changed, and the next one leaves it", async () => {
  const window = await openChat(replying("Hello!"));
  await window.person.type(await field(), "Hi{Enter}");
  await window.person.click(await screen.findByRole("button", { name: "Edit message" }));
  const editor = screen.getByRole("textbox", { name: "Your message" });
  fireEvent.compositionStart(editor);
  fireAt(editor, 1000, "keyDown", { ...ESCAPE, isComposing: true });
  fireAt(editor, 1001, "compositionEnd");
  fireAt(editor, 1080, "keyUp", ESCAPE);
  expect(editor).toBeVisible();
  fireAt(editor, 1090, "keyDown", ESCAPE);
  await waitFor(() => expect(editor).not.toBeInTheDocument());
});

test("an Escape right behind the composition does not close the dialog round the field (WebKit)", async () => {
  await openSettings(withProviders([]), "Providers");
  fireEvent.click(screen.getByRole("button", { name: "Add provider" }));
  const name = await screen.findByRole("textbox", { name: "Name" });
  fireEvent.compositionStart(name);
  fireAt(name, 1000, "compositionEnd");
  fireAt(name, 1002, "keyDown", ESCAPE);
  fireAt(name, 1070, "keyUp", ESCAPE);
  expect(screen.getByRole("dialog", { name: "Add a provider" })).toBeVisible();
  fireAt(name, 1090, "keyDown", ESCAPE);
  await waitFor(() => expect(screen.queryByRole("dialog", { name: "Add a provider" })).toBeNull());
});
