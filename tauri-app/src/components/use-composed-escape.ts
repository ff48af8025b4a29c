import { useEffect } from "react";
import { Composition } from "@/chat/composition";

/**
 * An Escape that sends an input method's candidates away stays with the input method: the dialog or the editor that the
 * text is written in would close over it, and what was written would be lost.
 */
export function useComposedEscape(): void {
  useEffect(() => {
    const composition = new Composition();
    const stop = new AbortController();
    // Before everybody else: dialogs listen at the document.
    const options = { capture: true, signal: stop.signal };
    window.addEventListener("compositionend", (event) => composition.ended(event.timeStamp), options);
    window.addEventListener("keyup", () => composition.keyReleased(), options);
    window.addEventListener(
      "keydown",
      (event) => {
        if (event.key === "Escape" && composition.owns(event)) {
          event.stopPropagation();
        }
      },
      options,
    );
    return () => stop.abort();
  }, []);
}
