/** What is heard of a download, an import or a check under way. */
import type { DownloadEvent } from "./gen/protocol";
import type { Sidecar } from "./sidecar";

/** Listens to how far it is; the function that comes back stops that. */
export function onDownloadProgress(sidecar: Sidecar, listener: (event: DownloadEvent) => void): () => void {
  return sidecar.on("builtin-model-download-progress", (event) => {
    // The end comes as an event of its own, and before the last of these.
    if (event.status === "downloading") {
      listener(event);
    }
  });
}
