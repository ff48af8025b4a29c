import { act, screen, waitFor, within } from "@testing-library/react";
import { expect, test } from "vitest";
import { i18n } from "@/i18n";
import { assignment, withProviders } from "../shell/providers";
import { withSettings } from "../shell/settings";
import { assignments, READY, withModel } from "../shell/sidecar";
import { expectNoAxeViolations, openWindow } from "../window";
import { openSettings, toSettings } from "./page";

test("the page opens from the menu, lies alone over the chat, and Escape gives the chat back as it was", async () => {
  const window = await openWindow({ answers: withModel(READY, { ...withProviders(), ...withSettings() }) });
  await window.person.type(await screen.findByRole("textbox", { name: "Message" }), "half a thou");
  await toSettings(window, "General");
  expect(screen.getByDisplayValue("half a thou").closest("[inert]")).not.toBeNull();
  await expectNoAxeViolations();
  await window.person.keyboard("{Escape}");
  await waitFor(() => expect(screen.queryByRole("dialog")).toBeNull());
  expect(screen.getByDisplayValue("half a thou").closest("[inert]")).toBeNull();
  expect(screen.getByRole("textbox", { name: "Message" })).toHaveValue("half a thou");
  expect(screen.getByRole("button", { name: "Settings" })).toHaveFocus();
});

test("the sections are gone through by keyboard, and the one that is shown says so", async () => {
  const { person } = await openSettings(withProviders(), "General");
  const nav = within(screen.getByRole("navigation", { name: "Sections" }));
  expect(nav.getByRole("button", { name: "General" })).toHaveAttribute("aria-current", "page");
  await person.tab();
  expect(nav.getByRole("button", { name: "Capabilities" })).toHaveFocus();
  await person.keyboard("{Enter}");
  expect(await screen.findByRole("heading", { level: 2, name: "Capabilities" })).toBeVisible();
  expect(nav.getByRole("button", { name: "General" })).not.toHaveAttribute("aria-current");
});

test("whoever gives all jobs to others before the download enters the chat without it", async () => {
  let builtin = true;
  const window = await openWindow({
    answers: withModel({}, { ...withSettings(), "capabilities/list": () => assignments(builtin) }),
  });
  await screen.findByRole("button", { name: "Download" });
  await toSettings(window, "General");
  builtin = false;
  await window.person.click(screen.getByRole("button", { name: "Back" }));
  expect(await screen.findByRole("textbox", { name: "Message" })).toBeVisible();
  expect(window.shell.calls("models/download")).toEqual([]);
});

test("the chat says when some of it leaves this computer, and where to", async () => {
  const { shell } = await openWindow({ answers: withModel(READY) });
  expect(await screen.findByText(/What you write and show stays here/)).toBeVisible();
  const capabilities = [assignment("text", "elsewhere-large"), assignment("vision")];
  shell.notify({ method: "capabilities/changed", params: { capabilities } });
  expect(await screen.findByText(/goes to Example Cloud/)).toBeVisible();
  expect(screen.queryByText(/is made on this computer/)).toBeNull();
});

test("places where some of a chat goes are listed as the language does it", async () => {
  const { shell } = await openWindow({ answers: withModel(READY) });
  await screen.findByText(/What you write and show stays here/);
  const [text, vision] = [assignment("text", "elsewhere-large"), assignment("vision", "elsewhere-large")];
  const capabilities = [text, { ...vision, providerName: "Acme" }];
  shell.notify({ method: "capabilities/changed", params: { capabilities } });
  expect(await screen.findByText(/goes to Example Cloud, Acme\./)).toBeVisible();
  await act(() => i18n.changeLanguage("zh"));
  expect(await screen.findByText(/会发送到 Example Cloud、Acme/)).toBeVisible();
});
