import { screen } from "@testing-library/react";
import { expect, test } from "vitest";
import { READY, withModel } from "../shell/sidecar";
import { expectNoAxeViolations, openWindow } from "../window";

const script = { answers: withModel(READY) };

/** The chat has opened: the splash before it has a menu of its own. */
async function menuButton() {
  await screen.findByRole("textbox");
  return screen.getByRole("button", { name: "Settings" });
}

test("the language changes at once, everywhere, and the shell keeps it", async () => {
  const { shell, person } = await openWindow(script);
  await person.click(await menuButton());
  await person.click(await screen.findByRole("menuitemradio", { name: "中文" }));
  expect(await screen.findByRole("textbox", { name: "消息" })).toBeVisible();
  expect(document.documentElement).toHaveAttribute("lang", "zh-CN");
  expect(shell.commands("shell_set")).toEqual([{ change: { language: "zh" } }]);
});

test("the theme changes at once and the shell keeps it", async () => {
  const { shell, person } = await openWindow(script);
  await person.click(await menuButton());
  await person.click(await screen.findByRole("menuitemradio", { name: "Dark" }));
  expect(document.documentElement).toHaveAttribute("data-theme", "dark");
  expect(shell.commands("shell_set")).toEqual([{ change: { theme: "dark" } }]);
});

test("what the shell kept is there from the first picture on", async () => {
  await openWindow({ ...script, preferences: { language: "zh", theme: "light" } });
  expect(await screen.findByRole("textbox", { name: "消息" })).toBeVisible();
  expect(document.documentElement).toHaveAttribute("data-theme", "light");
});

test("the system's language is what the shell says it is", async () => {
  const { person } = await openWindow({
    ...script,
    preferences: { language: "system", systemLanguage: "zh" },
  });
  await screen.findByRole("textbox", { name: "消息" });
  await person.click(screen.getByRole("button", { name: "设置" }));
  const system = await screen.findByRole("menuitemradio", { name: "跟随系统语言" });
  expect(system).toHaveAttribute("aria-checked", "true");
});

test("going back to the system's language is kept as that, not as the language it is", async () => {
  const { shell, person } = await openWindow({
    ...script,
    preferences: { language: "zh", systemLanguage: "en" },
  });
  await screen.findByRole("textbox", { name: "消息" });
  await person.click(screen.getByRole("button", { name: "设置" }));
  await person.click(await screen.findByRole("menuitemradio", { name: "跟随系统语言" }));
  expect(await screen.findByRole("textbox", { name: "Message" })).toBeVisible();
  expect(shell.commands("shell_set")).toEqual([{ change: { language: "system" } }]);
});

test("the system's theme leaves the choice to the system", async () => {
  const { person } = await openWindow({ ...script, preferences: { theme: "dark" } });
  await person.click(await menuButton());
  await person.click(await screen.findByRole("menuitemradio", { name: "System theme" }));
  expect(document.documentElement).not.toHaveAttribute("data-theme");
});

test("the menu works by keyboard, gives the focus back and is clean for axe", async () => {
  const { person } = await openWindow(script);
  const trigger = await menuButton();
  trigger.focus();
  await person.keyboard("{Enter}");
  expect(await screen.findByRole("menuitemradio", { name: "English" })).toHaveAttribute(
    "aria-checked",
    "true",
  );
  await expectNoAxeViolations();
  await person.keyboard("{Escape}");
  expect(trigger).toHaveFocus();
});
