import { getCurrentWebview } from "@tauri-apps/api/webview";
import { useEffect, useState } from "react";
import type { Pictures } from "./use-pictures";

/**
 * Takes pictures that are dropped anywhere on the window; true while some are held over it.
 *
 * The shell reports files of the system as paths. What a page or another program drags has no path, and arrives as an
 * ordinary drop with its bytes.
 */
export function useDrop({ addPaths, addFiles }: Pick<Pictures, "addPaths" | "addFiles">): boolean {
  const [over, setOver] = useState(false);

  useEffect(() => {
    const listening = getCurrentWebview().onDragDropEvent(({ payload }) => {
      setOver(payload.type === "enter" || payload.type === "over");
      if (payload.type === "drop" && payload.paths.length > 0) {
        void addPaths(payload.paths);
      }
    });
    return () => void listening.then((stop) => stop());
  }, [addPaths]);

  useEffect(() => {
    const drag = (event: DragEvent) => {
      const files = event.dataTransfer?.types.includes("Files") ?? false;
      // Text may be dropped into a field. Anything else would navigate the window to what was dropped.
      if (files || !(event.target instanceof HTMLTextAreaElement)) {
        event.preventDefault();
      }
      setOver(files && event.type !== "dragleave" && event.type !== "drop");
      if (event.type === "drop" && event.dataTransfer && event.dataTransfer.files.length > 0) {
        void addFiles([...event.dataTransfer.files]);
      }
    };
    const left = (event: DragEvent) => {
      if (event.relatedTarget === null) {
        drag(event);
      }
    };
    const stop = new AbortController();
    window.addEventListener("dragover", drag, { signal: stop.signal });
    window.addEventListener("dragleave", left, { signal: stop.signal });
    window.addEventListener("drop", drag, { signal: stop.signal });
    return () => stop.abort();
  }, [addFiles]);

  return over;
}
