import { useCallback, useEffect, useState } from "react";
import { RpcError } from "@/rpc/error";
import type { StorageHolding } from "@/rpc/gen/protocol";
import { storageOutside } from "@/rpc/shell";
import type { Sidecar } from "@/rpc/sidecar";

/** Milliseconds between an answer and the next question, for as long as somebody looks. */
const AGAIN_AFTER = 10_000;

export interface Storage {
  /** What the app keeps, by kind; null until it is known. */
  holdings: StorageHolding[] | null;
  /** Why it could not be read; what was known before stays. */
  error: RpcError | null;
  /** Reads it again. */
  read: () => void;
  /** Clears one kind; the bytes that became free. */
  clear: (kind: ClearableKind) => Promise<number>;
}

export type StorageKind = StorageHolding["kind"];
export type ClearableKind = Extract<StorageKind, "partial" | "kernels" | "copies" | "attachments" | "logs">;

/** What is on the disk, read again now and then: nobody notifies of it. */
export function useStorage(sidecar: Sidecar): Storage {
  const [state, setState] = useState<Pick<Storage, "holdings" | "error">>({ holdings: null, error: null });
  const [turn, setTurn] = useState(0);

  // biome-ignore lint/correctness/useExhaustiveDependencies: another turn is another reading.
  useEffect(() => {
    let gone = false;
    let timer: ReturnType<typeof setTimeout> | undefined;
    async function look() {
      if (!document.hidden) {
        const next = await readStorage(sidecar).then(
          (holdings) => () => setState({ holdings, error: null }),
          (cause: unknown) => () => setState(({ holdings }) => ({ holdings, error: RpcError.from(cause) })),
        );
        if (gone) {
          return;
        }
        next();
      }
      timer = setTimeout(look, AGAIN_AFTER);
    }
    void look();
    return () => {
      gone = true;
      clearTimeout(timer);
    };
  }, [sidecar, turn]);

  const read = useCallback(() => setTurn((turn) => turn + 1), []);
  useEffect(() => {
    const stops = [
      sidecar.on("shell/sidecar", ({ state }) => state === "ready" && read()),
      sidecar.on("builtin-model-download-completed", read),
      sidecar.on("builtin-model-download-failed", read),
    ];
    return () => {
      for (const stop of stops) {
        stop();
      }
    };
  }, [sidecar, read]);

  const clear = useCallback(
    async (kind: ClearableKind) => {
      const { freedBytes } = await sidecar.call("storage/clear", { kind });
      read();
      return freedBytes;
    },
    [sidecar, read],
  );

  return { ...state, read, clear };
}

/** The data folder as the sidecar counts it, and what the system keeps elsewhere for the window. */
async function readStorage(sidecar: Sidecar): Promise<StorageHolding[]> {
  const [{ holdings }, outside] = await Promise.all([sidecar.call("storage/usage", {}), storageOutside()]);
  return holdings.map((holding) =>
    holding.kind === "web"
      ? {
          ...holding,
          bytes: outside.reduce((sum, { bytes }) => sum + bytes, holding.bytes),
          places: [...holding.places, ...outside.map(({ place }) => place)],
        }
      : holding,
  );
}
