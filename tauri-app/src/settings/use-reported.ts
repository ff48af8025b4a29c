import { useCallback, useEffect, useState } from "react";
import { RpcError } from "@/rpc/error";
import type { Sidecar } from "@/rpc/sidecar";

/** A state that the sidecar keeps: how to read it, and how a change of it is heard. */
export interface Source<Value> {
  read: (sidecar: Sidecar) => Promise<Value>;
  /** Hands on what each change makes of the value known so far; the function that comes back stops that. */
  listen: (sidecar: Sidecar, hear: (change: (known: Value | null) => Value | null) => void) => () => void;
}

export interface Reported<Value> {
  /** Null until it is known. */
  value: Value | null;
  /** Why it could not be read; what was known before stays. */
  error: RpcError | null;
  /** Reads it again. */
  read: () => void;
}

/** Reads a state and keeps to it. `source` is one constant. */
export function useReported<Value>(sidecar: Sidecar, source: Source<Value>): Reported<Value> {
  const [state, setState] = useState<{ value: Value | null; error: RpcError | null }>({
    value: null,
    error: null,
  });
  const [turn, setTurn] = useState(0);

  // biome-ignore lint/correctness/useExhaustiveDependencies: another turn is another reading.
  useEffect(() => {
    let heard = 0;
    let gone = false;
    const read = () => {
      const before = heard;
      source.read(sidecar).then(
        // A notification that came meanwhile is newer.
        (value) => !gone && heard === before && setState({ value, error: null }),
        (cause: unknown) => !gone && setState(({ value }) => ({ value, error: RpcError.from(cause) })),
      );
    };
    const stops = [
      source.listen(sidecar, (change) => {
        heard += 1;
        setState(({ value }) => ({ value: change(value), error: null }));
      }),
      sidecar.on("shell/sidecar", ({ state }) => state === "ready" && read()),
      sidecar.on("shell/notificationsLost", read),
    ];
    // Subscribed first, read second: a change in between is then heard.
    sidecar.connect().then(read, (cause: unknown) => {
      if (!gone) {
        setState(({ value }) => ({ value, error: RpcError.from(cause) }));
      }
    });
    return () => {
      gone = true;
      for (const stop of stops) {
        stop();
      }
    };
  }, [sidecar, source, turn]);

  const read = useCallback(() => setTurn((turn) => turn + 1), []);
  return { ...state, read };
}
