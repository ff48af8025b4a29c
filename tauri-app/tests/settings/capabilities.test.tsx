import { screen, waitFor, within } from "@testing-library/react";
import { beforeEach, expect, test, vi } from "vitest";
import { assignment, withProviders } from "../shell/providers";
import type { Answers } from "../shell/replay";
import { completion, failure } from "../shell/sidecar";
import { expectNoAxeViolations } from "../window";
import { openSettings } from "./page";

const PICTURE = "data:image/png;base64,iVBORw0KGgo=";

// jsdom draws nothing.
beforeEach(() => {
  const drawing = { fillRect: vi.fn(), beginPath: vi.fn(), arc: vi.fn(), fill: vi.fn() };
  vi.spyOn(HTMLCanvasElement.prototype, "getContext").mockReturnValue(drawing as never);
  vi.spyOn(HTMLCanvasElement.prototype, "toDataURL").mockReturnValue(PICTURE);
});

const open = (answers: Answers = withProviders()) => openSettings(answers, "Capabilities");
const row = (name: string) => screen.findByRole("listitem", { name });
const menu = (job: string) => screen.findByRole("button", { name: new RegExp(`^Model for ${job}`) });

test("each job says what it is for, who does it and that it is ready", async () => {
  await open();
  for (const job of ["Vision", "Text", "Structured output", "Tool use"]) {
    const shown = within(await row(job));
    expect(shown.getByText("Ready")).toBeVisible();
    expect(shown.getByText("Qwen3-VL 4B (3-bit)")).toBeVisible();
    expect(shown.queryByText("Leaves this computer")).toBeNull();
  }
  expect(screen.queryByRole("button", { name: /Give all back/ })).toBeNull();
  await expectNoAxeViolations();
});

test("the menu lists all models by provider, the built-in one first, and says which cannot do the job", async () => {
  const { person } = await open();
  await person.click(await menu("Vision"));
  const items = await screen.findAllByRole("menuitemradio");
  expect(items.map((item) => item.textContent)).toEqual([
    "Qwen3-VL 4B (3-bit)",
    "qwen3:8bCannot do this",
    "Large VL",
  ]);
  expect(items[1]).toHaveAttribute("aria-disabled", "true");
  expect(items[0]).toHaveAttribute("aria-checked", "true");
  await expectNoAxeViolations();
});

test("a job goes to a model on this computer without a question", async () => {
  const { shell, person } = await open();
  await person.click(await menu("Text"));
  await person.click(await screen.findByRole("menuitemradio", { name: "qwen3:8b" }));
  await waitFor(async () => expect(within(await row("Text")).getByText("qwen3:8b")).toBeVisible());
  expect(screen.queryByRole("alertdialog")).toBeNull();
  expect(shell.calls("capabilities/assign")).toEqual([{ capability: "text", modelId: "ollama-qwen" }]);
});

test("a job that goes to another computer is marked, and the person agreed to it with the shell alone", async () => {
  const { shell, person } = await open();
  await person.click(await menu("Vision"));
  await person.click(await screen.findByRole("menuitemradio", { name: "Large VL" }));
  await waitFor(async () =>
    expect(within(await row("Vision")).getByText("Leaves this computer")).toBeVisible(),
  );
  expect(shell.calls("capabilities/assign")).toEqual([{ capability: "vision", modelId: "elsewhere-large" }]);
});

test("a person who did not agree reads that nothing was done, and who does the job still", async () => {
  const refused: Answers = {
    "capabilities/assign": () => {
      throw failure("consent_refused");
    },
  };
  const { person } = await open({ ...withProviders(), ...refused });
  await person.click(await menu("Vision"));
  await person.click(await screen.findByRole("menuitemradio", { name: "Large VL" }));
  const vision = within(await row("Vision"));
  expect(await vision.findByRole("alert")).toHaveTextContent("You did not agree");
  expect(vision.getByText("Qwen3-VL 4B (3-bit)")).toBeVisible();
  await expectNoAxeViolations();
});

test("all that is away comes back at once", async () => {
  const away = {
    vision: assignment("vision", "elsewhere-large"),
    text: assignment("text", "ollama-qwen"),
  };
  const { shell, person } = await open(withProviders(undefined, away));
  await person.click(await screen.findByRole("button", { name: "Give all back to the built-in model" }));
  await waitFor(() => expect(screen.queryByRole("button", { name: /Give all back/ })).toBeNull());
  expect(shell.calls("capabilities/assign").map(({ capability }) => capability)).toEqual(["vision", "text"]);
});

test("a job that would fail says why and what to do", async () => {
  const text = assignment("text", "ollama-qwen", { ready: false, kind: "provider_unreachable" });
  await open(withProviders(undefined, { text }));
  const shown = within(await row("Text"));
  expect(shown.getByText("The service does not answer")).toBeVisible();
  expect(shown.getByText(/Check that it runs/)).toBeVisible();
});

test("a change made elsewhere is shown", async () => {
  const { shell } = await open();
  await row("Text");
  const capabilities = [assignment("text", "elsewhere-large")];
  shell.notify({ method: "capabilities/changed", params: { capabilities } });
  await waitFor(async () => expect(within(await row("Text")).getByText("Large VL")).toBeVisible());
});

test("a trial asks the model that has the job and shows its answer, name and time", async () => {
  const answers = { ...withProviders(), "chat/completions": () => completion("A red circle.") };
  const { shell, person } = await open(answers);
  const vision = within(await row("Vision"));
  await person.click(vision.getByRole("button", { name: "Try it" }));
  expect(await vision.findByText("A red circle.")).toBeVisible();
  expect(vision.getByText(/^Qwen3-VL 4B \(3-bit\), in \d/)).toBeVisible();
  expect(vision.getByRole("img", { name: "The picture that is asked about" })).toHaveAttribute(
    "src",
    PICTURE,
  );
  expect(shell.calls("chat/completions")[0]).toMatchObject({
    model: "qwen3-vl-4b",
    messages: [{ content: [{ image_url: { url: PICTURE } }, { type: "text" }] }],
  });
});

test("a trial that fails says why", async () => {
  const answers: Answers = {
    ...withProviders(),
    "chat/completions": () => {
      throw failure("provider_denied");
    },
  };
  const { person } = await open(answers);
  const text = within(await row("Text"));
  await person.click(text.getByRole("button", { name: "Try it" }));
  expect(await text.findByRole("alert")).toHaveTextContent("The service does not accept the key");
});

test("leaving the page cancels a trial and gives back the chat as it was", async () => {
  let signal: AbortSignal | undefined;
  const answers: Answers = {
    ...withProviders(),
    "chat/completions": (call) => {
      signal = call.signal;
      return new Promise(() => undefined);
    },
  };
  const { person } = await open(answers);
  const text = within(await row("Text"));
  await person.click(text.getByRole("button", { name: "Try it" }));
  await text.findByText(/^Asking/);
  await person.click(screen.getByRole("button", { name: "Back" }));
  await waitFor(() => expect(screen.queryByRole("dialog", { name: "Settings" })).toBeNull());
  expect(signal?.aborted).toBe(true);
  expect(screen.getByRole("button", { name: "Settings" })).toHaveFocus();
  expect(screen.getByRole("textbox", { name: "Message" })).toBeVisible();
});

test("what cannot be read can be read again", async () => {
  let broken = true;
  const fine = withProviders();
  const { person } = await open({
    ...fine,
    "capabilities/list": (call) => {
      if (broken) {
        throw failure("store_failed", true);
      }
      return fine["capabilities/list"]?.(call) ?? { capabilities: [] };
    },
  });
  await screen.findByText("The app's database cannot be written");
  broken = false;
  await person.click(screen.getByRole("button", { name: "Retry" }));
  expect(await row("Text")).toBeVisible();
});
