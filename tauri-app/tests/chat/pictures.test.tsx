import { act, createEvent, fireEvent, screen, waitFor, within } from "@testing-library/react";
import { expect, test } from "vitest";
import type { Attachment } from "@/rpc/shell";
import { KeptChats } from "../shell/chats";
import { failure } from "../shell/sidecar";
import { expectNoAxeViolations } from "../window";
import { answers, ask, field, openChat, questions, replying, send } from "./page";

const picture = (name: string): Attachment => ({
  url: `attachment:${name}`,
  name: `${name}.png`,
  size: 2048,
  mime: "image/png",
});

const PNG = new Uint8Array([0x89, 0x50, 0x4e, 0x47]);
const bytes = { attachmentBytes: () => PNG.buffer };
const file = () => new File([PNG], "红色圆形.png", { type: "image/png" });
/** Its name stands in for it until its bytes are read; both are a picture to those who cannot see. */
async function expectPicture(name: string) {
  const list = await attached();
  await waitFor(() => expect(within(list).getByRole("img", { name })).toBeVisible());
}

/** Lets the web view fail over the picture: then its name is there to read, and no broken image. */
async function expectNamed(place: HTMLElement, name: string) {
  await waitFor(() => expect(place.querySelector("img")).not.toBeNull());
  fireEvent.error(place.querySelector("img") as HTMLImageElement);
  expect(place.querySelector("img")).toBeNull();
  expect(within(place).getByText(name)).toBeVisible();
  expect(within(place).getByRole("img", { name })).toHaveAttribute("title", name);
}

const attached = () => screen.findByRole("list", { name: "Attached pictures" });

test("a picture chosen with the button is shown, and goes before the text", async () => {
  const window = await openChat(replying("a red circle"), {}, { ...bytes, pick: () => [picture("red")] });
  await window.person.click(screen.getByRole("button", { name: "Attach pictures" }));
  await expectPicture("red.png");
  expect(await field()).toHaveFocus();
  await ask(window, "What is it?");
  await waitFor(() => expect(answers()[0]).toHaveTextContent("a red circle"));
  expect(window.shell.calls("sessions/send")[0]?.parts).toEqual([
    { type: "image", attachment: "red" },
    { type: "text", text: "What is it?" },
  ]);
  expect(screen.queryByRole("list", { name: "Attached pictures" })).toBeNull();
  expect(within(questions()[0] as HTMLElement).getByRole("img", { name: "red.png" })).toBeVisible();
});

test("a picture can be sent without a word", async () => {
  const window = await openChat(replying("a red circle"), {}, { pick: () => [picture("red")] });
  await window.person.click(screen.getByRole("button", { name: "Attach pictures" }));
  await attached();
  await window.person.click(await send());
  await waitFor(() => expect(answers()).toHaveLength(1));
  expect(window.shell.calls("sessions/send")[0]?.parts).toEqual([{ type: "image", attachment: "red" }]);
});

test("a picture can be removed by keyboard, and the focus goes back to the message", async () => {
  const window = await openChat(new KeptChats(), {}, { pick: () => [picture("red"), picture("blue")] });
  await window.person.click(screen.getByRole("button", { name: "Attach pictures" }));
  const remove = within(await attached()).getByRole("button", { name: "Remove red.png" });
  remove.focus();
  await window.person.keyboard("{Enter}");
  expect(within(await attached()).queryByText("red.png")).toBeNull();
  expect(within(await attached()).getByText("blue.png")).toBeVisible();
  expect(await field()).toHaveFocus();
});

test("a pasted picture is kept with its name and shown", async () => {
  const window = await openChat(new KeptChats(), {}, { attachBytes: () => picture("pasted") });
  const element = await field();
  const paste = createEvent.paste(element, { clipboardData: { files: [file()] } });
  fireEvent(element, paste);
  await expectPicture("pasted.png");
  expect(paste.defaultPrevented).toBe(true);
  expect(window.shell.commands("attach_bytes")[0]).toEqual(PNG);
});

test("pasted text stays text", async () => {
  const window = await openChat();
  await window.person.click(await field());
  await window.person.paste("some words");
  expect(await field()).toHaveValue("some words");
  expect(window.shell.commands("attach_bytes")).toEqual([]);
});

test("files dropped on the window are attached by their paths", async () => {
  const { shell } = await openChat(new KeptChats(), {}, { attachPaths: () => [picture("dropped")] });
  await waitFor(() => expect(shell.commands("plugin:event|listen").length).toBeGreaterThanOrEqual(4));
  act(() => shell.drag("enter", ["/home/a/dropped.png"]));
  expect(await screen.findByText("Drop pictures here")).toBeVisible();
  act(() => shell.drag("drop", ["/home/a/dropped.png"]));
  await expectPicture("dropped.png");
  expect(screen.queryByText("Drop pictures here")).toBeNull();
  expect(shell.commands("attach_paths")).toEqual([{ paths: ["/home/a/dropped.png"] }]);
});

test("a picture dragged from another program is attached by its bytes, and never navigates the window", async () => {
  const { shell } = await openChat(new KeptChats(), {}, { attachBytes: () => picture("dragged") });
  const page = screen.getByRole("main");
  const dataTransfer = { types: ["Files"], files: [file()] };
  fireEvent.dragOver(page, { dataTransfer });
  expect(await screen.findByText("Drop pictures here")).toBeVisible();
  const drop = createEvent.drop(page, { dataTransfer });
  fireEvent(page, drop);
  expect(drop.defaultPrevented).toBe(true);
  await expectPicture("dragged.png");
  expect(shell.commands("attach_bytes")).toHaveLength(1);
});

test("a picture of a kept chat is shown, without the name that nothing keeps", async () => {
  const chats = new KeptChats().keep("old", "Old", ["What is it?", "a red circle"]);
  const [question, answer] = chats.said("old");
  if (question && answer) {
    const image = { type: "image" as const, attachment: "kept" };
    chats.messages.set("old", [{ ...question, parts: [image, ...question.parts] }, answer]);
  }
  const window = await openChat(chats, {}, bytes);
  await window.person.click(await screen.findByRole("button", { name: "Old" }));
  await waitFor(() => expect(questions()[0]?.querySelector("img")).not.toBeNull());
  expect(within(questions()[0] as HTMLElement).getByRole("img", { name: "Picture" })).toBeVisible();
  expect(window.shell.commands("attachment_bytes")).toEqual([{ url: "attachment:kept" }]);
});

test("the same picture is attached once", async () => {
  const window = await openChat(new KeptChats(), {}, { pick: () => [picture("red")] });
  await window.person.click(screen.getByRole("button", { name: "Attach pictures" }));
  await attached();
  await window.person.click(screen.getByRole("button", { name: "Attach pictures" }));
  await waitFor(() => expect(window.shell.commands("pick_pictures")).toHaveLength(2));
  expect(within(await attached()).getAllByRole("listitem")).toHaveLength(1);
});

test("what is no picture is refused in plain words, and the message stays", async () => {
  const window = await openChat(
    new KeptChats(),
    {},
    { pick: () => [{ ...picture("notes"), mime: "text/plain" }] },
  );
  await window.person.type(await field(), "Look");
  await window.person.click(screen.getByRole("button", { name: "Attach pictures" }));
  expect(await screen.findByRole("alert")).toHaveTextContent("A picture could not be attached");
  expect(screen.getByRole("alert")).not.toHaveTextContent("Remove");
  expect(screen.queryByRole("list", { name: "Attached pictures" })).toBeNull();
  expect(await field()).toHaveValue("Look");
  await window.person.click(screen.getByRole("button", { name: "Dismiss" }));
  expect(screen.queryByRole("alert")).toBeNull();
});

test("a refusal is no matter of the next message", async () => {
  const pick = () => Promise.reject(failure("invalid_image"));
  const window = await openChat(replying("Hello!"), {}, { pick });
  await window.person.click(screen.getByRole("button", { name: "Attach pictures" }));
  expect(await screen.findByRole("alert")).toHaveTextContent("A picture could not be attached");
  await ask(window, "Hi");
  await waitFor(() => expect(answers()[0]).toHaveTextContent("Hello!"));
  expect(screen.queryByRole("alert")).toBeNull();
});

test("a photo that the web view cannot show stands there by its name, before and after it is sent", async () => {
  const photo = { ...picture("IMG_0001"), name: "IMG_0001.HEIC", mime: "image/heif" };
  const window = await openChat(replying("a red circle"), {}, { ...bytes, pick: () => [photo] });
  await window.person.click(screen.getByRole("button", { name: "Attach pictures" }));
  await expectNamed(await attached(), "IMG_0001.HEIC");
  await window.person.click(await send());
  await waitFor(() => expect(answers()).toHaveLength(1));
  await expectNamed(questions()[0] as HTMLElement, "IMG_0001.HEIC");
  expect(window.shell.calls("sessions/send")).toHaveLength(1);
});

test("a shell that cannot keep a picture says why", async () => {
  const window = await openChat(new KeptChats(), {}, { pick: () => Promise.reject(failure("disk_full")) });
  await window.person.click(screen.getByRole("button", { name: "Attach pictures" }));
  expect(await screen.findByRole("alert")).toHaveTextContent("There is not enough space on the disk");
});

test("a composer with pictures is clean for axe", async () => {
  const window = await openChat(new KeptChats(), {}, { ...bytes, pick: () => [picture("green")] });
  await window.person.click(screen.getByRole("button", { name: "Attach pictures" }));
  await attached();
  await expectNoAxeViolations();
});
