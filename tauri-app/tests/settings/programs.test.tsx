import { act, screen, waitFor, within } from "@testing-library/react";
import { expect, test } from "vitest";
import type { ProxyChoice, ProxyState } from "@/rpc/shell";
import { PROXY_OFF } from "../shell/replay";
import { failure } from "../shell/sidecar";
import { expectNoAxeViolations } from "../window";
import { openSettings } from "./page";

const ON: ProxyState = {
  ...PROXY_OFF,
  on: true,
  address: "http://127.0.0.1:60315/v1",
  tokenEnd: "a1b2",
  tokenKept: true,
};

type Commands = { [name: string]: (args: { choice?: unknown }) => unknown };

const open = (state: ProxyState, commands: Commands = {}) =>
  openSettings({}, "Other programs", { commands: { proxy_state: () => state, ...commands } });

const toggle = () => screen.findByRole("switch", { name: "Let programs on this computer ask" });

test("it is off, and switched on only if the person says yes in the system's dialog", async () => {
  let agrees = false;
  const { person, shell } = await open(PROXY_OFF, {
    proxy_set: ({ choice }) => (agrees ? { ...ON, ...(choice as ProxyChoice) } : PROXY_OFF),
  });
  await person.click(await toggle());
  expect(await toggle()).not.toBeChecked();
  expect(screen.queryByText("Token")).toBeNull();
  agrees = true;
  await person.click(await toggle());
  expect(await screen.findByText("http://127.0.0.1:60315/v1")).toBeVisible();
  expect(await toggle()).toBeChecked();
  const choice = { on: true, port: 60315, socket: false, origins: [] };
  expect(shell.commands("proxy_set")).toEqual([{ choice }, { choice }]);
  await expectNoAxeViolations();
});

test("of the token four characters are shown, and the shell copies it", async () => {
  const { person, shell } = await open(ON, { proxy_copy_token: () => true });
  expect(await screen.findByText("…a1b2")).toBeVisible();
  const copy = screen.getAllByRole("button", { name: "Copy" })[1];
  await person.click(copy as HTMLElement);
  expect(await screen.findByRole("button", { name: "Copied" })).toBeVisible();
  expect(shell.commands("proxy_copy_token")).toHaveLength(1);
});

test("a token that is not on the clipboard is not said to be", async () => {
  const answers = [() => true, () => false, () => Promise.reject(failure("internal_error")), () => true];
  const { person } = await open(ON, { proxy_copy_token: () => answers.shift()?.() });
  await screen.findByText("…a1b2");
  const copy = () =>
    person.click(screen.getAllByRole("button", { name: /^(Copy|Copied)$/ })[1] as HTMLElement);
  await copy();
  expect(await screen.findByRole("button", { name: "Copied" })).toBeVisible();
  for (const _ of [1, 2]) {
    await copy();
    expect(await screen.findByRole("alert")).toHaveTextContent("It could not be copied");
    expect(screen.queryByRole("button", { name: "Copied" })).toBeNull();
  }
  await copy();
  expect(await screen.findByRole("button", { name: "Copied" })).toBeVisible();
  expect(screen.queryByRole("alert")).toBeNull();
});

test("a token is renewed after a question, and stays where the keychain refuses", async () => {
  let closed = true;
  const { person } = await open(ON, {
    proxy_renew_token: () => {
      if (closed) {
        throw failure("keychain_unavailable");
      }
      return { ...ON, tokenEnd: "c3d4" };
    },
  });
  await person.click(await screen.findByRole("button", { name: "Renew…" }));
  const question = within(await screen.findByRole("alertdialog", { name: "Renew the token?" }));
  await person.click(question.getByRole("button", { name: "Renew" }));
  expect(await question.findByRole("alert")).toBeVisible();
  closed = false;
  await person.click(question.getByRole("button", { name: "Renew" }));
  expect(await screen.findByText("…c3d4")).toBeVisible();
  expect(screen.queryByText("…a1b2")).toBeNull();
});

test("while the keychain is waited for it says so, and then what there is", async () => {
  let state: ProxyState = { ...PROXY_OFF, on: true };
  await open(PROXY_OFF, { proxy_state: () => state });
  expect(await screen.findByText(/Starting …/)).toBeVisible();
  state = ON;
  expect(await screen.findByText("…a1b2", {}, { timeout: 10_000 })).toBeVisible();
  expect(screen.queryByText(/Starting …/)).toBeNull();
});

test.each([
  ["answer", (first: PromiseWithResolvers<ProxyState>) => first.resolve(ON)],
  ["refusal", (first: PromiseWithResolvers<ProxyState>) => first.reject(failure("internal_error"))],
])(
  "it is switched off by the keyboard while the keychain is waited for, and no late %s undoes that",
  async (_, late) => {
    const first = Promise.withResolvers<ProxyState>();
    const look = Promise.withResolvers<ProxyState>();
    const starting = { ...PROXY_OFF, on: true };
    const looks = [PROXY_OFF, starting];
    const { person, shell } = await open(PROXY_OFF, {
      proxy_state: () => looks.shift() ?? look.promise,
      proxy_set: ({ choice }) => ((choice as ProxyChoice).on ? first.promise : PROXY_OFF),
    });
    await person.click(await toggle());
    expect(await toggle()).toHaveAttribute("aria-disabled", "true");
    await person.keyboard(" ");
    expect(shell.commands("proxy_set")).toHaveLength(1);
    expect(await screen.findByText(/Starting …/, {}, { timeout: 10_000 })).toBeVisible();
    expect(await toggle()).toBeChecked();
    expect(await toggle()).toHaveAttribute("aria-disabled", "false");
    expect(screen.getByRole("textbox", { name: "Port" })).toBeDisabled();
    await waitFor(() => expect(shell.commands("proxy_state").length).toBeGreaterThan(2), { timeout: 10_000 });
    await expectNoAxeViolations();
    expect(await toggle()).toHaveFocus();
    await person.keyboard(" ");
    await waitFor(async () => expect(await toggle()).not.toBeChecked());
    await act(async () => {
      late(first);
      look.resolve(starting);
    });
    expect(await toggle()).not.toBeChecked();
    expect(screen.queryByText(/Starting …|Token/)).toBeNull();
    expect(screen.queryByRole("alert")).toBeNull();
    expect(screen.getByRole("textbox", { name: "Port" })).toBeEnabled();
    const choice = { on: true, port: 60315, socket: false, origins: [] };
    expect(shell.commands("proxy_set")).toEqual([{ choice }, { choice: { ...choice, on: false } }]);
  },
);

test("it is switched off as it is kept while the person is asked about a page", async () => {
  const { person, shell } = await open(ON, {
    proxy_set: ({ choice }) => ((choice as ProxyChoice).on ? new Promise(() => undefined) : PROXY_OFF),
  });
  await person.type(
    await screen.findByRole("textbox", { name: "Web pages that may ask" }),
    "https://a.b{Enter}",
  );
  expect(await toggle()).toHaveAttribute("aria-disabled", "false");
  await person.click(await toggle());
  await waitFor(async () => expect(await toggle()).not.toBeChecked());
  expect(shell.commands("proxy_set").at(-1)).toEqual({
    choice: { on: false, port: 60315, socket: false, origins: [] },
  });
});

test("what could not be kept is told, and what there is all the same is shown", async () => {
  let state: ProxyState = ON;
  const { person } = await open(ON, {
    proxy_state: () => state,
    proxy_set: () => {
      state = { ...PROXY_OFF, tokenEnd: "a1b2" };
      throw failure("disk_full");
    },
  });
  await person.click(await toggle());
  expect(await screen.findByRole("alert")).toBeVisible();
  await waitFor(async () => expect(await toggle()).not.toBeChecked());
});

test("a taken port is said where another can be chosen", async () => {
  const { person, shell } = await open(
    { ...PROXY_OFF, on: true, error: { ...failure("port_taken", true), details: { port: 60315 } } },
    { proxy_set: ({ choice }) => ({ ...ON, ...(choice as ProxyChoice) }) },
  );
  expect(await screen.findByRole("alert")).toHaveTextContent("Another program uses that place");
  const port = screen.getByRole("textbox", { name: "Port" });
  await person.clear(port);
  await person.type(port, "99999{Enter}");
  expect(screen.getByText("A port is a number from 1 to 65535.")).toBeVisible();
  expect(shell.commands("proxy_set")).toEqual([]);
  await person.clear(port);
  await person.type(port, "60316{Enter}");
  expect(await screen.findByText("Token")).toBeVisible();
  expect(shell.commands("proxy_set")).toEqual([
    { choice: { on: true, port: 60316, socket: false, origins: [] } },
  ]);
});

test.each([
  [{ port: 80 }, "at this port", "Choose another port, from 1024 up"],
  [{ path: "/data/api.sock" }, "at its socket", "The system refuses /data/api.sock"],
])(
  "a place that the system refuses is told with its words and with what helps (%o)",
  async (at, title, hint) => {
    const error = {
      ...failure("listen_refused"),
      details: { ...at, said: "Permission denied (os error 13)" },
    };
    await open({ ...PROXY_OFF, on: true, error });
    const alert = await screen.findByRole("alert");
    for (const text of [title, hint, "Permission denied (os error 13)"]) {
      expect(alert).toHaveTextContent(text);
    }
  },
);

test("a port that could not be kept is asked for again with Retry, and stays as it was typed", async () => {
  let full = true;
  const { person, shell } = await open(ON, {
    proxy_set: ({ choice }) => {
      if (full) {
        throw failure("disk_full");
      }
      return { ...ON, ...(choice as ProxyChoice), address: "http://127.0.0.1:60316/v1" };
    },
  });
  const port = await screen.findByRole("textbox", { name: "Port" });
  await person.clear(port);
  await person.type(port, "60316{Enter}");
  expect(await screen.findByRole("alert")).toBeVisible();
  expect(port).toHaveValue("60316");
  full = false;
  await person.click(screen.getByRole("button", { name: "Retry" }));
  expect(await screen.findByText("http://127.0.0.1:60316/v1")).toBeVisible();
  expect(screen.queryByRole("alert")).toBeNull();
  const choice = { on: true, port: 60316, socket: false, origins: [] };
  expect(shell.commands("proxy_set")).toEqual([{ choice }, { choice }]);
});

test("a token that the keychain did not take says for how long it holds", async () => {
  await open({ ...ON, tokenKept: false });
  expect(await screen.findByText(/this token is for this run only/)).toBeVisible();
});

test("web pages are listed one by one, each once the shell has taken it, and go again", async () => {
  const { person, shell } = await open(PROXY_OFF, {
    proxy_set: ({ choice }) => {
      const { origins } = choice as ProxyChoice;
      if (origins.includes("*")) {
        throw failure("origin_invalid");
      }
      // As the shell keeps them; the person says no to one.
      const kept = origins
        .map((origin) => origin.toLowerCase())
        .filter((origin) => origin !== "https://no.example");
      return { ...PROXY_OFF, origins: kept };
    },
  });
  const field = await screen.findByRole("textbox", { name: "Web pages that may ask" });
  const add = async (origin: string) => {
    await person.clear(field);
    await person.click(field);
    await person.paste(origin);
    await person.keyboard("{Enter}");
  };
  await add("*");
  expect(await screen.findByRole("alert")).toHaveTextContent("That is not the address of a web page");
  expect(field).toHaveValue("*");
  await add("https://no.example");
  expect(screen.queryByRole("alert")).toBeNull();
  expect(field).toHaveValue("https://no.example");
  await add("https://Notes.example");
  expect(await screen.findByText("https://notes.example")).toBeVisible();
  expect(field).toHaveValue("");
  await expectNoAxeViolations();
  await person.click(screen.getByRole("button", { name: "Remove https://notes.example" }));
  expect(screen.queryByText("https://notes.example")).toBeNull();
  expect(shell.commands("proxy_set").at(-1)).toEqual({
    choice: { on: false, port: 60315, socket: false, origins: [] },
  });
});
