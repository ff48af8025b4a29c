import { act, screen, waitFor } from "@testing-library/react";
import { expect, test } from "vitest";
import type { Setting } from "@/rpc/gen/protocol";
import type { Answers } from "../shell/replay";
import { SETTINGS, withSettings } from "../shell/settings";
import { failure } from "../shell/sidecar";
import { expectNoAxeViolations } from "../window";
import { openSettings } from "./page";

const open = (answers: Answers = withSettings()) => openSettings(answers, "General");
const field = (name: string) => screen.findByRole("textbox", { name });

test("every setting says what it does, its range and its default, in people's units", async () => {
  await open();
  expect(await field("Rest after")).toHaveValue("60");
  expect(screen.getByText("From 5 to 3,600 seconds; at first 60.")).toBeVisible();
  expect(await field("Unload after")).toHaveValue("30");
  expect(await field("Pictures in the background")).toHaveValue("448");
  expect(await field("Memory for the model")).toHaveValue("");
  expect(screen.getByText("From 1 to 1,000 GB; at first chosen to suit this computer.")).toBeVisible();
  expect(screen.queryByRole("button", { name: /^Reset/ })).toBeNull();
  await expectNoAxeViolations();
});

test("what is typed holds from Enter or leaving the field on, and Reset takes it back", async () => {
  const { person, shell } = await open();
  await person.type(await field("Memory for the model"), "4.5{Enter}");
  await person.click(await screen.findByRole("button", { name: "Reset Memory for the model" }));
  await waitFor(async () => expect(await field("Memory for the model")).toHaveValue(""));
  const rest = await field("Rest after");
  await person.clear(rest);
  await person.type(rest, "120");
  await person.tab();
  await screen.findByRole("button", { name: "Reset Rest after" });
  expect(shell.calls("settings/set")).toEqual([
    { key: "memoryBudgetBytes", value: 4_500_000_000 },
    { key: "memoryBudgetBytes", value: null },
    { key: "restSeconds", value: 120 },
  ]);
});

test("what is out of range, or no number, is refused in place and not sent", async () => {
  const { person, shell } = await open();
  const rest = await field("Rest after");
  await person.clear(rest);
  await person.type(rest, "4{Enter}");
  expect(screen.getByRole("alert")).toHaveTextContent("It must be from 5 to 3,600 seconds.");
  expect(rest).toBeInvalid();
  await person.clear(rest);
  await person.type(rest, "soon{Enter}");
  expect(screen.getByRole("alert")).toHaveTextContent("Please enter a number.");
  await expectNoAxeViolations();
  expect(shell.calls("settings/set")).toEqual([]);
});

test("a change made elsewhere is shown", async () => {
  const { shell } = await open();
  await field("Unload after");
  const [, , unload] = SETTINGS;
  if (unload) {
    act(() => shell.notify({ method: "settings/changed", params: { ...unload, value: 5 } }));
  }
  await waitFor(async () => expect(await field("Unload after")).toHaveValue("5"));
});

test("a change that the sidecar refuses says why, stays as it was typed, and is asked for again with Retry", async () => {
  const kept = withSettings();
  let locked = true;
  const { person, shell } = await open({
    ...kept,
    "settings/set": (call) => {
      if (locked) {
        throw failure("store_failed", true);
      }
      return kept["settings/set"]?.(call) as Setting;
    },
  });
  const rest = await field("Rest after");
  await person.clear(rest);
  await person.type(rest, "90{Enter}");
  expect(await screen.findByRole("alert")).toHaveTextContent("The app's database cannot be written");
  expect(rest).toHaveValue("90");
  locked = false;
  await person.click(screen.getByRole("button", { name: "Retry" }));
  await screen.findByRole("button", { name: "Reset Rest after" });
  expect(screen.queryByRole("alert")).toBeNull();
  expect(rest).toHaveValue("90");
  const asked = { key: "restSeconds", value: 90 };
  expect(shell.calls("settings/set")).toEqual([asked, asked]);
});

test("language and theme are the same choices as in the menu", async () => {
  const { person, shell } = await open();
  await person.click(screen.getByRole("radio", { name: "Dark" }));
  expect(document.documentElement).toHaveAttribute("data-theme", "dark");
  await person.click(screen.getByRole("radio", { name: "中文" }));
  expect(await screen.findByRole("heading", { level: 2, name: "通用" })).toBeVisible();
  expect(shell.commands("shell_set")).toEqual([
    { change: { theme: "dark" } },
    { change: { language: "zh" } },
  ]);
  await person.keyboard("{Escape}");
  await person.click(await screen.findByRole("button", { name: "设置" }));
  expect(await screen.findByRole("menuitemradio", { name: "中文" })).toHaveAttribute("aria-checked", "true");
  expect(screen.getByRole("menuitemradio", { name: "深色" })).toHaveAttribute("aria-checked", "true");
});

test("closing the window ends the app, unless the person wants it to go on", async () => {
  const { person, shell } = await open();
  const closing = await screen.findByRole("switch", { name: "Keep running when the window is closed" });
  expect(closing).not.toBeChecked();
  await person.click(closing);
  expect(closing).toBeChecked();
  await waitFor(() => expect(shell.commands("shell_set")).toEqual([{ change: { hideOnClose: true } }]));
});
