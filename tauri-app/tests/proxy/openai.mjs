/**
 * OpenAI's own package for Node, as people use it, against the proxy and the real engine. `tests/proxy/test_openai_npm.py` serves
 * and runs it: node openai.mjs URL TOKEN_FILE MODEL LOGS
 */
import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import OpenAI from "openai";
import { zodResponseFormat } from "openai/helpers/zod";
import { z } from "zod";

const [baseURL = "", tokenFile = "", model = "", logs = ""] = process.argv.slice(2);
/** Milliseconds of any wait: the model's load is among them. */
const PATIENCE = 60_000;

const client = new OpenAI({
  baseURL,
  apiKey: readFileSync(tokenFile, "utf8").trim(),
  maxRetries: 0,
  timeout: PATIENCE,
});
const { completions } = client.chat;

const BRIEF = {
  model,
  messages: [{ role: /** @type {const} */ ("user"), content: "hello" }],
  max_tokens: 8,
  seed: 1,
};
/** More than there is time for. */
const LONG = { ...BRIEF, max_tokens: 100_000 };
/** A red square of 8 × 8 pixels. */
const PICTURE =
  "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAgAAAAICAIAAABLbSncAAAAEUlEQVR42mP4z8CAFTEMLQkAKP8/wc53yE8AAAAASUVORK5CYII=";

/** @param {string} url */
const seeing = (url) => ({
  ...BRIEF,
  messages: [
    {
      role: /** @type {const} */ ("user"),
      content: [
        { type: /** @type {const} */ ("text"), text: "What is it?" },
        { type: /** @type {const} */ ("image_url"), image_url: { url } },
      ],
    },
  ],
});

/**
 * Waits for a promise to reject with an error of that class.
 *
 * @template {Error} Failure
 * @param {Promise<unknown>} promise
 * @param {new (...args: never[]) => Failure} kind
 * @returns {Promise<Failure>}
 */
async function refusal(promise, kind) {
  const cause = await promise.then(
    () => assert.fail("it was answered"),
    (/** @type {unknown} */ cause) => cause,
  );
  assert.ok(cause instanceof kind, String(cause));
  return cause;
}

test("a chat is answered and the models are listed", async () => {
  const answer = await completions.create(BRIEF);
  assert.equal(answer.model, model);
  assert.equal(answer.choices[0]?.message.role, "assistant");
  assert.ok(answer.usage && answer.usage.completion_tokens > 0 && answer.usage.completion_tokens <= 8);
  assert.deepEqual(
    (await client.models.list()).data.map(({ id }) => id),
    [model],
  );
  assert.equal((await client.models.retrieve(model)).id, model);
});

test("a streamed answer is the same as the whole one", async () => {
  const whole = await completions.create(BRIEF);
  const stream = await completions.create({
    ...BRIEF,
    stream: true,
    stream_options: { include_usage: true },
  });
  let text = "";
  let usage;
  for await (const chunk of stream) {
    text += chunk.choices[0]?.delta.content ?? "";
    usage = chunk.usage ?? usage;
  }
  assert.equal(text, whole.choices[0]?.message.content);
  assert.deepEqual(usage, whole.usage);
});

test("a tool of the caller's is run with arguments that validate, and its result is read", async () => {
  /** @type {string[]} */
  const asked = [];
  const runner = completions.runTools({
    ...BRIEF,
    max_tokens: 300,
    parallel_tool_calls: false,
    tool_choice: { type: "function", function: { name: "weather" } },
    tools: [
      {
        type: "function",
        function: {
          name: "weather",
          description: "Get the weather of a city",
          parameters: {
            type: "object",
            properties: { city: { type: "string", maxLength: 5 } },
            required: ["city"],
            additionalProperties: false,
          },
          parse: (/** @type {string} */ text) =>
            z.strictObject({ city: z.string().max(5) }).parse(JSON.parse(text)),
          function: (/** @type {{ city: string }} */ { city }) => {
            asked.push(city);
            return "sunny";
          },
        },
      },
    ],
  });
  await runner.done();
  assert.equal(asked.length, 1);
  assert.deepEqual(
    runner.messages.map(({ role }) => role),
    ["user", "assistant", "tool"],
  );
  const answer = await completions.create({ ...BRIEF, messages: runner.messages });
  assert.ok(answer.usage && answer.usage.prompt_tokens > 20);
});

test("a structured answer is an object of the caller's schema, whole and streamed", async () => {
  const Tag = z.object({ colour: z.enum(["red", "blue"]) });
  const asked = { ...BRIEF, max_tokens: 100, response_format: zodResponseFormat(Tag, "tag") };
  const whole = (await completions.parse(asked)).choices[0]?.message.parsed;
  assert.ok(whole && ["red", "blue"].includes(whole.colour));
  const streamed = await completions.stream(asked).finalChatCompletion();
  assert.deepEqual(streamed.choices[0]?.message.parsed, whole);
});

test("a picture is a data URL and nothing else", async () => {
  const seen = await completions.create(seeing(PICTURE));
  assert.ok(seen.usage && seen.usage.prompt_tokens > 4);
  for (const url of ["https://example.com/a.png", "file:///etc/passwd"]) {
    assert.equal(
      (await refusal(completions.create(seeing(url)), OpenAI.BadRequestError)).code,
      "invalid_image",
    );
  }
});

test("errors are those that the client has classes for, and say what to do", async () => {
  const unknown = await refusal(completions.create({ ...BRIEF, model: "gpt-5" }), OpenAI.NotFoundError);
  assert.equal(unknown.code, "model_not_found");
  const field = await refusal(completions.create({ ...BRIEF, verbosity: "high" }), OpenAI.BadRequestError);
  assert.deepEqual([field.param, field.type], ["verbosity", "invalid_request_error"]);
  const stranger = new OpenAI({ baseURL, apiKey: "kf-wrong", maxRetries: 0 });
  const denied = await refusal(stranger.chat.completions.create(BRIEF), OpenAI.AuthenticationError);
  assert.equal(denied.code, "invalid_api_key");
  assert.match(denied.message, /Other programs/);
});

/** How many requests the sidecar says were cancelled. */
function cancelled() {
  const files = readdirSync(logs).filter((name) => name.startsWith("sidecar"));
  const all = files.map((name) => readFileSync(join(logs, name), "utf8")).join("");
  return all.split("Request cancelled").length - 1;
}

/**
 * Has a client leave its request, and waits until the engine has cancelled that.
 *
 * @param {() => Promise<void>} leave
 */
async function leaves(leave) {
  const before = cancelled();
  await leave();
  const deadline = Date.now() + PATIENCE;
  while (cancelled() === before) {
    assert.ok(Date.now() < deadline, "the request is not cancelled");
    await completions.create(BRIEF);
  }
}

test("a client that runs out of time, aborts or reads no further has its request cancelled in the engine", async () => {
  await leaves(async () => {
    await refusal(completions.create(LONG, { timeout: 500 }), OpenAI.APIConnectionTimeoutError);
  });
  await leaves(async () => {
    const abort = new AbortController();
    const stream = await completions.create({ ...LONG, stream: true }, { signal: abort.signal });
    for await (const _ of stream) {
      abort.abort(); // which ends the stream
    }
  });
  await leaves(async () => {
    for await (const _ of await completions.create({ ...LONG, stream: true })) {
      break;
    }
  });
});

test("eight at once are all answered", async () => {
  const seeds = Array.from({ length: 8 }, (_, seed) => seed);
  const answers = await Promise.all(seeds.map((seed) => completions.create({ ...BRIEF, seed })));
  for (const answer of answers) {
    assert.ok(["stop", "length"].includes(answer.choices[0]?.finish_reason ?? ""));
  }
});
