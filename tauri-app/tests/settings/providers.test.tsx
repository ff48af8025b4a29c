import { act, screen, waitFor, within } from "@testing-library/react";
import { expect, test } from "vitest";
import { i18n } from "@/i18n";
import type { Methods, TestResult } from "@/rpc/gen/protocol";
import { assignment, BUILTIN, ELSEWHERE, OLLAMA, withProviders } from "../shell/providers";
import type { Answers, Call, Script } from "../shell/replay";
import { failure } from "../shell/sidecar";
import { expectNoAxeViolations } from "../window";
import { openSettings } from "./page";

const open = (answers: Answers = withProviders(), script: Partial<Script> = {}) =>
  openSettings(answers, "Providers", script);
const card = async (name: string) => within(await screen.findByRole("group", { name }));

async function openForm({ person }: Awaited<ReturnType<typeof open>>) {
  await person.click(screen.getByRole("button", { name: "Add provider" }));
  return within(await screen.findByRole("dialog", { name: "Add a provider" }));
}

test("without a provider the page says what one is for", async () => {
  await open(withProviders([BUILTIN]));
  expect(await screen.findByText("No providers yet")).toBeVisible();
  await expectNoAxeViolations();
});

test("each provider says where it is, whether there is a key, and what its models can do", async () => {
  await open();
  const ollama = await card("Ollama");
  expect(ollama.getByText("http://localhost:11434/v1")).toBeVisible();
  expect(ollama.getByText("Stays on this computer")).toBeVisible();
  expect(ollama.getByText("No key")).toBeVisible();
  expect(ollama.getByRole("button", { name: "Vision: no" })).toBeVisible();
  expect(ollama.getByRole("button", { name: "Structured output: not known" })).toBeVisible();
  const elsewhere = await card("Example Cloud");
  expect(elsewhere.getByText("Leaves this computer")).toBeVisible();
  expect(elsewhere.getByText("Key is there")).toBeVisible();
  expect(screen.queryByRole("group", { name: "[Builtin]" })).toBeNull();
  await expectNoAxeViolations();
});

test("a kind of server fills in its name and address, and never overwrites what was typed", async () => {
  const window = await open();
  const form = await openForm(window);
  const name = form.getByRole("textbox", { name: "Name" });
  const address = form.getByRole("textbox", { name: "Address" });
  await window.person.click(form.getByRole("radio", { name: "LM Studio" }));
  expect(name).toHaveValue("LM Studio");
  expect(address).toHaveValue("http://localhost:1234/v1");
  await window.person.clear(name);
  await window.person.type(name, "Mine");
  await window.person.click(form.getByRole("radio", { name: "vLLM" }));
  expect(name).toHaveValue("Mine");
  expect(address).toHaveValue("http://localhost:8000/v1");
  await expectNoAxeViolations();
});

test("a provider is added with its key, which goes to the keychain and not to the sidecar", async () => {
  const window = await open();
  const form = await openForm(window);
  await window.person.type(form.getByRole("textbox", { name: "Name" }), "Work");
  await window.person.type(form.getByRole("textbox", { name: "Address" }), "https://llm.example.org/v1");
  const key = form.getByLabelText("Key");
  expect(key).toHaveAttribute("type", "password");
  await window.person.type(key, "sk-secret");
  await window.person.click(form.getByRole("button", { name: "Save" }));
  expect(await screen.findByRole("group", { name: "Work" })).toBeVisible();
  expect(window.shell.calls("providers/create")).toEqual([
    { name: "Work", baseUrl: "https://llm.example.org/v1", preset: "openai" },
  ]);
  expect(window.shell.commands("secret_set")).toEqual([
    { providerId: "Work-new", secret: "sk-secret", keep: true },
  ]);
  const asked = window.shell.invoked.filter(({ command }) => command === "rpc_call");
  expect(JSON.stringify(asked.map(({ args }) => args.params))).not.toContain("sk-secret");
});

test("without a keychain the key can be kept for this run, and no second provider is made", async () => {
  const window = await open(withProviders(), {
    commands: {
      secret_set: ({ keep }) => {
        if (keep) {
          throw failure("keychain_unavailable");
        }
        return null;
      },
    },
  });
  const form = await openForm(window);
  await window.person.click(form.getByRole("radio", { name: "vLLM" }));
  await window.person.type(form.getByLabelText("Key"), "sk-secret{Enter}");
  expect(await form.findByRole("alert")).toHaveTextContent("The system's keychain cannot be used");
  await window.person.click(form.getByRole("button", { name: "Keep for this run only" }));
  await waitFor(() => expect(screen.queryByRole("dialog", { name: "Add a provider" })).toBeNull());
  expect(window.shell.commands("secret_set").at(-1)).toMatchObject({ keep: false });
  expect(window.shell.calls("providers/create")).toHaveLength(1);
});

test("what cannot be an address is said at its field, and nothing is sent", async () => {
  const window = await open();
  const form = await openForm(window);
  await window.person.type(form.getByRole("textbox", { name: "Address" }), "localhost:8000");
  await window.person.click(form.getByRole("button", { name: "Save" }));
  expect(form.getByText("The address must begin with https:// or http://.")).toBeVisible();
  expect(form.getByText("Please give it a name.")).toBeVisible();
  expect(form.getByRole("textbox", { name: "Address" })).toBeInvalid();
  expect(window.shell.calls("providers/create")).toEqual([]);
});

test("a person who did not agree to an address reads so, in their language, and keeps what they typed", async () => {
  let answers: "no" | "yes" = "no";
  const kept = withProviders();
  const window = await open({
    ...kept,
    "providers/create": (call) => {
      if (answers === "no") {
        throw failure("consent_refused");
      }
      return kept["providers/create"]?.(call) as Methods["providers/create"]["result"];
    },
  });
  const form = await openForm(window);
  await window.person.type(form.getByRole("textbox", { name: "Name" }), "Lab");
  await window.person.type(form.getByRole("textbox", { name: "Address" }), "http://192.168.1.4:8000/v1");
  expect(form.getByText(/the way there is not encrypted/)).toBeVisible();
  await window.person.click(form.getByRole("button", { name: "Save" }));
  expect(await form.findByRole("alert")).toHaveTextContent("You did not agree");
  await act(() => i18n.changeLanguage("zh"));
  expect(form.getByRole("alert")).toHaveTextContent("未获同意");
  await act(() => i18n.changeLanguage("en"));
  expect(form.getByRole("textbox", { name: "Address" })).toHaveValue("http://192.168.1.4:8000/v1");

  answers = "yes";
  await window.person.click(form.getByRole("button", { name: "Save" }));
  expect(await screen.findByRole("group", { name: "Lab" })).toBeVisible();
  // The shell asks, and tells the sidecar: nothing that the page says would count.
  expect(window.shell.calls("providers/create")).toHaveLength(2);
  expect(window.shell.calls("providers/create").some((params) => "accept" in params)).toBe(false);
});

test("at another address the person is told that the key is forgotten", async () => {
  const { person, shell } = await open();
  await person.click((await card("Example Cloud")).getByRole("button", { name: "Edit" }));
  const form = within(await screen.findByRole("dialog", { name: "Edit Example Cloud" }));
  expect(form.getByLabelText("Key")).toHaveValue("");
  const address = form.getByRole("textbox", { name: "Address" });
  await person.clear(address);
  await person.type(address, "https://api.example.net/v1");
  expect(form.getByText(/the key is forgotten/)).toBeVisible();
  await person.click(form.getByRole("button", { name: "Save" }));
  await waitFor(() => expect(shell.calls("providers/update")).toHaveLength(1));
  expect(shell.calls("providers/update")[0]).toMatchObject({ baseUrl: "https://api.example.net/v1" });
  expect(shell.commands("secret_set")).toEqual([]);
});

test("a key can be forgotten", async () => {
  const { person, shell } = await open();
  await person.click((await card("Example Cloud")).getByRole("button", { name: "Edit" }));
  await person.click(await screen.findByRole("button", { name: "Forget the key" }));
  await waitFor(() => expect(screen.queryByRole("button", { name: "Forget the key" })).toBeNull());
  expect(shell.commands("secret_delete")).toEqual([{ providerId: ELSEWHERE.id }]);
});

test("models are found at the server, and those that are ticked are listed; the others keep what is known of them", async () => {
  const { person, shell } = await open();
  await person.click((await card("Ollama")).getByRole("button", { name: "Find models" }));
  const found = within(await screen.findByRole("dialog", { name: "Models at Ollama" }));
  expect(await found.findByRole("checkbox", { name: "qwen3:8b" })).toBeChecked();
  await person.click(found.getByRole("checkbox", { name: "gemma3:12b" }));
  await expectNoAxeViolations();
  await person.click(found.getByRole("button", { name: "Use these" }));
  expect(await (await card("Ollama")).findByText("gemma3:12b")).toBeVisible();
  expect(shell.calls("providers/update")[0]?.models).toEqual([
    {
      identifier: "qwen3:8b",
      displayName: "qwen3:8b",
      capabilities: ["text", "tool_use"],
      lacking: ["vision"],
    },
    { identifier: "gemma3:12b" },
  ]);
});

test("a server that does not answer can be asked again, and a model that loses jobs is named", async () => {
  let reachable = false;
  const given = { text: assignment("text", "ollama-qwen") };
  const { person } = await open({
    ...withProviders(undefined, given),
    "providers/models": () => {
      if (!reachable) {
        throw failure("provider_unreachable", true);
      }
      return { identifiers: ["qwen3:8b"] };
    },
  });
  await person.click((await card("Ollama")).getByRole("button", { name: "Find models" }));
  const found = within(await screen.findByRole("dialog", { name: "Models at Ollama" }));
  expect(await found.findByRole("alert")).toHaveTextContent("The service does not answer");
  reachable = true;
  await person.click(found.getByRole("button", { name: "Retry" }));
  await person.click(await found.findByRole("checkbox", { name: "qwen3:8b" }));
  expect(found.getByText("Whoever is unticked loses its jobs: Text.")).toBeVisible();
});

test("a list of models that is too long is told as that", async () => {
  const { person } = await open({
    ...withProviders(),
    "providers/models": () => {
      throw { ...failure("provider_answer_invalid"), details: { reason: "too_large" } };
    },
  });
  await person.click((await card("Ollama")).getByRole("button", { name: "Find models" }));
  expect(await screen.findByRole("alert")).toHaveTextContent("The service's answer is too large");
});

test("an ability is set to yes, no or not known", async () => {
  const { person, shell } = await open();
  await person.click((await card("Ollama")).getByRole("button", { name: "Vision: no" }));
  await person.click(await screen.findByRole("menuitemradio", { name: "yes" }));
  expect(await (await card("Ollama")).findByRole("button", { name: "Vision: yes" })).toBeVisible();
  expect(shell.calls("providers/update")[0]?.models).toMatchObject([
    { identifier: "qwen3:8b", capabilities: ["vision", "text", "tool_use"], lacking: [] },
  ]);
});

test("of two abilities that are set in quick succession none is lost, and an error of the first keeps the second", async () => {
  const kept = withProviders();
  const replies: (() => void)[] = [];
  const { person, shell } = await open({
    ...kept,
    "providers/update": async (call) => {
      await new Promise<void>((resolve) => replies.push(resolve));
      if (shell.calls("providers/update").length === 3) {
        throw failure("store_failed");
      }
      return kept["providers/update"]?.(call) as Methods["providers/update"]["result"];
    },
  });
  const set = async (ability: string, state: string) => {
    await person.click((await card("Ollama")).getByRole("button", { name: ability }));
    await person.click(await screen.findByRole("menuitemradio", { name: state }));
  };
  const reply = async (number: number) => {
    await waitFor(() => expect(replies).toHaveLength(number));
    replies[number - 1]?.();
  };
  const shown = async (name: string) =>
    expect(await (await card("Ollama")).findByRole("button", { name })).toBeVisible();

  await set("Vision: no", "yes");
  await set("Text: yes", "no");
  await reply(1);
  await reply(2);
  await shown("Text: no");
  await shown("Vision: yes");

  await set("Vision: yes", "no");
  await set("Text: no", "yes");
  await reply(3);
  await reply(4);
  await shown("Text: yes");
  await shown("Vision: yes");
});

test("a test shows each result when it arrives, with its time, and offers to set the abilities by it", async () => {
  const { promise, resolve } = Promise.withResolvers<{ results: TestResult[] }>();
  let asked: Call | undefined;
  const { person, shell } = await open({
    ...withProviders(),
    "providers/test": (call) => {
      asked = call as Call;
      return promise;
    },
  });
  const ollama = await card("Ollama");
  await person.click(ollama.getByRole("button", { name: "Test qwen3:8b" }));
  await ollama.findByText("Testing…");
  const results: TestResult[] = [
    { ability: "models", works: true, seconds: 0.2, kind: null, reason: null },
    { ability: "vision", works: true, seconds: 3.4, kind: null, reason: null },
    { ability: "tool_use", works: false, seconds: 1, kind: "provider_rejected", reason: "no tools here" },
  ];
  for (const result of results) {
    asked?.notify({ method: "providers/tested", params: { requestId: asked.requestId, result } });
  }
  expect(await ollama.findByText("works · 3.4 seconds")).toBeVisible();
  expect(ollama.getByText("It said: no tools here")).toBeVisible();
  resolve({ results });
  await person.click(await ollama.findByRole("button", { name: "Set the abilities as the test found them" }));
  expect(await ollama.findByRole("button", { name: "Tool use: no" })).toBeVisible();
  expect(ollama.getByText("The abilities are set as the test found them.")).toBeVisible();
  expect(shell.calls("providers/test")).toEqual([{ providerId: OLLAMA.id, identifier: "qwen3:8b" }]);
  await expectNoAxeViolations();
});

test("a test can be stopped", async () => {
  let signal: AbortSignal | undefined;
  const { person } = await open({
    ...withProviders(),
    "providers/test": (call) => {
      signal = call.signal;
      return new Promise(() => undefined);
    },
  });
  const ollama = await card("Ollama");
  await person.click(ollama.getByRole("button", { name: "Test qwen3:8b" }));
  await person.click(await ollama.findByRole("button", { name: "Stop" }));
  expect(signal?.aborted).toBe(true);
  expect(ollama.queryByText("Testing…")).toBeNull();
});

test("requests at once are a number from 1 to 64, and background work on this computer is a switch", async () => {
  const { person, shell } = await open();
  const ollama = await card("Ollama");
  const field = ollama.getByRole("textbox", { name: "Requests at once" });
  await person.clear(field);
  await person.type(field, "65{Enter}");
  expect(ollama.getByRole("alert")).toHaveTextContent("A whole number from 1 to 64.");
  expect(shell.calls("providers/update")).toEqual([]);
  await person.clear(field);
  await person.type(field, "8{Enter}");
  await person.click(ollama.getByRole("switch", { name: "Background work may go there" }));
  await waitFor(() =>
    expect(shell.calls("providers/update")).toMatchObject([{ concurrency: 8 }, { background: false }]),
  );
});

test("a number that is refused stays in its field, with the reason beside it, until it holds", async () => {
  const kept = withProviders();
  let locked = true;
  const { person, shell } = await open({
    ...kept,
    "providers/update": (call) => {
      if (locked) {
        throw failure("store_failed", true);
      }
      return kept["providers/update"]?.(call) as Methods["providers/update"]["result"];
    },
  });
  const ollama = await card("Ollama");
  const field = ollama.getByRole("textbox", { name: "Requests at once" });
  await person.clear(field);
  await person.type(field, "8{Enter}");
  expect(await ollama.findByRole("alert")).toHaveTextContent("The app's database cannot be written");
  expect(field).toHaveValue("8");
  await expectNoAxeViolations();
  await person.tab(); // leaving the field does not ask again
  locked = false;
  await person.type(field, "{Enter}");
  await waitFor(() => expect(ollama.queryByRole("alert")).toBeNull());
  await waitFor(() => expect(field).toHaveValue("8"));
  expect(shell.calls("providers/update")).toMatchObject([{ concurrency: 8 }, { concurrency: 8 }]);
  await person.clear(field);
  await person.type(field, "9");
  await person.tab();
  await waitFor(() => expect(shell.calls("providers/update")).toHaveLength(3));
});

test("background work that the person did not let leave the computer stays, and they read why", async () => {
  const kept = withProviders();
  let agrees = false;
  const { person, shell } = await open({
    ...kept,
    "providers/update": (call) => {
      if (!agrees) {
        throw failure("consent_refused");
      }
      return kept["providers/update"]?.(call) as Methods["providers/update"]["result"];
    },
  });
  const elsewhere = await card("Example Cloud");
  const background = () => elsewhere.getByRole("switch", { name: "Background work may go there" });
  await person.click(background());
  expect(await elsewhere.findByRole("alert")).toHaveTextContent("You did not agree");
  expect(background()).not.toBeChecked();
  await expectNoAxeViolations();

  agrees = true;
  await person.click(background());
  await waitFor(() => expect(background()).toBeChecked());
  expect(elsewhere.queryByRole("alert")).toBeNull();
  expect(shell.calls("providers/update")).toEqual([
    { providerId: ELSEWHERE.id, background: true },
    { providerId: ELSEWHERE.id, background: true },
  ]);
});

test("a server without models yet can be tested: whether it answers, and in what time", async () => {
  const result: TestResult = { ability: "models", works: true, seconds: 0.4, kind: null, reason: null };
  const { person, shell } = await open({
    ...withProviders([BUILTIN, { ...OLLAMA, models: [] }]),
    "providers/test": () => ({ results: [result] }),
  });
  const ollama = await card("Ollama");
  await person.click(ollama.getByRole("button", { name: "Test Ollama" }));
  const found = within(await ollama.findByRole("list", { name: "Test of Ollama" }));
  expect(await found.findByText("Answers at its address")).toBeVisible();
  expect(found.getByText("works · 0.4 seconds")).toBeVisible();
  expect(shell.calls("providers/test")).toEqual([{ providerId: OLLAMA.id }]);
  await expectNoAxeViolations();
});

test("before one is removed the person reads which jobs go back", async () => {
  const given = {
    vision: assignment("vision", "elsewhere-large"),
    text: assignment("text", "elsewhere-large"),
  };
  const { person, shell } = await open(withProviders(undefined, given));
  await person.click((await card("Example Cloud")).getByRole("button", { name: "Remove" }));
  const question = within(await screen.findByRole("alertdialog", { name: "Remove Example Cloud?" }));
  expect(question.getByText("These jobs go back to the built-in model: Vision, Text.")).toBeVisible();
  expect(question.getByRole("button", { name: "Cancel" })).toHaveFocus();
  await person.click(question.getByRole("button", { name: "Remove" }));
  await waitFor(() => expect(screen.queryByRole("group", { name: "Example Cloud" })).toBeNull());
  expect(shell.calls("providers/delete")).toEqual([{ providerId: ELSEWHERE.id }]);
});
