import { act, cleanup, screen, waitFor, within } from "@testing-library/react";
import { expect, test, vi } from "vitest";
import { KeptChats } from "../shell/chats";
import { failure, READY, withModel } from "../shell/sidecar";
import { expectNoAxeViolations, openWindow } from "../window";
import { answers, ask, field, openChat, questions, replying, send, stop } from "./page";

const list = () => screen.getByRole("navigation", { name: "All chats" });
const titles = () =>
  [...list().querySelectorAll("[data-chat]")].map((entry) => entry.querySelector("[title]")?.textContent);
const entry = (name: string | RegExp) => within(list()).findByRole("button", { name });

function two(): KeptChats {
  return new KeptChats()
    .keep("red", "Red circles", ["Tell me of circles", "They are round."])
    .keep("blue", "Blue squares", ["Tell me of squares", "They are not."]);
}

test("kept chats are listed, and opened with all that was said", async () => {
  const window = await openChat(two());
  await entry("Red circles");
  expect(titles()).toEqual(["Red circles", "Blue squares"]);
  await window.person.click(await entry("Blue squares"));
  await waitFor(() => expect(answers()[0]).toHaveTextContent("They are not."));
  expect(await entry("Blue squares")).toHaveAttribute("aria-current", "page");
  expect(screen.getByRole("heading", { level: 1, name: "Blue squares" })).toBeVisible();
  expect(await field()).toHaveFocus();
  await expectNoAxeViolations();
});

test("a chat that goes on comes first, and gets its title by itself", async () => {
  const window = await openChat(Object.assign(two(), { reply: ["Hello!"] }));
  await entry("Red circles");
  await ask(window, "Hi");
  await waitFor(() => expect(titles()).toEqual(["Hi", "Red circles", "Blue squares"]));
  act(() => window.chats.entitle("A greeting"));
  expect(await entry("A greeting")).toHaveAttribute("aria-current", "page");
  expect(screen.getByRole("heading", { level: 1, name: "A greeting" })).toBeVisible();
});

test("a chat is renamed in its place", async () => {
  const window = await openChat(two());
  await window.person.click(await screen.findByRole("button", { name: "Options for Red circles" }));
  await window.person.click(await screen.findByRole("menuitem", { name: "Rename" }));
  const title = await screen.findByRole("textbox", { name: "Title of the chat" });
  expect(title).toHaveFocus();
  await expectNoAxeViolations();
  await window.person.clear(title);
  await window.person.type(title, "Round things{Enter}");
  expect(await entry("Round things")).toBeVisible();
  expect(window.shell.calls("sessions/rename")).toEqual([{ sessionId: "red", title: "Round things" }]);
});

test("Escape and an empty title leave the title as it was", async () => {
  const window = await openChat(two());
  (await entry("Red circles")).focus();
  await window.person.keyboard("{F2}");
  await window.person.type(await screen.findByRole("textbox", { name: "Title of the chat" }), "x{Escape}");
  await waitFor(async () => expect(await entry("Red circles")).toHaveFocus());
  await window.person.keyboard("{F2}");
  await window.person.clear(await screen.findByRole("textbox", { name: "Title of the chat" }));
  await window.person.keyboard("{Enter}");
  expect(await entry("Red circles")).toBeVisible();
  expect(window.shell.calls("sessions/rename")).toEqual([]);
});

test("a title that cannot be kept says why, and stays to be tried again", async () => {
  const refuse = () => Promise.reject(failure("disk_full"));
  const window = await openChat(two(), { "sessions/rename": refuse });
  (await entry("Red circles")).focus();
  await window.person.keyboard("{F2}");
  await window.person.type(await screen.findByRole("textbox", { name: "Title of the chat" }), "!{Enter}");
  expect(await screen.findByRole("alert")).toHaveTextContent("There is not enough space on the disk");
  expect(screen.getByRole("textbox", { name: "Title of the chat" })).toHaveValue("Red circles!");
});

test("a chat is deleted, and the next one has the focus", async () => {
  const window = await openChat(two());
  await window.person.click(await entry("Red circles"));
  await waitFor(() => expect(questions()).toHaveLength(1));
  await window.person.click(screen.getByRole("button", { name: "Options for Red circles" }));
  await window.person.click(await screen.findByRole("menuitem", { name: "Delete…" }));
  await waitFor(() => expect(titles()).toEqual(["Blue squares"]));
  expect(window.shell.calls("sessions/delete")).toEqual([{ sessionId: "red" }]);
  expect(await screen.findByRole("heading", { name: "What is on your mind?" })).toBeVisible();
  expect(await entry("Blue squares")).toHaveFocus();
});

test("a chat whose deletion the person did not agree to stays, without a word", async () => {
  const refuse = () => Promise.reject(failure("consent_refused"));
  const window = await openChat(two(), { "sessions/delete": refuse });
  (await entry("Red circles")).focus();
  await window.person.keyboard("{Delete}");
  await waitFor(() => expect(window.shell.calls("sessions/delete")).toHaveLength(1));
  expect(titles()).toEqual(["Red circles", "Blue squares"]);
  expect(await entry("Red circles")).toHaveFocus();
  expect(screen.queryByRole("alert")).toBeNull();
});

test("a chat that cannot be deleted says why", async () => {
  const refuse = () => Promise.reject(failure("store_failed"));
  const window = await openChat(two(), { "sessions/delete": refuse });
  (await entry("Red circles")).focus();
  await window.person.keyboard("{Delete}");
  expect(await screen.findByRole("alert")).toHaveTextContent("The app's database cannot be written");
  expect(titles()).toEqual(["Red circles", "Blue squares"]);
});

test("chats are found by their words, with the place where they are", async () => {
  const window = await openChat(two());
  await entry("Red circles");
  const search = screen.getByRole("searchbox", { name: "Search chats" });
  await window.person.type(search, "not");
  await waitFor(() => expect(titles()).toEqual(["Blue squares"]));
  expect(list().querySelector("mark")).toHaveTextContent("not");
  await expectNoAxeViolations();
  await window.person.click(await entry(/^Blue squares They are/));
  await waitFor(() => expect(answers()[0]).toHaveTextContent("They are not."));
  await window.person.clear(search);
  await window.person.type(search, "nothing of it");
  expect(await screen.findByText("No chat has these words.")).toBeVisible();
  expect(screen.getByRole("heading", { level: 1, name: "Blue squares" })).toBeVisible();
  await window.person.keyboard("{Escape}");
  await waitFor(() => expect(titles()).toEqual(["Red circles", "Blue squares"]));
});

test("a long list is shown page by page", async () => {
  const chats = new KeptChats();
  for (let index = 0; index < 60; index += 1) {
    chats.keep(`chat-${index}`, `Chat ${index}`, []);
  }
  const window = await openChat(chats);
  await entry("Chat 0");
  expect(titles()).toHaveLength(50);
  await window.person.click(screen.getByRole("button", { name: "Show older chats" }));
  await waitFor(() => expect(titles()).toHaveLength(60));
  expect(screen.queryByRole("button", { name: "Show older chats" })).toBeNull();
});

test("arrow keys go through the list, from the search field on", async () => {
  const window = await openChat(two());
  await entry("Red circles");
  await window.person.click(screen.getByRole("searchbox", { name: "Search chats" }));
  await window.person.keyboard("{ArrowDown}");
  expect(await entry("Red circles")).toHaveFocus();
  await window.person.keyboard("{ArrowDown}");
  expect(await entry("Blue squares")).toHaveFocus();
  await window.person.keyboard("{ArrowUp}{Enter}");
  await waitFor(() => expect(answers()[0]).toHaveTextContent("They are round."));
});

test("a draft stays with its chat", async () => {
  const window = await openChat(two());
  await window.person.click(await entry("Red circles"));
  await window.person.type(await field(), "half a");
  await window.person.click(await entry("Blue squares"));
  expect(await field()).toHaveValue("");
  await window.person.click(await entry("Red circles"));
  expect(await field()).toHaveValue("half a");
});

test("a chat in which an answer is being written says so, until it is there", async () => {
  const window = await openChat();
  await ask(window, "Hi");
  await stop();
  await window.person.click(screen.getByRole("button", { name: "New chat" }));
  expect(await within(list()).findByRole("img", { name: "An answer is being written" })).toBeVisible();
  act(() => window.chats.finish());
  await waitFor(() => expect(within(list()).queryByRole("img")).toBeNull());
});

test("a chat of which something was sent elsewhere is marked, in the list and above it", async () => {
  const chats = two().keep("away", "Far away", ["Hi", "Hello!"], { leavesComputer: true });
  const window = await openChat(chats);
  await window.person.click(await entry(/^Far away Left this computer/));
  const mark = await screen.findByRole("button", { name: "Left this computer" });
  expect(mark).toBeVisible();
  act(() => screen.getByRole("button", { name: "Help" }).focus());
  await window.person.tab({ shift: true });
  expect(mark).toHaveFocus();
  expect(mark).toHaveAccessibleDescription(
    "Something of this chat was sent to a provider on another computer.",
  );
  await window.person.click(await entry("Red circles"));
  await waitFor(() => expect(screen.queryByText("Left this computer")).toBeNull());
});

test("what is still to come is said where there is no chat", async () => {
  await openChat();
  expect(await screen.findByText(/No chats yet/)).toBeVisible();
});

test("a list that cannot be read says why and can be tried again", async () => {
  let reads = 0;
  const chats = two();
  const window = await openChat(chats, {
    "sessions/list": () => {
      reads += 1;
      return reads === 1
        ? Promise.reject(failure("store_failed", true))
        : { sessions: chats.sessions, cursor: null };
    },
  });
  expect(await screen.findByRole("alert")).toHaveTextContent("The app's database cannot be written");
  await window.person.click(screen.getByRole("button", { name: "Retry" }));
  expect(await entry("Red circles")).toBeVisible();
  expect(screen.queryByRole("alert")).toBeNull();
});

test("the list can be put away, and a new chat is begun all the same", async () => {
  const window = await openChat(two());
  await window.person.click(await screen.findByRole("button", { name: "Hide chats" }));
  expect(screen.queryByRole("navigation", { name: "All chats" })).toBeNull();
  expect(screen.getByRole("button", { name: "New chat" })).toBeVisible();
  await window.person.click(screen.getByRole("button", { name: "Show chats" }));
  expect(await entry("Red circles")).toBeVisible();
});

test("a list that was put away stays so in the next window", async () => {
  const window = await openChat(two());
  await window.person.click(await screen.findByRole("button", { name: "Hide chats" }));
  expect(window.shell.commands("shell_set")).toEqual([{ change: { chatsHidden: true } }]);
  cleanup();
  const next = await openWindow({
    answers: withModel(READY, two().answers),
    preferences: { chatsHidden: true },
  });
  await next.person.click(await screen.findByRole("button", { name: "Show chats" }));
  expect(await entry("Red circles")).toBeVisible();
  expect(next.shell.commands("shell_set")).toEqual([{ change: { chatsHidden: false } }]);
});

test("in a narrow window the list lies over the chat until one is chosen, or Escape", async () => {
  vi.spyOn(globalThis, "matchMedia").mockImplementation(
    () => Object.assign(new EventTarget(), { matches: false }) as MediaQueryList,
  );
  const window = await openChat(Object.assign(two(), { reply: ["Hello!"] }));
  expect(screen.queryByRole("navigation", { name: "All chats" })).toBeNull();
  await window.person.click(screen.getByRole("button", { name: "Show chats" }));
  expect(await screen.findByRole("searchbox", { name: "Search chats" })).toHaveFocus();
  expect(screen.getByRole("main").closest("[inert]")).not.toBeNull();
  await expectNoAxeViolations();
  await window.person.keyboard("{Escape}");
  expect(screen.queryByRole("navigation", { name: "All chats" })).toBeNull();
  expect(await field()).toHaveFocus();
  await window.person.click(screen.getByRole("button", { name: "Show chats" }));
  await window.person.click(await entry("Blue squares"));
  await waitFor(() => expect(answers()[0]).toHaveTextContent("They are not."));
  expect(screen.queryByRole("navigation", { name: "All chats" })).toBeNull();
  await send();
});

test("Settings lie over the chat, and an answer goes on below them", async () => {
  const window = await openChat(replying());
  window.chats.reply = null;
  await ask(window, "Hi");
  await stop();
  await waitFor(() => expect(answers()).toHaveLength(1));
  await window.person.click(screen.getByRole("button", { name: "Settings" }));
  await window.person.click(await screen.findByRole("menuitem", { name: "Settings…" }));
  const back = await screen.findByRole("button", { name: "Back" });
  act(() => window.chats.piece("Hello "));
  act(() => window.chats.piece("there!"));
  act(() => window.chats.finish());
  await window.person.click(back);
  await waitFor(() => expect(answers()[0]).toHaveTextContent("Hello there!"));
});
