import { useEffect, useState } from "react";
import type { EngineStatus } from "@/rpc/gen/protocol";
import type { Sidecar } from "@/rpc/sidecar";

/** What the engine does now, as far as it has told. */
export function useEngine(sidecar: Sidecar): EngineStatus | null {
  const [status, setStatus] = useState<EngineStatus | null>(null);
  useEffect(() => {
    let heard = 0;
    const read = () => {
      const before = heard;
      sidecar.call("engine/status", {}).then(
        // A notification that came meanwhile is newer.
        (answer) => heard === before && setStatus(answer),
        // Without it the chat works all the same; it only cannot say that the model is loading.
        () => undefined,
      );
    };
    const stops = [
      sidecar.on("engine/status", (next) => {
        heard += 1;
        setStatus(next);
      }),
      // Another sidecar has another engine.
      sidecar.on("shell/sidecar", ({ state }) => (state === "ready" ? read() : setStatus(null))),
      sidecar.on("shell/notificationsLost", read),
    ];
    sidecar.connect().then(read, () => undefined);
    return () => {
      for (const stop of stops) {
        stop();
      }
    };
  }, [sidecar]);
  return status;
}
