import { act, screen, waitFor, within } from "@testing-library/react";
import { expect, test } from "vitest";
import type { ModelStatus } from "@/rpc/gen/protocol";
import { withProviders } from "../shell/providers";
import type { Answers } from "../shell/replay";
import { downloadEvent, engineStatus, failure, MODEL, modelStatus, READY } from "../shell/sidecar";
import { expectNoAxeViolations } from "../window";
import { openSettings } from "./page";

const REVISION = "6a2a1f1f3bd0c4b0a7d5f4a5c8f0f6b5d2e1c3a4";

/** A model whose state on disk the test changes. */
function withDisk(status: Partial<ModelStatus> = READY, answers: Answers = {}) {
  const disk = { status: modelStatus(status) };
  const all: Answers = {
    ...withProviders(),
    "models/list": () => ({ models: [{ ...MODEL, revision: REVISION, state: disk.status.state }] }),
    "models/status": () => disk.status,
    ...answers,
  };
  return { disk, answers: all };
}

/** The chat is entered while the model is there; what of it is on disk may change after that. */
async function open(status: Partial<ModelStatus> = READY, answers: Answers = {}) {
  const { disk, answers: all } = withDisk(READY, answers);
  const window = await openSettings(all, "Capabilities");
  disk.status = modelStatus(status);
  await window.person.click(screen.getByRole("button", { name: "Built-in model" }));
  await screen.findByRole("group", { name: MODEL.displayName });
  return { ...window, disk };
}

test("state, size, place and revision are shown", async () => {
  await open();
  const card = within(screen.getByRole("group", { name: MODEL.displayName }));
  expect(card.getByText("ready")).toBeVisible();
  expect(card.getByText("2.6 GB")).toBeVisible();
  expect(await card.findByText("/home/a/.local/share/knowledge-focus/builtin_models")).toBeVisible();
  expect(card.getByText(REVISION)).toBeVisible();
  await expectNoAxeViolations();
});

test("a check shows how far it is and that all is well", async () => {
  const { promise, resolve } = Promise.withResolvers<ModelStatus>();
  const { person, shell } = await open(READY, { "models/verify": () => promise });
  await person.click(screen.getByRole("button", { name: "Verify" }));
  act(() =>
    shell.notify({ method: "builtin-model-download-progress", params: downloadEvent({ progress: 46 }) }),
  );
  expect(await screen.findByRole("progressbar", { name: "Progress" })).toHaveAttribute("aria-valuenow", "46");
  expect(screen.getByText("Reading all files again…")).toBeVisible();
  resolve(modelStatus(READY));
  expect(await screen.findByText("All files are as they should be.")).toBeVisible();
});

test("the last event of progress, which tells an end that was heard of before, begins nothing", async () => {
  const { shell } = await open();
  const params = downloadEvent({ status: "completed", progress: 100 });
  act(() => shell.notify({ method: "builtin-model-download-completed", params }));
  act(() => shell.notify({ method: "builtin-model-download-progress", params }));
  expect(screen.queryByRole("progressbar", { name: "Progress" })).toBeNull();
  expect(screen.getByRole("button", { name: "Verify" })).toBeEnabled();
});

test("a check can be stopped", async () => {
  const { promise, resolve } = Promise.withResolvers<ModelStatus>();
  const { person, shell } = await open(READY, {
    "models/verify": () => promise,
    "models/cancelDownload": () => {
      resolve(modelStatus(READY));
      return modelStatus(READY);
    },
  });
  await person.click(screen.getByRole("button", { name: "Verify" }));
  await person.click(await screen.findByRole("button", { name: "Cancel" }));
  expect(await screen.findByText("The check was stopped. Nothing was changed.")).toBeVisible();
  expect(shell.calls("models/cancelDownload")).toEqual([{ modelId: MODEL.id }]);
});

test("damaged files are named as what they are, and fetched again on request", async () => {
  const { person, shell } = await open({
    state: "damaged",
    kind: "file_damaged",
    downloadedBytes: 2_000_000_000,
  });
  expect(screen.getByRole("alert")).toHaveTextContent("Some of the model's files are damaged");
  await person.click(screen.getByRole("button", { name: "Fetch the damaged files again" }));
  await waitFor(() =>
    expect(shell.calls("models/download")).toEqual([{ modelId: MODEL.id, mirror: MODEL.mirrors[0] }]),
  );
});

test("before the model is deleted the person reads what becomes free and which jobs are left alone", async () => {
  let deleted = 0;
  const { person } = await open(READY, {
    "models/delete": () => {
      deleted += 1;
      return modelStatus();
    },
  });
  await person.click(screen.getByRole("button", { name: "Delete…" }));
  const question = within(await screen.findByRole("alertdialog", { name: "Delete the model?" }));
  expect(question.getByText(/^2.6 GB become free/)).toBeVisible();
  expect(question.getByText(/Vision, Text, Structured output, Tool use/)).toBeVisible();
  expect(question.getByRole("button", { name: "Cancel" })).toHaveFocus();
  await expectNoAxeViolations();
  await person.keyboard("{Enter}");
  expect(deleted).toBe(0);
  await person.click(screen.getByRole("button", { name: "Delete…" }));
  await person.click(await screen.findByRole("button", { name: "Delete" }));
  expect(await screen.findByText("The model was deleted.")).toBeVisible();
  expect(screen.getByRole("button", { name: "Download again" })).toBeVisible();
});

test("a model that answers is not deleted, and the person reads why", async () => {
  const { person } = await open(READY, {
    "models/delete": () => {
      throw { ...failure("model_in_use", true), details: { reason: "answering" } };
    },
  });
  await person.click(screen.getByRole("button", { name: "Delete…" }));
  await person.click(await screen.findByRole("button", { name: "Delete" }));
  expect(await screen.findByRole("alert")).toHaveTextContent("The model is in use right now");
  expect(screen.getByRole("alertdialog")).toBeVisible();
});

test("an absent model is downloaded from the chosen source, and a failure lets another be chosen", async () => {
  const { person, shell } = await open({});
  await person.click(screen.getByRole("radio", { name: "hf-mirror.com" }));
  await person.click(screen.getByRole("button", { name: "Download again" }));
  expect(await screen.findByText("Downloading…")).toBeVisible();
  expect(shell.calls("models/download")).toEqual([{ modelId: MODEL.id, mirror: "https://hf-mirror.com" }]);
  const event = downloadEvent({ status: "failed", kind: "mirror_unreachable" });
  act(() => shell.notify({ method: "builtin-model-download-failed", params: event }));
  expect(await screen.findByRole("alert")).toHaveTextContent("The source cannot be reached");
  expect(screen.getByRole("radio", { name: "huggingface.co" })).toBeVisible();
});

test("a newer version is offered with what it takes, and fetched beside the one that goes on answering", async () => {
  const update = { revision: "b".repeat(40), missingBytes: 2_400_000_000 };
  const begun = modelStatus({ ...READY, activity: "downloading", update });
  const { disk, person, shell } = await open({ ...READY, update }, { "models/download": () => begun });
  expect(await screen.findByRole("heading", { name: "A newer version of the model is there" })).toBeVisible();
  expect(screen.getByText(/^2.4 GB are downloaded\./)).toBeVisible();
  expect(screen.getByText("ready")).toBeVisible();
  await expectNoAxeViolations();
  await person.click(screen.getByRole("button", { name: "Download the newer version" }));
  expect(shell.calls("models/download")).toEqual([{ modelId: MODEL.id, mirror: MODEL.mirrors[0] }]);
  act(() => shell.notify({ method: "builtin-model-download-progress", params: downloadEvent() }));
  expect(await screen.findByRole("progressbar", { name: "Progress" })).toBeVisible();
  disk.status = modelStatus(READY);
  const params = downloadEvent({ status: "completed", progress: 100 });
  act(() => shell.notify({ method: "builtin-model-download-completed", params }));
  await waitFor(() => expect(screen.queryByRole("heading", { name: /newer version/ })).toBeNull());
  expect(screen.getByRole("button", { name: "Verify" })).toBeEnabled();
});

test("memory in use is shown beside what there may be, and can be given back", async () => {
  const loaded = engineStatus({ loaded: true, activeBytes: 3_100_000_000, budgetBytes: 6_400_000_000 });
  const { person, shell } = await open(READY, {
    "engine/status": () => loaded,
    "models/unload": () => engineStatus(),
  });
  const memory = within(await screen.findByRole("group", { name: "Memory" }));
  expect(memory.getByText("3.1 GB in use, of 6.4 GB at most")).toBeVisible();
  await person.click(memory.getByRole("button", { name: "Unload now" }));
  expect(shell.calls("models/unload")).toHaveLength(1);
  act(() => shell.notify({ method: "engine/status", params: engineStatus() }));
  expect(await memory.findByText(/^Not in memory/)).toBeVisible();
  expect(memory.queryByRole("button")).toBeNull();
});

test("a download that went with the engine is not shown as one that goes on, and can be taken up again", async () => {
  const { disk, person, shell } = await open({ state: "downloading", activity: "downloading" });
  act(() => shell.notify({ method: "builtin-model-download-progress", params: downloadEvent() }));
  expect(await screen.findByRole("progressbar", { name: "Progress" })).toBeVisible();
  act(() => shell.notify({ method: "shell/sidecar", params: { state: "starting" } }));
  disk.status = modelStatus({ state: "partial", downloadedBytes: 1_200_000_000 });
  act(() => shell.notify({ method: "shell/sidecar", params: { state: "ready" } }));
  await waitFor(() => expect(screen.queryByRole("progressbar", { name: "Progress" })).toBeNull());
  await person.click(screen.getByRole("button", { name: "Download" }));
  expect(shell.calls("models/download")).toHaveLength(1);
});

test("whoever starts a check by keyboard is not thrown out of its card, neither then nor at its end", async () => {
  const { promise, resolve } = Promise.withResolvers<ModelStatus>();
  const { person } = await open(READY, { "models/verify": () => promise });
  const card = screen.getByRole("group", { name: MODEL.displayName });
  screen.getByRole("button", { name: "Verify" }).focus();
  await person.keyboard("{Enter}");
  await screen.findByText("Reading all files again…");
  await waitFor(() => expect(card).toHaveFocus());
  await person.tab();
  expect(screen.getByRole("button", { name: "Cancel" })).toHaveFocus();
  resolve(modelStatus(READY));
  await screen.findByText("All files are as they should be.");
  await waitFor(() => expect(card).toHaveFocus());
  await person.tab();
  expect(screen.getByRole("button", { name: "Verify" })).toHaveFocus();
});

test("after a deletion, whose button is gone then, the keyboard goes on from there", async () => {
  const { person, disk } = await open(READY, {
    "models/delete": () => {
      disk.status = modelStatus();
      return disk.status;
    },
  });
  screen.getByRole("button", { name: "Delete…" }).focus();
  await person.keyboard("{Enter}");
  await screen.findByRole("alertdialog", { name: "Delete the model?" });
  await person.tab();
  expect(screen.getByRole("button", { name: "Delete" })).toHaveFocus();
  await person.keyboard("{Enter}");
  await waitFor(() => expect(screen.queryByRole("alertdialog")).toBeNull());
  await waitFor(() => expect(screen.queryByRole("button", { name: "Delete…" })).toBeNull());
  await waitFor(() => expect(document.activeElement).not.toBe(document.body));
  expect(screen.getByRole("group", { name: MODEL.displayName })).toContainElement(
    document.activeElement as HTMLElement,
  );
});
