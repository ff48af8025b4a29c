import { expect, test } from "vitest";
import { byDays } from "@/chat/chat-days";
import { type ChatList, chatList, type Happened, UNREAD } from "@/chat/chat-list";
import { RpcError } from "@/rpc/error";
import { session } from "../shell/chats";

const [ONE, TWO, THREE] = [1, 2, 3].map((number) =>
  session({ id: String(number), title: `chat ${number}`, updatedAt: number }),
) as [ReturnType<typeof session>, ReturnType<typeof session>, ReturnType<typeof session>];

function after(...happened: Happened[]): ChatList {
  return happened.reduce(chatList, UNREAD);
}

function read(sessions: ChatList["chats"], cursor: string | null = null, words = ""): Happened {
  return { type: "read", words, page: { sessions: [...sessions], cursor } };
}

const ids = ({ chats }: ChatList) => chats.map(({ id }) => id);

test("a chat that goes on comes first", () => {
  const list = after(read([THREE, TWO, ONE]), { type: "changed", session: { ...ONE, updatedAt: 9 } });
  expect(ids(list)).toEqual(["1", "3", "2"]);
});

test("a chat that was renamed stays where it is", () => {
  const list = after(read([THREE, TWO, ONE]), { type: "changed", session: { ...TWO, title: "new" } });
  expect(ids(list)).toEqual(["3", "2", "1"]);
  expect(list.chats[1]?.title).toBe("new");
});

test("what changed while the list was read is in it", () => {
  const list = after(read([ONE]), { type: "reading" }, { type: "changed", session: TWO }, read([ONE]));
  expect(ids(list)).toEqual(["2", "1"]);
});

test("the next page has each chat once", () => {
  const page = { sessions: [TWO, ONE], cursor: null };
  const list = after(
    read([THREE, TWO], "2"),
    { type: "readOn", words: "", cursor: "2", page },
    { type: "readOn", words: "", cursor: "2", page },
  );
  expect(ids(list)).toEqual(["3", "2", "1"]);
  expect(list.cursor).toBeNull();
});

test("a page of another search is not taken", () => {
  const page = { sessions: [ONE], cursor: null };
  expect(ids(after(read([THREE], "1"), { type: "readOn", words: "red", cursor: "1", page }))).toEqual(["3"]);
});

test("an old chat that was not read yet waits for its page, and is known by its id", () => {
  const list = after(read([THREE, TWO], "2"), { type: "changed", session: { ...ONE, title: "new" } });
  expect(ids(list)).toEqual(["3", "2"]);
  expect(list.byId.get("1")?.title).toBe("new");
});

test("what was found stays in its order, with the place where it was found", () => {
  const found = [{ ...ONE, snippet: "«red»" }, TWO];
  const list = after(read(found, null, "red"), { type: "changed", session: { ...TWO, updatedAt: 9 } });
  expect(ids(list)).toEqual(["1", "2"]);
  const renamed = chatList(list, { type: "changed", session: { ...ONE, title: "new" } });
  expect(renamed.chats[0]).toMatchObject({ title: "new", snippet: "«red»" });
  expect(ids(chatList(list, { type: "changed", session: THREE }))).toEqual(["1", "2"]);
});

test("a chat that was deleted is not brought back by what is heard or read late", () => {
  const list = after(
    read([TWO, ONE]),
    { type: "reading" },
    { type: "deleted", sessionId: "1" },
    { type: "changed", session: ONE },
    read([TWO, ONE]),
  );
  expect(ids(list)).toEqual(["2"]);
});

test("chats in which an answer is being written are known, until the sidecar ends", () => {
  const list = after(read([ONE]), { type: "answering", sessionId: "1", is: true });
  expect([...list.answering]).toEqual(["1"]);
  expect([...chatList(list, { type: "answering", sessionId: "1", is: false }).answering]).toEqual([]);
  expect([...chatList(list, { type: "ended" }).answering]).toEqual([]);
});

test("an error leaves the list as it was, and goes with the next reading", () => {
  const failed = after(read([ONE]), { type: "unread", error: new RpcError("store_failed") });
  expect(ids(failed)).toEqual(["1"]);
  expect(chatList(failed, read([ONE])).error).toBeNull();
});

test("chats are told apart by the days of the calendar", () => {
  const at = (day: number, hour: number) => new Date(2026, 2, day, hour).getTime();
  const chats = [at(10, 0), at(9, 23), at(9, 0), at(8, 23), at(4, 0), at(3, 23)].map((updatedAt, index) =>
    session({ id: String(index), updatedAt }),
  );
  const days = byDays(chats, at(10, 1)).map(([days, of]) => [days, of.map(({ id }) => id)]);
  expect(days).toEqual([
    ["today", ["0"]],
    ["yesterday", ["1", "2"]],
    ["week", ["3", "4"]],
    ["earlier", ["5"]],
  ]);
});
