import { useCallback, useEffect, useReducer, useRef, useState } from "react";
import { RpcError } from "@/rpc/error";
import type { Sidecar } from "@/rpc/sidecar";
import { chatList, UNREAD } from "./chat-list";

/** Milliseconds without a key press after which a search begins. */
const TYPING = 150;

/** All chats, or those that have the words that are searched for; kept up to date. */
export function useChats(sidecar: Sidecar) {
  const [state, happen] = useReducer(chatList, UNREAD);
  const [search, setSearch] = useState("");
  const words = search.trim();
  const wanted = useRef(words);
  wanted.current = words;

  const read = useCallback(async () => {
    const words = wanted.current;
    happen({ type: "reading" });
    try {
      // Changes are heard from here on.
      await sidecar.connect();
      const page = await sidecar.call("sessions/list", words === "" ? {} : { search: words });
      if (words === wanted.current) {
        happen({ type: "read", words, page });
      }
    } catch (cause) {
      if (words === wanted.current) {
        happen({ type: "unread", error: RpcError.from(cause) });
      }
    }
  }, [sidecar]);

  useEffect(() => {
    const timer = setTimeout(() => void read(), words === "" ? 0 : TYPING);
    return () => clearTimeout(timer);
  }, [words, read]);

  useEffect(() => {
    const stops = [
      sidecar.on("sessions/changed", ({ session }) => happen({ type: "changed", session })),
      sidecar.on("sessions/event", ({ sessionId, event }) => {
        if (event.type === "message") {
          happen({ type: "answering", sessionId, is: event.message.state === "streaming" });
        }
      }),
      sidecar.on("shell/sidecar", ({ state }) =>
        state === "ready" ? void read() : happen({ type: "ended" }),
      ),
      sidecar.on("shell/notificationsLost", () => void read()),
    ];
    return () => {
      for (const stop of stops) {
        stop();
      }
    };
  }, [sidecar, read]);

  const readOn = useCallback(async () => {
    const { words, cursor } = state;
    if (cursor === null) {
      return;
    }
    try {
      const params = words === "" ? { cursor } : { cursor, search: words };
      happen({ type: "readOn", words, cursor, page: await sidecar.call("sessions/list", params) });
    } catch (cause) {
      happen({ type: "unread", error: RpcError.from(cause) });
    }
  }, [sidecar, state]);

  /** @throws {RpcError} when it keeps its title. */
  const rename = useCallback(
    async (sessionId: string, title: string) => {
      const { session } = await sidecar.call("sessions/rename", { sessionId, title });
      happen({ type: "changed", session });
    },
    [sidecar],
  );

  /** @throws {RpcError} when it is still there. */
  const remove = useCallback(
    async (sessionId: string) => {
      try {
        await sidecar.call("sessions/delete", { sessionId });
      } catch (cause) {
        const error = RpcError.from(cause);
        if (error.kind !== "session_not_found") {
          throw error;
        }
      }
      happen({ type: "deleted", sessionId });
    },
    [sidecar],
  );

  return { ...state, search, setSearch, read, readOn, rename, remove };
}

export type Chats = ReturnType<typeof useChats>;
