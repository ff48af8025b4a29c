import { useEffect, useState } from "react";
import type { EngineStatus } from "@/rpc/gen/protocol";
import type { Sidecar } from "@/rpc/sidecar";

/** What the engine does now, as far as it has told. */
export function useEngine(sidecar: Sidecar): EngineStatus | null {
  const [status, setStatus] = useState<EngineStatus | null>(null);
  useEffect(() => {
    let heard = false;
    const stop = sidecar.on("engine/status", (next) => {
      heard = true;
      setStatus(next);
    });
    sidecar
      .connect()
      .then(() => sidecar.call("engine/status", {}))
      .then((first) => heard || setStatus(first))
      // Without it the chat works all the same; it only cannot say that the model is loading.
      .catch(() => undefined);
    return stop;
  }, [sidecar]);
  return status;
}
