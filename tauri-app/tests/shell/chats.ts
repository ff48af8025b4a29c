/** A sidecar that keeps chats, for scripts of the shell. Its answers come when the test lets them. */
import type { ChatMessage, Part } from "@/chat/message";
import { textOf } from "@/chat/message";
import type { EventParams, Session } from "@/rpc/gen/protocol";
import type { Answers, ShellReplay } from "./replay";
import { failure, MODEL } from "./sidecar";

const FIRST = 1_760_000_000_000;

export function session(part: Partial<Session> = {}): Session {
  return {
    id: "chat",
    title: "Circles",
    createdAt: FIRST,
    updatedAt: FIRST,
    leavesComputer: false,
    snippet: null,
    ...part,
  };
}

export function message(part: Partial<ChatMessage> & { text?: string } = {}): ChatMessage {
  const { text = "", ...members } = part;
  const isAnswer = members.role === "assistant";
  return {
    id: "message",
    sessionId: "chat",
    role: "user",
    parts: [{ type: "text", text }],
    state: "complete",
    kind: null,
    said: null,
    modelName: isAnswer ? MODEL.displayName : null,
    providerName: isAnswer ? "[Builtin]" : null,
    leavesComputer: false,
    droppedBefore: 0,
    finishReason: isAnswer && (members.state ?? "complete") === "complete" ? "stop" : null,
    createdAt: FIRST,
    ...members,
  };
}

export class KeptChats {
  /** The last changed first. */
  sessions: Session[] = [];
  readonly messages = new Map<string, ChatMessage[]>();
  /** What each question is answered at once, piece by piece; null: the test says. */
  reply: readonly string[] | null = null;
  #shell: ShellReplay | undefined;
  #ids = 0;

  /** A chat of questions and answers, in turn. */
  keep(id: string, title: string, texts: readonly string[], part: Partial<Session> = {}): this {
    this.sessions.push(session({ id, title, ...part }));
    const said = texts.map((text, index) =>
      message({
        id: `${id}-${index}`,
        sessionId: id,
        role: index % 2 === 0 ? "user" : "assistant",
        text,
      }),
    );
    this.messages.set(id, said);
    return this;
  }

  readonly answers: Answers = {
    "sessions/list": ({ params: { search, cursor, limit = 50 }, shell }) => {
      this.#shell = shell;
      const found = search ? this.#found(search) : this.sessions;
      const from = Number(cursor ?? 0);
      return {
        sessions: found.slice(from, from + limit),
        cursor: from + limit < found.length ? String(from + limit) : null,
      };
    },
    "sessions/create": ({ shell }) => {
      this.#shell = shell;
      const created = session({
        id: this.#id("chat"),
        title: "",
        createdAt: Date.now(),
        updatedAt: Date.now(),
      });
      this.sessions.unshift(created);
      this.messages.set(created.id, []);
      this.#changed(created);
      return { session: created };
    },
    "sessions/rename": ({ params: { sessionId, title } }) => ({
      session: this.#changed({ ...this.#session(sessionId), title }),
    }),
    "sessions/delete": ({ params: { sessionId } }) => {
      this.sessions = this.sessions.filter(({ id }) => id !== sessionId);
      this.messages.delete(sessionId);
      return {};
    },
    "sessions/messages": ({ params: { sessionId, before, limit = 100 } }) => {
      const all = this.said(sessionId);
      const end = before ? all.findIndex(({ id }) => id === before) : all.length;
      return { messages: all.slice(Math.max(0, end - limit), end), more: end > limit };
    },
    "sessions/send": ({ params: { sessionId, parts } }) => {
      const question = message({ id: this.#id("question"), sessionId, parts: parts as Part[] });
      return this.#turn(sessionId, [...this.said(sessionId), question], question);
    },
    "sessions/edit": ({ params: { sessionId, messageId, parts } }) => {
      const [before, old] = this.#upTo(sessionId, messageId);
      const question = { ...old, parts: parts as Part[] };
      return this.#turn(sessionId, [...before, question], question);
    },
    "sessions/regenerate": ({ params: { sessionId, messageId } }) => {
      const [before] = this.#upTo(sessionId, messageId);
      return this.#turn(sessionId, before, before.at(-1));
    },
    "sessions/continue": ({ params: { sessionId, messageId } }) => {
      const [before, old] = this.#upTo(sessionId, messageId);
      return this.#turn(sessionId, before, before.at(-1), { ...old, state: "streaming", kind: null });
    },
    "sessions/stop": ({ params: { sessionId } }) => {
      if (this.said(sessionId).at(-1)?.state === "streaming") {
        this.#end(sessionId, { state: "interrupted", kind: null });
      }
      return {};
    },
  };

  said(sessionId: string): ChatMessage[] {
    const said = this.messages.get(sessionId);
    if (!said) {
      throw failure("session_not_found");
    }
    return said;
  }

  /** More of the answer that is being written in the chat that was last gone on with. */
  piece(text: string): void {
    const answer = this.#growing();
    const before = textOf(answer);
    this.#put({ ...answer, parts: [{ type: "text", text: before + text }] });
    this.#event(answer, { type: "delta", offset: [...before].length, text });
  }

  finish(part: Partial<ChatMessage> = {}): void {
    this.#end(this.#growing().sessionId, { state: "complete", finishReason: "stop", ...part });
  }

  breakOff(kind: string, said: string | null = null): void {
    this.#end(this.#growing().sessionId, { state: "interrupted", kind, said });
  }

  /** Gives the chat that was last gone on with the title that a model made. */
  entitle(title: string): void {
    const [last] = this.sessions;
    if (last) {
      this.#changed({ ...last, title });
    }
  }

  #turn(sessionId: string, before: ChatMessage[], question?: ChatMessage, goesOn?: ChatMessage) {
    const answer =
      goesOn ?? message({ id: this.#id("answer"), sessionId, role: "assistant", state: "streaming" });
    this.messages.set(sessionId, [...before, answer]);
    const known = this.#session(sessionId);
    const title = known.title || textOf(question ?? answer);
    this.#changed({ ...known, title, updatedAt: Date.now() });
    this.#event(answer, { type: "message", message: answer });
    if (this.reply) {
      for (const piece of this.reply) {
        this.piece(piece);
      }
      this.finish();
    }
    return { question: question ?? answer, answer };
  }

  #growing(): ChatMessage {
    const growing = [...this.messages.values()].flat().find(({ state }) => state === "streaming");
    if (!growing) {
      throw new Error("no answer is being written");
    }
    return growing;
  }

  #end(sessionId: string, part: Partial<ChatMessage>): void {
    const ended = { ...(this.said(sessionId).at(-1) as ChatMessage), ...part };
    this.#put(ended);
    this.#event(ended, { type: "message", message: ended });
  }

  #put(changed: ChatMessage): void {
    const said = this.said(changed.sessionId);
    this.messages.set(
      changed.sessionId,
      said.map((each) => (each.id === changed.id ? changed : each)),
    );
  }

  #upTo(sessionId: string, messageId: string): [ChatMessage[], ChatMessage] {
    const said = this.said(sessionId);
    const index = said.findIndex(({ id }) => id === messageId);
    const found = said[index];
    if (!found) {
      throw failure("message_not_found");
    }
    return [said.slice(0, index), found];
  }

  #found(search: string): Session[] {
    const words = search.toLowerCase();
    return this.sessions.flatMap((each) => {
      const texts = [each.title, ...this.said(each.id).map(textOf)];
      const text = texts.find((text) => text.toLowerCase().includes(words));
      if (text === undefined) {
        return [];
      }
      const at = text.toLowerCase().indexOf(words);
      const end = at + words.length;
      return [{ ...each, snippet: `${text.slice(0, at)}«${text.slice(at, end)}»${text.slice(end)}` }];
    });
  }

  #session(sessionId: string): Session {
    const found = this.sessions.find(({ id }) => id === sessionId);
    if (!found) {
      throw failure("session_not_found");
    }
    return found;
  }

  #changed(changed: Session): Session {
    const others = this.sessions.filter(({ id }) => id !== changed.id);
    this.sessions = [changed, ...others].sort((one, other) => other.updatedAt - one.updatedAt);
    this.#shell?.notify({ method: "sessions/changed", params: { session: changed } });
    return changed;
  }

  #event({ sessionId, id }: ChatMessage, event: EventParams["event"]): void {
    this.#shell?.notify({ method: "sessions/event", params: { sessionId, messageId: id, event } });
  }

  #id(of: string): string {
    this.#ids += 1;
    return `${of} ${this.#ids}`;
  }
}
