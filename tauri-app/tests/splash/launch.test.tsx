/** The stages of a launch before and after the model, in the whole window. */
import { act, fireEvent, screen, waitFor, within } from "@testing-library/react";
import { afterEach, expect, test, vi } from "vitest";
import { ENVIRONMENT } from "../shell/replay";
import { assignments, computer, failure, MODEL, modelStatus, READY, withModel } from "../shell/sidecar";
import { expectNoAxeViolations, type OpenWindow, openWindow } from "../window";

const chat = () => screen.findByRole("textbox", { name: "Message" });

afterEach(() => {
  vi.useRealTimers();
});

function environment({ shell }: OpenWindow, part: Partial<typeof ENVIRONMENT>) {
  act(() => shell.notify({ method: "shell/environment", params: { ...ENVIRONMENT, ...part } }));
}

const SYNCING = {
  state: "syncing" as const,
  source: "https://pypi.org/simple",
  bytes: 210_000_000,
  lines: ["Downloading mlx (40.1MiB)"],
} satisfies Partial<typeof ENVIRONMENT>;

/** A window whose Python environment is being made. */
const first = (commands = {}) =>
  openWindow({
    answers: withModel(READY),
    sidecar: { state: "starting" },
    environment: { state: "checking" },
    commands,
  });

test("the environment is made first, and what comes over the network is told", async () => {
  const window = await first();
  expect(await screen.findByRole("status")).toHaveTextContent("Initializing Python environment…");
  environment(window, SYNCING);
  expect(screen.getByText("Parts of the app are fetched once: 210 MB, from pypi.org.")).toBeVisible();
  expect(screen.queryByRole("region", { name: "Details" })).toBeNull();
  environment(window, { state: "ready" });
  expect(screen.getByRole("status")).toHaveTextContent("Starting engine…");
  act(() => window.shell.notify({ method: "shell/sidecar", params: { state: "ready" } }));
  expect(await chat()).toBeVisible();
});

test("whoever gave all four jobs to other models enters without the built-in one", async () => {
  await openWindow({ answers: withModel({}, { "capabilities/list": () => assignments(false) }) });
  expect(await chat()).toBeVisible();
});

test("an environment that hears nothing unfolds the details and can be had from elsewhere, or be stopped", async () => {
  const window = await first();
  environment(window, { ...SYNCING, state: "slow" });
  expect(await screen.findByRole("alert")).toHaveTextContent("Nothing has arrived for a while");
  expect(screen.getByRole("region", { name: "Details" })).toHaveTextContent("Downloading mlx (40.1MiB)");
  for (const variable of ["UV_DEFAULT_INDEX", "UV_PYTHON_INSTALL_MIRROR"]) {
    expect(screen.getByText(`The environment variable ${variable} does the same.`)).toBeVisible();
  }
  await expectNoAxeViolations();
  const field = screen.getByRole("textbox", { name: /Package source/ });
  await window.person.type(field, "https://mirror.example/simple{Enter}");
  expect(window.shell.commands("environment_retry")).toEqual([
    { index: "https://mirror.example/simple", python: "" },
  ]);
  await window.person.click(screen.getByRole("button", { name: "Stop" }));
  expect(window.shell.commands("environment_cancel")).toHaveLength(1);
});

test("an environment that failed says why and begins again from where the person says, also for Python itself", async () => {
  const window = await first();
  environment(window, { ...SYNCING, state: "failed", error: failure("environment_index_unreachable", true) });
  expect(await screen.findByRole("alert")).toHaveTextContent("The source of the app's parts does not answer");
  expect(screen.getByText(/UV_PYTHON_INSTALL_MIRROR/)).toBeVisible();
  await expectNoAxeViolations();
  await window.person.type(screen.getByRole("textbox", { name: /Python itself/ }), "https://p.example");
  await window.person.click(screen.getByRole("button", { name: "Retry" }));
  expect(window.shell.commands("environment_retry")).toEqual([{ index: "", python: "https://p.example" }]);
});

test.each(["environment_index_unreachable", "environment_index_failed"])(
  "an environment for which Python itself did not come says so, and not that packages did not (%s)",
  async (kind) => {
    const window = await first();
    const error = (interpreter: boolean) => ({ ...failure(kind, true), details: { lines: [], interpreter } });
    environment(window, { state: "failed", error: error(true) });
    const said = await screen.findByRole("alert");
    expect(said).toHaveTextContent("Python itself could not be fetched");
    expect(said).not.toHaveTextContent("package source");
    environment(window, { state: "failed", error: error(false) });
    expect(screen.getByRole("alert")).toHaveTextContent("another package source");
  },
);

test("what is being typed stays where it is, whatever is heard of the environment meanwhile", async () => {
  const window = await first();
  environment(window, { ...SYNCING, state: "slow" });
  const field = await screen.findByRole("textbox", { name: /Package source/ });
  await window.person.type(field, "https://mirror");
  for (const state of ["syncing", "failed", "checking", "slow"] as const) {
    environment(window, {
      ...SYNCING,
      state,
      ...(state === "failed" && { error: failure("environment_failed") }),
    });
    expect(field).toBeInTheDocument();
    expect(field).toHaveFocus();
  }
  await window.person.type(field, ".example{Enter}");
  expect(window.shell.commands("environment_retry")).toEqual([
    { index: "https://mirror.example", python: "" },
  ]);
});

test("the fields begin with the addresses that the last attempt went by", async () => {
  const window = await first();
  const mirrors = { index: "https://a.example/simple", python: "https://b.example" };
  environment(window, { state: "failed", error: failure("environment_failed"), mirrors });
  expect(await screen.findByRole("textbox", { name: /Package source/ })).toHaveValue(mirrors.index);
  expect(screen.getByRole("textbox", { name: /Python itself/ })).toHaveValue(mirrors.python);
});

test.each([
  ["index", /Package source/, /Python itself/],
  ["python", /Python itself/, /Package source/],
])("an address that the shell refuses is said at its field (%s)", async (name, label, other) => {
  const refuse = () =>
    Promise.reject({ ...failure("environment_address_invalid"), details: { field: name } });
  const window = await first({ environment_retry: refuse });
  environment(window, { state: "failed", error: failure("environment_failed") });
  const field = await screen.findByRole("textbox", { name: label });
  await window.person.type(field, "http://mirror.example{Enter}");
  await waitFor(() => expect(field).toBeInvalid());
  expect(field).toHaveAccessibleDescription(/must begin with https/);
  expect(screen.getByRole("textbox", { name: other })).toBeValid();
});

test("an engine that does not come up in 90 seconds unfolds the details with a hint", async () => {
  vi.useFakeTimers({ shouldAdvanceTime: true });
  const window = await first();
  environment(window, { state: "ready" });
  await act(() => vi.advanceTimersByTimeAsync(89_000));
  expect(screen.queryByRole("alert")).toBeNull();
  await act(() => vi.advanceTimersByTimeAsync(1_500));
  expect(screen.getByRole("alert")).toHaveTextContent("This takes longer than usual");
  expect(screen.getByRole("region", { name: "Details" })).toHaveTextContent("engine: starting");
});

test("an engine that is slow is ended and started again with Retry, and may be slow again", async () => {
  vi.useFakeTimers({ shouldAdvanceTime: true });
  const window = await first();
  environment(window, { state: "ready" });
  for (const times of [1, 2]) {
    await act(() => vi.advanceTimersByTimeAsync(90_500));
    fireEvent.click(screen.getByRole("button", { name: "Retry" }));
    expect(window.shell.commands("engine_restart")).toHaveLength(times);
    expect(screen.queryByRole("alert")).toBeNull();
  }
});

test("a check of the model that hears nothing asks again with Retry", async () => {
  vi.useFakeTimers({ shouldAdvanceTime: true });
  let silent = true;
  const window = await openWindow({
    answers: withModel(READY, {
      "models/list": () => (silent ? new Promise<never>(() => undefined) : { models: [MODEL] }),
    }),
  });
  await waitFor(() => expect(screen.getByRole("status")).toHaveTextContent("Checking built-in model…"));
  await act(() => vi.advanceTimersByTimeAsync(30_500));
  silent = false;
  fireEvent.click(screen.getByRole("button", { name: "Retry" }));
  expect(await chat()).toBeVisible();
  expect(window.shell.calls("models/list")).toHaveLength(2);
});

test("an engine that does not run in an environment of the app's own can have it repaired", async () => {
  const window = await first();
  environment(window, { state: "ready" });
  const error = failure("sidecar_unavailable", true);
  act(() => window.shell.notify({ method: "shell/sidecar", params: { state: "down", error } }));
  const repair = await screen.findByRole("button", { name: "Repair" });
  expect(repair).toHaveAccessibleDescription(/Installs the app's parts again/);
  await expectNoAxeViolations();
  await window.person.click(repair);
  expect(window.shell.commands("environment_repair")).toHaveLength(1);
  environment(window, SYNCING);
  expect(screen.getByRole("status")).toHaveTextContent("Initializing Python environment…");
});

test.each([
  ["start_refused", true],
  ["sidecar_unavailable", false],
] as const)("nothing is repaired where that cannot help (%s, own: %s)", async (kind, own) => {
  const window = await first();
  environment(window, { state: "ready", own });
  act(() =>
    window.shell.notify({ method: "shell/sidecar", params: { state: "down", error: failure(kind) } }),
  );
  expect(await screen.findByRole("button", { name: "Retry" })).toBeVisible();
  expect(screen.queryByRole("button", { name: "Repair" })).toBeNull();
});

test("the computer, and whether the model runs on it, stand beside what will be downloaded", async () => {
  await openWindow({ answers: withModel() });
  expect(await screen.findByText("Apple M3")).toBeVisible();
  expect(screen.getByText("macOS 15.1 · 17.2 GB of memory")).toBeVisible();
  expect(screen.getByText("The model will run well on this computer.")).toBeVisible();
  expect(screen.getByText("Answers should come at about 14 words a second.")).toBeVisible();
});

test("a computer that cannot run the model is told before anything is downloaded", async () => {
  const fit = { verdict: "unable", reasons: ["disk_too_small", "memory_too_small"] } as const;
  await openWindow({
    answers: withModel({}, { "computer/describe": () => computer({ ...fit, reasons: [...fit.reasons] }) }),
  });
  const alert = await screen.findByRole("alert");
  expect(alert).toHaveTextContent("The model cannot run on this computer.");
  expect(alert).toHaveTextContent("2.6 GB must still come and 1 GB must stay free, but only 120 GB is free");
  expect(screen.queryByRole("button", { name: "Download" })).toBeNull();
  expect(screen.queryByRole("button", { name: /I have the model already/ })).toBeNull();
  expect(alert).not.toHaveTextContent("words a second");
  await expectNoAxeViolations();
});

test("who has made room on the disk checks again, without a restart, and can then download", async () => {
  let full = true;
  const window = await openWindow({
    answers: withModel(
      {},
      {
        "computer/describe": () =>
          full ? computer({ verdict: "unable", reasons: ["disk_too_small"] }) : computer(),
      },
    ),
  });
  const again = await screen.findByRole("button", { name: "Check again" });
  full = false;
  await window.person.click(again);
  expect(await screen.findByRole("button", { name: "Download" })).toBeEnabled();
  expect(screen.queryByRole("alert")).toBeNull();
});

test("an environment that the person stopped says so, and goes on with Retry", async () => {
  const window = await first();
  environment(window, { ...SYNCING, state: "failed", error: failure("request_cancelled") });
  expect(await screen.findByRole("alert")).toHaveTextContent("You stopped the installation");
  await window.person.click(screen.getByRole("button", { name: "Retry" }));
  expect(window.shell.commands("environment_retry")).toEqual([{ index: "", python: "" }]);
});

test("a folder that holds the model is taken instead of a download", async () => {
  const window = await openWindow({
    answers: withModel({}, { "models/import": () => modelStatus({ state: "downloading" }) }),
    commands: { pick_folder: () => "/home/a/model" },
  });
  await window.person.click(await screen.findByRole("button", { name: /I have the model already/ }));
  expect(await screen.findByRole("heading", { name: "Taking over Qwen3-VL 4B (3-bit)" })).toBeVisible();
  expect(window.shell.calls("models/import")).toEqual([{ modelId: MODEL.id, path: "/home/a/model" }]);
  expect(window.shell.calls("models/download")).toEqual([]);
});

test("a folder without the model is refused with the reason, and the choice is there again", async () => {
  const refused = {
    ...failure("import_refused"),
    details: { reason: "incomplete", file: "model.safetensors" },
  };
  const window = await openWindow({
    answers: withModel({}, { "models/import": () => Promise.reject(refused) }),
    commands: { pick_folder: () => "/home/a/model" },
  });
  await window.person.click(await screen.findByRole("button", { name: /I have the model already/ }));
  expect(await screen.findByText("The model in this folder is not complete")).toBeVisible();
  expect(screen.getByRole("button", { name: "Download" })).toBeEnabled();
  await expectNoAxeViolations();
});

test("the late answer of an import that was cancelled does not touch the download begun since", async () => {
  let answer: (error: unknown) => void = () => undefined;
  const window = await openWindow({
    answers: withModel({}, { "models/import": () => new Promise<never>((_, reject) => (answer = reject)) }),
    commands: { pick_folder: () => "/mnt/network/model" },
  });
  await window.person.click(await screen.findByRole("button", { name: /I have the model already/ }));
  await window.person.click(await screen.findByRole("button", { name: "Cancel" }));
  await window.person.click(await screen.findByRole("button", { name: "Continue download" }));
  const heading = await screen.findByRole("heading", { name: /Downloading/ });
  await act(async () => answer(failure("cancelled")));
  expect(heading).toBeVisible();
  expect(screen.getByRole("button", { name: "Cancel" })).toBeEnabled();
});

test("who chooses no folder stays where they are", async () => {
  const window = await openWindow({ answers: withModel() });
  await window.person.click(await screen.findByRole("button", { name: /I have the model already/ }));
  expect(window.shell.calls("models/import")).toEqual([]);
  expect(screen.getByRole("button", { name: "Download" })).toBeVisible();
});

test("denied disk access is explained, can be checked again, and can wait", async () => {
  let granted = false;
  const window = await openWindow({
    answers: withModel(READY),
    commands: { disk_access: () => granted },
  });
  expect(await screen.findByRole("heading", { name: "Let the app read your files?" })).toBeVisible();
  await expectNoAxeViolations();
  await window.person.click(screen.getByRole("button", { name: "Open System Settings" }));
  expect(window.shell.commands("disk_access_settings")).toHaveLength(1);
  await window.person.click(screen.getByRole("button", { name: "Check again" }));
  expect(await screen.findByRole("button", { name: "Later" })).toBeVisible();
  granted = true;
  await window.person.click(screen.getByRole("button", { name: "Open System Settings" }));
  await window.person.click(screen.getByRole("button", { name: "Check again" }));
  expect(await chat()).toBeVisible();
});

test("disk access is not needed to chat", async () => {
  const window = await openWindow({ answers: withModel(READY), commands: { disk_access: () => false } });
  await window.person.click(await screen.findByRole("button", { name: "Later" }));
  expect(await chat()).toBeVisible();
  expect(window.shell.calls("library/scan")).toEqual([{}]);
});

test("a scan that fails keeps nobody out", async () => {
  const window = await openWindow({
    answers: withModel(READY, { "library/scan": () => Promise.reject(failure("internal_error")) }),
  });
  expect(await screen.findByRole("alert")).toHaveTextContent("Something went wrong inside the app");
  await window.person.click(screen.getByRole("button", { name: "Retry" }));
  await waitFor(() => expect(window.shell.calls("library/scan")).toHaveLength(2));
  await window.person.click(await screen.findByRole("button", { name: "Go on without it" }));
  expect(await chat()).toBeVisible();
});

test("the diagnostics can be copied from the details", async () => {
  const window = await openWindow({ answers: withModel() });
  await window.person.click(await screen.findByRole("button", { name: "Show details" }));
  await window.person.click(screen.getByRole("button", { name: "Copy diagnostics" }));
  expect(await screen.findByRole("button", { name: "Copied" })).toBeVisible();
  expect(screen.getByText("Copied", { selector: "[role=status]" })).toBeInTheDocument();
  const copied = await navigator.clipboard.readText();
  expect(copied).toContain("Knowledge Focus 0.1.0");
  expect(copied).toContain(`checked absent ${MODEL.repository}`);
});

test("what the engine said last is shown, and is not copied", async () => {
  const window = await openWindow({
    answers: withModel(),
    commands: { diagnostics: ({ lines }) => `as the shell has it: ${lines}` },
  });
  const stderr = "Traceback: /home/anna/x.py: what a library says";
  const error = { ...failure("start_refused"), details: { exitCode: 64, stderr } };
  act(() => window.shell.notify({ method: "shell/sidecar", params: { state: "down", error } }));
  expect(await screen.findByRole("region", { name: "Details" })).toHaveTextContent(stderr);
  await window.person.click(screen.getByRole("button", { name: "Copy diagnostics" }));
  expect(await screen.findByRole("button", { name: "Copied" })).toBeVisible();
  const copied = await navigator.clipboard.readText();
  expect(copied).toMatch(/^as the shell has it: .*start_refused.* \{"exitCode":64\}/s);
  expect(copied).not.toContain("Traceback");
});

test("nothing is copied that the shell has not cleared of whose computer it is, and the person is told", async () => {
  let refuses = true;
  const diagnostics = () => (refuses ? Promise.reject(failure("internal_error")) : "as the shell has it");
  const window = await openWindow({ answers: withModel(), commands: { diagnostics } });
  await window.person.click(await screen.findByRole("button", { name: "Show details" }));
  await window.person.click(screen.getByRole("button", { name: "Copy diagnostics" }));
  expect(await screen.findByRole("alert")).toHaveTextContent("Nothing was copied. Please retry.");
  expect(screen.queryByRole("button", { name: "Copied" })).toBeNull();
  await expect(navigator.clipboard.readText()).rejects.toMatchObject({ kind: "internal_error" });
  refuses = false;
  await window.person.click(screen.getByRole("button", { name: "Copy diagnostics" }));
  expect(await screen.findByRole("button", { name: "Copied" })).toBeVisible();
  expect(screen.queryByRole("alert")).toBeNull();
});

const problems = (help: HTMLElement) =>
  within(help)
    .getAllByRole("region")
    .map((problem) => within(problem).getByRole("heading").textContent);

test("the help names the four problems in Chinese, too", async () => {
  const window = await openWindow({ answers: withModel(), preferences: { language: "zh" } });
  await window.person.click(await screen.findByRole("button", { name: "帮助" }));
  expect(problems(await screen.findByRole("dialog", { name: "帮助" }))).toEqual([
    "下载一直停在 0%",
    "下载完成，但无法进入主界面",
    "没有回答，或等待时间很长",
    "为文件添加标签时，对话需要等待",
  ]);
});

test("with a broken environment the help looks for a newer version, and the menu has the languages", async () => {
  const window = await first({ update_check: () => null });
  environment(window, { state: "failed", error: failure("environment_failed") });
  await window.person.click(await screen.findByRole("button", { name: "Help" }));
  const help = within(await screen.findByRole("dialog", { name: "Help" }));
  expect(window.shell.commands("update_check")).toEqual([]);
  await window.person.click(help.getByRole("button", { name: "Check for updates" }));
  expect(await help.findByText("This is the newest version.")).toBeVisible();
  await expectNoAxeViolations();
  await window.person.keyboard("{Escape}");
  await window.person.click(screen.getByRole("button", { name: "Settings" }));
  await window.person.click(await screen.findByRole("menuitemradio", { name: "中文" }));
  expect(await screen.findByRole("button", { name: "帮助" })).toBeVisible();
});

test("the help lies over the window, is left with Escape, and gives the focus back", async () => {
  const window = await openWindow({ answers: withModel() });
  const button = await screen.findByRole("button", { name: "Help" });
  await window.person.click(button);
  const help = await screen.findByRole("dialog", { name: "Help" });
  expect(problems(help)).toEqual([
    "The download stays at 0 %",
    "The download is complete, but the app does not open",
    "An answer does not come, or takes very long",
    "A chat waits while files are being tagged",
  ]);
  expect(await screen.findByText(/builtin_models.*\/home\/a\/\.local/)).toBeVisible();
  expect(button.closest("[inert]")).not.toBeNull();
  await expectNoAxeViolations();
  await window.person.keyboard("{Escape}");
  expect(screen.queryByRole("dialog")).toBeNull();
  await waitFor(() => expect(button).toHaveFocus());
  expect(button.closest("[inert]")).toBeNull();
});
