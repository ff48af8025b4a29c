/** The list of chats as far as it was read, and what becomes of it with each thing that is heard. */
import type { RpcError } from "@/rpc/error";
import type { Session, SessionsResult } from "@/rpc/gen/protocol";

export interface ChatList {
  /** What is searched for; empty: all chats, the last changed first. */
  words: string;
  chats: readonly Session[];
  /** Where it goes on; null: there are no more. */
  cursor: string | null;
  /** It was read at least once. */
  known: boolean;
  /** Why it could not be read. */
  error: RpcError | null;
  /** What was heard since it is being read: that may not be in what is read. */
  heard: readonly Session[];
  /** All that were read or heard of, by id: the one on screen need not be in the list. */
  byId: ReadonlyMap<string, Session>;
  /** Those that are gone: what is heard of them late does not bring them back. */
  deleted: ReadonlySet<string>;
  /** Those in which an answer is being written. */
  answering: ReadonlySet<string>;
}

export type Happened =
  | { type: "reading" }
  | { type: "read"; words: string; page: SessionsResult }
  | { type: "readOn"; words: string; cursor: string; page: SessionsResult }
  | { type: "unread"; error: RpcError }
  | { type: "changed"; session: Session }
  | { type: "answering"; sessionId: string; is: boolean }
  | { type: "deleted"; sessionId: string }
  | { type: "ended" };

export const UNREAD: ChatList = {
  words: "",
  chats: [],
  cursor: null,
  known: false,
  error: null,
  heard: [],
  byId: new Map(),
  deleted: new Set(),
  answering: new Set(),
};

export function chatList(state: ChatList, happened: Happened): ChatList {
  switch (happened.type) {
    case "reading":
      return { ...state, heard: [] };
    case "read": {
      const read: ChatList = {
        ...state,
        words: happened.words,
        chats: happened.page.sessions.filter(({ id }) => !state.deleted.has(id)),
        cursor: happened.page.cursor,
        known: true,
        error: null,
        byId: withKnown(state.byId, happened.page.sessions),
      };
      return state.heard.reduce(changed, read);
    }
    case "readOn": {
      if (happened.words !== state.words || happened.cursor !== state.cursor) {
        return state;
      }
      const listed = new Set([...state.chats.map(({ id }) => id), ...state.deleted]);
      const chats = [...state.chats, ...happened.page.sessions.filter(({ id }) => !listed.has(id))];
      const byId = withKnown(state.byId, happened.page.sessions);
      return { ...state, chats, byId, cursor: happened.page.cursor, error: null };
    }
    case "unread":
      return { ...state, error: happened.error };
    case "changed":
      return state.deleted.has(happened.session.id)
        ? state
        : changed({ ...state, heard: [...state.heard, happened.session] }, happened.session);
    case "answering":
      return { ...state, answering: withMember(state.answering, happened.sessionId, happened.is) };
    case "deleted":
      return {
        ...state,
        chats: state.chats.filter(({ id }) => id !== happened.sessionId),
        heard: state.heard.filter(({ id }) => id !== happened.sessionId),
        deleted: withMember(state.deleted, happened.sessionId, true),
        answering: withMember(state.answering, happened.sessionId, false),
      };
    case "ended":
      return { ...state, answering: new Set() };
  }
}

function changed(state: ChatList, session: Session): ChatList {
  return { ...state, chats: withChanged(state, session), byId: withKnown(state.byId, [session]) };
}

function withChanged({ words, chats, cursor }: ChatList, session: Session): readonly Session[] {
  if (words !== "") {
    // What was found stays where it was found.
    return chats.map((chat) => (chat.id === session.id ? { ...session, snippet: chat.snippet } : chat));
  }
  const others = chats.filter(({ id }) => id !== session.id);
  const oldest = others.at(-1);
  if (cursor !== null && oldest && session.updatedAt < oldest.updatedAt) {
    // It belongs further down, where the list was not read yet.
    return others.length === chats.length ? chats : [...others, session];
  }
  const place = others.findIndex(({ updatedAt }) => updatedAt <= session.updatedAt);
  return others.toSpliced(place < 0 ? others.length : place, 0, session);
}

function withKnown(known: ChatList["byId"], sessions: readonly Session[]): ChatList["byId"] {
  return new Map([...known, ...sessions.map((session) => [session.id, session] as const)]);
}

function withMember(set: ReadonlySet<string>, member: string, is: boolean): ReadonlySet<string> {
  if (set.has(member) === is) {
    return set;
  }
  const other = new Set(set);
  if (is) {
    other.add(member);
  } else {
    other.delete(member);
  }
  return other;
}
