import { act, screen, waitFor, within } from "@testing-library/react";
import { expect, test } from "vitest";
import type { SidecarState } from "@/rpc/shell";
import type { Script } from "../shell/replay";
import { failure, READY, withModel } from "../shell/sidecar";
import { expectNoAxeViolations, openWindow } from "../window";

const down = (kind: string): SidecarState => ({ state: "down", error: failure(kind, true) });

async function open(language: "en" | "zh" = "en", commands: Script["commands"] = {}) {
  const window = await openWindow({ answers: withModel(READY), preferences: { language }, commands });
  await screen.findByRole("textbox");
  const tell = (params: SidecarState) => act(() => window.shell.notify({ method: "shell/sidecar", params }));
  return { ...window, tell };
}

test("an engine that is not started any more can be restarted, until it runs", async () => {
  const { person, shell, tell } = await open();
  expect(screen.queryByRole("region", { name: "The engine does not run" })).toBeNull();
  tell(down("sidecar_unavailable"));
  const told = within(await screen.findByRole("region", { name: "The engine does not run" }));
  expect(told.getByRole("alert")).toHaveTextContent("It was started several times and ended each time.");
  expect(told.getByRole("button", { name: "Copy diagnostics" })).toBeVisible();
  await expectNoAxeViolations();
  await person.click(told.getByRole("button", { name: "Restart the engine" }));
  await waitFor(() => expect(shell.commands("engine_restart")).toHaveLength(1));
  tell({ state: "starting" });
  expect(screen.queryByRole("region", { name: "The engine does not run" })).toBeNull();
});

test("the details of one that refused to start are what it said last", async () => {
  const { person, tell } = await open();
  const said = "sidecar: the catalog:\n  no such file";
  tell({ state: "down", error: { ...failure("start_refused"), details: { exitCode: 64, stderr: said } } });
  const told = within(await screen.findByRole("region", { name: "The engine refused to start" }));
  expect(told.getByRole("alert")).toHaveTextContent("the details say why");
  await person.click(told.getByRole("button", { name: "Show details" }));
  expect(told.getByRole("region", { name: "Details" }).textContent).toBe(said);
  await expectNoAxeViolations();
});

test("the diagnostics are saved without it, and where they cannot be the reason is told", async () => {
  const ends: (() => boolean)[] = [
    () => {
      throw failure("file_unwritable");
    },
    () => false,
    () => true,
  ];
  const { person, shell, tell } = await open("en", { export_diagnostics: () => ends.shift()?.() });
  tell(down("sidecar_unavailable"));
  const told = within(await screen.findByRole("region", { name: "The engine does not run" }));
  const save = () => person.click(told.getByRole("button", { name: "Save diagnostics…" }));
  await save();
  expect(await told.findByText(/The file cannot be written there/)).toBeVisible();
  await save();
  await waitFor(() => expect(told.queryByText(/The file cannot be written there/)).toBeNull());
  await save();
  expect(await told.findByRole("button", { name: "Saved" })).toBeVisible();
  expect(shell.commands("export_diagnostics")).toHaveLength(3);
});

test("one that says why it does not start is told with its reason, in Chinese too", async () => {
  const { tell } = await open("zh");
  tell(down("database_refused"));
  const told = within(await screen.findByRole("region", { name: "无法使用应用的数据库" }));
  expect(told.getByRole("alert")).toHaveTextContent("请安装最新版本");
  expect(told.getByRole("button", { name: "重新启动引擎" })).toBeVisible();
});
