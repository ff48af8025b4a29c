import { act, screen, waitFor, within } from "@testing-library/react";
import { expect, test, vi } from "vitest";
import { i18n } from "@/i18n";
import type { Answers, Script } from "../shell/replay";
import { failure } from "../shell/sidecar";
import { HOLDINGS, withStorage } from "../shell/storage";
import { expectNoAxeViolations } from "../window";
import { openSettings } from "./page";

const open = (answers: Answers = {}, script: Partial<Script> = {}) =>
  openSettings({ ...withStorage(), ...answers }, "Storage", script);

const row = async (name: string) => within(await screen.findByRole("listitem", { name }));

test("every kind that is there has its size, its places and what it is for", async () => {
  await open({}, { commands: { storage_outside: () => [{ place: "/Library/WebKit/app", bytes: 800_000 }] } });
  expect((await row("Model")).getByText("2.6 GB")).toBeVisible();
  expect((await row("Python environment")).getByText(/\/knowledge-focus\/cache\/uv$/)).toBeVisible();
  expect((await row("Window")).getByText("2.0 MB")).toBeVisible();
  expect((await row("Window")).getByText("/Library/WebKit/app")).toBeVisible();
  expect(screen.getByText("3.6 GB in all")).toBeVisible();
  expect(screen.queryByRole("listitem", { name: "Kernel cache" })).toBeNull();
  await expectNoAxeViolations();
});

test("only what can be spared can be cleared", async () => {
  await open();
  await row("Model");
  const names = screen
    .getAllByRole("button", { name: /^Clear / })
    .map((button) => button.getAttribute("aria-label"));
  expect(names).toEqual(["Clear Unfinished downloads…", "Clear Copies of the database…", "Clear Logs…"]);
});

test("a kind is cleared by keyboard, after a question, and the person reads what became free", async () => {
  const { person, shell } = await open();
  const button = (await row("Logs")).getByRole("button", { name: "Clear Logs…" });
  button.focus();
  await person.keyboard("{Enter}");
  const question = await screen.findByRole("alertdialog", { name: "Clear the logs?" });
  expect(within(question).getByText("About 4.1 MB become free.")).toBeVisible();
  expect(within(question).getByRole("button", { name: "Cancel" })).toHaveFocus();
  await expectNoAxeViolations();
  await person.keyboard("{Escape}");
  expect(shell.calls("storage/clear")).toEqual([]);
  expect(button).toHaveFocus();
  await person.keyboard("{Enter}");
  await person.click(await screen.findByRole("button", { name: "Clear" }));
  expect(await screen.findByText("4.1 MB freed.")).toBeVisible();
  expect(shell.calls("storage/clear")).toEqual([{ kind: "logs" }]);
  await waitFor(async () => expect((await row("Logs")).getByText("0 bytes")).toBeVisible());
  expect(screen.queryByRole("button", { name: "Clear Logs…" })).toBeNull();
});

test("a download that runs is not cleared, and the person reads why", async () => {
  const { person } = await open({
    "storage/clear": () => {
      throw { ...failure("model_in_use", true), details: { reason: "downloading" } };
    },
  });
  await person.click(await screen.findByRole("button", { name: "Clear Unfinished downloads…" }));
  await person.click(await screen.findByRole("button", { name: "Clear" }));
  expect(await screen.findByRole("alert")).toHaveTextContent("The model is in use right now");
  expect(screen.getByRole("alertdialog")).toBeVisible();
});

test("copies of the database are made anew, also where nothing becomes free by that", async () => {
  const { person, shell } = await open();
  await person.click(await screen.findByRole("button", { name: "Clear Copies of the database…" }));
  expect(screen.queryByText(/become free/)).toBeNull();
  await person.click(await screen.findByRole("button", { name: "Clear" }));
  expect(await screen.findByText("Cleared.")).toBeVisible();
  expect(shell.calls("storage/clear")).toEqual([{ kind: "copies" }]);
});

test("what changes while it is looked at is shown", async () => {
  let holdings = [...HOLDINGS];
  const { shell } = await open({ "storage/usage": () => ({ holdings }) });
  await row("Unfinished downloads");
  holdings = holdings.filter(({ kind }) => kind !== "partial");
  act(() => shell.notify({ method: "shell/sidecar", params: { state: "ready" } }));
  await waitFor(() => expect(screen.queryByRole("listitem", { name: "Unfinished downloads" })).toBeNull());
});

test("a place can be copied", async () => {
  const { person } = await open();
  const write = vi.spyOn(navigator.clipboard, "writeText");
  await person.click(await screen.findByRole("button", { name: /^Copy the path .*\/copies$/ }));
  expect(write).toHaveBeenCalledWith("/home/a/.local/share/knowledge-focus/copies");
  expect(await screen.findByText("Copied", { selector: "[role=status]" })).toBeInTheDocument();
});

test("everything is erased only after the person has said so twice", async () => {
  const { person, shell } = await open({}, { commands: { erase_everything: () => new Promise(() => {}) } });
  await person.click(await screen.findByRole("button", { name: "Erase everything…" }));
  const question = within(await screen.findByRole("alertdialog", { name: "Erase everything?" }));
  expect(question.getByText(/their keys in the system's keychain/)).toBeVisible();
  const confirm = question.getByRole("button", { name: "Erase and close" });
  expect(confirm).toBeDisabled();
  await expectNoAxeViolations();
  await person.click(question.getByRole("checkbox", { name: "I understand that this cannot be undone." }));
  await person.click(confirm);
  expect(await screen.findByText(/The app closes by itself/)).toBeVisible();
  await person.keyboard("{Escape}");
  expect(screen.getByText(/The app closes by itself/)).toBeVisible();
  expect(shell.commands("erase_everything")).toEqual([{ withoutKeys: false }]);
});

test("whoever says no to the system's own question is back at the one before", async () => {
  const { person } = await open({}, { commands: { erase_everything: () => false } });
  await person.click(await screen.findByRole("button", { name: "Erase everything…" }));
  await person.click(await screen.findByRole("checkbox"));
  await person.click(screen.getByRole("button", { name: "Erase and close" }));
  expect(await screen.findByRole("button", { name: "Erase and close" })).toBeEnabled();
  expect(screen.queryByText(/The app closes by itself/)).toBeNull();
});

test("keys that cannot be removed are told, and all else is erased only if the person wants it so", async () => {
  let closed = true;
  const { person, shell } = await open(
    {},
    {
      commands: {
        erase_everything: () => {
          if (closed) {
            throw failure("keychain_unavailable");
          }
          return new Promise(() => {});
        },
      },
    },
  );
  await person.click(await screen.findByRole("button", { name: "Erase everything…" }));
  await person.click(await screen.findByRole("checkbox"));
  await person.click(screen.getByRole("button", { name: "Erase and close" }));
  expect(await screen.findByRole("alert")).toHaveTextContent("Nothing has been erased");
  closed = false;
  await person.click(screen.getByRole("button", { name: "Erase all else and close" }));
  expect(await screen.findByText(/The app closes by itself/)).toBeVisible();
  expect(shell.commands("erase_everything")).toEqual([{ withoutKeys: false }, { withoutKeys: true }]);
});

test.each([
  ["en", "Another program uses the data folder", "Stop “knowledge-focus serve” first"],
  ["zh", "另一个程序正在使用数据文件夹", "knowledge-focus serve"],
])(
  "a program that uses the folder meanwhile is told, and what to do, in %s",
  async (language, title, hint) => {
    const inUse = { ...failure("data_folder_in_use", true), details: { during: "erasing" } };
    const { person } = await open(
      {},
      {
        commands: {
          erase_everything: () => {
            throw inUse;
          },
        },
      },
    );
    await person.click(await screen.findByRole("button", { name: "Erase everything…" }));
    await person.click(await screen.findByRole("checkbox"));
    await person.click(screen.getByRole("button", { name: "Erase and close" }));
    const note = await screen.findByRole("alert");
    await act(() => i18n.changeLanguage(language));
    expect(note).toHaveTextContent(title);
    expect(note).toHaveTextContent(hint);
  },
);

test("without a sidecar everything can still be erased, in Chinese, too", async () => {
  const { person } = await open({
    "storage/usage": () => {
      throw failure("sidecar_unavailable", true);
    },
  });
  expect(await screen.findByRole("alert")).toBeVisible();
  await act(() => i18n.changeLanguage("zh"));
  await person.click(screen.getByRole("button", { name: "抹掉所有内容…" }));
  expect(await screen.findByRole("alertdialog", { name: "抹掉所有内容？" })).toBeVisible();
  await expectNoAxeViolations();
});
