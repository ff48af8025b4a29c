import { type RefObject, useEffect } from "react";
import { wayBack } from "./way-back";

/** As long as `element` is there, the focus stays in it when the control that has it goes away. */
export function useKeptFocus(element: RefObject<HTMLElement | null>): void {
  useEffect(() => {
    const view = element.current;
    if (!view) {
      return;
    }
    let focused: Element | null = null;
    let back = () => {};
    const came = ({ target }: FocusEvent) => {
      focused = target as Element;
      back = wayBack(focused);
    };
    const changed = new MutationObserver(() => {
      if (focused && !focused.isConnected && document.activeElement === document.body) {
        focused = null;
        back();
      }
    });
    view.addEventListener("focusin", came);
    changed.observe(view, { childList: true, subtree: true });
    return () => {
      view.removeEventListener("focusin", came);
      changed.disconnect();
    };
  }, [element]);
}
