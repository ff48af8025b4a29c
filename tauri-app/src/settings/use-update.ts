import { useCallback, useState } from "react";
import { RpcError } from "@/rpc/error";
import { type NewerRelease, updateCancel, updateCheck, updateFetch } from "@/rpc/shell";

/** How far "Check for updates" is. `error` is what ended the step before. */
export type Update = { error: RpcError | null } & (
  | { stage: "idle" | "checking" | "current" }
  | { stage: "newer"; release: NewerRelease }
  | { stage: "fetching"; release: NewerRelease; percent: number | null }
  | { stage: "fetched"; release: NewerRelease; path: string }
);

export interface UpdateActions {
  update: Update;
  check: () => void;
  fetch: () => void;
  cancel: () => void;
}

export function useUpdate(): UpdateActions {
  const [update, setUpdate] = useState<Update>({ stage: "idle", error: null });

  const check = useCallback(() => {
    setUpdate({ stage: "checking", error: null });
    updateCheck().then(
      (release) =>
        setUpdate(release ? { stage: "newer", release, error: null } : { stage: "current", error: null }),
      (cause: unknown) => setUpdate({ stage: "idle", error: RpcError.from(cause) }),
    );
  }, []);

  const fetch = useCallback(() => {
    if (!("release" in update)) {
      return;
    }
    const { release } = update;
    setUpdate({ stage: "fetching", release, percent: null, error: null });
    const told = (percent: number) =>
      setUpdate((now) => (now.stage === "fetching" ? { ...now, percent } : now));
    updateFetch(told).then(
      (path) => setUpdate({ stage: "fetched", release, path, error: null }),
      (cause: unknown) => {
        const error = RpcError.from(cause);
        setUpdate({ stage: "newer", release, error: error.kind === "request_cancelled" ? null : error });
      },
    );
  }, [update]);

  const cancel = useCallback(() => void updateCancel().catch(() => undefined), []);

  return { update, check, fetch, cancel };
}
