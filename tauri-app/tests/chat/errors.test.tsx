import { act, screen, waitFor } from "@testing-library/react";
import { expect, test } from "vitest";
import { i18n } from "@/i18n";
import { completion, failure } from "../shell/sidecar";
import { expectNoAxeViolations } from "../window";
import { answers, ask, field, OpenAnswer, openChat, questions, send, stop } from "./page";

test("an error is told in plain words and can be retried", async () => {
  let asked = 0;
  const window = await openChat({
    "chat/completions": () => {
      asked += 1;
      return asked === 1 ? Promise.reject(failure("engine_failed", true)) : completion("Hello!");
    },
  });
  await ask(window, "Hi");
  expect(await screen.findByRole("alert")).toHaveTextContent("The model broke off");
  await window.person.click(screen.getByRole("button", { name: "Retry" }));
  await waitFor(() => expect(answers()[0]).toHaveTextContent("Hello!"));
  expect(screen.queryByRole("alert")).toBeNull();
  expect(window.shell.calls("chat/completions")[1]?.messages).toEqual([{ role: "user", content: "Hi" }]);
});

test("an answer cut by an error keeps what was said and is asked for anew by Retry", async () => {
  const answer = new OpenAnswer();
  const window = await openChat(answer.answers);
  await ask(window, "Hi");
  await stop();
  act(() => answer.piece("Hel"));
  await waitFor(() => expect(answers()[0]).toHaveTextContent("Hel"));
  act(() => answer.fail(failure("sidecar_restarted", true)));
  expect(await screen.findByRole("alert")).toHaveTextContent("The engine was restarted");
  expect(answers()[0]).toHaveTextContent("Hel");
  await window.person.click(screen.getByRole("button", { name: "Retry" }));
  await stop();
  expect(window.shell.calls("chat/completions")[1]?.messages).toEqual([{ role: "user", content: "Hi" }]);
});

test("an unknown kind of error still has words", async () => {
  const window = await openChat({ "chat/completions": () => Promise.reject(failure("from_the_future")) });
  await ask(window, "Hi");
  expect(await screen.findByRole("alert")).toHaveTextContent("Something unexpected happened");
});

test("an engine that refuses to start again says why in the details", async () => {
  const stderr = 'sidecar: the catalog "a.json":\n  no such file';
  const refusal = { ...failure("start_refused"), details: { exitCode: 64, stderr } };
  const window = await openChat({ "chat/completions": () => Promise.reject(refusal) });
  await ask(window, "Hi");
  expect(await screen.findByRole("alert")).toHaveTextContent("the details say why");
  await window.person.click(screen.getByRole("button", { name: "Show details" }));
  expect(screen.getByRole("region", { name: "Details" }).textContent).toBe(stderr);
  await expectNoAxeViolations();
});

test("an error that has no more to say has no details", async () => {
  const window = await openChat({ "chat/completions": () => Promise.reject(failure("engine_failed")) });
  await ask(window, "Hi");
  await screen.findByRole("alert");
  expect(screen.queryByRole("button", { name: "Show details" })).toBeNull();
});

test("a model that is gone leads back to the download", async () => {
  const window = await openChat({
    "chat/completions": () => Promise.reject(failure("model_not_ready", true)),
  });
  await ask(window, "Hi");
  await window.person.click(await screen.findByRole("button", { name: "Get the model" }));
  await waitFor(() => expect(window.shell.calls("models/list")).toHaveLength(2));
});

test.each([
  ["en", "Some of the model's files are damaged", "only these files are downloaded", "Get the model"],
  ["zh", "模型的部分文件已损坏", "只会下载损坏的文件", "获取模型"],
] as const)(
  "a damaged model is told from a missing one, and leads to the download: %s",
  async (language, title, hint, get) => {
    const details = { reason: "damaged", files: ["model.safetensors"] };
    const damaged = { ...failure("model_not_ready", true), details };
    const window = await openChat({ "chat/completions": () => Promise.reject(damaged) });
    await ask(window, "Hi");
    await act(() => i18n.changeLanguage(language));
    expect(await screen.findByRole("alert")).toHaveTextContent(title);
    expect(screen.getByRole("alert")).toHaveTextContent(hint);
    await window.person.click(screen.getByRole("button", { name: get }));
    await waitFor(() => expect(window.shell.calls("models/list")).toHaveLength(2));
  },
);

test("a question that cannot be answered comes back to be edited, with its pictures", async () => {
  let asked = 0;
  const pick = () => [{ url: "attachment:bad", name: "bad.png", size: 1, mime: "image/png" }];
  const window = await openChat(
    {
      "chat/completions": () => {
        asked += 1;
        return asked === 1 ? Promise.reject(failure("invalid_image")) : completion("Hello!");
      },
    },
    { pick },
  );
  await window.person.click(screen.getByRole("button", { name: "Attach pictures" }));
  await screen.findByRole("list", { name: "Attached pictures" });
  await ask(window, "What is it?");
  await screen.findByRole("alert");
  expect(screen.queryByRole("button", { name: "Retry" })).toBeNull();
  await window.person.click(screen.getByRole("button", { name: "Edit message" }));
  expect(questions()).toEqual([]);
  expect(await field()).toHaveValue("What is it?");
  await window.person.click(screen.getByRole("button", { name: "Remove bad.png" }));
  await window.person.click(await send());
  await waitFor(() => expect(answers()[0]).toHaveTextContent("Hello!"));
  expect(window.shell.calls("chat/completions")[1]?.messages).toEqual([
    { role: "user", content: "What is it?" },
  ]);
});

test("a chat goes on without a question that cannot be answered", async () => {
  let asked = 0;
  const window = await openChat({
    "chat/completions": () => {
      asked += 1;
      return asked === 1 ? Promise.reject(failure("invalid_request")) : completion("Hello!");
    },
  });
  await ask(window, "Something impossible");
  await screen.findByRole("alert");
  await ask(window, "Hi");
  await waitFor(() => expect(answers()[0]).toHaveTextContent("Hello!"));
  expect(window.shell.calls("chat/completions")[1]?.messages).toEqual([{ role: "user", content: "Hi" }]);
  expect(questions()[0]).toHaveTextContent("The chat goes on without it.");
});
