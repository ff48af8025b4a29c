import { useCallback, useEffect, useRef, useState } from "react";
import { RpcError } from "@/rpc/error";
import type { TestResult } from "@/rpc/gen/protocol";
import type { Sidecar } from "@/rpc/sidecar";

/** A test of a server, and of one model there: what it has found so far. */
export interface ModelTest {
  results: readonly TestResult[];
  running: boolean;
  error: RpcError | null;
}

/** Tests when asked to, without `identifier` the server alone; results arrive one by one. Leaving the page stops it. */
export function useModelTest(
  sidecar: Sidecar,
  providerId: string,
  identifier?: string,
): { test: ModelTest | null; start: () => void; stop: () => void; forget: () => void } {
  const [test, setTest] = useState<ModelTest | null>(null);
  const running = useRef<AbortController | null>(null);
  useEffect(() => () => running.current?.abort(), []);

  const start = useCallback(() => {
    running.current?.abort();
    const own = new AbortController();
    running.current = own;
    const change = (part: (test: ModelTest) => ModelTest) =>
      own.signal.aborted || setTest((test) => test && part(test));
    setTest({ results: [], running: true, error: null });
    sidecar
      .call("providers/test", identifier === undefined ? { providerId } : { providerId, identifier }, {
        signal: own.signal,
        onNotification: (notification) => {
          if (notification.method === "providers/tested") {
            const { result } = notification.params;
            change((test) => ({ ...test, results: [...test.results, result] }));
          }
        },
      })
      .then(
        ({ results }) => change(() => ({ results, running: false, error: null })),
        (cause: unknown) => change((test) => ({ ...test, running: false, error: RpcError.from(cause) })),
      );
  }, [sidecar, providerId, identifier]);

  const stop = useCallback(() => {
    running.current?.abort();
    setTest((test) => test && { ...test, running: false });
  }, []);

  const forget = useCallback(() => {
    running.current?.abort();
    setTest(null);
  }, []);

  return { test, start, stop, forget };
}
