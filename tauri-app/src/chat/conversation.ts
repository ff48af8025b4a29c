/** One chat as the window knows it, and what becomes of it with each thing that is heard of it. */
import type { RpcError } from "@/rpc/error";
import type { EventParams, MessagesResult, TurnResult } from "@/rpc/gen/protocol";
import { type ChatMessage, codePoints, type Part, textOf } from "./message";

const MESSAGES_OF_TURN = 2;

/** What was asked of the chat and is not confirmed yet. */
export type Asking =
  | { kind: "send"; key: string; parts: readonly Part[] }
  | { kind: "edit"; messageId: string; parts: readonly Part[] }
  | { kind: "regenerate" | "continue"; messageId: string };

export interface Conversation {
  /** Null: a chat that nothing was asked in yet, which the sidecar does not know. */
  sessionId: string | null;
  /** The oldest first. */
  messages: readonly ChatMessage[];
  /** There are older ones that were not read. */
  more: boolean;
  /** What the messages are is known. */
  known: boolean;
  asking: Asking | null;
  /** Why the last request failed. */
  error: RpcError | null;
  /** How many requests are under way whose answers say what the chat is. What is heard meanwhile goes on from there. */
  waits: number;
  parked: readonly EventParams[];
  /** Something was not heard: the chat has to be read again. */
  missed: boolean;
  /** The answer that has grown before the person's eyes. */
  live: string | null;
  /** By which key a message was shown before it had its id. */
  keys: Readonly<Record<string, string>>;
}

export type Happened =
  | { type: "opened"; sessionId: string | null }
  | { type: "reading" }
  | { type: "read"; page: MessagesResult }
  | { type: "readOlder"; before: string; page: MessagesResult }
  | { type: "asking"; asking: Asking }
  /** A chat that was begun with the first question has its id, or has lost it as that was refused. */
  | { type: "begun"; sessionId: string | null }
  | { type: "answering"; turn: TurnResult }
  | { type: "refused"; error: RpcError }
  | { type: "unread"; error: RpcError }
  | { type: "heard"; events: readonly EventParams[] }
  /** The sidecar ended; so did what it was writing, unless the next one goes on with it. */
  | { type: "ended"; restarts: boolean };

export function opened(sessionId: string | null): Conversation {
  return {
    sessionId,
    messages: [],
    more: false,
    known: sessionId === null,
    asking: null,
    error: null,
    waits: 0,
    parked: [],
    missed: false,
    live: null,
    keys: {},
  };
}

export function conversation(state: Conversation, happened: Happened): Conversation {
  switch (happened.type) {
    case "opened":
      return opened(happened.sessionId);
    case "reading":
      return { ...state, waits: state.waits + 1, missed: false };
    case "read":
      return arrived(read(state, happened.page));
    case "readOlder":
      return state.messages[0]?.id === happened.before
        ? {
            ...state,
            messages: [...happened.page.messages, ...state.messages],
            more: happened.page.more,
          }
        : state;
    case "asking":
      return { ...state, waits: state.waits + 1, asking: happened.asking, error: null };
    case "begun":
      return { ...state, sessionId: happened.sessionId };
    case "answering":
      return arrived(answering(state, happened.turn));
    case "refused": {
      // Whoever edits a question is told there.
      const error = state.asking?.kind === "edit" ? null : happened.error;
      return arrived({ ...state, asking: null, error });
    }
    case "unread":
      // What is on screen stays; the next reading will tell.
      return arrived({ ...state, error: state.known ? state.error : happened.error });
    case "heard": {
      const ours = happened.events.filter(({ sessionId }) => sessionId === state.sessionId);
      if (state.waits > 0 || !state.known) {
        return ours.length > 0 ? { ...state, parked: [...state.parked, ...ours] } : state;
      }
      return ours.reduce(follow, state);
    }
    case "ended":
      return {
        ...state,
        messages: happened.restarts ? state.messages : state.messages.map(cutOff),
        parked: [],
      };
  }
}

/** The messages to be shown: as they will be if what is being asked is done. */
export function shown({ sessionId, messages, asking }: Conversation): readonly ChatMessage[] {
  if (asking?.kind === "send") {
    return [...messages, pending(sessionId, asking.key, asking.parts)];
  }
  if (asking?.kind === "regenerate" && isUnderWay(asking, messages)) {
    return messages.slice(
      0,
      messages.findIndex(({ id }) => id === asking.messageId),
    );
  }
  return messages;
}

/** The shell asks the person before more goes than the last turn: until they say yes, nothing is done. */
export function isUnderWay(asking: Asking, messages: readonly ChatMessage[]): boolean {
  return (
    asking.kind === "send" || messages.slice(-MESSAGES_OF_TURN).some(({ id }) => id === asking.messageId)
  );
}

/** An answer is on its way. */
export function isAnswering({ messages, asking }: Conversation): boolean {
  return asking !== null || messages.at(-1)?.state === "streaming";
}

/** A request has told what the chat is; what was heard meanwhile comes on top. */
function arrived(state: Conversation): Conversation {
  const waits = Math.max(0, state.waits - 1);
  if (waits > 0 || !state.known) {
    return { ...state, waits };
  }
  return state.parked.reduce(follow, { ...state, waits, parked: [] });
}

function read(state: Conversation, { messages, more }: MessagesResult): Conversation {
  // Older pages that were read before stay.
  const first = state.messages.findIndex(({ id }) => id === messages[0]?.id);
  const streaming = messages.find((message) => message.state === "streaming");
  return {
    ...state,
    messages: [...state.messages.slice(0, Math.max(0, first)), ...messages],
    more: first > 0 ? state.more : more,
    known: true,
    error: state.known ? state.error : null,
    live: streaming?.id ?? state.live,
  };
}

function answering(state: Conversation, { question, answer }: TurnResult): Conversation {
  const asked = state.messages.findIndex(({ id }) => id === question.id);
  const before = asked < 0 ? state.messages : state.messages.slice(0, asked);
  const { asking } = state;
  return {
    ...state,
    messages: [...before, question, answer],
    known: true,
    asking: null,
    live: answer.id,
    keys: asking?.kind === "send" ? { ...state.keys, [question.id]: asking.key } : state.keys,
  };
}

function follow(state: Conversation, { messageId, event }: EventParams): Conversation {
  const index = state.messages.findIndex(({ id }) => id === messageId);
  const message = state.messages[index];
  if (!message) {
    return { ...state, missed: true };
  }
  if (event.type === "message") {
    return { ...state, messages: state.messages.with(index, event.message) };
  }
  const text = textOf(message);
  const length = codePoints(text);
  if (event.offset > length) {
    return { ...state, missed: true };
  }
  // What was read already may be told once more.
  const rest = [...event.text].slice(length - event.offset).join("");
  if (rest === "") {
    return state;
  }
  const grown: ChatMessage = { ...message, parts: [{ type: "text", text: text + rest }] };
  return { ...state, messages: state.messages.with(index, grown) };
}

function cutOff(message: ChatMessage): ChatMessage {
  return message.state === "streaming"
    ? { ...message, state: "interrupted", kind: "sidecar_restarted" }
    : message;
}

function pending(sessionId: string | null, key: string, parts: readonly Part[]): ChatMessage {
  return {
    id: key,
    sessionId: sessionId ?? "",
    role: "user",
    parts: [...parts],
    state: "complete",
    kind: null,
    said: null,
    modelName: null,
    providerName: null,
    leavesComputer: false,
    droppedBefore: 0,
    finishReason: null,
    createdAt: 0,
  };
}
