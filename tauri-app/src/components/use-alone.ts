import { type RefObject, useEffect } from "react";

/**
 * As long as `element` is there, nothing of the page outside it can be reached: not by mouse, keyboard or screen reader.
 *
 * In place of the library's modal dialogs: those lock scrolling with a <style>, which the content security policy
 * refuses.
 */
export function useAlone(element: RefObject<HTMLElement | null>): void {
  useEffect(() => {
    const own = element.current?.closest("body > *");
    if (!own) {
      return;
    }
    const rest = [...document.body.children].filter((other) => other !== own && !other.hasAttribute("inert"));
    for (const other of rest) {
      other.toggleAttribute("inert", true);
    }
    return () => {
      for (const other of rest) {
        other.toggleAttribute("inert", false);
      }
    };
  }, [element]);
}
