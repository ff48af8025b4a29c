import { useCallback, useEffect, useReducer } from "react";
import { onDownloadProgress } from "@/rpc/download";
import { RpcError } from "@/rpc/error";
import type { ModelStatus } from "@/rpc/gen/protocol";
import type { Sidecar } from "@/rpc/sidecar";
import { type Asked, type BuiltinState, FIRST_STATE, nextBuiltinState } from "./builtin-state";

export interface BuiltinActions {
  state: BuiltinState;
  read: () => void;
  verify: () => void;
  /** `mirror`: its address; empty: the model's first. */
  download: (mirror: string) => void;
  cancel: () => void;
  remove: () => Promise<void>;
}

/** Reads what of the built-in model is on disk, hears how it goes on, and does what the person asks for. */
export function useBuiltinModel(sidecar: Sidecar): BuiltinActions {
  const [state, happen] = useReducer(nextBuiltinState, FIRST_STATE);
  const modelId = state.model?.id ?? null;

  const read = useCallback(() => {
    readModel(sidecar).then(
      ([model, status]) => happen({ type: "read", model, status }),
      (cause: unknown) => happen({ type: "refused", error: RpcError.from(cause) }),
    );
  }, [sidecar]);

  useEffect(() => {
    const stops = [
      onDownloadProgress(sidecar, (event) => happen({ type: "progressed", event })),
      sidecar.on("builtin-model-download-completed", (event) => {
        happen({ type: "ended", event });
        read();
      }),
      sidecar.on("builtin-model-download-failed", (event) => {
        happen({ type: "ended", event });
        read();
      }),
      sidecar.on("shell/sidecar", ({ state }) => state === "ready" && read()),
      sidecar.on("shell/notificationsLost", read),
    ];
    // Subscribed first, read second: a change in between is then heard.
    sidecar
      .connect()
      .then(read, (cause: unknown) => happen({ type: "refused", error: RpcError.from(cause) }));
    return () => {
      for (const stop of stops) {
        stop();
      }
    };
  }, [sidecar, read]);

  const ask = useCallback((request: Asked | "cancel", answer: Promise<ModelStatus>) => {
    answer.then(
      (status) => happen({ type: "answered", request, status }),
      (cause: unknown) => happen({ type: "refused", error: RpcError.from(cause) }),
    );
  }, []);

  const verify = useCallback(() => {
    happen({ type: "asked", kind: "verify" });
    ask("verify", sidecar.call("models/verify", { modelId }));
  }, [sidecar, ask, modelId]);

  const download = useCallback(
    (mirror: string) => {
      happen({ type: "asked", kind: "download" });
      ask("download", sidecar.call("models/download", { modelId, mirror: mirror || null }));
    },
    [sidecar, ask, modelId],
  );

  const cancel = useCallback(() => {
    happen({ type: "cancel-asked" });
    ask("cancel", sidecar.call("models/cancelDownload", { modelId }));
  }, [sidecar, ask, modelId]);

  const remove = useCallback(async () => {
    const status = await sidecar.call("models/delete", { modelId });
    happen({ type: "answered", request: "delete", status });
  }, [sidecar, modelId]);

  return { state, read, verify, download, cancel, remove };
}

async function readModel(sidecar: Sidecar) {
  const { models } = await sidecar.call("models/list", {});
  const [model] = models;
  if (!model) {
    throw new RpcError("model_not_found", { message: "the catalog lists no model" });
  }
  return [model, await sidecar.call("models/status", { modelId: model.id })] as const;
}
