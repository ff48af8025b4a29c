import { act, screen, waitFor, within } from "@testing-library/react";
import { afterEach, expect, test, vi } from "vitest";
import type { ComputerDescription } from "@/rpc/gen/protocol";
import { computer, downloadEvent, failure, MODEL, modelStatus, READY, withModel } from "../shell/sidecar";
import { expectNoAxeViolations, type OpenWindow, openWindow } from "../window";

afterEach(() => {
  vi.useRealTimers();
});

const download = () => screen.findByRole("button", { name: "Download" });

function progress({ shell }: OpenWindow, part: Parameters<typeof downloadEvent>[0] = {}) {
  act(() => shell.notify({ method: "builtin-model-download-progress", params: downloadEvent(part) }));
}

function fail({ shell }: OpenWindow, kind: string, details?: Record<string, unknown>) {
  const event = downloadEvent({ status: "failed", message: `it was ${kind}`, ...(details && { details }) });
  act(() => shell.notify({ method: "builtin-model-download-failed", params: { ...event, kind } }));
}

test("nothing is downloaded before the person agrees to what, from where and how large", async () => {
  const { shell, person } = await openWindow({ answers: withModel() });
  const button = await download();
  expect(screen.getByText("Qwen3-VL 4B (3-bit)")).toBeVisible();
  expect(screen.getByText("huggingface.co")).toBeVisible();
  expect(screen.getByText("2.6 GB")).toBeVisible();
  expect(shell.calls("models/download")).toEqual([]);
  await person.click(button);
  expect(shell.calls("models/download")).toEqual([{ modelId: MODEL.id, mirror: "https://huggingface.co" }]);
});

test("nothing can be pressed before this computer is described, which moves what is below", async () => {
  let describe: (answer: ComputerDescription) => void = () => undefined;
  const answers = {
    "computer/describe": () => new Promise<ComputerDescription>((resolve) => (describe = resolve)),
  };
  await openWindow({ answers: withModel({}, answers) });
  expect(await download()).toBeDisabled();
  expect(screen.getByRole("button", { name: /I have the model already/ })).toBeDisabled();
  await act(async () => describe(computer()));
  expect(await download()).toBeEnabled();
});

test("a download shows bytes, speed and time left", async () => {
  const window = await openWindow({ answers: withModel() });
  await window.person.click(await download());
  progress(window);
  expect(screen.getByText("1.2 GB of 2.6 GB")).toBeVisible();
  expect(screen.getByText("18.4 MB/s · about 1 minute left")).toBeVisible();
  const bar = screen.getByRole("progressbar", { name: "Download progress" });
  expect(bar).toHaveAttribute("aria-valuenow", "46.2");
  expect(bar).toHaveAttribute("aria-valuetext", "46%, 1.2 GB of 2.6 GB");
});

test("the texts of a download are in the person's language", async () => {
  const window = await openWindow({ answers: withModel(), preferences: { language: "zh" } });
  await window.person.click(await screen.findByRole("button", { name: "下载" }));
  progress(window);
  expect(screen.getByText("1.2 GB / 2.6 GB")).toBeVisible();
  expect(screen.getByText("18.4 MB/秒 · 大约还需 1分钟")).toBeVisible();
  expect(document.documentElement).toHaveAttribute("lang", "zh-CN");
});

test("a completed download opens the chat", async () => {
  const window = await openWindow({ answers: withModel() });
  await window.person.click(await download());
  const params = downloadEvent({ status: "completed", progress: 100 });
  act(() => window.shell.notify({ method: "builtin-model-download-completed", params }));
  expect(await screen.findByRole("textbox", { name: "Message" })).toHaveFocus();
});

test("a model that is on disk opens the chat at once", async () => {
  const { shell } = await openWindow({ answers: withModel(READY) });
  await screen.findByRole("textbox", { name: "Message" });
  expect(shell.calls("models/download")).toEqual([]);
});

test("an interrupted download goes on with what is left", async () => {
  await openWindow({ answers: withModel({ state: "partial", downloadedBytes: 1_200_000_000 }) });
  expect(await screen.findByRole("button", { name: "Continue download" })).toBeVisible();
  expect(screen.getByText("1.4 GB of 2.6 GB left")).toBeVisible();
});

test("a cancelled download comes back to the consent", async () => {
  const window = await openWindow({ answers: withModel() });
  await window.person.click(await download());
  progress(window);
  await window.person.click(screen.getByRole("button", { name: "Cancel" }));
  expect(window.shell.calls("models/cancelDownload")).toEqual([{ modelId: MODEL.id }]);
  expect(await screen.findByRole("button", { name: "Continue download" })).toBeVisible();
});

test.each([
  ["en", "3.7 GB must be free, but only 2.5 GB is."],
  ["zh", "需要 3.7 GB 可用空间，目前仅剩 2.5 GB。"],
] as const)(
  "a disk that is full says in %s how much must be free and how much is",
  async (language, hint) => {
    const window = await openWindow({ answers: withModel(), preferences: { language } });
    await window.person.click(await screen.findByRole("button", { name: /^(Download|下载)$/ }));
    fail(window, "disk_full", { needed_bytes: 3_700_000_000, free_bytes: 2_500_000_000 });
    expect(await screen.findByRole("alert")).toHaveTextContent(hint);
  },
);

test("a failed download says why, and goes on from another mirror that the person chooses", async () => {
  const window = await openWindow({ answers: withModel() });
  await window.person.click(await download());
  expect(screen.queryByRole("radiogroup")).toBeNull();
  fail(window, "mirror_unreachable");
  expect(await screen.findByRole("alert")).toHaveTextContent("The source cannot be reached");
  expect(screen.getByRole("radio", { name: "huggingface.co" })).toBeChecked();
  await window.person.click(screen.getByRole("radio", { name: "hf-mirror.com" }));
  await window.person.click(screen.getByRole("button", { name: "Retry" }));
  expect(window.shell.calls("models/download").at(-1)).toMatchObject({ mirror: "https://hf-mirror.com" });
  expect(await screen.findByRole("progressbar", { name: "Download progress" })).toBeVisible();
});

test("the last event of progress, which tells an end that was heard of before, is no sign of a new download", async () => {
  const window = await openWindow({ answers: withModel() });
  await window.person.click(await download());
  fail(window, "mirror_unreachable");
  await window.person.click(await screen.findByRole("button", { name: "Retry" }));
  await screen.findByRole("progressbar", { name: "Download progress" });
  progress(window, { status: "failed" });
  expect(screen.getByRole("status")).toHaveTextContent(/^Connecting to /);
});

test("a source that breaks off and does not resume is said to be that", async () => {
  const window = await openWindow({ answers: withModel() });
  await window.person.click(await download());
  fail(window, "mirror_unreachable", { mirror: "https://huggingface.co", resumes: false });
  expect(await screen.findByRole("alert")).toHaveTextContent("It sends each file from its start again");
});

test("a mirror can be typed in, and must be an address", async () => {
  const window = await openWindow({ answers: withModel() });
  await window.person.click(await download());
  fail(window, "mirror_not_found");
  await window.person.click(await screen.findByRole("radio", { name: "Another address" }));
  const field = screen.getByRole("textbox", { name: "Address of the mirror" });
  for (const address of ["models.example", "http://models.example", "https://a:b@models.example"]) {
    await window.person.clear(field);
    await window.person.type(field, `${address}{Enter}`);
    expect(field).toBeInvalid();
  }
  expect(field).toHaveAccessibleDescription(
    "Enter an address that begins with https://, without user name or password.",
  );
  expect(window.shell.calls("models/download")).toHaveLength(1);
  await window.person.clear(field);
  await window.person.type(field, "https://models.example{Enter}");
  expect(window.shell.calls("models/download").at(-1)).toMatchObject({ mirror: "https://models.example" });
});

test("a refused download is an error with Retry", async () => {
  const { person } = await openWindow({
    answers: withModel({}, { "models/download": () => Promise.reject(failure("disk_full")) }),
  });
  await person.click(await download());
  expect(await screen.findByRole("alert")).toHaveTextContent("There is not enough space on the disk");
});

test("an error unfolds the details with what the program says", async () => {
  const window = await openWindow({ answers: withModel() });
  await window.person.click(await download());
  fail(window, "mirror_failed");
  const details = await screen.findByRole("region", { name: "Details" });
  expect(within(details).getByText(/mirror_failed: it was mirror_failed/)).toBeVisible();
  expect(within(details).getByText(/not downloaded/)).toBeVisible();
  await window.person.click(screen.getByRole("button", { name: "Hide details" }));
  expect(screen.queryByRole("region", { name: "Details" })).toBeNull();
});

test("a sidecar that does not answer can be asked again", async () => {
  let asked = 0;
  const { person } = await openWindow({
    answers: withModel(READY, {
      "models/list": () => {
        asked += 1;
        return asked === 1
          ? Promise.reject(failure("sidecar_unavailable", true))
          : { models: [{ ...MODEL, state: "ready" }] };
      },
    }),
  });
  expect(await screen.findByRole("alert")).toHaveTextContent("The engine does not run");
  expect(screen.queryByRole("radiogroup")).toBeNull();
  await person.click(screen.getByRole("button", { name: "Retry" }));
  expect(await screen.findByRole("textbox", { name: "Message" })).toBeVisible();
});

test("a download goes on by itself when the sidecar was restarted", async () => {
  const window = await openWindow({ answers: withModel() });
  await window.person.click(await download());
  act(() => window.shell.notify({ method: "shell/sidecar", params: { state: "starting" } }));
  act(() => window.shell.notify({ method: "shell/sidecar", params: { state: "ready" } }));
  await waitFor(() => expect(window.shell.calls("models/download")).toHaveLength(2));
});

/** The window hears that it missed something, and then the sidecar goes away and comes back. */
async function missAndRestart(window: OpenWindow) {
  const checks = window.shell.calls("models/status").length;
  act(() => window.shell.notify({ method: "shell/notificationsLost", params: {} }));
  await waitFor(() => expect(window.shell.calls("models/status")).toHaveLength(checks + 1));
  await screen.findByRole("button", { name: "Cancel" });
  act(() => window.shell.notify({ method: "shell/sidecar", params: { state: "starting" } }));
  act(() => window.shell.notify({ method: "shell/sidecar", params: { state: "ready" } }));
}

test("a download from another mirror goes on from there, also if others began it", async () => {
  const mirror = "https://hf-mirror.com";
  const window = await openWindow({
    answers: withModel({ state: "downloading", activity: "downloading", mirror }),
  });
  await screen.findByRole("button", { name: "Cancel" });
  await missAndRestart(window);
  await waitFor(() => expect(window.shell.calls("models/download")).toEqual([{ modelId: MODEL.id, mirror }]));
});

test("a check of the files that another page asked for is waited for to its end", async () => {
  vi.useFakeTimers({ shouldAdvanceTime: true });
  let status: Parameters<typeof modelStatus>[0] = { state: "verifying", activity: "verifying" };
  await openWindow({ answers: withModel({}, { "models/status": () => modelStatus(status) }) });
  expect(await screen.findByText(/Checking Qwen3-VL/)).toBeVisible();
  status = READY;
  await act(() => vi.advanceTimersByTimeAsync(1_000));
  expect(await screen.findByRole("textbox", { name: "Message" })).toBeVisible();
});

test("an import that the sidecar leaves behind becomes no download: the person is asked again", async () => {
  const window = await openWindow({ answers: withModel({ state: "downloading", activity: "importing" }) });
  await screen.findByRole("button", { name: "Cancel" });
  await missAndRestart(window);
  expect(await screen.findByRole("alert")).toHaveTextContent("The import was cut off");
  expect(await download()).toBeEnabled();
  expect(window.shell.calls("models/download")).toEqual([]);
});

test("a sidecar that cannot be started says so", async () => {
  const window = await openWindow({ answers: withModel() });
  await download();
  const error = { ...failure("data_folder_in_use", true) };
  act(() => window.shell.notify({ method: "shell/sidecar", params: { state: "down", error } }));
  expect(await screen.findByRole("alert")).toHaveTextContent("Knowledge Focus is already open");
});

test("a sidecar that refuses to start is shown with what it said, line by line", async () => {
  const window = await openWindow({ answers: withModel() });
  await download();
  const details = { exitCode: 64, stderr: 'sidecar: the catalog "a.json":\n  no such file' };
  const error = { ...failure("start_refused"), details };
  act(() => window.shell.notify({ method: "shell/sidecar", params: { state: "down", error } }));
  expect(await screen.findByRole("alert")).toHaveTextContent("The engine refused to start");
  const text = within(screen.getByRole("region", { name: "Details" })).getByText(/start_refused/).textContent;
  expect(text).toContain('{"exitCode":64}\nsidecar: the catalog "a.json":\n  no such file');
});

test("the whole way can be gone by keyboard, and the focus is never lost", async () => {
  const window = await openWindow({ answers: withModel() });
  await download();
  await window.person.tab();
  expect(screen.getByRole("button", { name: "Download" })).toHaveFocus();
  await window.person.tab({ shift: true });
  expect(screen.getByRole("button", { name: "Settings" })).toHaveFocus();
  await window.person.tab();
  await window.person.keyboard("{Enter}");
  await screen.findByRole("button", { name: "Cancel" });
  await window.person.tab();
  expect(screen.getByRole("button", { name: "Cancel" })).toHaveFocus();
});

test("every stage is clean for axe", async () => {
  const window = await openWindow({ answers: withModel() });
  await download();
  await expectNoAxeViolations();
  await window.person.click(await download());
  progress(window);
  await expectNoAxeViolations();
  fail(window, "mirror_unreachable");
  await window.person.click(await screen.findByRole("radio", { name: "Another address" }));
  await expectNoAxeViolations();
});
