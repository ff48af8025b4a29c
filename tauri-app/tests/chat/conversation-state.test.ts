import { expect, test } from "vitest";
import {
  type Conversation,
  conversation,
  type Happened,
  isAnswering,
  opened,
  shown,
} from "@/chat/conversation";
import { canGoOn, textOf } from "@/chat/message";
import { RpcError } from "@/rpc/error";
import type { EventParams } from "@/rpc/gen/protocol";
import { message } from "../shell/chats";

const QUESTION = message({ id: "q", text: "Hi" });
const ANSWER = message({ id: "a", role: "assistant", state: "streaming" });

function after(state: Conversation, ...happened: Happened[]): Conversation {
  return happened.reduce(conversation, state);
}

/** A chat that was read, with these messages. */
function reading(...messages: (typeof QUESTION)[]): Conversation {
  return after(opened("chat"), { type: "reading" }, { type: "read", page: { messages, more: false } });
}

function delta(offset: number, text: string, messageId = "a", sessionId = "chat"): EventParams {
  return { sessionId, messageId, event: { type: "delta", offset, text } };
}

function changed(to: typeof ANSWER): EventParams {
  return { sessionId: to.sessionId, messageId: to.id, event: { type: "message", message: to } };
}

const heard = (...events: EventParams[]): Happened => ({ type: "heard", events });
const texts = ({ messages }: Conversation) => messages.map(textOf);

test("an answer grows by what is told of it", () => {
  expect(texts(after(reading(QUESTION, ANSWER), heard(delta(0, "one "), delta(4, "two"))))).toEqual([
    "Hi",
    "one two",
  ]);
});

test("offsets count code points, not halves of them", () => {
  const state = after(reading(QUESTION, ANSWER), heard(delta(0, "🔴🔵"), delta(2, "🟢"), delta(3, "!")));
  expect(texts(state)).toEqual(["Hi", "🔴🔵🟢!"]);
});

test("what was read already is not told twice", () => {
  const read = { ...ANSWER, parts: [{ type: "text" as const, text: "one tw" }] };
  const state = after(reading(QUESTION, read), heard(delta(0, "one "), delta(4, "two"), delta(7, ".")));
  expect(texts(state)).toEqual(["Hi", "one two."]);
  expect(state.missed).toBe(false);
});

test("a gap means that the chat has to be read again", () => {
  const state = after(reading(QUESTION, ANSWER), heard(delta(4, "two")));
  expect(texts(state)).toEqual(["Hi", ""]);
  expect(state.missed).toBe(true);
  expect(after(state, { type: "reading" }).missed).toBe(false);
});

test("so does a message that is not known", () => {
  expect(after(reading(QUESTION, ANSWER), heard(delta(0, "one", "other"))).missed).toBe(true);
});

test("what is told of another chat is not its own", () => {
  const state = reading(QUESTION, ANSWER);
  expect(after(state, heard(delta(0, "one", "a", "other")))).toEqual(state);
});

test("what is told while the chat is being read comes on top of what was read", () => {
  const read = { ...ANSWER, parts: [{ type: "text" as const, text: "one " }] };
  const whole = {
    ...ANSWER,
    parts: [{ type: "text" as const, text: "one two" }],
    state: "complete" as const,
  };
  const state = after(
    opened("chat"),
    { type: "reading" },
    heard(delta(0, "one "), delta(4, "two")),
    { type: "read", page: { messages: [QUESTION, read], more: false } },
    heard(changed(whole)),
  );
  expect(texts(state)).toEqual(["Hi", "one two"]);
  expect(state.missed).toBe(false);
  expect(isAnswering(state)).toBe(false);
});

test("what is told before the request is answered comes on top of its answer", () => {
  const state = after(
    opened(null),
    { type: "asking", asking: { kind: "send", key: "k", parts: QUESTION.parts } },
    { type: "begun", sessionId: "chat" },
    heard(changed(ANSWER), delta(0, "one")),
    { type: "answering", turn: { question: QUESTION, answer: ANSWER } },
    heard(delta(3, " two")),
  );
  expect(texts(state)).toEqual(["Hi", "one two"]);
  expect(state.missed).toBe(false);
});

test("a question is shown at once, and stays the same one when it gets its id", () => {
  const asking = after(opened("chat"), {
    type: "asking",
    asking: { kind: "send", key: "k", parts: QUESTION.parts },
  });
  expect(shown(asking)).toMatchObject([{ id: "k", role: "user", parts: QUESTION.parts }]);
  expect(isAnswering(asking)).toBe(true);
  const answering = after(asking, { type: "answering", turn: { question: QUESTION, answer: ANSWER } });
  expect(shown(answering).map(({ id }) => id)).toEqual(["q", "a"]);
  expect(answering.keys).toEqual({ q: "k" });
});

test("a question that was refused is gone again, and why is known", () => {
  const state = after(
    reading(QUESTION),
    { type: "asking", asking: { kind: "send", key: "k", parts: QUESTION.parts } },
    { type: "refused", error: new RpcError("capability_conflict") },
  );
  expect(shown(state).map(({ id }) => id)).toEqual(["q"]);
  expect(state.error?.kind).toBe("capability_conflict");
  expect(isAnswering(state)).toBe(false);
});

test("an answer that is asked for again is gone at once, and comes back where that is refused", () => {
  const whole = { ...ANSWER, state: "complete" as const };
  const asking = after(reading(QUESTION, whole), {
    type: "asking",
    asking: { kind: "regenerate", messageId: "a" },
  });
  expect(shown(asking).map(({ id }) => id)).toEqual(["q"]);
  const refused = after(asking, { type: "refused", error: new RpcError("store_failed") });
  expect(shown(refused).map(({ id }) => id)).toEqual(["q", "a"]);
  const answering = after(asking, {
    type: "answering",
    turn: { question: QUESTION, answer: { ...ANSWER, id: "b" } },
  });
  expect(shown(answering).map(({ id }) => id)).toEqual(["q", "b"]);
});

test("a question that was put in other words replaces what came after it", () => {
  const later = message({ id: "q2", text: "And?" });
  const edited = { ...QUESTION, parts: [{ type: "text" as const, text: "Hello" }] };
  const state = after(
    reading(QUESTION, { ...ANSWER, state: "complete" }, later),
    { type: "asking", asking: { kind: "edit", messageId: "q", parts: edited.parts } },
    { type: "answering", turn: { question: edited, answer: { ...ANSWER, id: "b" } } },
  );
  expect(state.messages.map(({ id }) => id)).toEqual(["q", "b"]);
  expect(texts(state)).toEqual(["Hello", ""]);
});

test("an answer that goes on keeps what it has said", () => {
  const half = message({ id: "a", role: "assistant", state: "interrupted", text: "one " });
  const state = after(
    reading(QUESTION, half),
    { type: "asking", asking: { kind: "continue", messageId: "a" } },
    heard(changed({ ...half, state: "streaming" }), delta(4, "two")),
    { type: "answering", turn: { question: QUESTION, answer: { ...half, state: "streaming" } } },
  );
  expect(texts(state)).toEqual(["Hi", "one two"]);
});

test("older pages stay when the newest one is read again", () => {
  const older = message({ id: "older", text: "Before" });
  const state = after(
    opened("chat"),
    { type: "reading" },
    { type: "read", page: { messages: [QUESTION, ANSWER], more: true } },
    { type: "readOlder", before: "q", page: { messages: [older], more: false } },
    { type: "reading" },
    { type: "read", page: { messages: [QUESTION, { ...ANSWER, state: "complete" }], more: true } },
  );
  expect(state.messages.map(({ id }) => id)).toEqual(["older", "q", "a"]);
  expect(state.more).toBe(false);
});

test("an answer whose sidecar ended has broken off", () => {
  const state = after(reading(QUESTION, ANSWER), { type: "ended", restarts: false });
  expect(state.messages.at(-1)).toMatchObject({ state: "interrupted", kind: "sidecar_restarted" });
});

test("only an answer that grows while it is on screen is news", () => {
  expect(reading(QUESTION, { ...ANSWER, state: "complete" }).live).toBeNull();
  expect(reading(QUESTION, ANSWER).live).toBe("a");
});

test("an answer that was cut can go on, unless it is as long as one gets", () => {
  const cut = (text: string) => message({ role: "assistant", text, finishReason: "length" });
  expect([cut("Half"), cut(" "), cut("x".repeat(500_000))].map(canGoOn)).toEqual([true, false, false]);
  expect([cut("🦊".repeat(499_999)), cut("🦊".repeat(500_000))].map(canGoOn)).toEqual([true, false]);
});
