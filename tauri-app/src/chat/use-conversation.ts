import { useCallback, useEffect, useMemo, useReducer, useRef } from "react";
import { RpcError } from "@/rpc/error";
import type { EventParams } from "@/rpc/gen/protocol";
import type { Sidecar } from "@/rpc/sidecar";
import { type Asking, conversation, isAnswering, isUnderWay, opened, shown } from "./conversation";
import { type Part, textOf } from "./message";
import type { Phase } from "./phase";
import { useEngine } from "./use-engine";

/** Milliseconds between two renderings of a growing answer. */
const RENDER_EVERY = 50;

/** The chat on screen: its messages, what it is doing, and what one can do with it. `giveUp` deletes a chat. */
export function useConversation(sidecar: Sidecar, giveUp: (sessionId: string) => Promise<void>) {
  const [state, happen] = useReducer(conversation, null, opened);
  const engine = useEngine(sidecar);
  // What was asked in a chat that is no longer on screen is answered all the same, but not shown here.
  const place = useRef(0);
  const sessionId = useRef<string | null>(null);
  const asked = useRef<Promise<unknown>>(Promise.resolve());

  const read = useCallback(async () => {
    const here = place.current;
    const happenHere: typeof happen = (happened) => here === place.current && happen(happened);
    if (sessionId.current === null) {
      return;
    }
    happenHere({ type: "reading" });
    try {
      // Events are heard from here on: none falls between what is read and what is told later.
      await sidecar.connect();
      const page = await sidecar.call("sessions/messages", { sessionId: sessionId.current });
      happenHere({ type: "read", page });
    } catch (cause) {
      happenHere({ type: "unread", error: RpcError.from(cause) });
    }
  }, [sidecar]);

  const open = useCallback(
    (id: string | null) => {
      place.current += 1;
      sessionId.current = id;
      happen({ type: "opened", sessionId: id });
      void read();
    },
    [read],
  );

  useEffect(() => {
    let heard: EventParams[] = [];
    let timer: ReturnType<typeof setTimeout> | undefined;
    const tell = () => {
      clearTimeout(timer);
      timer = undefined;
      const events = heard;
      heard = [];
      happen({ type: "heard", events });
    };
    const stops = [
      sidecar.on("sessions/event", (told) => {
        heard.push(told);
        if (told.event.type === "message") {
          tell();
        } else {
          timer ??= setTimeout(tell, RENDER_EVERY);
        }
      }),
      sidecar.on("shell/sidecar", ({ state }) => {
        clearTimeout(timer);
        timer = undefined;
        heard = []; // the last words of the one before, which may never have been written down
        if (state === "ready") {
          void read();
        } else {
          happen({ type: "ended", restarts: state === "starting" });
        }
      }),
      sidecar.on("shell/notificationsLost", () => void read()),
      () => clearTimeout(timer),
    ];
    return () => {
      for (const stop of stops) {
        stop();
      }
    };
  }, [sidecar, read]);

  useEffect(() => {
    if (state.missed) {
      void read();
    }
  }, [state.missed, read]);

  /** Why it was refused, if it was. */
  const ask = useCallback(
    (asking: Asking): Promise<RpcError | null> => {
      const here = place.current;
      const happenHere: typeof happen = (happened) => here === place.current && happen(happened);
      const become = (id: string | null) => {
        if (here === place.current) {
          sessionId.current = id;
          happen({ type: "begun", sessionId: id });
        }
      };
      const request = async () => {
        let id = sessionId.current;
        const isFirst = id === null;
        happenHere({ type: "asking", asking });
        try {
          await sidecar.connect();
          if (id === null) {
            id = (await sidecar.call("sessions/create", {})).session.id;
            become(id);
          }
          happenHere({ type: "answering", turn: await requestTurn(sidecar, id, asking) });
          return null;
        } catch (cause) {
          if (isFirst && id !== null) {
            become(null);
            // Nothing was said in it. Where this fails, too, an empty chat stays in the list.
            giveUp(id).catch(() => undefined);
          }
          const error = RpcError.from(cause);
          happenHere({ type: "refused", error });
          return error;
        }
      };
      const answer = request();
      asked.current = answer;
      return answer;
    },
    [sidecar, giveUp],
  );

  const send = useCallback(
    (parts: readonly Part[]) => ask({ kind: "send", key: crypto.randomUUID(), parts }),
    [ask],
  );
  const edit = useCallback(
    (messageId: string, parts: readonly Part[]) => ask({ kind: "edit", messageId, parts }),
    [ask],
  );
  const regenerate = useCallback((messageId: string) => void ask({ kind: "regenerate", messageId }), [ask]);
  const goOn = useCallback((messageId: string) => void ask({ kind: "continue", messageId }), [ask]);

  const stop = useCallback(async () => {
    const here = place.current;
    await asked.current;
    const id = sessionId.current;
    if (id !== null && here === place.current) {
      // It may have ended by itself; a sidecar that is gone has stopped, too.
      await sidecar.call("sessions/stop", { sessionId: id }).catch(() => undefined);
    }
  }, [sidecar]);

  const first = state.messages[0]?.id;
  const readOlder = useCallback(async () => {
    const here = place.current;
    if (sessionId.current === null || first === undefined) {
      return;
    }
    const params = { sessionId: sessionId.current, before: first };
    const page = await sidecar.call("sessions/messages", params).catch(() => null);
    if (page && here === place.current) {
      happen({ type: "readOlder", before: first, page });
    }
  }, [sidecar, first]);

  const messages = useMemo(() => shown(state), [state]);
  const last = messages.at(-1);
  const isLive = last !== undefined && last.id === state.live;
  const answering = isAnswering(state);
  const wordless = state.asking !== null || (last !== undefined && textOf(last) === "");

  let phase: Phase = null;
  const isHeldUp = state.asking !== null && !isUnderWay(state.asking, state.messages);
  if (answering && !isHeldUp) {
    phase = !wordless ? "answering" : engine?.loading ? "loading" : "thinking";
  } else if (isLive && !isHeldUp) {
    phase = last.state === "complete" ? "finished" : last.kind === null ? "stopped" : null;
  }

  return {
    ...state,
    messages,
    answering,
    phase,
    /** The answer that has grown here, to be read out. */
    spoken: isLive ? textOf(last) : "",
    open,
    read,
    readOlder,
    send,
    edit,
    regenerate,
    goOn,
    stop,
  };
}

export type OpenConversation = ReturnType<typeof useConversation>;

function requestTurn(sidecar: Sidecar, sessionId: string, asking: Asking) {
  switch (asking.kind) {
    case "send":
      return sidecar.call("sessions/send", { sessionId, parts: [...asking.parts] });
    case "edit":
      return sidecar.call("sessions/edit", {
        sessionId,
        messageId: asking.messageId,
        parts: [...asking.parts],
      });
    default:
      return sidecar.call(`sessions/${asking.kind}`, { sessionId, messageId: asking.messageId });
  }
}
